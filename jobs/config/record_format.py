"""The record format of a job's source: events as JSON, or foreign JSON with a mapping."""

from __future__ import annotations

from typing import NamedTuple

from jobs.config.aws import S3Section, local_file
from jobs.config.errors import ConfigError
from jobs.config.event_source import EventSourceSection, stream_decoder
from udfs.process.remote_files import RemoteFileError
from udfs.records.codec import decode_event, decode_strictly
from udfs.records.event_decoder import EventDecoder


class RecordFormat(NamedTuple):
    """`key_path`: JSON path of the user id, the key of a record. `decode`: decodes a payload to an event; picklable."""

    key_path: str
    decode: EventDecoder


def record_format(source: EventSourceSection, s3: S3Section) -> RecordFormat:
    """The format of a source's records. With a mapping, the decoder holds the mapping's text, not its path.

    A mapping in S3 is downloaded. Raises ConfigError if the mapping cannot be read or is invalid.
    """
    if source.mapping is None:
        return RecordFormat(source.key_path, decode_strictly if source.strict else decode_event)
    try:
        decoder = stream_decoder(local_file(source.mapping, s3), source.mapping, source.strict)
    except (RemoteFileError, ValueError) as error:
        raise ConfigError(f"source.mapping: {error}") from None
    return RecordFormat(decoder.key_path, decoder)
