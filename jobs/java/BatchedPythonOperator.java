import java.util.Arrays;
import java.util.Collections;

import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.functions.python.DataStreamPythonFunctionInfo;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.operators.python.embedded.EmbeddedPythonKeyedCoProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.runtime.tasks.StreamTask;
import org.apache.flink.types.Row;
import org.apache.flink.util.OutputTag;

/**
 * PyFlink's own operator for a keyed stream and a broadcast one, with a shorter way into Python and out of it.
 *
 * PyFlink's thread mode has no bundles: this one gives them back. Records wait here until there are enough of them, the
 * bundle's time is over, an element of the broadcast stream comes, or a checkpoint's barrier, or the end of the input.
 * Then one call gives the function's `take` their keys and elements, and gets back what is to be added to the list state of
 * each one's key, and rows; PyFlink's process_element gives back a generator that is asked from here for each row and for
 * its end. Python's and Java's code both stay in the processor's caches longer.
 *
 * Compiled by Flink itself where the job runs (CodeGenOperatorFactory), as the operators of its SQL are. Its compiler knows
 * neither lambdas nor inferred type arguments.
 */
public class BatchedPythonOperator extends EmbeddedPythonKeyedCoProcessOperator {

    private static final long serialVersionUID = 1L;
    private static final long TICK_MS = 1000L;

    private final OutputTag sideOutput;
    private final Object[] keys;
    private final Object[] names;
    private final Object[] elements;
    private transient int waiting;
    private transient boolean begun;
    private transient ListState entries;

    /** References: configuration, Python function, types of both inputs and the output, side output's tag, size of a batch. */
    public BatchedPythonOperator(
            Object[] references, StreamTask task, StreamConfig config, Output output, ProcessingTimeService time) {
        super(
                (Configuration) references[0],
                (DataStreamPythonFunctionInfo) references[1],
                (TypeInformation) references[2],
                (TypeInformation) references[3],
                (TypeInformation) references[4]);
        sideOutput = (OutputTag) references[5];
        keys = new Object[((Integer) references[6]).intValue()];
        names = new Object[keys.length];
        elements = new Object[keys.length];
        addSideOutputTags(Collections.singletonList(sideOutput));
        setProcessingTimeService(time);
        setup(task, config, output);
    }

    public void open() throws Exception {
        super.open();
        interpreter.exec("from udfs.batches import opened");
        interpreter.exec("function = opened()");
        entries = (ListState) interpreter.invokeMethod("function", "attach", new Object[] {this});
        getProcessingTimeService().scheduleAtFixedRate(new Tick(), TICK_MS, TICK_MS);
    }

    public void processElement1(StreamRecord element) throws Exception {
        elementCount++;
        if (!begun) { // the first one with PyFlink's context, by which the function reads broadcast state
            begun = true;
            keys[0] = getCurrentKey();
            super.processElement1(element);
            return;
        }
        Row row = (Row) element.getValue();
        Object value = row.getField(1);
        if (value instanceof Row) {
            Row fields = (Row) value;
            Object[] values = new Object[fields.getArity()];
            for (int place = 0; place < values.length; place++) {
                values[place] = fields.getField(place);
            }
            value = values;
        }
        keys[waiting] = getCurrentKey();
        names[waiting] = row.getField(0);
        elements[waiting] = value;
        waiting++;
        if (waiting == keys.length) {
            invokeFinishBundle();
        }
    }

    /** What came before is decided before. */
    public void processElement2(StreamRecord element) throws Exception {
        invokeFinishBundle();
        super.processElement2(element);
    }

    protected void invokeFinishBundle() throws Exception {
        elementCount = 0;
        if (waiting == 0) {
            return;
        }
        lastFinishBundleTime = getProcessingTimeService().getCurrentProcessingTime();
        int count = waiting;
        waiting = 0;
        Object[] arguments = new Object[] {Arrays.copyOf(names, count), Arrays.copyOf(elements, count)};
        Object[] taken = (Object[]) interpreter.invokeMethod("function", "take", arguments);
        Object[] added = (Object[]) taken[0];
        for (int place = 0; place < count; place++) {
            if (added[place] != null) {
                select(place);
                entries.add(added[place]);
            }
        }
        emit((Object[]) taken[1]);
    }

    /** Called by Python, too. */
    public void select(int place) {
        setCurrentKey(keys[place]);
    }

    /** Rows of four fields go on, those of one field to the side output. */
    private void emit(Object[] all) {
        collector.eraseTimestamp();
        for (int place = 0; place < all.length; place++) {
            Object[] row = (Object[]) all[place];
            if (row.length == 1) {
                output.collect(sideOutput, new StreamRecord(row[0]));
            } else {
                collector.collect(Row.of(row));
            }
        }
    }

    void tick() throws Exception {
        interpreter.invokeMethod("function", "tick", new Object[0]);
    }

    /** Its compiler gives a nested class no way to the protected fields of the operator. */
    private final class Tick implements ProcessingTimeService.ProcessingTimeCallback {

        public void onProcessingTime(long time) throws Exception {
            tick();
        }
    }
}
