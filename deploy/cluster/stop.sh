#!/bin/sh
# Stops the cluster that start.sh started in WORK_DIR: its processes only, by their ids.
set -eu
if [ $# -ne 1 ] || [ ! -f "$1/python" ]; then
    echo "usage: stop.sh WORK_DIR (the one given to start.sh)" >&2
    exit 2
fi
WORK_DIR=$(cd "$1" && pwd)
PYTHON=$(cat "$WORK_DIR/python")
. "$(cd "$(dirname "$0")" && pwd)/environment.sh"
taskmanager.sh stop-all >/dev/null || true
jobmanager.sh stop >/dev/null || true
rm -f "$FLINK_PID_DIR"/*.pid
