"""Rules and rule sets as data, decoded from a pack file or a control element and validated."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import msgspec

from udfs.core import _native
from udfs.records.outputs import Action, Flag
from udfs.rules.errors import RuleError, one_line, require_no_errors

MAX_RULES = 500
MAX_POINTS = 1000
MAX_VERSION = 2**53
MAX_SCORE = 1000
MAX_ID_LENGTH = 64
MAX_OVER_PAYMENTS = 10_000_000
RuleState = Literal["draft", "shadow", "live", "retired"]
RULE_STATES: tuple[RuleState, ...] = ("draft", "shadow", "live", "retired")
Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
_UNKNOWN_FIELD = re.compile(r"unknown field '(?P<field>[^']{1,64})'")


class Guardrails(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Limits of a live rule, as shares of `over_payments` payments of the customers for whom it is live.

    `hit_rate_max`: payments that hit the rule; `alert_rate_max`: those of them whose action is not allow;
    `block_rate_max`: those whose action is hard_block. Crossing one puts the rule back to shadow.
    """

    over_payments: Annotated[int, msgspec.Meta(ge=1, le=MAX_OVER_PAYMENTS)]
    hit_rate_max: Rate | None = None
    alert_rate_max: Rate | None = None
    block_rate_max: Rate | None = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule: if the condition `when` is true, it adds `points` and `reason`.

    Of the rules with the same `tier` only the first hit in file order counts. `action` is the minimum action of a
    transaction that hits the rule. A hit raises `flag`. A rule on the `event` account_change reads the change, and raises a
    flag and nothing else. A rule that is not `enabled`, a draft and a retired one are validated but never hit; one in shadow
    is evaluated and reported but never counts. `rollout`: the share of customers, in percent, for whom a live rule counts
    (udfs/core/src/rules/rollout.rs says which); for the others it is in shadow.
    """

    id: str
    points: int
    when: str
    reason: str
    tier: str | None = None
    action: Action | None = None
    enabled: bool = True
    flag: Flag | None = None
    event: Literal["transaction", "account_change"] = "transaction"
    state: RuleState = "live"
    rollout: int = 100
    guardrails: Guardrails | None = None

    @property
    def only_flags(self) -> bool:
        """Does a hit do nothing but raise a flag?"""
        return self.flag is not None and self.points == 0 and self.action is None

    @property
    def is_evaluated(self) -> bool:
        """Whether its condition is asked at all."""
        return self.enabled and self.state in ("shadow", "live")

    @property
    def is_live(self) -> bool:
        """Whether it counts for some customers."""
        return self.enabled and self.state == "live" and self.rollout > 0

    @property
    def standing(self) -> str:
        """The state in words: draft, shadow, live, live for 10 %, retired or not enabled."""
        if not self.enabled:
            return "not enabled"
        return f"live for {self.rollout} %" if self.state == "live" and self.rollout < 100 else self.state


class RuleSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A versioned set of rules, and the scale from the sum of their points to a score of 0 to 1000.

    `scale` lists [points, score] pairs, the first [0, 0]; the score is linear between them and constant after the last.
    """

    name: str
    version: int
    scale: tuple[tuple[int, int], ...]
    rules: tuple[Rule, ...]
    description: str = ""


class _Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule set with undecoded rules, so that an error in a rule can name it."""

    name: str
    version: int
    scale: tuple[tuple[int, int], ...]
    rules: tuple[Any, ...]
    description: str = ""


# Described here, and not at the first rule sets, which threads may convert at once: msgspec crashes then.
_DESCRIBED = (msgspec.json.Decoder(Rule), msgspec.json.Decoder(_Draft))


def decode_rule_set(payload: bytes) -> RuleSet:
    """Decode a rule set from JSON, as sent on the control stream. Raises RuleError for all invalid bytes."""
    try:
        value = msgspec.json.decode(payload)
    except (ValueError, RecursionError) as error:
        raise RuleError(f"not JSON: {one_line(error)}") from None
    return rule_set_from(value)


def rule_set_from(value: object) -> RuleSet:
    """Convert dicts and lists to a rule set with valid ids, points, version and scale.

    Conditions, reasons and texts are not looked at (see udfs.rules.rulebook.rule_problems). Raises RuleError, with the
    rule's id if known, and RuleErrors for several.
    """
    draft = _convert(value, _Draft)
    rules, errors = [], []
    for number, item in enumerate(draft.rules, start=1):
        name = item.get("id") if isinstance(item, dict) else None
        rule_id = name if isinstance(name, str) and name else f"number {number}"
        try:
            rule = _convert(item, Rule)
            _check_guardrails(rule.guardrails)
            rules.append(rule)
        except RuleError as error:
            errors.append(error.of_rule(one_line(rule_id)[:MAX_ID_LENGTH]))
    require_no_errors(errors)
    rule_set = RuleSet(draft.name, draft.version, draft.scale, tuple(rules), draft.description)
    check_rule_set(rule_set)
    return rule_set


def check_rule_set(rule_set: RuleSet) -> None:
    """Raise RuleError, or RuleErrors, unless ids, points, version and scale are valid."""
    require_no_errors(_native.structure_problems(rule_set))


def _check_guardrails(guardrails: Guardrails | None) -> None:
    if guardrails is not None and msgspec.structs.replace(guardrails, over_payments=1) == Guardrails(1):
        raise RuleError("guardrails need one of hit_rate_max, alert_rate_max and block_rate_max")


def _convert(value: object, kind: type[Any]) -> Any:
    try:
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError) as error:
        message = one_line(error).replace("`", "'").replace(" - at '$.", " at '").removesuffix(" - at '$'")
        raise RuleError(message, hint=_suggestion(message, kind)) from None


def _suggestion(message: str, kind: type[Any]) -> str | None:
    """The field that was meant by one that does not exist."""
    unknown = _UNKNOWN_FIELD.search(message)
    if unknown is None:
        return None
    near = get_close_matches(unknown["field"].lower(), kind.__struct_fields__, 1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(kind.__struct_fields__)}"
