#!/bin/sh
# Runs the scoring job on the cluster of start.sh in WORK_DIR; with `-d` before CONFIG_FILE it only submits the job.
# A TaskManager keeps imported modules, so restart the cluster after code changes. For the same reason the packages are
# not shipped with the job (-pyfs): a second job would use the deleted packages of the first.
set -eu
if [ $# -lt 2 ]; then
    echo "usage: submit.sh WORK_DIR [flink run options] CONFIG_FILE" >&2
    exit 2
fi
WORK_DIR=$(cd "$1" && pwd)
shift
HERE=$(cd "$(dirname "$0")" && pwd)
PROJECT=$(cd "$HERE/../.." && pwd)
PYTHON=$(cat "$WORK_DIR/python")
. "$HERE/environment.sh"

options=
while [ $# -gt 1 ]; do
    options="$options $1"
    shift
done
# shellcheck disable=SC2086 # options are words
exec flink run $options -py "$PROJECT/jobs/score_transactions.py" --config "$1"
