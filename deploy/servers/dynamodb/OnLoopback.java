import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import java.lang.reflect.Field;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * Starts DynamoDB Local on 127.0.0.1 with the given options; by default it listens on all interfaces, and it has no
 * option for the address. It does not check credentials. JARS is the folder printed by fetch.py:
 *
 * <pre>java -Djava.library.path=JARS -cp 'JARS/*' deploy/servers/dynamodb/OnLoopback.java -inMemory -port 8000</pre>
 */
public class OnLoopback {
    public static void main(String[] options) throws Exception {
        DynamoDBProxyServer local = ServerRunner.createServerFromCommandLineArgs(options);
        Field server = DynamoDBProxyServer.class.getDeclaredField("server");
        server.setAccessible(true);
        for (Connector connector : ((Server) server.get(local)).getConnectors()) {
            ((ServerConnector) connector).setHost("127.0.0.1");
        }
        local.start();
        local.join();
    }
}
