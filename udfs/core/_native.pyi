"""The core in Rust (udfs/core/src/bindings)."""

from collections.abc import Iterable
from typing import Any, Literal

from udfs.entities.buckets import BucketRow, BucketSettings
from udfs.features.quantities import Form
from udfs.features.signal import Direction
from udfs.records.events import Transaction
from udfs.rules.errors import RuleError
from udfs.rules.expressions import Expression
from udfs.rules.rule_set import RuleSet

class Core:
    """Users' state, stores' records and features of one operator instance. Not to be used by two threads at once."""

    def __init__(
        self,
        *,
        state: Any,
        cache_bytes: int,
        buckets: Any,
        cache: Any | None,
        base_currency: str,
        rates: list[tuple[str, int, int, int]],
        timezone: str,
        attributes: list[Any],
        latest_timestamp_ms: int | None,
        future_tolerance_ms: int,
    ) -> None:
        """`state` is a UserStateSettings, `buckets` a BucketSettings, `cache` a CacheSettings (None: nothing ages).

        `cache_bytes` bounds the decoded users in memory. `rates` are (currency, valid from in epoch milliseconds, digits,
        exponent). Raises ValueError.
        """
    def learn_batch(
        self, keys: list[str], payloads: list[bytes | None], arrived_at_ms: list[int | None], port: Any
    ) -> tuple[
        list[tuple[Any, ...]],
        list[tuple[int, Literal["append", "replace", "snapshot", "clear"], Any]],
        list[tuple[str, str]],
        int,
    ]:
        """Decode, admit and learn records; `port` is a udfs.core.port.Port, which is asked with the GIL held.

        Gives what came of each record; what is to be written (udfs.core.port.Write), in order; codes that nobody knows, as
        (field, text); and how many users were not in memory. Raises what `port` raises.

        A record becomes ("transaction", late, stale history, enrichment status, flags that the user has not had on that
        day, (type, value, reason code) of the block list's entries), ("duplicate",), ("other",), ("erased",),
        ("audit", is it untold), or ("refused", kind of dead letter, reason).
        """
    def score_batch(
        self,
        keys: list[str],
        payloads: list[bytes | None],
        arrived_at_ms: list[int | None],
        origins: list[Any],
        port: Any,
        decider: Decider,
        model: Any,
        published: list[int],
        python_decodes: bool,
    ) -> tuple[
        list[tuple[Any, ...]],
        list[tuple[int, Literal["append", "replace", "snapshot", "clear"], Any]],
        list[tuple[str, str]],
        int,
        dict[str, Any],
    ]:
        """Decode, admit and learn records, and decide on them. Gives the outcomes, then as `learn_batch`, and counts.

        `origins` are udfs.records.outputs.Origin, `model` is a udfs.scoring.model.Model; `published` are the
        positions of features whose values are wanted of each transaction that is not late. `python_decodes`: all records
        go through `port.decode`.

        A record becomes ("decision", its JSON, action, the alert's or None, the flag notice's or None),
        ("duplicate", JSON), ("alert", JSON, action) or ("flag", JSON, action) of an account's change, ("nothing",),
        ("refused", kind of dead letter, reason), or ("undecided", what happened): learned, but not decided.

        Counts: late; erased users; newest_event_ms of the last transaction (None: there is none); enrichment, rule_hits
        and tags by name; online, a list of (user, event time, values).
        """
    def replay_batch(
        self, payloads: list[bytes], port: Any, rules: tuple[Rulebook, PopulationFigures] | None = None
    ) -> tuple[
        list[int],
        list[str],
        list[str],
        bytes,
        bytes,
        bytes | None,
        list[tuple[str, str, int, bool]],
        bytes,
        tuple[list[tuple[str, bytes]], list[str | None]] | None,
    ]:
        """Decode, admit and learn records of a history, each under its own user's key; nothing is to be written.

        Gives of the transactions that were learned: their places in the batch, user ids, transaction ids, event times
        (int64, epoch milliseconds), amounts in the base currency (float64) and rule points (int64; None without `rules`);
        then all labels, as (user id, transaction id, known at, is fraud), and what `replay_also` asked for: the windows
        (float64, row by row), and the facts: those that are numbers by name (float64), and what is said of sanctioned
        parties. Raises RuntimeError for a record that fails unexpectedly, and what `port` raises.
        """
    def replay_also(self, windows: list[str], facts: bool) -> None:
        """From the next batch on `replay_batch` gives windows of these names, such as `count(last 7 days)`, and facts.

        Raises RuleError for a name of no window.
        """
    def windows(self, user_id: str, time_ms: int, names: list[str]) -> list[float]:
        """The values of windows for a transaction that the last batch learned, by the state of its user; NaN if not known.

        Raises RuleError for a name of no window.
        """
    def score_frame(
        self,
        frame: bytes,
        source: str,
        arrived_at_ms: int | None,
        port: Any,
        decider: Decider,
        model: Any,
        published: list[int],
        python_decodes: bool,
    ) -> tuple[
        bytes,
        list[tuple[int, tuple[Any, ...], bytes | None, str, str | None, int | None]],
        list[tuple[int, Literal["replace", "snapshot", "clear"], Any]],
        list[tuple[str, str]],
        int,
        dict[str, Any],
    ]:
        """As `score_batch`, of a frame of records (udfs/core/src/frame.rs). Raises ValueError for bytes that are none.

        `source`, `arrived_at_ms`: of records that do not say theirs. Gives the answer's frame; the records that become
        dead letters, as (place, outcome, payload, source, partition, offset); what is to be written before the answer's
        entries; codes that nobody knows; how many users were not in memory; and counts, also of `records`, `outputs` by
        (destination, action), and `arrived_at_ms` of some records.
        """
    def features(self) -> bytes:
        """Of the transactions that the last batch learned: native float64, row by row; NaN is what is not known."""
    def model_input(self) -> bytes:
        """The same as float32. A value beyond float32 is infinite."""
    @property
    def width(self) -> int:
        """How many features a transaction has."""
    @property
    def cached(self) -> tuple[int, int]:
        """How many users are decoded in memory, and how many bytes they take, about."""
    @property
    def hits(self) -> int:
        """How often a key of the stores was asked for whose record was here and fresh."""
    def evict(self, user_id: str) -> None: ...
    def evict_all(self) -> None: ...
    def hold_records(self, records: Iterable[tuple[str, Any]]) -> None:
        """Take all records of a store in memory: it is asked again only for keys that were forgotten.

        Raises ValueError for a key of no kind.
        """
    def forget_record(self, key: str) -> None:
        """Ask the stores again. Raises ValueError for a key of no kind."""
    def add_block(self, entry: Any) -> None:
        """A udfs.records.profiles.BlockEntry beside others on its party."""
    def put_block(self, entry: Any) -> None:
        """It takes the place of all that the block list holds on its party."""
    def remove_block(self, kind: str, value: str) -> None: ...
    def use_decision(self, settings: Any) -> None:
        """From the next batch on flags are raised by a udfs.scoring.decision_settings.DecisionSettings."""

    def use_rules(self, rulebook: Rulebook, population: PopulationFigures, candidates: list[Rulebook]) -> None:
        """From the next batch on flags are raised, and facts computed, for these rules."""

CHANGE_TEXTS: list[str]
"""The texts that rules on changes of accounts can use."""
POPULATION_NAMES: list[str]
"""The figures about all users that rules can use."""
RULE_FUNCTIONS: list[tuple[str, str, str, str]]
"""Name, form, type of the value and meaning of every function of the condition language."""

RULE_CODES: list[tuple[str, list[str]]]
"""The known codes of the fields that hold codes, other than countries."""
LIST_TYPES: list[tuple[str, list[str]]]
"""Each type of lists with the fields of a transaction that it is for; none for any text."""

class NamedList:
    """One version of a list that conditions refer to. Immutable."""

    def __init__(self, name: str, kind: str, version: int, entries: list[tuple[str, int | None]]) -> None:
        """Of (value, expiry in epoch milliseconds of event time). Raises ValueError for an unknown type."""
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    def contains(self, value: str, time_ms: int) -> bool:
        """Whether a value, spelled as decoded events have it, is on the list at an event time."""

def list_value(kind: str, value: str) -> str:
    """A value of a list of this type as decoded events have it; raises ValueError for an unknown type."""

def lists_read(condition: str) -> list[str]:
    """The lists that a condition refers to, in order of first use; none for an invalid condition."""

class Rulebook:
    """A rule set, compiled for features in input order, with its lists. Immutable."""

    def __init__(self, rule_set: RuleSet, feature_names: list[str], lists: list[NamedList]) -> None:
        """Checks only what a condition needs to be evaluated (see `rule_problems`). Raises RuleError, naming the rule."""
    def evaluate(
        self, features: list[float], event: Transaction | None, population: dict[str, float]
    ) -> tuple[int, int, list[int]]:
        """Points, score, and the hits as positions among the rules that are live for the user. NaN, None and what is missing
        is unknown.

        `population` may also give facts that are numbers, by name.
        """
    def partial_rollouts(self) -> list[str]:
        """The ids of the rules that are live for a part of the customers, in the order of their bits among the shares."""
    def reasons(
        self, hits: list[int], features: list[float], event: Transaction | None, population: dict[str, float]
    ) -> list[str]:
        """The reason text of each hit."""
    @property
    def lists(self) -> list[tuple[str, int]]:
        """Name and version of the lists that enabled rules refer to, in alphabetical order."""
    def names_read(self, place: int) -> list[str]:
        """The names that a rule's condition reads, each once, in the order of their first use."""

class ColumnRules:
    """The enabled rules of a set, compiled for columns. Immutable."""

    def __init__(self, rule_set: RuleSet, feature_names: list[str], lists: list[NamedList]) -> None:
        """Raises RuleError, naming the rule."""
    @property
    def number_names(self) -> list[str]: ...
    @property
    def text_names(self) -> list[str]: ...
    def evaluate(self, rows: int, numbers: list[Any], texts: list[tuple[Any, list[str]]]) -> list[bytes]:
        """Where the hits of each row begin (int64 [N + 1]), the hits (uint16), the sums of points (int64 [N]), and the
        partial roll-outs in which the users are (uint8 [N]).

        Columns are in the order of the names: numbers float64; texts int32 codes, negative for unknown, and their texts.
        Raises ValueError for columns of another number or length.
        """

def condition_truths(
    text: str,
    feature_names: list[str],
    rows: int,
    numbers: dict[str, Any],
    texts: dict[str, tuple[Any, list[str]]],
    lists: list[NamedList] = ...,
) -> bytes:
    """What a condition says of each row: 0 false, 1 unknown, 2 true. Raises RuleError, and ValueError for columns."""

def judge_columns(
    judge: Judge, rulebook: Rulebook, hits: tuple[Any, ...], predictions: tuple[Any, ...]
) -> tuple[bytes, bytes]:
    """Action (uint8) and risk score (int16) of each row, for the hits of `ColumnRules.evaluate` and (probability, anomaly,
    coverage, is blocked as uint8). Raises ValueError."""

def population_columns(population: PopulationFigures, times_ms: Any, cities: tuple[Any, list[str]]) -> list[bytes]:
    """A column (float64) for each of POPULATION_NAMES."""

class PopulationFigures:
    """The figures about all users as of each moment. Immutable."""

    def __init__(self, snapshots: list[tuple[int, dict[str, float], dict[str, float]]]) -> None:
        """Of each: from when it counts (epoch milliseconds), its figures by name, and fraud rates by city."""
    def at(self, time_ms: int, city: str | None) -> list[tuple[str, float]]:
        """The figures for a transaction at this time, by name in the order of POPULATION_NAMES; NaN where not known."""

def is_window(name: str) -> bool:
    """Is it the name of a window, as conditions write it (`count(last 7 days)`)?"""

def rule_problems(
    rule_set: RuleSet, feature_names: list[str], lists: list[NamedList]
) -> list[tuple[Literal["error", "warning"], RuleError]]:
    """All that is wrong, or odd, about a rule set: structure, texts, conditions, reasons, rules that never or always hit."""

def structure_problems(rule_set: RuleSet) -> list[RuleError]:
    """What is wrong about the ids, points, version and scale of a rule set."""

def parse_condition(text: str, feature_names: list[str], lists: list[NamedList]) -> Expression:
    """The tree of a condition. Raises RuleError."""

def rule_names(feature_names: list[str]) -> list[tuple[str, str, str, str]]:
    """Name, type in the words of messages, source and field of every name that rules can use. Raises RuleError."""

def condition_truth(
    text: str,
    feature_names: list[str],
    features: list[float],
    event: Transaction | None,
    population: dict[str, float],
    lists: list[NamedList] = ...,
) -> bool | None:
    """What a condition says of one transaction; None is unknown. Raises RuleError."""

def reason_text(
    text: str,
    feature_names: list[str],
    features: list[float],
    event: Transaction | None,
    population: dict[str, float],
) -> str:
    """A reason's text with the values of one transaction. Raises RuleError."""

def scale_scores(scale: list[tuple[int, int]]) -> list[int]:
    """The score for each sum of points from 0 to the scale's last, linear and rounded half up. Raises RuleError."""

def learned_shifts(points: list[int], rates: list[float]) -> list[float]:
    """Log-odds to add for each sum of points from 0 to the last of `points`, by observed rates. Raises RuleMapError."""

def cautious_shifts(scale: list[tuple[int, int]]) -> list[float]:
    """Log-odds to add for each sum of points of a rule set without a map, by its scale. Raises RuleError."""

class Judge:
    """Decides by a bundle's blend, a rule book and thresholds."""

    def __init__(
        self,
        settings: Any,
        model: Any,
        rulebook: Rulebook,
        maps: list[tuple[list[int], list[float]]],
        map_of_shares: list[int | None],
    ) -> None:
        """`settings` is a DecisionSettings, `model` the bundle's DecisionModel, `maps` the points and rates of its maps of
        the rules, `map_of_shares` which of them is in force for each combination of partial roll-outs (None: there is none),
        the last for all live rules. Raises RuleMapError."""
    @property
    def thresholds(self) -> tuple[int, int, int]:
        """Those in force: refer_above, soft_challenge_above, hard_block_above. Missing settings are the bundle's, adjusted
        as far as needed for an ascending order."""
    @property
    def rule_map(self) -> Literal["calibrated", "cautious"]:
        """By what the points of all live rules count: the bundle's map, or the rule set's own scale."""
    def judge(
        self,
        prediction: tuple[float, float, float, float],
        points: int,
        hits: list[int],
        rulebook: Rulebook,
        is_blocked: bool,
    ) -> tuple[float, int, str, list[str], str, float, float]:
        """Judge one transaction by probability, margin, anomaly and coverage, and the rules that hit, by position.

        Returns probability, risk score, action, tags, rule map, and the parts of the probability's log-odds from the model
        (with the blend's offset) and from the rules. Raises ValueError for NaN.
        """

class Decider:
    """All that is decided by."""

    def __init__(self, settings: Any, judge: Judge, more: dict[str, Any]) -> None:
        """`more`: see udfs.scoring.decider. Raises ValueError."""
    def use_control_versions(self, versions: list[tuple[str, int]]) -> None:
        """Decisions name these versions from now on, in this order."""

class ReasonCatalogue:
    """The features that alerts' reasons speak of. For tests and tools: the scorer's reasons come with its decisions."""

    def __init__(self, attributes: list[tuple[str, bool]]) -> None:
        """The features of all families, then those of attributes: (name, is it a text)."""
    def features(self) -> list[tuple[str, tuple[str, str, str], Signal]]:
        """Name, words (form, raised, lowered) and signal of every feature, in input order."""
    def alert_reasons(
        self, inputs: Any, features: list[float], clock: tuple[int, int] | None
    ) -> tuple[list[tuple[Any, ...]], str]:
        """The reasons of an alert, in the order of udfs.records.outputs.Reason's fields, and the summary.

        `inputs` has the fields of tests/udfs/reasons/alert_inputs.py's AlertInputs; `clock` is the user's hour and minute.
        Raises ValueError for a contribution of no feature.
        """
    def concept_of(self, name: str) -> str | None:
        """What a feature, field or population figure is about; None if it is about nothing that reasons know."""
    def flags_of(self, field: str) -> list[str]:
        """The features that are flags of this field of the transaction."""

def in_words(words: tuple[Any, ...], is_raised_by_0: bool, value: float, currency: str, is_low: bool) -> str:
    """A value in a feature's `Words`: those for NaN, for a flag's state, or with the number put in.

    `is_raised_by_0`: the flag raises the risk where it is 0. `is_low` chooses a number's words for a low value, if any.
    Raises ValueError for a form of no name.
    """

class StoredRecord:
    """A store's bytes as a record of the core, for adapters that need not know what is in it."""

    complete_through_ms: int
    """Write only: how far a history is complete, in place of what its row says."""

    def __init__(self, key: str, value: bytes) -> None:
        """Raises ValueError for a key of no kind."""
    @property
    def is_unreadable(self) -> bool: ...
    @property
    def is_history(self) -> bool: ...

class EntityHistory:
    """One entity's buckets, which can be read as of any moment. Not thread-safe."""

    row: BucketRow
    complete_through_ms: int
    """All that had arrived by then is counted: readings beyond it are stale. At first what the row says."""

    def __init__(self, row: BucketRow, settings: BucketSettings) -> None:
        """Raises ValueError for buckets that cannot be read, with the column and what is wrong with it."""
    def as_of(self, time_ms: int) -> EntityRisk:
        """All figures as of a moment (epoch milliseconds); they change only when an hour passes its delay."""

class EntityRisk:
    """Figures of an entity as of a moment. NaN: not known. Equal if all figures are; NaN equals NaN.

    fraud_rates: smoothed frauds / transactions, one for each of the kind's risk days; NaN where the window has no
        transaction.
    transactions_1d, transactions_7d: of the newest 24 and 168 hourly buckets.
    users_1d, users_7d: distinct users of the same buckets; 0 for broad kinds, for which no users are counted.
    first_seen_ms: start of the first bucket with a transaction; None without one.
    stale: later arrivals may still change one of the figures.
    frauds_reported_7d: frauds that became known in the newest 168 buckets and have not been cleared since.
    amount_minor_1d: sum of the amounts in the newest 24 buckets, minor units of the base currency.
    log_amount_mean, log_amount_deviation: mean and population standard deviation of ln(1 + amount in major units) over 30
        days; only for the kind category, NaN below 20 transactions.
    fraud_day_ms, fraud_run_ms: start of the UTC day of the newest fraud in the longest window of fraud rates, and of the
        first day of the run that it ends (days with fraud at most 7 apart). Only for merchants; NaN without a fraud.
    """

    @property
    def fraud_rates(self) -> tuple[float, ...]: ...
    @property
    def transactions_1d(self) -> int: ...
    @property
    def transactions_7d(self) -> int: ...
    @property
    def users_1d(self) -> int: ...
    @property
    def users_7d(self) -> int: ...
    @property
    def first_seen_ms(self) -> int | None: ...
    @property
    def stale(self) -> bool: ...
    @property
    def frauds_reported_7d(self) -> float: ...
    @property
    def amount_minor_1d(self) -> float: ...
    @property
    def log_amount_mean(self) -> float: ...
    @property
    def log_amount_deviation(self) -> float: ...
    @property
    def fraud_day_ms(self) -> float: ...
    @property
    def fraud_run_ms(self) -> float: ...

def category_ids(transaction: Transaction) -> list[str | None]:
    """The id of each of udfs.entities.buckets.BROAD_KINDS but the last, attribute; None where a field is missing."""

Words = tuple[Form, str, str, str, str]
"""Form, raised, lowered, unknown, field (udfs.features.words)."""
Signal = tuple[str, Direction, list[float], int, bool, str, tuple[str, float], str]
"""Concept, direction, [least, clear, most, certain], rank, personal, joins, (needs, needs_least), read_from."""

def catalogue(attributes: list[Any] = ...) -> list[tuple[str, str, str, str, int, list[str], Words, Signal]]:
    """Family, name, unit, formula, version, groups, words and signal of every feature, in the model's input order: those of
    udfs.records.attributes.Attribute objects last.
    """

def stored_entry(entry: bytes) -> dict[str, Any]:
    """An entry of a user's log by its fields, with `kind`. Raises ValueError for bytes of an unknown layout."""

def stored_snapshot(snapshot: bytes) -> dict[str, Any]:
    """A user's snapshot by its fields; sums are (count, total, squares) in minor units. Raises ValueError for bytes of an
    unknown layout.
    """

LEAST_PROBABILITY: float
MOST_PROBABILITY: float
"""Limits of probabilities for log-odds; the upper is the largest float32 below 1."""

def risk_score(probability: float) -> int:
    """1000 times a probability, rounded half up. Raises ValueError for NaN."""

def clipped_logit(probability: float) -> float:
    """ln(p / (1 - p)) with p clipped to LEAST_PROBABILITY and MOST_PROBABILITY."""

def rounded_ln(x: float) -> float:
    """The natural logarithm as the nearest float64, the same on every machine."""

def json_of(number: float, text: str) -> tuple[bytes, bytes]:
    """A float and a text as the core writes them in JSON."""

def decision_id(user_id: str, transaction_id: str) -> str:
    """The id of the decision on a transaction: 128 bits of BLAKE2b over both ids, in hexadecimal digits."""

def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Distance in km between two points in degrees, by the haversine formula on a sphere of the mean radius."""

def decoded(payload: bytes, canonical: bool = False) -> dict[str, Any] | str | None:
    """An event by its fields (absent ones left out), the reason why it is none, or None where Python has to say.

    `canonical`: the payload is what the codec in Python made of a record.
    """

class Graph:
    """An ONNX graph over float32 rows that is evaluated row by row on the calling thread, the same on every processor."""

    def __init__(self, model: bytes) -> None:
        """Raises ValueError for bytes that are no model, or that need what is not evaluated here; the message names it."""
    @property
    def shape(self) -> tuple[int, int]:
        """Columns of the input and of the output."""
    def run(self, rows: bytes) -> bytes:
        """The outputs of whole rows, as float32 bytes. Raises ValueError for bytes that are not whole rows."""
