"""The scorer's hot path in Rust (udfs/core/src), and its way to Python."""

try:
    import udfs.core._native  # noqa: F401
except ModuleNotFoundError as missing:
    if missing.name != "udfs.core._native":
        raise
    raise ModuleNotFoundError("the native core is not built: run `make setup`", name=missing.name) from None
