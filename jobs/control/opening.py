"""Opens the control channel of a configuration."""

from __future__ import annotations

from pathlib import Path

from jobs.config.control import authority_settings
from jobs.config.job import FileControl, NoControl
from jobs.config.kafka import KafkaControl
from jobs.control.channel import ChannelError, ControlChannel
from jobs.control.file_channel import FileChannel
from udfs.control.authority import Authority


def open_channel(control: FileControl | KafkaControl | NoControl) -> ControlChannel:
    """The channel of a `control` section. Raises ChannelError if it is of kind `none`."""
    if isinstance(control, FileControl):
        return FileChannel(Path(control.path), Authority(authority_settings(control)))
    if isinstance(control, KafkaControl):
        from jobs.control.kafka_channel import KafkaChannel

        return KafkaChannel(control)
    raise ChannelError("the job has no control stream (control.kind is none): a running job cannot be changed")
