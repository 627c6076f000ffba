#!/bin/sh
# Runs the scoring job on the cluster that start.sh started in WORK_DIR; `-d` before the file only submits it.
# A TaskManager keeps the code that it imported first, so restart the cluster after a change of the code. For the same
# reason the packages are not shipped with the job (-pyfs): a second job would use the first one's, which are deleted.
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
