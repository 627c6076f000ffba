"""The lines of a guessed mapping for the fields that a column was found for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import yaml

from ingest.amount_guess import AmountStyle
from ingest.errors import UnreadableValue
from ingest.field_readers import reader_for
from ingest.readers.blank import is_blank
from ingest.readers.text import plain_text
from ingest.sources.chunk import Chunk
from ingest.synonyms import STAND_INS, plain_name
from ingest.targets import FIELD_TYPES, MOMENT_TYPES, FieldType
from ingest.time_source import time_source
from udfs.records.codec import BadRecord, identifier

_ENTRY_MODES: Final = {
    "Swipe Transaction": "magstripe", "Chip Transaction": "chip", "Online Transaction": "online",
}  # fmt: skip
_BLOCK_TYPES: Final = {
    "account": "user", "customer": "user", "client": "user", "user": "user", "accountid": "user", "customerid": "user",
    "card": "card", "cardnumber": "card", "device": "device", "deviceid": "device", "merchant": "merchant",
    "merchantid": "merchant", "ip": "ip", "ipaddress": "ip",
}  # fmt: skip
_FRAUD_WORDS: Final = ("fraud", "fraudulent", "illicit", "scam", "suspicious")
_TRUE_OR_FRAUD: Final = frozenset({"f", "t", "true", "false", "y", "yes", "0", "1", "1.0", "0.0"})
_MOST_CARDS_OF_A_USER: Final = 100


@dataclass
class FieldLines:
    """Makes the line of each field; `used_columns` are those of the lines made so far, `unread_parts` those that seem to be
    parts of a time but could not be read with it."""

    found: Mapping[str, str]
    sample: Chunk
    columns: Sequence[str]
    style: AmountStyle
    used_columns: set[str] = field(default_factory=set)
    unread_parts: list[str] = field(default_factory=list)

    def lines(self, name: str) -> list[str]:
        """The field's line of the mapping."""
        column = self.found[name]
        columns: tuple[str, ...] = (column,)
        options: dict[str, object] = {}
        comment = ""
        if FIELD_TYPES.get(name) in MOMENT_TYPES:
            others = self.columns if name == "timestamp" else ()
            columns, options, comment, unread = time_source(column, self.sample, others)
            self.unread_parts += unread
        elif name == "amount":
            options, comment = self._amount_options()
        elif name == "card_id" and self._is_index_of_user(column):
            columns, options = (self.found["user_id"], column), {"join": "-"}
            comment = "assumed: the column numbers the cards of each user"
        elif FIELD_TYPES.get(name) is FieldType.IDENTIFIER and _needs_encoding(self.sample.columns[column]):
            options = {"encode": True}
        else:
            options, comment = self._codes(name, column)
        comment = STAND_INS.get(plain_name(column), comment)
        self.used_columns |= set(columns)
        return [f"  {name}: {_source(columns, options)}{f'  # {comment}' if comment else ''}"]

    def _amount_options(self) -> tuple[dict[str, object], str]:
        options: dict[str, object] = {"remove": list(self.style.remove)} if self.style.remove else {}
        if not self.style.has_refunds:
            return options, ""
        return {**options, "negative": "refund"}, "assumed: negative amounts are refunds"

    def _is_index_of_user(self, column: str) -> bool:
        """Whether a column of cards has only small numbers, which strangers share."""
        texts = [str(cell) for cell in self.sample.columns[column] if not is_blank(cell)]
        return "user_id" in self.found and all(text.isdecimal() and int(text) < _MOST_CARDS_OF_A_USER for text in texts)

    def _codes(self, name: str, column: str) -> tuple[dict[str, object], str]:
        """Options for the values of fields of codes and flags that are not spelled as expected."""
        texts = sorted({str(cell).strip() for cell in self.sample.columns[column] if not is_blank(cell)})
        if name == "entry_mode" and texts and set(texts) <= set(_ENTRY_MODES):
            return {"lookup": dict(_ENTRY_MODES)}, ""
        if name == "type":
            known = {text: _BLOCK_TYPES.get(plain_name(text)) for text in texts}
            lookup = {text: code for text, code in known.items() if code is not None}
            if any(code != text.lower() for text, code in lookup.items()):
                return {"lookup": lookup}, "assumed: what each kind of block means"
        if name == "is_fraud" and {text.lower() for text in texts} & _TRUE_OR_FRAUD == {"f"}:
            own = [text for text in texts if text.lower() == "f"]
            if len(texts) == len(own):
                return {}, "unsure: F is read as false; if it means fraud, set `true_values: [F]`"
            return {"true_values": own}, "assumed: F means fraud, all other values are legitimate"
        if name == "is_fraud" and not _reads_all(name, self.sample.columns[column]):
            fraud = [text for text in texts if plain_name(text) in _FRAUD_WORDS]
            return ({"true_values": fraud}, "assumed: all other values are legitimate") if fraud else ({}, "")
        return {}, ""


def quoted(value: object) -> str:
    """A value as YAML in one line, quoted where necessary."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False)
    return str(text).removesuffix("\n...\n").strip()


def _source(columns: Sequence[str], options: Mapping[str, object]) -> str:
    if len(columns) == 1 and not options:
        return quoted(columns[0])
    source: dict[str, object] = {"column": columns[0]} if len(columns) == 1 else {"columns": list(columns)}
    return quoted({**source, **options})


def _reads_all(name: str, cells: Sequence[object]) -> bool:
    read = reader_for(name, FIELD_TYPES[name])
    try:
        for cell in cells:
            if not is_blank(cell):
                read(cell)
    except UnreadableValue:
        return False
    return True


def _needs_encoding(values: Sequence[object]) -> bool:
    """True where one of the values is a text that is not a valid id, such as a merchant's name with spaces."""
    try:
        for value in values:
            if isinstance(value, str) and not is_blank(value):
                identifier(plain_text(value), "")
    except BadRecord:
        return True
    return False
