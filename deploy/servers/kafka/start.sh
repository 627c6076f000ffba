#!/bin/sh
# Starts a Kafka broker on this machine, without Docker: one KRaft node on 127.0.0.1. All files are written under WORK_DIR;
# a restart there reuses port, settings and data.
# EXTRA_PROPERTIES is a file whose settings override server.properties (for example listeners with TLS or SASL);
# BROKER_PORT, CONTROL_PORT and WORK_DIR in it are replaced by their values.
set -eu
if [ $# -lt 1 ]; then
    echo "usage: start.sh WORK_DIR [PORT [EXTRA_PROPERTIES]]" >&2
    exit 2
fi
HERE=$(cd "$(dirname "$0")" && pwd)
PROJECT=$(cd "$HERE/../../.." && pwd)
JARS=$PROJECT/.cache/kafka-broker
"$PROJECT/deploy/fetch_jars.sh" "$HERE" "$JARS"
mkdir -p "$1"
WORK_DIR=$(cd "$1" && pwd)
cd "$WORK_DIR"
if [ -f pid ] && kill -0 "$(cat pid)" 2>/dev/null; then
    echo "start.sh: a broker is already running in $WORK_DIR: stop it with stop.sh $WORK_DIR" >&2
    exit 2
fi

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
LOGGING="-Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true"
if [ ! -f server.properties ]; then
    PORT=${2:-$(free_port)}
    cat "$HERE/server.properties" ${3:+"$3"} |
        sed -e "s|BROKER_PORT|$PORT|g" -e "s|CONTROL_PORT|$(free_port)|g" -e "s|WORK_DIR|$WORK_DIR|g" >server.properties
    echo "$PORT" >port
fi
PORT=$(cat port)
if ! python3 "$HERE/../listens.py" free "$PORT"; then
    echo "start.sh: another process listens on port $PORT: end it, or choose another port (and another WORK_DIR)" >&2
    exit 2
fi
if [ ! -f data/meta.properties ]; then
    # shellcheck disable=SC2086
    java -cp "$JARS/*" $LOGGING kafka.tools.StorageTool format --cluster-id "$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c1-22 | sed 's/^-/A/')" \
        --config server.properties >format.log 2>&1 || { cat format.log >&2; exit 1; }
fi
# G1 regions of 4 MB: with smaller ones, requests of 1 MB are humongous objects, which can trigger collections.
# shellcheck disable=SC2086
nohup java -Xms512m -Xmx512m -XX:+UseG1GC -XX:G1HeapRegionSize=4m $LOGGING -cp "$JARS/*" kafka.Kafka server.properties >>broker.log 2>&1 </dev/null &
echo $! >pid
for _ in $(seq 300); do
    kill -0 "$(cat pid)" 2>/dev/null || { echo "start.sh: the broker ended: see $WORK_DIR/broker.log" >&2; rm -f pid; exit 1; }
    if python3 "$HERE/../listens.py" "$(cat pid)" "$PORT"; then
        echo "Kafka broker: 127.0.0.1:$PORT"
        exit 0
    fi
    sleep 0.1
done
echo "start.sh: the broker did not start within 30 seconds: see $WORK_DIR/broker.log" >&2
"$HERE/stop.sh" "$WORK_DIR"
exit 1
