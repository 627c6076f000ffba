#!/bin/sh
# `jobmanager CONFIG`: a cluster of its own for the scoring job (application mode). `taskmanager`: one slot of it.
# Anything else is run as it is: `fraud …`, or what the Flink Kubernetes Operator gives (it brings its own configuration).
set -eu
umask 077 # outputs, checkpoints and logs hold personal data
configured() {
    # Flink's own scripts read one folder; it is made at every start, so that it cannot be an old one, and among the temporary
    # files, since the container's root may be read-only.
    # A map of settings may not stand twice in it, so Java's options go in by the name alone.
    options=$(sed -n 's/^ *all: *\(--add-exports.*\)$/\1/p' /opt/venv/lib/python3.11/site-packages/pyflink/conf/config.yaml)
    FLINK_CONF_DIR=$(mktemp -d)
    export FLINK_CONF_DIR
    cp "$FLINK_HOME"/conf/* "$FLINK_CONF_DIR"
    sed -e "s|JAVA_MODULE_OPTIONS|$options|" -e "s|JOBMANAGER|${JOBMANAGER:-jobmanager}|" /etc/fraud/flink.yaml \
        >"$FLINK_CONF_DIR/config.yaml"
}
case ${1:-} in
    jobmanager)
        configured
        exec "$FLINK_HOME/bin/standalone-job.sh" start-foreground \
            --job-classname org.apache.flink.client.python.PythonDriver \
            -pyclientexec /opt/venv/bin/python -py /opt/fraud/jobs/score_transactions.py --config "$2"
        ;;
    taskmanager)
        configured
        exec "$FLINK_HOME/bin/taskmanager.sh" start-foreground
        ;;
    *)
        exec "$@"
        ;;
esac
