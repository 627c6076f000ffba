# Environment of Flink's scripts; sourced by the other scripts after they have set WORK_DIR and PYTHON.
FLINK_HOME=$("$PYTHON" -c 'import importlib.util as u; print(u.find_spec("pyflink").submodule_search_locations[0])')
PATH=$(dirname "$PYTHON"):$FLINK_HOME/bin:$PATH # the embedded interpreter is the first python on PATH
FLINK_CONF_DIR=$WORK_DIR/conf
FLINK_LOG_DIR=$WORK_DIR/log
FLINK_PID_DIR=$WORK_DIR/pid
FLINK_LIB_DIR=$WORK_DIR/lib
FLINK_IDENT_STRING=fraud
umask 077 # outputs, checkpoints and logs hold personal data
export FLINK_HOME PATH FLINK_CONF_DIR FLINK_LOG_DIR FLINK_PID_DIR FLINK_LIB_DIR FLINK_IDENT_STRING
