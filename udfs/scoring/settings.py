"""Settings of the scorer: plain, frozen, picklable data."""

from __future__ import annotations

import msgspec

from udfs.entities.buckets import BucketSettings
from udfs.records.admission_settings import AdmissionSettings
from udfs.records.dead_letter import DeadLetterFormat
from udfs.records.outputs import FeatureForm
from udfs.scoring.decision_settings import DecisionSettings
from udfs.state.settings import CACHE_BYTES, UserStateSettings
from udfs.stores.settings import CacheSettings, OnlineFeatureSettings, RemoteStoreSettings


class StartVersions(msgspec.Struct, frozen=True):
    """Versions of the configured thresholds and bundle; a control element needs a higher version to replace them.

    A rule set has its own version; the configured block list has version 0.
    """

    thresholds: int = 0
    bundle: int = 0


class ScorerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one scorer. `user_cache_bytes`: memory for decoded users."""

    base_currency: str = "USD"
    default_timezone: str = "UTC"
    admission: AdmissionSettings = AdmissionSettings()
    log_features: FeatureForm = "names"
    dead_letters: DeadLetterFormat = DeadLetterFormat()
    reasons_per_alert: int = 8
    decision: DecisionSettings = DecisionSettings()
    state: UserStateSettings = UserStateSettings()
    user_cache_bytes: int = CACHE_BYTES
    buckets: BucketSettings = BucketSettings()
    cache: CacheSettings = CacheSettings()
    online_features: OnlineFeatureSettings | None = None
    start_versions: StartVersions = StartVersions()


class ScorerPaths(msgspec.Struct, frozen=True, kw_only=True):
    """Paths of a scorer's files. None: no lists, no statistics, no reference folder, no FX table.

    `rules`: a file or the name of a shipped pack. `lists`: a file of a named list that rules refer to, or a
    folder of them. `histories`: a file of entity histories (`fraud aggregate`) that replaces that of the reference folder.
    With a `store`, profiles and histories are read from it, and only the block list from the reference folder.
    """

    bundle: str
    rules: str = "bank"
    lists: str | None = None
    statistics: str | None = None
    reference: str | None = None
    histories: str | None = None
    fx_rates: str | None = None
    store: RemoteStoreSettings | None = None
