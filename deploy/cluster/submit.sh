#!/bin/sh
# Runs the scoring job on the cluster of start.sh in WORK_DIR; with `-d` before CONFIG_FILE it only submits the job.
# A TaskManager keeps imported modules, so restart the cluster after code changes. For the same reason the packages are
# not shipped with the job (-pyfs): a second job would use the deleted packages of the first.
# If the job's own line says why it failed, Java's stack trace is left in log/submit.err.
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
SUBMITTED=$(mktemp -d "$WORK_DIR/submitted.XXXXXX")
trap 'rm -rf "$SUBMITTED"' EXIT
# shellcheck disable=SC2086 # options are words
{
    flink run $options -py "$PROJECT/jobs/score_transactions.py" --config "$1" 2>"$SUBMITTED/errors" && echo 0 >"$SUBMITTED/code" ||
        echo $? >"$SUBMITTED/code"
} | tee "$SUBMITTED/output"
CODE=$(cat "$SUBMITTED/code")
if [ "$CODE" -ne 0 ] && grep -q '^error: ' "$SUBMITTED/output"; then
    mv "$SUBMITTED/errors" "$FLINK_LOG_DIR/submit.err"
else
    cat "$SUBMITTED/errors" >&2
fi
exit "$CODE"
