#!/bin/sh
# Stops a job on the cluster of start.sh in WORK_DIR with a savepoint; prints only the savepoint's directory.
# Without JOB_ID exactly one job must be running.
set -eu
if [ $# -lt 1 ] || [ $# -gt 2 ] || [ ! -f "$1/python" ]; then
    echo "usage: stop_job.sh WORK_DIR [JOB_ID] (WORK_DIR: the one given to start.sh)" >&2
    exit 2
fi
WORK_DIR=$(cd "$1" && pwd)
PYTHON=$(cat "$WORK_DIR/python")
. "$(cd "$(dirname "$0")" && pwd)/environment.sh"

JOB_ID=${2:-$(flink list --running 2>/dev/null | sed -n 's/.* : \([0-9a-f]\{32\}\) : .*/\1/p')}
if [ "$(echo "$JOB_ID" | wc -w)" -ne 1 ]; then
    echo "stop_job.sh: expected one running job, found: ${JOB_ID:-none}; set JOB_ID" >&2
    exit 2
fi
output=$(flink stop --type canonical --savepointPath "file://$WORK_DIR/savepoints" "$JOB_ID" 2>&1) || { echo "$output" >&2; exit 1; }
path=$(echo "$output" | sed -n 's/.*Savepoint completed\. Path: file:\(.*\)/\1/p')
[ -n "$path" ] || { echo "$output" >&2; exit 1; }
echo "$path"
