"""Loads the configuration of a finished run for its replay, without the sections that only concern running."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from jobs.config.job import JobConfig
from jobs.config.loading import parse_config, read_tree

RUNTIME_SECTIONS = ("state", "control", "online_features", "flink")


def load_recorded(path: str | os.PathLike[str], events: Path | None = None) -> JobConfig:
    """Load the configuration of a finished run. `events`: a file that replaces its source.

    Output directories that already hold files are accepted. Raises ConfigError.
    """
    tree, variables = read_tree(Path(path), os.environ)
    for section in RUNTIME_SECTIONS:
        tree.pop(section, None)
    tree["sinks"] = [_topics_of(sink) for sink in tree.get("sinks") or [] if _is_kafka(sink)] or [{"kind": "discard"}]
    source = tree.get("source")
    if events is not None:
        tree["source"] = {"kind": "file", "path": str(events)}
    elif isinstance(source, dict) and source.get("start") == "group-offsets":
        source["start"] = "earliest"  # the offsets at the start of the run are not recorded
    return parse_config(tree, str(path), variables)


def _is_kafka(sink: Any) -> bool:
    return isinstance(sink, dict) and sink.get("kind") == "kafka"


def _topics_of(sink: dict[str, Any]) -> dict[str, Any]:
    return {key: sink[key] for key in ("kind", "connection", "topics", "topic_prefix") if key in sink}


def as_text(config: JobConfig) -> str:
    """The configuration as YAML, readable by `load_recorded` and `load_config`."""
    text: str = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    return text
