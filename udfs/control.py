"""What can be changed while the job runs: versioned elements of the control stream, decoded and checked.

Each element has a key; of the elements of one key the one with the highest version is in force. Rules, thresholds and
the live bundle are one key each, and every entry of the block list is a key of its own, so that entries accumulate.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from udfs.codec import MAX_TIMESTAMP_MS
from udfs.profiles import BlockEntry, BlockType
from udfs.rules.errors import RuleError, one_line
from udfs.rules.rule_set import MAX_VERSION, RuleSet, decode_rule_set

MAX_ELEMENT_BYTES = 1_000_000
MAX_VALUE_BYTES = 256
MAX_PATH_LENGTH = 512
RULES, THRESHOLDS, BUNDLE, BLOCK_LIST = "rules", "thresholds", "bundle", "block-list"
KINDS = (RULES, THRESHOLDS, BUNDLE, BLOCK_LIST)

Version = Annotated[int, msgspec.Meta(ge=1, le=MAX_VERSION)]
Threshold = Annotated[int, msgspec.Meta(ge=0, le=1000)]
_ID = re.compile(r"[!-~]{1,64}")
_BUNDLE_HASH = re.compile(r"[0-9a-f]{16}")


class ControlError(ValueError):
    """The element is not valid or cannot be put in force; the message says why, for whoever published it."""


class RulesControl(msgspec.Struct, tag_field="kind", tag=RULES, frozen=True, forbid_unknown_fields=True):
    """A whole rule set in place of the one in force. Its version is the rule set's own."""

    rule_set: RuleSet

    @property
    def version(self) -> int:
        return self.rule_set.version

    @property
    def key(self) -> str:
        return RULES


class ThresholdsControl(
    msgspec.Struct, tag_field="kind", tag=THRESHOLDS, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """The scores (0 to 1000) above which a payment gets each action."""

    version: Version
    refer_to_analyst: Threshold
    soft_challenge: Threshold
    hard_block: Threshold

    @property
    def key(self) -> str:
        return THRESHOLDS


class BundleControl(
    msgspec.Struct, tag_field="kind", tag=BUNDLE, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """The model bundle to score with: a folder that every TaskManager sees, and the version in its manifest (a hash)."""

    version: Version
    path: str
    bundle: str

    @property
    def key(self) -> str:
        return BUNDLE


class BlockListControl(
    msgspec.Struct, tag_field="kind", tag=BLOCK_LIST, frozen=True, forbid_unknown_fields=True, kw_only=True,
    omit_defaults=True,
):  # fmt: skip
    """One party put on the block list, or taken off it (`blocked` false), in place of what the start-up's list says of it.

    In force until `expires_at` (epoch milliseconds of event time; None: for good). `published_at` (epoch milliseconds)
    tells which entries have long expired when it needs their room; None: unknown.
    """

    version: Version
    type: BlockType
    value: str
    blocked: bool = True
    reason_code: str | None = None
    source_system: str | None = None
    expires_at: int | None = None
    published_at: int | None = None

    @property
    def key(self) -> str:
        return f"{BLOCK_LIST}/{self.type}:{self.value}"

    @staticmethod
    def party_of(key: str) -> tuple[BlockType, str]:
        """Type and value of a key."""
        kind, _, value = key.removeprefix(f"{BLOCK_LIST}/").partition(":")
        return kind, value  # type: ignore[return-value]  # made by `key`

    @property
    def entry(self) -> BlockEntry:
        return BlockEntry(
            type=self.type,
            value=self.value,
            reason_code=self.reason_code,
            source_system=self.source_system,
            expires_at=self.expires_at,
        )


ControlElement = RulesControl | ThresholdsControl | BundleControl | BlockListControl


class _RulesDraft(msgspec.Struct, tag_field="kind", tag=RULES, frozen=True, forbid_unknown_fields=True):
    """Rules not yet looked at, so that an error in one can name it."""

    rule_set: msgspec.Raw


_decode = msgspec.json.Decoder(_RulesDraft | ThresholdsControl | BundleControl | BlockListControl).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def encode_control(element: ControlElement) -> bytes:
    """The element as the control stream carries it: one JSON object without line breaks."""
    return _encode(element)


def decode_control(payload: bytes) -> ControlElement:
    """Decode and check one control element, whatever the bytes; conditions of rules are not looked at yet.

    Raises ControlError.
    """
    if len(payload) > MAX_ELEMENT_BYTES:
        raise ControlError(f"{len(payload)} bytes, at most {MAX_ELEMENT_BYTES} are taken")
    try:
        draft: _RulesDraft | ThresholdsControl | BundleControl | BlockListControl = _decode(payload)
    except (ValueError, RecursionError) as error:
        raise ControlError(one_line(error).replace("`", "'")) from None
    if isinstance(draft, _RulesDraft):
        try:
            return RulesControl(decode_rule_set(bytes(draft.rule_set)))
        except RuleError as error:
            raise ControlError(str(error)) from None
    check_control(draft)
    return draft


def check_control(element: ControlElement) -> None:
    """What the types cannot say. Raises ControlError."""
    if isinstance(element, ThresholdsControl):
        if not element.refer_to_analyst <= element.soft_challenge <= element.hard_block:
            raise ControlError("thresholds must ascend: refer_to_analyst <= soft_challenge <= hard_block")
    elif isinstance(element, BundleControl):
        if not (element.path.startswith("/") and element.path.isprintable() and len(element.path) <= MAX_PATH_LENGTH):
            raise ControlError(
                f"bundle path {one_line(element.path)!r} is not absolute, printable and at most {MAX_PATH_LENGTH} "
                "characters long; give a folder that every TaskManager sees"
            )
        if not _BUNDLE_HASH.fullmatch(element.bundle):
            raise ControlError(f"bundle {one_line(element.bundle)!r} is not the version in a bundle's manifest")
    elif isinstance(element, BlockListControl):
        _check_party(element)


def _check_party(entry: BlockListControl) -> None:
    """The value must be one that an event can have, or the entry would never do anything."""
    if entry.type == "ip":
        if not 1 <= len(entry.value.encode()) <= MAX_VALUE_BYTES or not entry.value.isprintable():
            raise ControlError(f"ip {one_line(entry.value)!r}: 1 to {MAX_VALUE_BYTES} bytes of printable text")
    elif not _ID.fullmatch(entry.value):
        raise ControlError(
            f"{entry.type} {one_line(entry.value)!r} is not an id: 1 to 64 printable ASCII characters without a space"
        )
    for name in ("reason_code", "source_system"):
        text = getattr(entry, name)
        if text is not None and len(text.encode()) > MAX_VALUE_BYTES:
            raise ControlError(f"{name}: at most {MAX_VALUE_BYTES} bytes")
    for name in ("expires_at", "published_at"):
        time_ms = getattr(entry, name)
        if time_ms is not None and not 0 <= time_ms <= MAX_TIMESTAMP_MS:
            raise ControlError(f"{name} {time_ms} is no time in epoch milliseconds")
