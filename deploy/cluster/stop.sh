#!/bin/sh
# Stops the cluster of start.sh in WORK_DIR, by the ids of its processes.
set -eu
if [ $# -ne 1 ] || [ ! -f "$1/python" ]; then
    echo "usage: stop.sh WORK_DIR (the one given to start.sh)" >&2
    exit 2
fi
WORK_DIR=$(cd "$1" && pwd)
PYTHON=$(cat "$WORK_DIR/python")
. "$(cd "$(dirname "$0")" && pwd)/environment.sh"
if [ -f "$WORK_DIR/keep.pid" ]; then
    kill "$(cat "$WORK_DIR/keep.pid")" 2>/dev/null || true
    rm -f "$WORK_DIR/keep.pid" "$WORK_DIR/task_managers"
fi
taskmanager.sh stop-all >/dev/null || true
jobmanager.sh stop >/dev/null || true
rm -f "$FLINK_PID_DIR"/*.pid
