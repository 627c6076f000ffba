#!/bin/sh
# Copies Flink's Kinesis connector to DIRECTORY by Maven, unless it is already there. Where the Maven repository lacks it,
# prints one line and exits with 0: everything except Kinesis works without it.
set -eu
if [ $# -ne 1 ]; then
    echo "usage: fetch_kinesis.sh DIRECTORY" >&2
    exit 2
fi
JAR=flink-sql-connector-aws-kinesis-streams
POM=$(cd "$(dirname "$0")" && pwd)/connectors/pom.xml
mkdir -p "$1"
DIRECTORY=$(cd "$1" && pwd)
for found in "$DIRECTORY/$JAR"-*.jar; do
    [ ! -f "$found" ] || exit 0
done
command -v mvn >/dev/null || { echo "fetch_kinesis.sh: mvn is not on PATH; install Maven" >&2; exit 2; }
if ! mvn --quiet --batch-mode --activate-profiles kinesis --file "$POM" dependency:copy-dependencies \
    -DincludeArtifactIds=$JAR -DoutputDirectory="$DIRECTORY" >/dev/null 2>&1; then
    echo "Kinesis: $JAR is not in the Maven repository; to read Kinesis, copy its jar to $DIRECTORY"
fi
