"""The key path of a stream is accepted only if it points to the mapped user id."""

from __future__ import annotations

import pytest

from ingest.errors import MappingError
from ingest.mapping import parse_mapping
from ingest.stream_key import stream_key_path

EVENT = "kind: login\nfields: {timestamp: t, user_id: %s}\n"


def test_default_key_path_is_user_id() -> None:
    mapping = parse_mapping(EVENT % "user_id")
    assert mapping.key_path == "$.user_id"
    assert stream_key_path(mapping) == "$.user_id"


@pytest.mark.parametrize(
    ("user_id", "key_path"),
    [("CUSTOMER", "$.CUSTOMER"), ("$.card.owner.id", "$.card.owner.id"), ("$.owners[0]", "$.owners[0]")],
)
def test_key_path_of_the_mapped_column_is_accepted(user_id: str, key_path: str) -> None:
    assert stream_key_path(parse_mapping(EVENT % f"'{user_id}'" + f"key_path: {key_path}\n")) == key_path


def test_key_path_of_another_column_is_rejected_with_the_correct_path() -> None:
    with pytest.raises(
        MappingError, match=r"'\$\.user_id' is not the path of the column mapped to user_id; set key_path: \$\.who"
    ):
        stream_key_path(parse_mapping(EVENT % "who"))


@pytest.mark.parametrize(
    "user_id",
    [
        "{column: user_id, prefix: C}",
        "{column: user_id, encode: true}",
        "{column: user_id, lookup: {a: b}}",
        "{column: user_id, default: nobody}",
        "{value: u}",
        "{columns: [a, b]}",
    ],
)
def test_transformed_user_id_cannot_be_the_stream_key(user_id: str) -> None:
    with pytest.raises(MappingError, match="a stream is keyed by the source's user id"):
        stream_key_path(parse_mapping(EVENT % user_id))


def test_user_id_from_a_nested_text_cannot_be_the_stream_key() -> None:
    text = EVENT % "who" + "key_path: $.who\nnested: [{column: details, into: who, type: text}]\n"
    with pytest.raises(MappingError, match="a stream is keyed by the source's user id"):
        stream_key_path(parse_mapping(text))


def test_profile_mappings_cannot_be_streamed() -> None:
    with pytest.raises(MappingError, match="rows of kind device are not events of a user and cannot be streamed"):
        stream_key_path(parse_mapping("kind: device\nfields: {device_id: d}"))
