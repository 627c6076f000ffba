"""Follows what a running job has in force: its configuration's files, and what is published on its control stream.

A job may refuse what its stream accepts, for reasons of its own machine. The versions in its decisions tell that
(DecisionStore.newest_versions); the pages show both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from console.api.services import Versions
from console.decides_with import NOT_KNOWN, DecidesWith
from jobs.config.control import authority_settings
from jobs.config.job import JobConfig, NoControl
from jobs.control.channel import ChannelError, Published, recorded
from jobs.control.in_force import start_lists, versions_at_start
from jobs.control.opening import open_channel
from jobs.control.watching import Watch, watch_of
from udfs.control.authority import Authority
from udfs.control.elements import (
    BLOCK_LIST,
    BUNDLE,
    RULES,
    BundleControl,
    ControlElement,
    GuardrailControl,
    RulesControl,
)
from udfs.control.guardrails import with_guardrails
from udfs.control.history import HistoryEntry, history_of, in_force
from udfs.rules.list_files import ListFileError
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
    """Looks at the control stream of one job, in a thread of its own. The other methods may be called from any thread."""

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
        self._start, self._trouble = _start_rules(job)
        self._start_versions = {} if self._start is None else versions_at_start(job)
        self._watch: Watch | None = None
        self._mark: object = None
        self._records: list[Published] = []
        self._entries: list[HistoryEntry] = []
        self._bundle: tuple[str, str | None] | None = None
        self._manifest: Manifest | None = None
        self._told: tuple[DecidesWith, Versions] = NOT_KNOWN._replace(trouble=self._trouble), versions
        self._stopping = Event()
        self._thread = Thread(target=self._follow, name="control-stream", daemon=True)

    def start(self) -> None:
        """Look once, and go on in the thread. Blocks until the control stream has been read."""
        self._look()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(STOP_SECONDS)
        if self._watch is not None and not self._thread.is_alive():
            self._watch.close()

    def now(self) -> DecidesWith:
        return self._told[0]

    def versions(self) -> Versions:
        """Versions in force; those of the control stream win over the configuration's."""
        return self._told[1]

    def _follow(self) -> None:
        pause_seconds = LOOK_SECONDS
        while not self._stopping.wait(pause_seconds):
            begun = monotonic()
            self._look()
            pause_seconds = max(LOOK_SECONDS, SHARE_OF_PAUSE * (monotonic() - begun))

    def _look(self) -> None:
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
        self._told = self._made(trouble)

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

    def _made(self, trouble: str | None) -> tuple[DecidesWith, Versions]:
        elements = self._elements()
        published = elements.get(RULES)
        rules = published.rule_set if isinstance(published, RulesControl) else self._start
        if rules is not None:
            tripped = [one for one in elements.values() if isinstance(one, GuardrailControl)]
            rules = with_guardrails(rules, {one.rule: one for one in tripped})
        path, version, manifest = self._bundle_of(elements.get(BUNDLE))
        decides_with = DecidesWith(rules, None if manifest is None else path, self._by_version(), trouble)
        known = self._unchanging
        versions = Versions(
            program=known.program, answers=known.answers, bundle=version,
            bundle_name=None if manifest is None else manifest.name,
            feature_set=None if manifest is None else manifest.feature_set_version,
            rules=None if rules is None else rules.name, rules_version=None if rules is None else rules.version,
        )  # fmt: skip
        return decides_with, versions

    def _elements(self) -> dict[str, ControlElement]:
        """What is in force now of the control stream but the block list, by key. An emergency ends by the clock."""
        entries = [one for one in self._entries if one.key is not None and not one.key.startswith(f"{BLOCK_LIST}/")]
        found = {}
        for key, entry in in_force(entries, self._now_ms()).items():
            element = self._records[entry.position - 1].element
            if element is not None:
                found[key] = element
        return found

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

    def _by_version(self) -> Mapping[int, RuleSet]:
        found = {} if self._start is None else {self._start.version: self._start}
        for record in self._records:
            if isinstance(record.element, RulesControl):
                found.setdefault(record.element.rule_set.version, record.element.rule_set)
        return dict(sorted(found.items())[-MOST_RULE_SETS:])


def _start_rules(job: JobConfig) -> tuple[RuleSet | None, str | None]:
    """The rule set of the configuration, or why it or its lists cannot be read."""
    try:
        start_lists(job)
        return rule_set_of(job.scoring.rules), None
    except (RuleFileError, ListFileError) as error:
        return None, " ".join(str(error).split())


def _manifest(path: str, version: str | None) -> Manifest | None:
    """None if the folder has no bundle, or one of another version."""
    try:
        manifest = read_manifest(path)
    except BundleError:
        return None
    return manifest if version in (None, manifest.version) else None
