import java.util.Collections;

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
 * PyFlink's thread mode has no bundles: this one gives them back. The function may keep the outputs of some records for a
 * moment; it is asked for them when the bundle's time is over, before each checkpoint's barrier, and at the end of the
 * input. And a record costs one call: the function's `take` is given its key and element and gives back nothing, or rows,
 * where PyFlink's process_element gives back a generator that is asked from here for each row and for its end.
 *
 * Compiled by Flink itself where the job runs (CodeGenOperatorFactory), as the operators of its SQL are. Its compiler knows
 * neither lambdas nor inferred type arguments.
 */
public class BatchedPythonOperator extends EmbeddedPythonKeyedCoProcessOperator {

    private static final long serialVersionUID = 1L;
    private static final long TICK_MS = 1000L;

    private final OutputTag sideOutput;
    private transient boolean begun;

    /** References: configuration, Python function, types of both inputs and the output, the side output's tag. */
    public BatchedPythonOperator(
            Object[] references, StreamTask task, StreamConfig config, Output output, ProcessingTimeService time) {
        super(
                (Configuration) references[0],
                (DataStreamPythonFunctionInfo) references[1],
                (TypeInformation) references[2],
                (TypeInformation) references[3],
                (TypeInformation) references[4]);
        sideOutput = (OutputTag) references[5];
        addSideOutputTags(Collections.singletonList(sideOutput));
        setProcessingTimeService(time);
        setup(task, config, output);
    }

    public void open() throws Exception {
        super.open();
        interpreter.exec("from udfs.batches import opened");
        interpreter.exec("function = opened()");
        getProcessingTimeService().scheduleAtFixedRate(new Tick(), TICK_MS, TICK_MS);
    }

    public void processElement1(StreamRecord element) throws Exception {
        elementCount++;
        if (!begun) { // the first one with PyFlink's context, by which the function reads broadcast state
            begun = true;
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
        emit(interpreter.invokeMethod("function", "take", new Object[] {row.getField(0), value}));
    }

    protected void invokeFinishBundle() throws Exception {
        if (elementCount == 0) {
            return;
        }
        elementCount = 0;
        lastFinishBundleTime = getProcessingTimeService().getCurrentProcessingTime();
        emit(interpreter.invokeMethod("function", "flush", new Object[0]));
    }

    /** Rows of four fields go on, those of one field to the side output; null are none. */
    private void emit(Object rows) {
        if (rows == null) {
            return;
        }
        collector.eraseTimestamp();
        Object[] all = (Object[]) rows;
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
