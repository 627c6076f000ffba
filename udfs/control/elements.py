"""Control elements: versioned changes of a running job; decoding and validation.

Of the elements of one key that with the highest version is in force. Rules, thresholds and bundle have one key each;
every party of the block list and every named list has its own.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from udfs.records.blank_texts import is_blank_text
from udfs.records.codec import MAX_TIMESTAMP_MS, BadRecord, identifier, time_ms
from udfs.records.profiles import BlockEntry, BlockType
from udfs.records.salvage import BYTE_ORDER_MARK
from udfs.rules.errors import RuleError, one_line
from udfs.rules.named_lists import ListEntry, ListError, ListType, NamedList, check_list
from udfs.rules.rule_set import MAX_VERSION, RuleSet, decode_rule_set

MAX_ELEMENT_BYTES = 1_000_000
MAX_VALUE_BYTES = 256
MAX_PATH_LENGTH = 512
RULES, THRESHOLDS, BUNDLE, BLOCK_LIST, LIST = "rules", "thresholds", "bundle", "block-list", "list"
CANDIDATE_RULES, GUARDRAIL = "candidate-rules", "guardrail"
KINDS = (RULES, THRESHOLDS, BUNDLE, BLOCK_LIST, LIST, CANDIDATE_RULES, GUARDRAIL)

Version = Annotated[int, msgspec.Meta(ge=1, le=MAX_VERSION)]
Threshold = Annotated[int, msgspec.Meta(ge=0, le=1000)]
_ID = re.compile(r"[!-~]{1,64}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_BUNDLE_HASH = re.compile(r"[0-9a-f]{16}")


class ControlError(ValueError):
    """The element is invalid or cannot be applied; the message gives the cause, for its publisher."""


class RulesControl(
    msgspec.Struct, tag_field="kind", tag=RULES, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):  # fmt: skip
    """Replaces the rule set. The element's version is that of the rule set.

    `author` and `note` (of all elements): who published it, and why.
    """

    rule_set: RuleSet
    author: str | None = None
    note: str | None = None

    @property
    def version(self) -> int:
        return self.rule_set.version

    @property
    def key(self) -> str:
        return RULES


class ThresholdsControl(
    msgspec.Struct, tag_field="kind", tag=THRESHOLDS, frozen=True, forbid_unknown_fields=True, kw_only=True,
    omit_defaults=True,
):  # fmt: skip
    """Replaces the thresholds: the scores (0 to 1000) above which a payment gets each action."""

    version: Version
    refer_to_analyst: Threshold
    soft_challenge: Threshold
    hard_block: Threshold
    author: str | None = None
    note: str | None = None

    @property
    def key(self) -> str:
        return THRESHOLDS


class BundleControl(
    msgspec.Struct, tag_field="kind", tag=BUNDLE, frozen=True, forbid_unknown_fields=True, kw_only=True,
    omit_defaults=True,
):  # fmt: skip
    """Replaces the model bundle. `path`: a folder that every TaskManager can read. `bundle`: the version in its manifest."""

    version: Version
    path: str
    bundle: str
    author: str | None = None
    note: str | None = None

    @property
    def key(self) -> str:
        return BUNDLE


class BlockListControl(
    msgspec.Struct, tag_field="kind", tag=BLOCK_LIST, frozen=True, forbid_unknown_fields=True, kw_only=True,
    omit_defaults=True,
):  # fmt: skip
    """Blocks one party, or unblocks it (`blocked` false); replaces the entries of the list loaded at start.

    `expires_at`: end of validity in epoch milliseconds of event time (None: never). `published_at`: epoch milliseconds;
    decides which expired entries a full list may drop (None: unknown).
    """

    version: Version
    type: BlockType
    value: str
    blocked: bool = True
    reason_code: str | None = None
    source_system: str | None = None
    expires_at: int | None = None
    published_at: int | None = None
    author: str | None = None
    note: str | None = None

    @property
    def key(self) -> str:
        return f"{BLOCK_LIST}/{self.type}:{self.value}"

    @staticmethod
    def party_of(key: str) -> tuple[BlockType, str]:
        """Type and value of the party with this key."""
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


class ListControl(
    msgspec.Struct, tag_field="kind", tag=LIST, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True,
):  # fmt: skip
    """Replaces a named list as a whole, or deletes it (`deleted`), which is refused while rules in force refer to it.

    Its fields are those of udfs.rules.named_lists.NamedList; a deletion has no entries.
    """

    version: Version
    name: str
    type: ListType
    entries: tuple[ListEntry, ...] = ()
    description: str = ""
    deleted: bool = False
    author: str | None = None
    note: str | None = None

    @property
    def key(self) -> str:
        return f"{LIST}/{self.name}"

    @property
    def named_list(self) -> NamedList:
        return NamedList(self.name, self.type, self.version, self.entries, self.description)

    @classmethod
    def of(cls, named_list: NamedList) -> ListControl:
        """The element that puts a list in force."""
        return cls(
            version=named_list.version, name=named_list.name, type=named_list.type, entries=named_list.entries,
            description=named_list.description,
        )  # fmt: skip


GuardrailMeasure = Literal["block_rate", "alert_rate", "hit_rate"]


class CandidateControl(
    msgspec.Struct, tag_field="kind", tag=CANDIDATE_RULES, frozen=True, forbid_unknown_fields=True, kw_only=True,
    omit_defaults=True,
):  # fmt: skip
    """Evaluates a whole rule set in shadow, beside that in force, or no longer (`rule_set` None). `set`: its name in
    decisions."""

    version: Version
    set: str
    rule_set: RuleSet | None = None
    author: str | None = None
    note: str | None = None

    @property
    def key(self) -> str:
        return f"{CANDIDATE_RULES}/{self.set}"


class GuardrailControl(
    msgspec.Struct, tag_field="kind", tag=GUARDRAIL, frozen=True, forbid_unknown_fields=True, kw_only=True,
    omit_defaults=True,
):  # fmt: skip
    """Puts a rule of the rule set of exactly this version back to shadow, because a guardrail was crossed: `count` of
    `payments` payments, where at most `limit` x `over_payments` were accepted. Published by the job itself."""

    version: Version
    rule: str
    measure: GuardrailMeasure
    limit: float
    count: int
    payments: int
    over_payments: int
    author: str | None = None
    note: str | None = None

    @property
    def key(self) -> str:
        return f"{GUARDRAIL}/{self.rule}"

    @property
    def in_words(self) -> str:
        """What was crossed."""
        return (
            f"{self.measure} of {self.count} in {self.payments} payments, at most {self.limit:g} of {self.over_payments} "
            "are accepted"
        )


ControlElement = (
    RulesControl
    | ThresholdsControl
    | BundleControl
    | BlockListControl
    | ListControl
    | CandidateControl
    | GuardrailControl
)


class _RulesDraft(msgspec.Struct, tag_field="kind", tag=RULES, frozen=True, forbid_unknown_fields=True):
    """An undecoded rule set, so that errors can name the rule."""

    rule_set: msgspec.Raw
    author: str | None = None
    note: str | None = None


class _CandidateDraft(msgspec.Struct, tag_field="kind", tag=CANDIDATE_RULES, frozen=True, forbid_unknown_fields=True):
    """The same of a candidate."""

    version: Version
    set: str
    rule_set: msgspec.Raw = msgspec.Raw(b"null")
    author: str | None = None
    note: str | None = None


_Draft = (
    _RulesDraft
    | ThresholdsControl
    | BundleControl
    | BlockListControl
    | ListControl
    | _CandidateDraft
    | GuardrailControl
)
_decode = msgspec.json.Decoder(_Draft).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def encode_control(element: ControlElement) -> bytes:
    """The element as one line of JSON, as on the control stream."""
    return _encode(element)


def decode_control(payload: bytes) -> ControlElement:
    """Decode and validate one control element; a byte order mark before it is passed over.

    Conditions of rules are not parsed (see compile_rules).

    Raises ControlError, and nothing else for any bytes.
    """
    if len(payload) > MAX_ELEMENT_BYTES:
        raise ControlError(f"{len(payload)} bytes, at most {MAX_ELEMENT_BYTES} are taken")
    payload = payload.removeprefix(BYTE_ORDER_MARK)
    try:
        draft: _Draft = _decode(payload)
    except (ValueError, RecursionError) as error:
        raise ControlError(one_line(error).replace("`", "'")) from None
    element: ControlElement
    if isinstance(draft, _RulesDraft):
        element = RulesControl(_decode_rules(draft.rule_set), draft.author, draft.note)
    elif isinstance(draft, _CandidateDraft):
        rule_set = None if bytes(draft.rule_set) == b"null" else _decode_rules(draft.rule_set)
        element = CandidateControl(
            version=draft.version, set=draft.set, rule_set=rule_set, author=draft.author, note=draft.note
        )
    else:
        element = draft
    check_control(element)
    _check_publication(element)
    return element


def _decode_rules(rule_set: msgspec.Raw) -> RuleSet:
    try:
        return decode_rule_set(bytes(rule_set))
    except RuleError as error:
        raise ControlError(str(error)) from None


def _check_publication(element: ControlElement) -> None:
    for name in ("author", "note"):
        text = getattr(element, name)
        if text is not None and not (text.isprintable() and 0 < len(text.encode()) <= MAX_VALUE_BYTES):
            raise ControlError(
                f"{name} {one_line(text)!r} must be one printable line of at most {MAX_VALUE_BYTES} bytes"
            )


def check_control(element: ControlElement) -> None:
    """Validate what the types cannot express. Raises ControlError."""
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
    elif isinstance(element, ListControl):
        if element.deleted and element.entries:
            raise ControlError(f"list {one_line(element.name)}: a deleted list has no entries")
        try:
            check_list(element.named_list)
        except ListError as error:
            raise ControlError(str(error)) from None
    elif isinstance(element, CandidateControl):
        if not _NAME.fullmatch(element.set):
            raise ControlError(
                f"set {one_line(element.set)!r} must be a letter followed by letters, digits, _ and -, at most 64 characters"
            )
    elif isinstance(element, GuardrailControl) and not _NAME.fullmatch(element.rule):
        raise ControlError(f"rule {one_line(element.rule)!r} is not the id of a rule")


def check_texts(element: ControlElement) -> None:
    """Require of a new element texts of one printable line, as they are shown and logged, times in milliseconds, and values
    that an event can have. Raises ControlError."""
    if isinstance(element, BlockListControl):
        for name in ("reason_code", "source_system"):
            text = getattr(element, name)
            if text is not None and not text.isprintable():
                raise ControlError(f"{name} {one_line(text)!r} must be one line of printable characters")
        _check_time(element.expires_at, "expires_at")
        _check_time(element.published_at, "published_at")
        if element.blocked:
            _check_value(element.type, element.value)
    elif isinstance(element, ListControl):
        for entry in element.entries:
            _check_time(entry.expires_at, f"list {element.name}: {one_line(entry.value)!r}: expires_at")


def _check_time(milliseconds: int | None, name: str) -> None:
    try:
        if milliseconds is not None:
            time_ms(milliseconds)
    except BadRecord as error:
        raise ControlError(f"{name}: {error}") from None


def _check_value(kind: str, value: str) -> None:
    """An entry of a value that stands for a missing one, or of a number that lost digits, would match nothing."""
    if kind != "ip":
        try:
            identifier(value, kind)
        except BadRecord as error:
            raise ControlError(str(error)) from None
    elif value != value.strip() or is_blank_text(value):
        raise ControlError(
            f"ip {one_line(value)!r} is no address: events have it without space, and never a missing one"
        )


def _check_party(entry: BlockListControl) -> None:
    """Require a value that an event can have, since an entry would match nothing otherwise."""
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
