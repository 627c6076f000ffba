"""What of a job's configuration its replay needs, long after the run: how it was run is left aside."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from jobs.config import JobConfig
from jobs.config_file import parse_config, read_tree

LEFT_ASIDE = ("state", "control", "online_features", "flink")


def load_recorded(path: str | os.PathLike[str], events: Path | None = None) -> JobConfig:
    """The configuration of a run whose sinks hold its outputs by now; `events` is a file in place of its source.

    Raises ConfigError.
    """
    tree, variables = read_tree(Path(path), os.environ)
    for section in LEFT_ASIDE:
        tree.pop(section, None)
    tree["sinks"] = [_topics_of(sink) for sink in tree.get("sinks") or [] if _is_kafka(sink)] or [{"kind": "discard"}]
    source = tree.get("source")
    if events is not None:
        tree["source"] = {"kind": "file", "path": str(events)}
    elif isinstance(source, dict) and source.get("start") == "group-offsets":
        source["start"] = "earliest"  # where the group was then is not known any more
    return parse_config(tree, str(path), variables)


def _is_kafka(sink: Any) -> bool:
    return isinstance(sink, dict) and sink.get("kind") == "kafka"


def _topics_of(sink: dict[str, Any]) -> dict[str, Any]:
    return {key: sink[key] for key in ("kind", "connection", "topics", "topic_prefix") if key in sink}


def as_text(config: JobConfig) -> str:
    """The configuration as YAML that `load_recorded` and the job read."""
    text: str = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    return text
