"""What the scorer is told: plain, frozen, picklable data."""

from __future__ import annotations

import msgspec

from udfs.decision_settings import DecisionSettings
from udfs.entity_buckets import BucketSettings
from udfs.stores.settings import CacheSettings, OnlineFeatureSettings, RemoteStoreSettings
from udfs.time_units import MINUTE_MS
from udfs.user_state_settings import UserStateSettings


class StartVersions(msgspec.Struct, frozen=True):
    """How new the start-up's thresholds and bundle are: a live element needs a higher version to replace them.

    A rule set carries its own version; the start-up's block list counts as version 0.
    """

    thresholds: int = 0
    bundle: int = 0


class ScorerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one scorer. Times are in milliseconds.

    A timestamp later than its arrival + `future_tolerance_ms` is a dead letter; where the source tells no arrival
    time, one later than `latest_timestamp_ms` is (None: no ceiling). A dead letter's bytes beyond
    `largest_dead_letter_bytes` are cut off where it isn't JSON (None: never).
    """

    base_currency: str = "USD"
    default_timezone: str = "UTC"
    future_tolerance_ms: int = 10 * MINUTE_MS
    latest_timestamp_ms: int | None = None
    log_features: bool = True
    dead_letters_as_json: bool = True
    largest_dead_letter_bytes: int | None = None
    reasons_per_alert: int = 8
    decision: DecisionSettings = DecisionSettings()
    state: UserStateSettings = UserStateSettings()
    buckets: BucketSettings = BucketSettings()
    cache: CacheSettings = CacheSettings()
    online_features: OnlineFeatureSettings | None = None
    start_versions: StartVersions = StartVersions()


class ScorerPaths(msgspec.Struct, frozen=True, kw_only=True):
    """Where a scorer's parts are read from. None: no statistics, no reference, no FX table.

    `rules` is a file or the name of a shipped pack. `histories` is a file of entities' buckets (`fraud aggregate`), in
    place of the reference folder's own. With a `store`, profiles and histories are read there, and of the reference
    folder only the block list.
    """

    bundle: str
    rules: str = "bank"
    statistics: str | None = None
    reference: str | None = None
    histories: str | None = None
    fx_rates: str | None = None
    store: RemoteStoreSettings | None = None
