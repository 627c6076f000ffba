#!/bin/sh
# Starts a TaskManager in place of each lost one, until stop.sh; start.sh runs it in the background (log/keep.log).
# Flink ends a TaskManager after an error in the clean-up of a task, and nothing else on one machine would start another:
# the job would wait for a slot and stay RUNNING.
set -eu
if [ $# -ne 1 ] || [ ! -f "$1/task_managers" ]; then
    echo "usage: keep.sh WORK_DIR (the one given to start.sh)" >&2
    exit 2
fi
WORK_DIR=$(cd "$1" && pwd)
PYTHON=$(cat "$WORK_DIR/python")
. "$(cd "$(dirname "$0")" && pwd)/environment.sh"
export PYFLINK_GATEWAY_DISABLED=1 # as in start.sh
while sleep 1 && [ -f "$WORK_DIR/task_managers" ]; do
    missing=$(cat "$WORK_DIR/task_managers")
    for pid in $(cat "$FLINK_PID_DIR/flink-fraud-taskexecutor.pid" 2>/dev/null); do
        ! kill -0 "$pid" 2>/dev/null || missing=$((missing - 1))
    done
    if [ "$missing" -gt 0 ]; then
        echo "$(date '+%Y-%m-%d %H:%M:%S') a TaskManager has ended: starting another"
        taskmanager.sh start >/dev/null
    fi
done
