"""S3 access of Flink (checkpoints, savepoints and files under s3://), by Flink's S3 plugin."""

from __future__ import annotations

import os
from pathlib import Path

from jobs.config.aws import S3Section, s3_settings
from jobs.config.checkpoints import METADATA
from jobs.config.entity_job import EntityJobConfig
from jobs.config.errors import ConfigError
from jobs.config.job import FileSource, FilesSink, JobConfig
from jobs.flink_internals.process import load_file_systems
from udfs.process.remote_files import SCHEME, describe_s3_error, open_s3, split_url

VARIABLE = "FRAUD_PLUGINS"
DEFAULT = Path(__file__).absolute().parents[2] / ".cache" / "plugins"
PLUGIN = "s3-fs-hadoop"
AnyConfig = JobConfig | EntityJobConfig


def flink_paths(config: AnyConfig) -> dict[str, str]:
    """s3:// paths that Flink reads or writes, by configuration key."""
    paths = {"state.checkpoint_dir": config.state.checkpoint_dir, "state.restore_from": config.state.restore_from}
    if isinstance(config.source, FileSource):
        paths["source.path"] = config.source.path
    for number, sink in enumerate(config.sinks if isinstance(config, JobConfig) else ()):
        if isinstance(sink, FilesSink):
            paths[f"sinks.{number}.directory"] = sink.directory
    return {key: path for key, path in paths.items() if path is not None and path.startswith(SCHEME)}


def s3_options(config: AnyConfig) -> dict[str, str]:
    """Flink's S3 options; empty if Flink uses no S3 path. Credentials are those of the environment or role."""
    if not flink_paths(config):
        return {}
    section = config.s3
    options = {"s3.path.style.access": str(section.path_style).lower()}
    if section.endpoint is not None:
        options["s3.endpoint"] = section.endpoint
    region = section.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region is not None:
        options["s3.endpoint.region"] = region
    return options


def plugin_folder() -> Path:
    """Plugins directory that holds the S3 plugin. Raises ConfigError if the plugin's jar is missing."""
    folder = Path(os.environ.get(VARIABLE) or DEFAULT)
    if not any((folder / PLUGIN).glob("flink-s3-fs-hadoop-*.jar")):
        raise ConfigError(
            f"Flink's S3 plugin (flink-s3-fs-hadoop-*.jar) is missing in {folder / PLUGIN}: run `make connectors`, "
            f"or set {VARIABLE} to the directory that holds {PLUGIN}/"
        )
    return folder


def use_s3_here(config: AnyConfig) -> None:
    """Load the S3 plugin into this process's JVM, if the job uses s3:// paths; a local JVM does not load plugins itself.

    Raises ConfigError if the plugin is missing.
    """
    options = s3_options(config)
    if not options:
        return
    load_file_systems(plugin_folder(), options | _credentials())


def _credentials() -> dict[str, str]:
    """Access keys of this process's environment, which may have changed since the JVM started; else AWS's default chain."""
    names = {"s3.access-key": "AWS_ACCESS_KEY_ID", "s3.secret-key": "AWS_SECRET_ACCESS_KEY"}
    found = {option: os.environ.get(variable, "") for option, variable in names.items()}
    return found if all(found.values()) and "AWS_SESSION_TOKEN" not in os.environ else {}


def newest_checkpoint_in_s3(url: str, section: S3Section, key: str) -> str | None:
    """The newest complete checkpoint or savepoint below an s3:// path; None if there is none.

    Raises ConfigError, naming the configuration's `key`, if the bucket cannot be listed.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, prefix = split_url(url)
    try:
        pages = open_s3(s3_settings(section)).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        complete = [
            (one["LastModified"], one["Key"])
            for page in pages
            for one in page.get("Contents", ())
            if one["Key"].endswith(f"/{METADATA}")
        ]
    except ClientError as error:
        raise ConfigError(f"{key}: {url}: {describe_s3_error(error)}") from None
    except BotoCoreError as error:
        raise ConfigError(f"{key}: {url}: {error}") from None
    return f"{SCHEME}{bucket}/{max(complete)[1].removesuffix(f'/{METADATA}')}" if complete else None
