#!/bin/sh
# Stops the broker of start.sh in WORK_DIR by its process id; its data is kept.
set -eu
if [ $# -ne 1 ] || [ ! -f "$1/port" ]; then
    echo "usage: stop.sh WORK_DIR (the one given to start.sh)" >&2
    exit 2
fi
[ -f "$1/pid" ] || exit 0
PID=$(cat "$1/pid")
kill "$PID" 2>/dev/null || true
for _ in $(seq 150); do
    kill -0 "$PID" 2>/dev/null || { rm -f "$1/pid"; exit 0; }
    sleep 0.1
done
kill -9 "$PID" 2>/dev/null || true # the shutdown may hang on a controller that has already ended
rm -f "$1/pid"
