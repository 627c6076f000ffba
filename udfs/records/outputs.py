"""Outputs of the operator: typed records and their encoded form."""

from __future__ import annotations

from math import nan
from typing import ClassVar, Literal

import msgspec

Destination = Literal["decisions", "alerts", "flags", "dead-letters"]
DESTINATIONS: tuple[Destination, ...] = ("decisions", "alerts", "flags", "dead-letters")
Action = Literal["allow", "refer_to_analyst", "soft_challenge", "hard_block"]
ACTIONS: tuple[Action, ...] = ("allow", "refer_to_analyst", "soft_challenge", "hard_block")
Flag = Literal["AML", "KYC", "PCI", "AUDIT"]
EnrichmentStatus = Literal["ok", "stale", "degraded", "not_configured"]
SHORT_OF_VALUES: tuple[EnrichmentStatus, ...] = ("stale", "degraded")
"""Values of the store were old or missing."""
Tag = Literal["low_coverage", "unusual", "cautious_rules", "limited_history"]
TAGS: tuple[Tag, ...] = ("low_coverage", "unusual", "cautious_rules", "limited_history")
RuleMapKind = Literal["calibrated", "cautious", "none"]
FeatureForm = Literal["names", "packed", "none"]
"""How a decision carries its features (udfs.records.logged_features)."""


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a record came from: a file's path, or topic or stream, with partition and offset if the source has them."""

    source: str
    partition: str | None = None
    offset: int | None = None


class Reason(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One reason. `weight`: its contribution to the risk score, 0 to 1000 for every source. `value`: in the feature's unit.
    `usual`: the usual value for the user or the population, in words.
    """

    source: Literal["rule", "trees", "autoencoder", "block_list", "flag"]
    name: str
    text: str
    weight: float
    value: float | None = None
    usual: str | None = None


class ModelScore(msgspec.Struct, frozen=True, gc=False):
    """The model's part: calibrated probability, the trees' margin (log-odds) and the reconstruction error."""

    bundle: str
    probability: float
    xgboost: float
    anomaly: float


class RuleScore(msgspec.Struct, frozen=True, gc=False):
    """The rules' part: ids of the hits, the sum of their points, and that sum on the rule set's scale of 0 to 1000.

    `map`: how points became a probability: by the bundle's rule map ("calibrated"), by the rule set's scale as the bundle
    has no map for it ("cautious"), or not at all as there were no points ("none"). `lists`: the versions of the named lists
    that enabled rules refer to; absent if they refer to none.
    """

    version: int
    score: int
    points: int
    hits: list[str]
    map: RuleMapKind = "none"
    lists: dict[str, int] | msgspec.UnsetType = msgspec.UNSET


class ShadowScore(msgspec.Struct, frozen=True, gc=False):
    """What a rule set in shadow says, in a decision that it had no part in.

    `set`, `version`: those of a candidate, or of the rule set in force, whose `hits` are here only its rules that did not
    count for the user. `points`: of the whole set. `action`: what would have been done (None: the set failed).
    """

    set: str
    version: int
    hits: list[str]
    points: int
    action: Action | None


class Decision(msgspec.Struct, tag_field="type", tag="decision", gc=False):
    """The record of one scored transaction. Deterministic: the same state and input give the same bytes.

    `probability` of fraud by model and rules together; `risk_score` is 1000 times it, rounded half up. `coverage`: share
    of the model's importance that was known, 0 to 1. `tags`: low_coverage: the action is limited to refer_to_analyst
    because of missing input; unusual: referred by the anomaly alone; cautious_rules: points without a calibrated rule map;
    limited_history: the user has more events than are remembered of one, so that windows may lack some.
    `summary`: the reasons in one sentence (None: allowed).

    `shadow`: what the rule sets in shadow say; absent where nothing is in shadow.

    Features are in `features` by name, in `features_packed`, or left out; `feature_set` is the version of their feature
    set. udfs.records.logged_features reads all forms.

    The scorer passes arguments by position, which is three times faster than by keyword.
    """

    decision_id: str
    transaction_id: str
    user_id: str
    event_time_ms: int
    amount: float
    currency: str
    risk_score: int
    probability: float
    coverage: float
    action: Action
    tags: list[Tag]
    flags: list[Flag]
    summary: str | None
    reasons: list[Reason]
    model: ModelScore
    rules: RuleScore
    enrichment: EnrichmentStatus
    late: bool = False
    stale_history: bool = False
    merchant_id: str | None = None
    origin: Origin | None = None
    control_versions: dict[str, int] = {}
    features: dict[str, float | None] | None = None
    feature_set: str | msgspec.UnsetType = msgspec.UNSET
    features_packed: bytes | msgspec.UnsetType = msgspec.UNSET
    shadow: list[ShadowScore] | msgspec.UnsetType = msgspec.UNSET


class Alert(msgspec.Struct, tag_field="type", tag="alert", omit_defaults=True, kw_only=True, gc=False):
    """A decision whose action is not allow, for analysts; with `flag_alerts` also one that has flags only.

    `summary`: the reasons in one sentence. `user_country`: home country of the user's profile.
    """

    alert_id: str
    user_id: str
    event_time_ms: int
    action: Action
    risk_score: int
    flags: list[Flag]
    reasons: list[str]
    summary: str | None = None
    tags: list[Tag] = []
    transaction_id: str | None = None
    event_id: str | None = None
    amount: float | None = None
    currency: str | None = None
    merchant_id: str | None = None
    user_country: str | None = None


class FlagNotice(msgspec.Struct, tag_field="type", tag="flag", omit_defaults=True, kw_only=True, gc=False):
    """Compliance flags of an allowed payment or of an account change.

    At most one a user, flag and day of event time (UTC); decisions have all flags.
    """

    action: ClassVar[Action] = "allow"

    flag_id: str
    user_id: str
    event_time_ms: int
    flags: list[Flag]
    reasons: list[str]
    risk_score: int = 0
    transaction_id: str | None = None
    event_id: str | None = None
    amount: float | None = None
    currency: str | None = None
    merchant_id: str | None = None
    user_country: str | None = None


class Duplicate(msgspec.Struct, tag_field="type", tag="duplicate", kw_only=True, gc=False):
    """A repeated transaction, with the id of the decision already made. State is not changed.

    `differs`: its amount, time, kind, merchant, device, country or beneficiary are others than the first one's.
    `first_action`, `first_risk_score`: what was decided then; None for one that was decided by a version without this, or
    could not be decided.
    """

    action: ClassVar[None] = None

    decision_id: str
    transaction_id: str
    user_id: str
    event_time_ms: int
    differs: bool = False
    first_action: Action | None = None
    first_risk_score: int | None = None


class DeadLetter(msgspec.Struct, tag_field="type", tag="dead_letter", kw_only=True, gc=False):
    """A record that could not be processed: payload (base64 in JSON), reason and origin.

    Created by `udfs.records.dead_letter.dead_letter` only.
    """

    action: ClassVar[None] = None

    reason: str
    payload: bytes = msgspec.field(name="payload_base64")
    payload_sha256: str
    origin: Origin


EventResult = Decision | Duplicate | Alert | FlagNotice
"""Records that result from a valid event, encoded as JSON."""


class Output:
    """One record to a sink. `value`: the encoded `record`. `headers`: for sinks that have headers. `action`: that of a
    decision, alert or flag notice; None for other records."""

    __slots__ = ("_record", "action", "destination", "headers", "key", "value")

    def __init__(
        self,
        destination: Destination,
        key: str,
        value: bytes,
        record: EventResult | DeadLetter,
        headers: dict[str, bytes] | None = None,
    ) -> None:
        self.destination = destination
        self.key = key
        self.value = value
        self.headers = headers
        self.action: Action | None = record.action
        self._record: EventResult | DeadLetter | None = record

    @classmethod
    def of_bytes(cls, destination: Destination, key: str, value: bytes, action: Action | None) -> Output:
        """Of a record's JSON, which is decoded where `record` is asked for."""
        output = cls.__new__(cls)
        output.destination = destination
        output.key = key
        output.value = value
        output.headers = None
        output.action = action
        output._record = None
        return output

    @property
    def record(self) -> EventResult | DeadLetter:
        """What was written."""
        record = self._record
        if record is None:
            record = self._record = decode_result(self.value)
        return record

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Output):
            return NotImplemented
        return (self.destination, self.key, self.value, self.headers) == (
            other.destination, other.key, other.value, other.headers,
        )  # fmt: skip

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Output({self.destination!r}, {self.key!r}, {self.value!r}, headers={self.headers!r})"


_decode = msgspec.json.Decoder(EventResult).decode


def decode_result(value: bytes) -> EventResult:
    """The record of an output's JSON. A decision's features that are not known are NaN again."""
    record: EventResult = _decode(value)
    if isinstance(record, Decision) and record.features is not None:
        for name, known in record.features.items():
            if known is None:
                record.features[name] = nan
    return record
