import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ConcurrentHashMap;

import org.apache.flink.api.python.shaded.py4j.CallbackClient;
import org.apache.flink.api.python.shaded.py4j.Gateway;
import org.apache.flink.api.python.shaded.py4j.GatewayServer;

/**
 * Flink's PythonGatewayServer with a token: py4j answers nobody who does not send it first, and sends it when it calls Python.
 *
 * The token is the first line of the standard input, whose end ends this JVM: the Python process has gone. The port is written
 * to the file that PyFlink waits for. Compiled when it is started, by the compiler that Flink ships for its own operators.
 */
public class AuthenticatedGateway {
    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        String token = input.readLine();
        if (token == null || token.length() < 32) {
            throw new IllegalArgumentException("no token on the standard input");
        }
        CallbackClient python = new CallbackClient(1, InetAddress.getLoopbackAddress(), token); // the port comes later
        GatewayServer server = new GatewayServer.GatewayServerBuilder()
            .gateway(new Gateway(new ConcurrentHashMap(), python))
            .javaPort(0)
            .authToken(token)
            .build();
        Method remember = Class.forName("org.apache.flink.client.python.PythonEnvUtils")
            .getDeclaredMethod("setGatewayServer", new Class[] {GatewayServer.class});
        remember.setAccessible(true);
        remember.invoke(null, new Object[] {server});
        server.start(true);
        writePort(server.getListeningPort(), new File(System.getenv("_PYFLINK_CONN_INFO_PATH")));
        while (input.readLine() != null) {
        }
        System.exit(0);
    }

    private static void writePort(int port, File file) throws Exception {
        File incomplete = new File(file.getPath() + ".incomplete");
        DataOutputStream output = new DataOutputStream(new FileOutputStream(incomplete));
        output.writeInt(port);
        output.close();
        if (!incomplete.renameTo(file)) {
            throw new IllegalStateException("the port cannot be written to " + file);
        }
    }
}
