#!/bin/sh
# Starts one more TaskManager in the cluster of start.sh in WORK_DIR, as a spare or for a higher parallelism.
set -eu
if [ $# -ne 1 ] || [ ! -f "$1/python" ]; then
    echo "usage: add.sh WORK_DIR (the one given to start.sh)" >&2
    exit 2
fi
WORK_DIR=$(cd "$1" && pwd)
PYTHON=$(cat "$WORK_DIR/python")
. "$(cd "$(dirname "$0")" && pwd)/environment.sh"
export PYFLINK_GATEWAY_DISABLED=1 # as in start.sh
taskmanager.sh start >/dev/null
count=$(cat "$WORK_DIR/task_managers")
echo $((count + 1)) >"$WORK_DIR/task_managers"
