#!/bin/sh
# Starts a Flink cluster on this machine from the installed Python package, without Docker: one JobManager and
# TaskManagers with one slot each, which keep.sh replaces when one is lost. All files are written under WORK_DIR.
set -eu
if [ $# -lt 4 ]; then
    echo "usage: start.sh WORK_DIR TASK_MANAGERS REST_PORT RPC_PORT [PYTHON]" >&2
    exit 2
fi
mkdir -p "$1"
WORK_DIR=$(cd "$1" && pwd)
TASK_MANAGERS=$2
REST_PORT=$3
RPC_PORT=$4
PYTHON=$(command -v "${5:-python}")
HERE=$(cd "$(dirname "$0")" && pwd)
PROJECT=$(cd "$HERE/../.." && pwd)
. "$HERE/environment.sh"

if ls "$FLINK_PID_DIR"/*.pid >/dev/null 2>&1; then
    echo "start.sh: a cluster was already started in $WORK_DIR: stop it with stop.sh $WORK_DIR" >&2
    exit 2
fi
for port in "$REST_PORT" "$RPC_PORT"; do
    if ! "$PYTHON" "$PROJECT/deploy/servers/listens.py" free "$port"; then
        echo "start.sh: another process listens on port $port: end it, or choose another port" >&2
        exit 2
    fi
done
mkdir -p "$FLINK_CONF_DIR" "$FLINK_LOG_DIR" "$FLINK_PID_DIR" "$FLINK_LIB_DIR" "$WORK_DIR/tmp" "$WORK_DIR/savepoints"
# flink-python must be on the cluster's class path: among a job's jars, the second job in a TaskManager fails.
ln -sf "$FLINK_HOME"/lib/*.jar "$FLINK_HOME"/opt/flink-python-*.jar "$FLINK_LIB_DIR"
cp "$FLINK_HOME"/conf/log4j*.properties "$FLINK_CONF_DIR"
cat >>"$FLINK_CONF_DIR/log4j.properties" <<LIMIT
# At most 200 lines a second up to level WARN (10,000 at once, as at a start); errors are always written.
appender.main.filter.burst.type = BurstFilter
appender.main.filter.burst.level = WARN
appender.main.filter.burst.rate = 200
appender.main.filter.burst.maxBurst = 10000
LIMIT
JAVA_MODULE_OPTIONS=$(sed -n 's/^ *all: *\(--add-exports.*\)$/\1/p' "$FLINK_HOME/conf/config.yaml")
SITE_PACKAGES=$(dirname "$FLINK_HOME")
sed -e "s|JAVA_MODULE_OPTIONS|$JAVA_MODULE_OPTIONS|" -e "s|WORK_DIR|$WORK_DIR|" -e "s|SITE_PACKAGES|$SITE_PACKAGES|" \
    -e "s|PROJECT|$PROJECT|" -e "s|PYTHON|$PYTHON|" \
    -e "s|REST_PORT|$REST_PORT|" -e "s|RPC_PORT|$RPC_PORT|" \
    "$HERE/config.yaml" >"$FLINK_CONF_DIR/config.yaml"
echo "$PYTHON" >"$WORK_DIR/python"

export PYFLINK_GATEWAY_DISABLED=1 # prevents PyFlink from starting a second JVM in an operator
jobmanager.sh start >/dev/null
for _ in $(seq "$TASK_MANAGERS"); do taskmanager.sh start >/dev/null; done
JOB_MANAGER=$(cat "$FLINK_PID_DIR/flink-fraud-standalonesession.pid")
for _ in $(seq 120); do
    kill -0 "$JOB_MANAGER" 2>/dev/null || break
    overview=$("$PYTHON" "$PROJECT/deploy/servers/listens.py" "$JOB_MANAGER" "$REST_PORT" && "$PYTHON" -c "import urllib.request as r; print(r.urlopen('http://127.0.0.1:$REST_PORT/overview').read().decode())" 2>/dev/null || true)
    case $overview in *"\"taskmanagers\":$TASK_MANAGERS,"*)
        echo "$TASK_MANAGERS" >"$WORK_DIR/task_managers"
        nohup "$HERE/keep.sh" "$WORK_DIR" >>"$FLINK_LOG_DIR/keep.log" 2>&1 </dev/null &
        echo $! >"$WORK_DIR/keep.pid"
        echo "cluster of $TASK_MANAGERS TaskManagers: http://127.0.0.1:$REST_PORT"
        exit 0
        ;;
    esac
    sleep 0.5
done
echo "start.sh: the cluster ended, or did not start within a minute: see $FLINK_LOG_DIR" >&2
"$HERE/stop.sh" "$WORK_DIR"
exit 1
