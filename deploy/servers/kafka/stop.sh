#!/bin/sh
# Stops the broker that start.sh started in WORK_DIR, by its id; its data stays.
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
kill -9 "$PID" 2>/dev/null || true # it waits in vain for a controller that died before it
rm -f "$1/pid"
