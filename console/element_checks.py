"""Control elements of a console: numbered, and checked as the running job checks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobs.control.channel import ControlChannel
from jobs.control.checking import check_element
from jobs.control.in_force import Config, InForce, newest_version, versions_at_start
from udfs.control.elements import RULES, ControlElement, ControlError, decode_control
from udfs.features.feature_set import feature_set_of
from udfs.rules.list_files import ListFileError
from udfs.rules.pack_files import RuleFileError
from udfs.scoring.bundle import BundleError, read_manifest


class ElementChecks:
    """Asks the control stream each time. Every method raises ChannelError, and ControlError for files of the job's start
    that cannot be read here."""

    def __init__(self, job: Config, channel: ControlChannel, now_ms: Callable[[], int]) -> None:
        self._job = job
        self._now_ms = now_ms
        self._channel = channel

    def start_versions(self) -> dict[str, int]:
        """The versions that the job starts with, by key."""
        try:
            return versions_at_start(self._job)
        except (RuleFileError, ListFileError) as error:
            raise ControlError(f"what the job starts with cannot be read here: {error}") from None

    def newest_version(self, key: str) -> int:
        """The highest version of a key that was published or started with; 0 without any."""
        try:
            return newest_version(self._job, self._channel.read(), key)
        except (RuleFileError, ListFileError) as error:
            raise ControlError(f"what the job starts with cannot be read here: {error}") from None

    def versioned(self, element: dict[str, Any], who: str) -> dict[str, Any]:
        """The element with its author, and with the next version of its kind if it has none."""
        kind = element.get("kind")
        inner = element.get("rule_set") if kind == RULES else element
        if not isinstance(inner, dict):
            raise ControlError("rule_set: give the whole rule set")
        if "version" not in inner:
            published = [record.element for record in self._channel.read() if record.element is not None]
            versions = [(one.key, one.version) for one in published] + [*self.start_versions().items()]
            inner = inner | {"version": max([0, *(one for key, one in versions if key.partition("/")[0] == kind)]) + 1}
        element = element | {"rule_set": inner} if kind == RULES else inner
        return element | {"author": who}

    def checked(self, payload: bytes) -> ControlElement:
        """The element, if its version is new and a job would take it."""
        element = decode_control(payload)
        newest = self.newest_version(element.key)
        if element.version <= newest:
            raise ControlError(
                f"{element.key} version {element.version} would be ignored: version {newest} is the newest"
            )
        try:
            in_force = InForce.of(self._job, self._channel.read(), self._now_ms())
        except (RuleFileError, ListFileError) as error:
            raise ControlError(f"what the job starts with cannot be read here: {error}") from None
        check_element(element, in_force, self._feature_names)
        return element

    def _feature_names(self) -> tuple[str, ...]:
        try:
            return feature_set_of(read_manifest(self._job.scoring.bundle).attributes).names
        except BundleError:
            return feature_set_of().names
