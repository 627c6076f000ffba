"""Configuration that all sources share: the JSON path of the user id, and the mapping of foreign JSON.

The only module of `jobs` that imports `ingest`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator

from jobs.config.section import Section
from jobs.config.value_types import ExistingFile, KeyPath, Takes, is_remote

if TYPE_CHECKING:
    from ingest.stream_decoder import StreamDecoder

DEFAULT_KEY_PATH = "$.user_id"


def stream_decoder(path: Path, name: str, strict: bool = False) -> StreamDecoder:
    """Decoder for a mapping file. Raises ValueError with a line a problem, each starting with `name`."""
    from ingest.errors import MappingError
    from ingest.mapping import mapping_text
    from ingest.stream_decoder import StreamDecoder

    try:
        return StreamDecoder(mapping_text(path), strict)
    except MappingError as error:
        raise ValueError("\n".join(f"{name}: {line}" for line in str(error).splitlines())) from None


def _mapping_file(path: str) -> str:
    if not is_remote(path):
        stream_decoder(Path(path), path)
    return path


MappingFile = Annotated[ExistingFile, AfterValidator(_mapping_file), Takes("path")]


class EventSourceSection(Section):
    """Base class of the source sections."""

    key_path: KeyPath = Field(
        default=DEFAULT_KEY_PATH, description="JSON path of the user id, the key that records are partitioned by"
    )
    mapping: MappingFile | None = Field(
        default=None,
        description="mapping file that converts records of foreign JSON, one object each, to events; its `key_path` "
        "replaces the source's (docs/bring-your-own-data.md); null: records are events",
    )

    strict: bool = Field(
        default=False,
        description="true: a record with an optional field that cannot be read is a dead letter; false: the field is "
        "dropped and counted (metric dropped_fields)",
    )

    @model_validator(mode="after")
    def _one_key_path(self) -> EventSourceSection:
        if self.mapping is not None and self.key_path != DEFAULT_KEY_PATH:
            raise ValueError("key_path is set in the mapping file: remove it here")
        return self
