"""S3 for Flink: checkpoints, savepoints and files under s3://, by Flink's own plugin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

from jobs.aws_settings import s3_settings
from jobs.checkpoints import METADATA
from jobs.config import FileSource, FilesSink, JobConfig
from jobs.config_errors import ConfigError
from jobs.entity_config import EntityJobConfig
from udfs.remote_files import SCHEME, in_words, open_s3, split_url

VARIABLE = "FRAUD_PLUGINS"
DEFAULT = Path(__file__).absolute().parent.parent / ".cache" / "plugins"
PLUGIN = "s3-fs-hadoop"
AnyConfig = JobConfig | EntityJobConfig
Config = TypeVar("Config", JobConfig, EntityJobConfig)


def flink_paths(config: AnyConfig) -> dict[str, str]:
    """What Flink itself reads or writes in S3, by its key in the configuration."""
    paths = {"state.checkpoint_dir": config.state.checkpoint_dir, "state.restore_from": config.state.restore_from}
    if isinstance(config.source, FileSource):
        paths["source.path"] = config.source.path
    for number, sink in enumerate(config.sinks if isinstance(config, JobConfig) else ()):
        if isinstance(sink, FilesSink):
            paths[f"sinks.{number}.directory"] = sink.directory
    return {key: path for key, path in paths.items() if path is not None and path.startswith(SCHEME)}


def s3_options(config: AnyConfig) -> dict[str, str]:
    """Flink's options for S3; empty where Flink has nothing there. Credentials are those of the environment or role."""
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
    """The folder of the plugin. Raises ConfigError if its jar is not there."""
    folder = Path(os.environ.get(VARIABLE) or DEFAULT)
    if not any((folder / PLUGIN).glob("flink-s3-fs-hadoop-*.jar")):
        raise ConfigError(
            f"Flink's S3 plugin (flink-s3-fs-hadoop-*.jar) is not in {folder / PLUGIN}: run `make connectors`, "
            f"or name the directory that holds {PLUGIN}/ in {VARIABLE}"
        )
    return folder


def use_s3_here(config: AnyConfig) -> None:
    """Load the plugin into this process's JVM, which looks for none by itself. Raises ConfigError."""
    options = s3_options(config)
    if not options:
        return
    folder = plugin_folder()
    from pyflink.java_gateway import get_gateway

    jvm: Any = get_gateway().jvm
    settings = jvm.org.apache.flink.configuration.Configuration()
    for name, value in (options | _credentials()).items():
        settings.setString(name, value)
    plugin = jvm.org.apache.flink.core.plugin
    path = jvm.java.io.File(str(folder)).toPath()
    parents = jvm.org.apache.flink.configuration.CoreOptions.getPluginParentFirstLoaderPatterns(settings)
    found = plugin.DirectoryBasedPluginFinder(path).findPlugins()
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    manager = plugin.DefaultPluginManager(found, loader, parents)
    jvm.org.apache.flink.core.fs.FileSystem.initialize(settings, manager)


def _credentials() -> dict[str, str]:
    """Keys of this process's environment, which may be younger than the JVM's; others come from AWS's own chain."""
    names = {"s3.access-key": "AWS_ACCESS_KEY_ID", "s3.secret-key": "AWS_SECRET_ACCESS_KEY"}
    found = {option: os.environ.get(variable, "") for option, variable in names.items()}
    return found if all(found.values()) and "AWS_SESSION_TOKEN" not in os.environ else {}


def with_newest_checkpoint(config: Config) -> Config:
    """The configuration with its restore point in S3 replaced by the newest complete checkpoint below it.

    Raises ConfigError if there is none, or the bucket cannot be listed.
    """
    url = config.state.restore_from
    if url is None or not url.startswith(SCHEME):
        return config
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, prefix = split_url(url)
    try:
        pages = open_s3(s3_settings(config.s3)).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        complete = [
            (one["LastModified"], one["Key"])
            for page in pages
            for one in page.get("Contents", ())
            if one["Key"].endswith(f"/{METADATA}")
        ]
    except ClientError as error:
        raise ConfigError(f"state.restore_from: {url}: {in_words(error)}") from None
    except BotoCoreError as error:
        raise ConfigError(f"state.restore_from: {url}: {error}") from None
    if not complete:
        raise ConfigError(f"state.restore_from: {url} holds no complete checkpoint or savepoint (no {METADATA} object)")
    newest = f"{SCHEME}{bucket}/{max(complete)[1].removesuffix(f'/{METADATA}')}"
    return config.model_copy(update={"state": config.state.model_copy(update={"restore_from": newest})})
