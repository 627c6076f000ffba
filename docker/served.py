"""Prints the lock's lines of the packages that the image serves with: `python served.py requirements.lock`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

SERVED = (
    "apache-flink", "boto3", "click", "confluent-kafka", "hiredis", "kafka-python", "msgspec", "numpy", "onnxruntime",
    "pydantic", "pyyaml", "redis", "rich", "tzdata",
)  # fmt: skip


def served(lock: str) -> list[str]:
    """`name==version` of each. Raises KeyError for one that the lock lacks."""
    locked = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock, flags=re.MULTILINE))
    return [f"{name}=={locked[name]}" for name in SERVED]


if __name__ == "__main__":
    print("\n".join(served(Path(sys.argv[1]).read_text())))
