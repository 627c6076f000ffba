"""Follows what a running job has in force: its configuration's files, and what is published on its control stream.

A job may refuse what its stream accepts, for reasons of its own machine. The versions in its decisions tell that
(DecisionStore.newest_versions); the pages show both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from time import monotonic

from console.api.services import Versions
from console.decides_with import NOT_KNOWN, DecidesWith
from console.elements_in_force import candidates_of, guarded, lists_with, settings_with
from console.repeating import Repeating
from jobs.config.control import authority_settings
from jobs.config.job import JobConfig, NoControl
from jobs.config.scoring import decision_settings
from jobs.control.channel import ChannelError, Published, recorded
from jobs.control.in_force import start_lists, versions_at_start
from jobs.control.opening import open_channel
from jobs.control.watching import Watch, watch_of
from udfs.control.authority import Authority
from udfs.control.elements import (
    BLOCK_LIST,
    BUNDLE,
    RULES,
    THRESHOLDS,
    BundleControl,
    ControlElement,
    RulesControl,
)
from udfs.control.history import HistoryEntry, history_of, in_force
from udfs.rules.list_files import ListFileError
from udfs.rules.named_lists import NO_LISTS, Lists
from udfs.rules.pack_files import RuleFileError, rule_set_of
from udfs.rules.rule_set import RuleSet
from udfs.scoring.bundle import BundleError, Manifest, read_manifest

LOOK_SECONDS = 1.0
STOP_SECONDS = 5.0
"""What still reads then ends with the process."""
SHARE_OF_PAUSE = 5
"""A long stream that grows all the time is not read all the time."""
MOST_RULE_SETS = 50
"""The newest ones are kept, for the decisions that they made."""

_log = logging.getLogger(__name__)


class JobInForce:
    """Looks at the control stream of one job, in a thread of its own. All methods may be called from any thread."""

    def __init__(
        self,
        job: JobConfig,
        versions: Versions,
        now_ms: Callable[[], int],
        on_features: Callable[[str, Sequence[str]], None] = lambda version, names: None,
    ) -> None:
        """`versions`: what does not change. `on_features`: gets version and names of each bundle's features."""
        self._job = job
        self._unchanging = versions
        self._now_ms = now_ms
        self._on_features = on_features
        self._authority = Authority(authority_settings(job.control))
        self._start, self._start_lists, self._trouble = _start_files(job)
        self._start_versions = {} if self._start is None else versions_at_start(job)
        self._settings = decision_settings(job)
        self._watch: Watch | None = None
        self._mark: object = None
        self._records: list[Published] = []
        self._entries: list[HistoryEntry] = []
        self._bundle: tuple[str, str | None] | None = None
        self._manifest: Manifest | None = None
        self._made_of: tuple[object, dict[str, int], str | None] | None = None
        self._told: tuple[DecidesWith, Versions] = NOT_KNOWN._replace(trouble=self._trouble), versions
        self._lock = Lock()
        self._repeating = Repeating(
            "the reading of the control stream", self._follow, LOOK_SECONDS, begins_with_pause=True
        )

    def start(self) -> None:
        """Look once, and go on in the thread. Blocks until the control stream has been read."""
        self.look()
        self._repeating.start()

    def stop(self) -> None:
        has_ended = self._repeating.stop(STOP_SECONDS)
        if self._watch is not None and has_ended:
            self._watch.close()

    def now(self) -> DecidesWith:
        return self._told[0]

    def versions(self) -> Versions:
        """Versions in force; those of the control stream win over the configuration's."""
        return self._told[1]

    def _follow(self) -> float:
        begun = monotonic()
        self.look()
        return max(LOOK_SECONDS, SHARE_OF_PAUSE * (monotonic() - begun))

    def look(self) -> None:
        """Know what is published and in force now. Blocks."""
        with self._lock:
            trouble = self._trouble
            try:
                self._read()
            except ChannelError as error:
                if self._told[0].trouble != str(error):
                    _log.warning("what the job has in force is not known now: %s", error)
                trouble = str(error)
                if self._mark is None:  # not even once read: what is published may replace the files' values
                    self._told = NOT_KNOWN._replace(trouble=trouble), self._unchanging
                    return
            positions = self._positions()
            made_of = self._mark, positions, trouble
            if self._made_of != made_of:
                self._told = self._made(
                    {key: self._records[position - 1] for key, position in positions.items()}, trouble
                )
                self._made_of = made_of

    def _read(self) -> None:
        """Read the stream, if it has grown. Raises ChannelError."""
        if isinstance(self._job.control, NoControl):
            return
        if self._watch is None:
            self._watch = watch_of(self._job.control)
        mark = self._watch.mark()
        if mark == self._mark:
            return
        records = open_channel(self._job.control).read()
        self._entries = history_of(recorded(records), self._authority, self._start_versions)
        self._records, self._mark = records, mark

    def _made(self, in_force_now: Mapping[str, Published], trouble: str | None) -> tuple[DecidesWith, Versions]:
        elements = {key: record.element for key, record in in_force_now.items() if record.element is not None}
        published = elements.get(RULES)
        rules = published.rule_set if isinstance(published, RulesControl) else self._start
        tripped: Mapping[str, str] = {}
        if rules is not None:
            rules, tripped = guarded(rules, elements.values())
        path, version, manifest = self._bundle_of(elements.get(BUNDLE))
        by_version, newest = self._by_version()
        decides_with = DecidesWith(
            rules, None if manifest is None else path, by_version, trouble, lists_with(self._start_lists, elements),
            settings_with(self._settings, elements.get(THRESHOLDS)), self._job.scoring.statistics, candidates_of(elements),
            tripped, newest + 1,
        )  # fmt: skip
        known = self._unchanging
        versions = Versions(
            program=known.program, answers=known.answers, bundle=version,
            bundle_name=None if manifest is None else manifest.name,
            feature_set=None if manifest is None else manifest.feature_set_version,
            rules=None if rules is None else rules.name, rules_version=None if rules is None else rules.version,
        )  # fmt: skip
        return decides_with, versions

    def _positions(self) -> dict[str, int]:
        """Positions of the records in force now, of all keys but the block list's. An emergency ends by the clock."""
        entries = [one for one in self._entries if one.key is not None and not one.key.startswith(f"{BLOCK_LIST}/")]
        return {key: entry.position for key, entry in in_force(entries, self._now_ms()).items()}

    def _bundle_of(self, element: ControlElement | None) -> tuple[Path, str | None, Manifest | None]:
        """Folder, version and manifest of the bundle; the manifest is None if it cannot be read on this machine."""
        is_published = isinstance(element, BundleControl)
        path = element.path if isinstance(element, BundleControl) else self._job.scoring.bundle
        wanted = element.bundle if isinstance(element, BundleControl) else None
        if self._bundle != (path, wanted):
            self._bundle, self._manifest = (path, wanted), _manifest(path, wanted)
            if self._manifest is not None:
                self._on_features(self._manifest.feature_set_version, self._manifest.feature_names)
        manifest = self._manifest
        version = wanted if is_published else None if manifest is None else manifest.version
        return Path(path), version, manifest

    def _by_version(self) -> tuple[Mapping[int, RuleSet], int]:
        """Rule sets that were in force, by version, and the highest version of all that were published."""
        found = {} if self._start is None else {self._start.version: self._start}
        newest = max(found, default=0)
        for record, entry in zip(self._records, self._entries, strict=True):
            if isinstance(record.element, RulesControl):
                newest = max(newest, record.element.version)
                if entry.outcome == "accepted":
                    found[record.element.version] = record.element.rule_set
        return dict(sorted(found.items())[-MOST_RULE_SETS:]), newest


def _start_files(job: JobConfig) -> tuple[RuleSet | None, Lists, str | None]:
    """The rule set and the lists of the configuration, and why one of them cannot be read."""
    try:
        lists = start_lists(job)
        return rule_set_of(job.scoring.rules), lists, None
    except (RuleFileError, ListFileError) as error:
        return None, NO_LISTS, " ".join(str(error).split())


def _manifest(path: str, version: str | None) -> Manifest | None:
    """None if the folder has no bundle, or one of another version."""
    try:
        manifest = read_manifest(path)
    except BundleError:
        return None
    return manifest if version in (None, manifest.version) else None
