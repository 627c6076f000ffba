#!/bin/sh
# Copies the jars of POM_DIR/pom.xml and their dependencies to DIRECTORY by Maven, unless they are already there.
set -eu
if [ $# -ne 2 ]; then
    echo "usage: fetch_jars.sh POM_DIR DIRECTORY" >&2
    exit 2
fi
POM=$1/pom.xml
if [ -f "$2/.complete" ] && cmp -s "$POM" "$2/.complete"; then
    exit 0
fi
command -v mvn >/dev/null || { echo "fetch_jars.sh: mvn is not on PATH; install Maven" >&2; exit 2; }
mkdir -p "$2"
DIRECTORY=$(cd "$2" && pwd)
FETCHED=$DIRECTORY/.fetched # separate from jars added by hand
rm -rf "$FETCHED"
mvn --quiet --batch-mode --file "$POM" dependency:copy-dependencies -DoutputDirectory="$FETCHED"
[ ! -f "$DIRECTORY/.jars" ] || (cd "$DIRECTORY" && xargs rm -f <.jars)
(cd "$FETCHED" && ls) >"$DIRECTORY/.jars"
mv "$FETCHED"/*.jar "$DIRECTORY"
rmdir "$FETCHED"
cp "$POM" "$DIRECTORY/.complete"
