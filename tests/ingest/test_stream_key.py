"""The key path of a stream of foreign JSON leads to exactly the mapped user id, or is refused."""

from __future__ import annotations

import pytest

from ingest.errors import MappingError
from ingest.mapping import parse_mapping
from ingest.stream_key import stream_key_path

EVENT = "kind: login\nfields: {timestamp: t, user_id: %s}\n"


def test_the_default_is_our_own_field() -> None:
    mapping = parse_mapping(EVENT % "user_id")
    assert mapping.key_path == "$.user_id"
    assert stream_key_path(mapping) == "$.user_id"


@pytest.mark.parametrize(
    ("user_id", "key_path"),
    [("CUSTOMER", "$.CUSTOMER"), ("$.card.owner.id", "$.card.owner.id"), ("$.owners[0]", "$.owners[0]")],
)
def test_a_path_that_leads_to_the_mapped_column_is_the_key(user_id: str, key_path: str) -> None:
    assert stream_key_path(parse_mapping(EVENT % f"'{user_id}'" + f"key_path: {key_path}\n")) == key_path


def test_a_path_that_leads_elsewhere_is_refused_with_the_right_one() -> None:
    with pytest.raises(
        MappingError, match=r"'\$\.user_id' does not lead to the column of user_id; write key_path: \$\.who"
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
def test_an_id_that_is_changed_on_its_way_cannot_be_a_key(user_id: str) -> None:
    with pytest.raises(MappingError, match="a stream is keyed by the source's own user id"):
        stream_key_path(parse_mapping(EVENT % user_id))


def test_an_id_from_inside_a_text_cannot_be_a_key() -> None:
    text = EVENT % "who" + "key_path: $.who\nnested: [{column: details, into: who, type: text}]\n"
    with pytest.raises(MappingError, match="a stream is keyed by the source's own user id"):
        stream_key_path(parse_mapping(text))


def test_profiles_have_no_stream() -> None:
    with pytest.raises(MappingError, match="rows of kind device are not events of a user and cannot be streamed"):
        stream_key_path(parse_mapping("kind: device\nfields: {device_id: d}"))
