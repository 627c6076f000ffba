"""The routing key of records, computed in the JVM by SQL."""

from __future__ import annotations

from jobs.pipeline import sql

BAD_KEYS = 8
BYTE_ORDER_MARK = r"U&'\FEFF'"
NAN = r"(?<=[:,\[]\s{0,8})-?(?:NaN|Infinity)(?=\s*[,}\]])"


def key_expression(payload: str, key_path: str, spread: str | None = None) -> str:
    """SQL expression for the routing key of a payload: the user id, or a placeholder for records without a valid id.

    JSON_VALUE never fails the job and formats integers in decimal, as the codec does. Only valid ids become keys: a lone
    surrogate would fail the job when it is passed to Python. Placeholders contain a space, so that they equal no id. There
    are BAD_KEYS of them, to distribute bad records over the instances: by `spread`, a SQL number that is never null, or by
    the length of the payload, which must then never be null.
    """
    text = f"CAST({payload} AS STRING)"
    found = f"JSON_VALUE({_strict_json(text)}, {sql.text_literal(key_path)} NULL ON EMPTY NULL ON ERROR)"
    number = f"MOD({spread or f'CHAR_LENGTH({text})'}, {BAD_KEYS})"
    return f"COALESCE(REGEXP_EXTRACT({found}, '^[!-~]{{1,64}}$', 0), CONCAT('bad record ', CAST({number} AS STRING)))"


def _strict_json(text: str) -> str:
    """The text without what the codec accepts and JSON_VALUE does not: a byte-order mark, and NaN and Infinity as values.

    The few records that may have them are told by a search, since the replacement is slow. Where it hits inside a string,
    the key is wrong only if that string is the user's id, and then admission refuses the record.
    """
    has_nan = f"{text} LIKE '%NaN%' OR {text} LIKE '%Infinity%'"
    without_nan = f"REGEXP_REPLACE({text}, {sql.text_literal(NAN)}, 'null')"
    trimmed = f"SUBSTRING({text} FROM 2)"
    return f"CASE WHEN {text} LIKE {BYTE_ORDER_MARK} || '%' THEN {trimmed} WHEN {has_nan} THEN {without_nan} ELSE {text} END"
