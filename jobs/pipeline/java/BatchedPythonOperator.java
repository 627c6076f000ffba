import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.UUID;

import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.streaming.api.functions.python.DataStreamPythonFunctionInfo;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.operators.python.embedded.EmbeddedPythonKeyedCoProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.runtime.tasks.StreamTask;
import org.apache.flink.types.Row;
import org.apache.flink.util.OutputTag;
import org.apache.flink.util.function.ThrowingRunnable;

/**
 * PyFlink's operator for a keyed and a broadcast stream, extended by batches of input 1.
 *
 * PyFlink's thread mode has no bundles; this operator adds them. Records of input 1 are buffered until the batch is full or
 * the input pauses, and at the latest until an element of the broadcast stream, a watermark, a checkpoint barrier or the end
 * of the input. There is no timeout. The batch is then processed by one call of the function's `take`, which gets the records
 * as one frame of bytes and answers with one: the entries to add to the list state of each key, and the values of the output
 * rows (udfs/core/src/frame.rs has both formats). Rows that need more, such as dead letters, are returned as objects.
 * (PyFlink's process_element makes Python objects of each record's fields, and returns a generator, with one call into
 * Python for each row and one for its end.)
 *
 * Detecting a pause: with the first buffered record a mail is put into the task's mailbox. Flink runs mails between records,
 * with at most one record between two runs. The mail is put in again while a record has arrived since its last run; if none
 * has, the input is empty.
 *
 * Flink compiles this class on the TaskManager (CodeGenOperatorFactory), as it does SQL operators. The compiler supports
 * neither lambdas nor inferred type arguments. Verified against Flink 2.3.0: jobs/flink_internals/ lists what it relies on.
 */
public class BatchedPythonOperator extends EmbeddedPythonKeyedCoProcessOperator {

    private static final long serialVersionUID = 1L;
    private static final long TICK_MS = 1000L;
    private static final long NOT_YET_RUN = -1L;
    private static final int FRAME_BYTES = 1 << 16;
    private static final int LARGEST_KEPT_BYTES = 1 << 22;
    private static final int RECORD_BYTES = 29; // lengths and numbers of a record in a frame
    private static final int WITH_REPLY_FIELDS = 7;
    private static final byte[] NOTHING = new byte[0];
    private static final String REPLIES = "replies";
    private static final String[] TOPICS = {"decisions", "alerts", "flags", REPLIES};

    private final OutputTag sideOutput;
    private final Object[] keys;
    private final Object[] names;
    private final String[] replyKeys;
    private final byte[][] requestIds;
    private final String[] lasting;
    private transient ByteBuffer frame;
    private transient String token;
    private transient int waiting;
    private transient long arrived;
    private transient long arrivedAtLastRun;
    private transient boolean mailIsOut;
    private transient MailboxExecutor mailbox;
    private transient Mail mail;
    private transient boolean begun;
    private transient ListState entries;

    /**
     * References: configuration, Python function, types of both inputs and the output, side output's tag, size of a batch,
     * then the Python exceptions that end the job without a restart, as "&lt;class 'module.Name'>".
     */
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
        lasting = new String[references.length - 7];
        for (int index = 0; index < lasting.length; index++) {
            lasting[index] = (String) references[index + 7];
        }
        names = new Object[keys.length];
        replyKeys = new String[keys.length];
        requestIds = new byte[keys.length][];
        addSideOutputTags(Collections.singletonList(sideOutput));
        setProcessingTimeService(time);
        setup(task, config, output);
    }

    public void open() throws Exception {
        token = UUID.randomUUID().toString();
        super.open();
        lastFinishBundleTime = Long.MAX_VALUE; // PyFlink's bundle timer never fires
        mailbox = getContainingTask().getMailboxExecutorFactory().createExecutor(getOperatorConfig().getChainIndex());
        mail = new Mail();
        interpreter.exec("from udfs.flink.bridge import OPENED");
        interpreter.set("operator_token", token);
        interpreter.exec("function = OPENED.take(operator_token)");
        entries = (ListState) interpreter.invokeMethod("function", "attach", new Object[] {this});
        getProcessingTimeService().scheduleAtFixedRate(new Tick(), TICK_MS, TICK_MS);
    }

    /** Adds the token by which the function registers itself (udfs/flink/bridge.py). */
    public Map getJobParameters() {
        Map parameters = super.getJobParameters();
        parameters.put("batched-operator-token", token);
        return parameters;
    }

    public void processElement1(StreamRecord element) throws Exception {
        if (!begun) { // the first element with PyFlink's context, through which the function reads broadcast state
            begun = true;
            keys[0] = getCurrentKey();
            try {
                super.processElement1(element);
            } catch (Exception error) {
                throw classified(error);
            }
            return;
        }
        Row row = (Row) element.getValue();
        keys[waiting] = getCurrentKey();
        names[waiting] = row.getField(0);
        Object value = row.getField(1);
        replyKeys[waiting] = null;
        if (value instanceof Row) { // payload, topic, partition, offset, arrival; reply's key and request's id
            Row fields = (Row) value;
            if (fields.getArity() == WITH_REPLY_FIELDS) {
                replyKeys[waiting] = (String) fields.getField(5);
                requestIds[waiting] = (byte[]) fields.getField(6);
            }
            append((String) names[waiting], (byte[]) fields.getField(0), (String) fields.getField(1),
                    (Integer) fields.getField(2), (Long) fields.getField(3), (Long) fields.getField(4));
        } else {
            append((String) names[waiting], (byte[]) value, null, null, null, null);
        }
        waiting++;
        arrived++;
        elementCount = waiting; // PyFlink's operator takes it for an unfinished bundle
        if (waiting == keys.length) {
            invokeFinishBundle();
        } else if (!mailIsOut) {
            sendMail(NOT_YET_RUN); // runs before the next record
        }
    }

    /** Adds a record to the frame. What is null the source does not say. */
    private void append(String key, byte[] payload, String source, Integer partition, Long offset, Long arrivedAtMs) {
        byte[] keyBytes = key.getBytes(StandardCharsets.UTF_8);
        byte[] sourceBytes = source == null ? NOTHING : source.getBytes(StandardCharsets.UTF_8);
        int length = RECORD_BYTES + keyBytes.length + sourceBytes.length + (payload == null ? 0 : payload.length);
        if (frame == null) {
            frame = ByteBuffer.allocate(Math.max(FRAME_BYTES, length));
        } else if (frame.remaining() < length) {
            ByteBuffer larger = ByteBuffer.allocate(Math.max(2 * frame.capacity(), frame.position() + length));
            frame.flip();
            larger.put(frame);
            frame = larger;
        }
        frame.putShort((short) keyBytes.length);
        frame.put(keyBytes);
        frame.putShort((short) sourceBytes.length);
        frame.put(sourceBytes);
        frame.putInt(payload == null ? -1 : payload.length);
        if (payload != null) {
            frame.put(payload);
        }
        frame.putLong(arrivedAtMs == null ? Long.MIN_VALUE : arrivedAtMs.longValue());
        frame.putInt(partition == null ? -1 : partition.intValue());
        frame.putLong(offset == null ? 0L : offset.longValue());
        frame.put((byte) (replyKeys[waiting] == null ? 0 : 1));
    }

    private void sendMail(long arrivedUntilNow) {
        mailIsOut = true;
        arrivedAtLastRun = arrivedUntilNow;
        mailbox.execute(mail, "process the batch if the input has paused");
    }

    /** Runs between records. Processes the batch if no record has arrived since the last run. */
    void readMail() throws Exception {
        mailIsOut = false;
        if (waiting == 0) {
            return;
        }
        if (arrived == arrivedAtLastRun) {
            invokeFinishBundle();
        } else {
            sendMail(arrived);
        }
    }

    public void processElement2(StreamRecord element) throws Exception {
        invokeFinishBundle();
        try {
            super.processElement2(element);
        } catch (Exception error) {
            throw classified(error);
        }
    }

    /** Processes the batch first: PyFlink's operator would hold back a watermark until its bundle is finished. */
    public void processWatermark(Watermark mark) throws Exception {
        invokeFinishBundle();
        super.processWatermark(mark);
    }

    /** Processes the batch. Also called by PyFlink's operator before a checkpoint barrier and at the end of the input. */
    protected void invokeFinishBundle() throws Exception {
        if (waiting == 0) {
            return;
        }
        int count = waiting;
        waiting = 0;
        elementCount = 0;
        byte[] records = Arrays.copyOf(frame.array(), frame.position());
        frame = frame.capacity() > LARGEST_KEPT_BYTES ? null : frame;
        if (frame != null) {
            frame.clear();
        }
        Object[] taken;
        try {
            taken = (Object[]) interpreter.invokeMethod("function", "take", new Object[] {records});
        } catch (Exception error) {
            throw classified(error);
        }
        emit(ByteBuffer.wrap((byte[]) taken[0]), count);
        emit((Object[]) taken[1]);
    }

    /** Adds each record's entries to the state of its key, and emits its rows to the main output. */
    private void emit(ByteBuffer answer, int count) throws Exception {
        collector.eraseTimestamp();
        for (int index = 0; index < count; index++) {
            for (int entriesLeft = answer.get(); entriesLeft > 0; entriesLeft--) {
                select(index);
                entries.add(bytes(answer));
            }
            for (int rowsLeft = answer.get(); rowsLeft > 0; rowsLeft--) {
                String topic = TOPICS[answer.get()];
                if (REPLIES.equals(topic)) {
                    Map headers = Collections.emptyMap();
                    if (requestIds[index] != null) {
                        headers = Collections.singletonMap("request_id", requestIds[index]);
                    }
                    collector.collect(Row.of(new Object[] {topic, replyKeys[index], bytes(answer), headers}));
                } else {
                    collector.collect(Row.of(new Object[] {topic, names[index], bytes(answer), null}));
                }
            }
        }
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] found = new byte[buffer.getInt()];
        buffer.get(found);
        return found;
    }

    /**
     * An error that Flink does not restart the job for, if the function raised one of the lasting exceptions; else the error
     * itself. Its cause is a plain exception with Python's message: the JobManager does not know the class of Pemja's.
     */
    private Exception classified(Exception error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            String message = String.valueOf(cause.getMessage());
            for (int index = 0; index < lasting.length; index++) {
                if (message.startsWith(lasting[index])) {
                    return new SuppressRestartsException(new RuntimeException(message));
                }
            }
        }
        return error;
    }

    /** Sets the current key to that of the batch's element at this index. Also called from Python. */
    public void select(int index) {
        setCurrentKey(keys[index]);
    }

    /** Emits rows of four fields to the main output, rows of one field to the side output. */
    private void emit(Object[] all) {
        collector.eraseTimestamp();
        for (int index = 0; index < all.length; index++) {
            Object[] row = (Object[]) all[index];
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

    /** Flink's compiler does not let nested classes access protected fields of the operator. */
    private final class Mail implements ThrowingRunnable {

        public void run() throws Exception {
            readMail();
        }
    }

    private final class Tick implements ProcessingTimeService.ProcessingTimeCallback {

        public void onProcessingTime(long time) throws Exception {
            tick();
        }
    }
}
