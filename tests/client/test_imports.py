"""What the SDK needs: neither Flink nor the libraries of the API, and those of one way only if it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(name)
sys.meta_path.insert(0, Blocker())
"""
SERVER = ("fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "pyflink", "jobs", "xgboost", "pandas")


@pytest.mark.parametrize(
    ("module", "blocked"),
    [
        ("client", (*SERVER, "httpx", "console", "udfs", "models", "onnxruntime", "numpy")),
        ("client.transport", (*SERVER, "console", "udfs", "models", "onnxruntime", "numpy")),
        ("client.embedded", (*SERVER, "httpx")),
    ],
)
def test_the_sdk_is_imported_without(module: str, blocked: tuple[str, ...]) -> None:
    code = BLOCKED.format(blocked=blocked) + f"import {module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
