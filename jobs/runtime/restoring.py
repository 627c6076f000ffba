"""Which state a job starts with: resolves `state.restore_from` at the start, and refuses to forget checkpoints silently."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TypeVar

from jobs.aws.s3_files import newest_checkpoint_in_s3
from jobs.config.checkpoints import METADATA, newest_checkpoint
from jobs.config.entity_job import EntityJobConfig
from jobs.config.errors import ConfigError
from jobs.config.job import FilesSink, JobConfig
from jobs.config.value_types import NEWEST, NO_STATE, is_remote, require_no_earlier_run
from udfs.process.remote_files import SCHEME

C = TypeVar("C", JobConfig, EntityJobConfig)
CHECKPOINTS, RESTORE = "state.checkpoint_dir", "state.restore_from"


def with_starting_state(config: C, given_to_flink: str | None = None) -> C:
    """The configuration with `state.restore_from` as the path of a checkpoint or savepoint, or None for an empty state.

    `given_to_flink`: path that Flink itself was given (`flink run -s`, the Kubernetes operator); it is used unless
    `restore_from` is a path. Raises ConfigError if `restore_from` is not given and `checkpoint_dir` holds a checkpoint, if
    there is no checkpoint to restore, if it cannot be looked for in such a storage, or if without state a files sink's
    directory holds outputs of an earlier run.
    """
    wanted = config.state.restore_from
    if given_to_flink is not None and (wanted is None or wanted in (NO_STATE, *NEWEST)):
        return _restored_from(config, given_to_flink)
    if wanted == NO_STATE:
        return _restored_from(config, None)
    if wanted is None:
        _require_no_checkpoint(config)
        return config
    if wanted not in NEWEST:
        return _restored_from(config, _newest_below(config, wanted))
    newest = _newest(config, config.state.checkpoint_dir, CHECKPOINTS)
    if newest is None and wanted == NEWEST[0]:
        raise ConfigError(
            f"{RESTORE}: newest, but {config.state.checkpoint_dir} holds no complete checkpoint (no {METADATA} file): for a "
            "first start set newest-or-none"
        )
    if newest is None:
        _require_no_outputs(config)
    return _restored_from(config, newest)


def _require_no_checkpoint(config: JobConfig | EntityJobConfig) -> None:
    found = _newest(config, config.state.checkpoint_dir, CHECKPOINTS)
    if found is not None:
        raise ConfigError(
            f"{CHECKPOINTS}: {config.state.checkpoint_dir} holds checkpoints of an earlier run (the newest: "
            f"{'/'.join(PurePosixPath(found).parts[-2:])}), which a start without {RESTORE} would ignore: set it to newest "
            "to continue from there, or to none for an empty state"
        )


def _require_no_outputs(config: JobConfig | EntityJobConfig) -> None:
    """As the configuration's own check where `restore_from` is not given. Raises ConfigError."""
    for sink in config.sinks if isinstance(config, JobConfig) else ():
        if isinstance(sink, FilesSink):
            try:
                require_no_earlier_run(sink.directory)
            except ValueError as error:
                raise ConfigError(str(error)) from None


def _newest_below(config: JobConfig | EntityJobConfig, path: str) -> str:
    """Local paths are resolved when the configuration is read."""
    if not path.startswith(SCHEME):
        return path
    newest = _newest(config, path, RESTORE)
    if newest is None:
        raise ConfigError(f"{RESTORE}: {path} holds no complete checkpoint or savepoint (no {METADATA} object)")
    return newest


def _newest(config: JobConfig | EntityJobConfig, directory: str | None, key: str) -> str | None:
    if directory is None:
        return None
    if directory.startswith(SCHEME):
        return newest_checkpoint_in_s3(directory, config.s3, key)
    if is_remote(directory):
        raise ConfigError(
            f"{RESTORE}: checkpoints in {directory} cannot be looked for, as only local folders and {SCHEME} are listed: "
            f"give the path of a checkpoint or savepoint (the folder that holds {METADATA}), or none for an empty state"
        )
    return newest_checkpoint(directory)


def _restored_from(config: C, path: str | None) -> C:
    return config.model_copy(update={"state": config.state.model_copy(update={"restore_from": path})})
