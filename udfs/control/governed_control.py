"""Takes the records of the control stream: checks who sent them, applies their elements, and ends emergencies.

An emergency publication is in force without an approval until `emergency_ms` after its author wrote it, by the clock of the
machine, not by event time: then what was in force before it is in force again. What is in force is a function of the records
and of the time alone, so that all instances agree, after a restart, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

import msgspec

from udfs.control.authority import Authority, NotAuthorised, require_not_ahead
from udfs.control.elements import LIST, RULES, CandidateControl, ControlElement, ControlError
from udfs.control.envelope import ControlRecord, LateApproval, Publication, decode_record, encode_link
from udfs.control.kept_elements import KeptBytes, KeptElements
from udfs.control.live_control import LiveControl
from udfs.control.live_lists import MustWait
from udfs.metrics.counters import ControlOutcome
from udfs.rules.errors import RuleError
from udfs.rules.rule_map import RuleMapError
from udfs.rules.rule_set import RuleSet

BEFORE = "before/"
NEVER = 1 << 62


class Taken(NamedTuple):
    """What came of a record. `told`: key and version, for the log; `also`: of those that were refused before and that it
    let in."""

    outcome: ControlOutcome
    told: str
    also: tuple[str, ...] = ()


class _Emergency(msgspec.Struct):
    """An emergency publication that waits for an approval. `undo` puts what was before it in force."""

    element: ControlElement
    publication: Publication
    expires_at_ms: int
    undo: Callable[[], None]
    rules_before: RuleSet
    ran_out: bool = False


class RestoreFailed(ControlError):
    """An element of the saved state cannot be applied. `key`: its key."""

    def __init__(self, key: str, error: ControlError) -> None:
        super().__init__(str(error))
        self.key = key


class GovernedControl:
    """The elements in force on one operator instance, and those kept in its state. Not thread-safe.

    `state` of all calls is the operator's broadcast state: an element's record by its key, and by `before/KEY` the record
    that an emergency of this key replaced. Signatures are verified once, when a record arrives; the state is trusted.
    """

    def __init__(self, live: LiveControl, authority: Authority, now_ms: Callable[[], int]) -> None:
        self.next_expiry_ms = NEVER
        self._live = live
        self._authority = authority
        self._now_ms = now_ms
        self._kept = KeptElements()
        self._emergencies: dict[str, _Emergency] = {}
        self._contents: dict[str, bytes] = {}
        self._refused: dict[str, tuple[bytes, ControlRecord]] = {}
        live.rules_to_return_to = self._rules_to_return_to

    def take(self, payload: bytes, state: KeptBytes) -> Taken:
        """Take a new record. Raises ControlError; nothing is changed then."""
        record = decode_record(payload)
        if isinstance(record.link, LateApproval):
            return self._approve(record.link, state)
        element = record.element
        assert element is not None
        told = f"{element.key} version {element.version}"
        expires_at_ms = self._authority.check(record)
        if not self._live.is_newer(element):
            self._refuse_replaced(element, record)
            return Taken("ignored", told)
        if expires_at_ms is None:
            try:
                self._live.apply(element)
            except MustWait:
                if self._live.waits(element):
                    self._refused[element.key] = payload, record
                raise
            if self._emergencies.pop(element.key, None) is not None:
                state.remove(BEFORE + element.key)
        else:
            assert isinstance(record.link, Publication)
            require_not_ahead(record.link.authorship, self._now_ms())
            before = None if element.key in self._emergencies else self._kept.kept(state, element.key)
            self._begin(element, record.link, expires_at_ms, is_new=True)
            if before is not None:
                state.put(BEFORE + element.key, before)
        self._forget(self._live.dropped_keys, state)
        self._keep(element.key, payload, record.sha256, state)
        also = self._keep_also_applied(state)
        self._plan()
        return Taken("applied", told, also)

    def expire(self) -> list[str]:
        """End the emergencies that ran out; returns keys and versions. Cheap before `next_expiry_ms`.

        Raises ControlError if what was in force before cannot be used again.
        """
        now_ms = self._now_ms()
        if now_ms < self.next_expiry_ms:
            return []
        ended = []
        for emergency in self._emergencies.values():
            if not emergency.ran_out and now_ms >= emergency.expires_at_ms:
                emergency.ran_out = True
                self._plan()
                try:
                    emergency.undo()
                except (RuleMapError, RuleError) as error:
                    raise ControlError(f"{_told(emergency.element)} ran out and cannot be undone: {error}") from None
                ended.append(_told(emergency.element))
        return ended

    def restore(self, state: KeptBytes) -> list[str]:
        """Apply the elements of the state, before the first record. Call it once, first. Raises RestoreFailed.

        Returns what was wrong with candidates: they decide nothing, so that decisions need not wait for them.
        """
        dropped: list[str] = []
        before: dict[str, bytes] = {}
        emergencies: list[tuple[str, ControlElement, Publication, int]] = []
        # Rules after the lists that they refer to.
        for key, payload in sorted(self._kept.restored(state), key=lambda kept: not kept[0].startswith(f"{LIST}/")):
            if key.startswith(BEFORE):
                before[key] = payload
                continue
            record = _decoded(key, payload)
            assert record.element is not None
            self._remember(key, record.sha256)
            expires_at_ms = _expiry(record, self._authority)
            if expires_at_ms is None:
                try:
                    self._apply_saved(key, record.element)
                except RestoreFailed as error:
                    if not isinstance(record.element, CandidateControl):
                        raise
                    dropped.append(f"control element {key} of the saved state cannot be applied: {error}")
            else:
                assert isinstance(record.link, Publication)
                emergencies.append((key, record.element, record.link, expires_at_ms))
        for key, payload in before.items():
            replaced = _decoded(key, payload).element
            assert replaced is not None
            self._apply_saved(key, replaced)
        try:
            self._live.settle()
        except ControlError as error:
            raise RestoreFailed(LIST, error) from None
        for key, element, publication, expires_at_ms in emergencies:
            if not self._live.is_newer(element):
                continue
            try:
                self._begin(element, publication, expires_at_ms, is_new=False)
            except ControlError as error:
                raise RestoreFailed(key, error) from None
        self._plan()
        return dropped

    def _begin(self, element: ControlElement, publication: Publication, expires_at_ms: int, is_new: bool) -> None:
        """An emergency does not wait for a list that it refers to: it is refused without."""
        earlier = self._emergencies.get(element.key)
        undo = self._live.undo_of(element) if earlier is None or earlier.ran_out else earlier.undo
        rules_before = self._live.rule_set if earlier is None or earlier.ran_out else earlier.rules_before
        emergency = _Emergency(element, publication, expires_at_ms, undo, rules_before)
        if self._now_ms() < expires_at_ms:
            try:
                self._live.apply(element, is_new)
            except MustWait:
                self._live.wait_no_more(element.key)
                raise
        else:
            if earlier is not None and not earlier.ran_out:
                earlier.undo()
            emergency.ran_out = True
            self._live.pass_over(element)
            self._live.dropped_keys = []
        self._emergencies[element.key] = emergency

    def _approve(self, late: LateApproval, state: KeptBytes) -> Taken:
        told = f"approval of {late.key} version {late.version}"
        emergency = self._emergencies.get(late.key)
        if emergency is None or emergency.publication.authorship.element_sha256 != late.approval.element_sha256:
            return Taken("ignored", told)
        publication = emergency.publication
        self._authority.check_late(late, publication.authorship)
        also: tuple[str, ...] = ()
        if emergency.ran_out:
            self._live.apply_again(emergency.element)
            self._forget(self._live.dropped_keys, state)
            also = self._keep_also_applied(state)
        approved = msgspec.structs.replace(publication, approval=late.approval)
        self._kept.keep(state, late.key, encode_link(approved))
        state.remove(BEFORE + late.key)
        del self._emergencies[late.key]
        self._plan()
        return Taken("applied", told, also)

    def _keep_also_applied(self, state: KeptBytes) -> tuple[str, ...]:
        for element in self._live.also_applied:
            payload, record = self._refused.pop(element.key)
            self._keep(element.key, payload, record.sha256, state)
            if self._emergencies.pop(element.key, None) is not None:
                state.remove(BEFORE + element.key)
        return tuple(map(_told, self._live.also_applied))

    def _rules_to_return_to(self) -> RuleSet | None:
        """The rules that are in force again when the emergency of rules runs out."""
        emergency = self._emergencies.get(RULES)
        return None if emergency is None or emergency.ran_out else emergency.rules_before

    def _refuse_replaced(self, element: ControlElement, record: ControlRecord) -> None:
        """With trusted keys, tell a repeated record from one that was replaced, or that has another's version."""
        known = self._contents.get(element.key)
        if known is not None and known != _digest(record.sha256):
            raise NotAuthorised(
                f"{_told(element)} was replaced by a newer version, or is not the element of this version: it is replayed"
            )

    def _keep(self, key: str, payload: bytes, content: str, state: KeptBytes) -> None:
        self._kept.keep(state, key, payload)
        self._remember(key, content)

    def _remember(self, key: str, content: str) -> None:
        if self._authority.needs_signatures:
            self._contents[key] = _digest(content)

    def _forget(self, keys: Iterable[str], state: KeptBytes) -> None:
        keys = list(keys)
        self._kept.drop(state, keys)
        for key in keys:
            if self._emergencies.pop(key, None) is not None:
                state.remove(BEFORE + key)
            self._contents.pop(key, None)

    def _apply_saved(self, key: str, element: ControlElement) -> None:
        try:
            self._live.apply(element, is_new=False)
        except ControlError as error:
            raise RestoreFailed(key, error) from None

    def _plan(self) -> None:
        self.next_expiry_ms = min(self._waiting(), default=NEVER)

    def _waiting(self) -> Iterator[int]:
        return (one.expires_at_ms for one in self._emergencies.values() if not one.ran_out)


def _decoded(key: str, payload: bytes) -> ControlRecord:
    try:
        return decode_record(payload)
    except ControlError as error:
        raise RestoreFailed(key, error) from None


def _expiry(record: ControlRecord, authority: Authority) -> int | None:
    link = record.link
    if isinstance(link, Publication) and link.authorship.emergency and link.approval is None:
        return link.authorship.at_ms + authority.settings.emergency_ms
    return None


def _told(element: ControlElement) -> str:
    return f"{element.key} version {element.version}"


def _digest(content: str) -> bytes:
    return sha256(content.encode()).digest()[:16]
