#!/bin/sh
# Starts one more TaskManager in the cluster that start.sh started in WORK_DIR: a spare, or room for a larger parallelism.
set -eu
if [ $# -ne 1 ] || [ ! -f "$1/python" ]; then
    echo "usage: add.sh WORK_DIR (the one given to start.sh)" >&2
    exit 2
fi
WORK_DIR=$(cd "$1" && pwd)
PYTHON=$(cat "$WORK_DIR/python")
. "$(cd "$(dirname "$0")" && pwd)/environment.sh"
export PYFLINK_GATEWAY_DISABLED=1 # as in start.sh
exec taskmanager.sh start >/dev/null
