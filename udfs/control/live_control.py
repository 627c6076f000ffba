"""Applies control elements to one scorer: each completely or not at all, and none older than the version in force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from udfs.control.elements import (
    BLOCK_LIST,
    BUNDLE,
    GUARDRAIL,
    LIST,
    RULES,
    THRESHOLDS,
    BlockListControl,
    BundleControl,
    CandidateControl,
    ControlElement,
    ControlError,
    GuardrailControl,
    ListControl,
    RulesControl,
    ThresholdsControl,
    check_texts,
)
from udfs.control.guardrails import with_guardrails
from udfs.control.live_block_list import MAX_BLOCK_LIST_KEYS, LiveBlockList
from udfs.control.live_lists import MustWait, lists_after, require_lists, require_unused, rulebook_after
from udfs.rules.errors import RuleError
from udfs.rules.named_lists import NO_LISTS, Lists
from udfs.rules.rule_map import RuleMapError
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import Rulebook
from udfs.scoring.bundle import BundleError, load_bundle, read_manifest
from udfs.scoring.decider import Candidate
from udfs.scoring.decision_settings import DecisionSettings
from udfs.scoring.scorer import Scorer

MAX_BUNDLE_BYTES = 200_000_000
MAX_CANDIDATES = 8


class BundleNotLoadable(ControlError):
    """This instance cannot load the bundle; others may be able to, as the path is local to each."""


class LiveControl:
    """Versions in force on one operator instance, by key. Not thread-safe: `apply` runs on the operator's thread.

    The same elements lead to the same state on all instances, in any order: what must wait for a list, or for rules without
    one, is refused and then applied as soon as they are there, as a compacted topic may hold them in that order.
    `dropped_keys`: block list keys that the last applied element displaced; the caller must delete them from its state.
    `also_applied`: elements refused before that the last one let in; the caller must add them to its state.
    `rules_to_return_to`: rules that will be in force again, whose lists must stay.
    """

    def __init__(self, scorer: Scorer, max_block_list_keys: int = MAX_BLOCK_LIST_KEYS) -> None:
        start = scorer.config.start_versions
        self._scorer = scorer
        self._versions = {RULES: scorer.rulebook.version, THRESHOLDS: start.thresholds, BUNDLE: start.bundle}
        self._rule_set = scorer.rulebook.rule_set  # as published, whatever guardrails put back to shadow
        self._guardrails: dict[str, GuardrailControl] = {}
        self._block_list = LiveBlockList(scorer.engine.block_list, max_block_list_keys)
        self._lists = scorer.rulebook.lists
        self._versions |= {f"{LIST}/{name}": known.named_list.version for name, known in scorer.rulebook.lists.items()}
        self._waiting: dict[str, ControlElement] = {}
        self.dropped_keys: list[str] = []
        self.also_applied: list[ControlElement] = []
        self.rules_to_return_to: Callable[[], RuleSet | None] = lambda: None

    @property
    def rule_set(self) -> RuleSet:
        """The rules in force as they were published, whatever guardrails put back to shadow."""
        return self._rule_set

    def is_newer(self, element: ControlElement) -> bool:
        """Whether the element's version is higher than that in force for its key."""
        return element.version > self._versions.get(element.key, 0)

    def apply(self, element: ControlElement, is_new: bool = True) -> bool:
        """Apply the element; False if its key already has this version or a higher one. A bundle blocks while it loads.

        A new element must pass all checks; one of the saved state, which may be of an earlier release, only those
        without which it cannot be applied. Raises ControlError; nothing is changed then.
        """
        if not self.is_newer(element):
            return False
        if is_new:
            check_texts(element)
        self.dropped_keys, self.also_applied = [], []
        try:
            self._apply(element, is_new)
        except MustWait:
            before = self._waiting.get(element.key)
            if before is None or before.version < element.version:
                self._waiting[element.key] = element
            raise
        self._versions[element.key] = element.version
        if isinstance(element, RulesControl | ListControl | CandidateControl):
            self._apply_waiting()
        return True

    def waits(self, element: ControlElement) -> bool:
        """Whether the element was refused and will be applied when what it waits for has come."""
        return self._waiting.get(element.key) is element

    def wait_no_more(self, key: str) -> None:
        """Forget what was refused of this key, and would be applied later."""
        self._waiting.pop(key, None)

    def settle(self) -> None:
        """Use the restored lists, after the last restored element. Raises ControlError where rules lack one of them."""
        rulebook = self._scorer.rulebook
        if self._lists is rulebook.lists:
            return
        try:
            self._scorer.use_rules(rulebook.with_lists(self._lists))
        except RuleError as error:
            raise ControlError(str(error)) from None

    def _apply(self, element: ControlElement, is_new: bool) -> None:
        if isinstance(element, RulesControl):
            require_lists(element.rule_set, self._lists)
            names = self._scorer.engine.features.names
            self._use_rules(element.rule_set, compile_rules(element, names, is_new, self._lists))
            self._scorer.set_control_version(RULES, element.version)
        elif isinstance(element, GuardrailControl):
            self._guardrails[element.rule] = element
            self._use_rules(self._rule_set, None)
        elif isinstance(element, CandidateControl):
            self._use_candidate(element, is_new)
        elif isinstance(element, ThresholdsControl):
            self._scorer.use_thresholds(with_thresholds(self._scorer.config.decision, element))
            self._scorer.set_control_version(THRESHOLDS, element.version)
        elif isinstance(element, BundleControl):
            self._use_bundle(element)
            self._scorer.set_control_version(BUNDLE, element.version)
        elif isinstance(element, ListControl):
            self._use_list(element, is_new)
        else:
            self.dropped_keys = self._block_list.apply(element)
            for key in self.dropped_keys:
                del self._versions[key]
            named = self._scorer.control_versions.get(
                BLOCK_LIST, 0
            )  # decisions show the highest version of all entries
            self._scorer.set_control_version(BLOCK_LIST, max(named, element.version))

    def _use_list(self, element: ListControl, is_new: bool) -> None:
        """While the state is restored, rules get their lists when all are there (`settle`)."""
        lists = lists_after(self._lists, element)
        to_return_to = self.rules_to_return_to()
        if element.deleted and to_return_to is not None:
            require_unused(element.name, to_return_to)
        if is_new:
            for candidate in self._scorer.candidates.values():
                rulebook_after(candidate.rulebook, element, lists)
            self._scorer.use_rules(rulebook_after(self._scorer.rulebook, element, lists))
            for name, candidate in self._scorer.candidates.items():
                self._scorer.use_candidate(name, Candidate(candidate.version, candidate.rulebook.with_lists(lists)))
        self._lists = lists

    def _apply_waiting(self) -> None:
        """Apply what was refused until now and can be applied, each after what it waits for."""
        while True:
            ready = None
            for element in sorted(self._waiting.values(), key=lambda waiting: waiting.key):
                if not self.is_newer(element):
                    del self._waiting[element.key]
                    continue
                try:
                    self._apply(element, is_new=True)
                except ControlError:
                    continue
                ready = element
                break
            if ready is None:
                return
            del self._waiting[ready.key]
            self._versions[ready.key] = ready.version
            self.also_applied.append(ready)

    def apply_again(self, element: ControlElement) -> None:
        """Put an element in force whose version its key has already. Raises ControlError; nothing is changed then."""
        version = self._versions.pop(element.key)
        try:
            self.apply(element, is_new=False)
        except ControlError:
            self._versions[element.key] = version
            raise

    def pass_over(self, element: ControlElement) -> None:
        """Take the element's version for its key without putting it in force."""
        self._versions[element.key] = max(element.version, self._versions.get(element.key, 0))

    def undo_of(self, element: ControlElement) -> Callable[[], None]:
        """What puts in force again what is in force now in place of this element. The key keeps its version.

        Raises ControlError for a kind of element that cannot be undone.
        """
        scorer = self._scorer
        if isinstance(element, BlockListControl):
            block_list = scorer.engine.block_list
            entries = block_list.entries_of(element.type, element.value)
            return partial(block_list.put_back, element.type, element.value, entries)
        undo: Callable[[], None]
        if isinstance(element, RulesControl):
            undo = partial(self._use_rules, self._rule_set, None)
        elif isinstance(element, ThresholdsControl):
            undo = partial(scorer.use_thresholds, scorer.config.decision)
        elif isinstance(element, BundleControl):
            undo = partial(scorer.use_bundle, scorer.ensemble.bundle)
        else:
            raise ControlError(f"{element.key} cannot be published as an emergency: it cannot be undone by itself")
        shown = scorer.control_versions.get(element.key)

        def undo_and_show() -> None:
            undo()
            scorer.set_control_version(element.key, shown)

        return undo_and_show

    def _use_rules(self, rule_set: RuleSet, compiled: Rulebook | None) -> None:
        """Use a rule set, with the rules in shadow that guardrails put back; decisions name these guardrails. `compiled`:
        the rule set as published, if it is at hand. Raises RuleError where a list is missing or does not suit any more."""
        in_force = with_guardrails(rule_set, self._guardrails)
        if in_force != self._scorer.rulebook.rule_set:
            if compiled is None or in_force != rule_set:
                compiled = Rulebook(in_force, self._scorer.engine.features.names, self._lists)
            self._scorer.use_rules(compiled)
        self._rule_set = rule_set
        published = zip(rule_set.rules, in_force.rules, strict=True)
        put_back = {f"{GUARDRAIL}/{rule.id}": rule_set.version for rule, now in published if rule != now}
        others = {
            kind: version
            for kind, version in self._scorer.control_versions.items()
            if not kind.startswith(f"{GUARDRAIL}/")
        }
        self._scorer.show_control_versions(others | put_back)

    def _use_candidate(self, element: CandidateControl, is_new: bool) -> None:
        known, rule_set = self._scorer.candidates, element.rule_set
        if rule_set is None:
            self._scorer.use_candidate(element.set, None)
            return
        if element.set not in known and len(known) >= MAX_CANDIDATES:
            raise ControlError(
                f"{len(known)} candidates are evaluated already, at most {MAX_CANDIDATES} may be: remove one first"
            )
        require_lists(rule_set, self._lists)
        rulebook = _compiled(rule_set, self._scorer.engine.features.names, is_new, self._lists)
        self._scorer.use_candidate(element.set, Candidate(element.version, rulebook))

    def _use_bundle(self, element: BundleControl) -> None:
        folder, features = Path(element.path), self._scorer.engine.features
        try:
            _require_small(folder)
            manifest = read_manifest(folder)
        except (BundleError, OSError) as error:
            raise BundleNotLoadable(str(error)) from None
        if manifest.version != element.bundle:
            raise BundleNotLoadable(
                f"{folder} holds bundle {manifest.version}, the element names bundle {element.bundle}; "
                "publish it again, and give every bundle a folder of its own"
            )
        try:
            bundle = load_bundle(folder, features.names, features.version)
            self._scorer.use_bundle(bundle)
        except (BundleError, RuleMapError) as error:
            fits = manifest.feature_set_version == features.version
            raise (BundleNotLoadable if fits else ControlError)(str(error)) from None


def compile_rules(
    element: RulesControl, feature_names: Sequence[str], is_new: bool = True, lists: Lists = NO_LISTS
) -> Rulebook:
    """The element's rule set, compiled with the lists; checked as well if it is new. Raises ControlError, naming the
    rules."""
    return _compiled(element.rule_set, feature_names, is_new, lists)


def _compiled(rule_set: RuleSet, feature_names: Sequence[str], is_new: bool, lists: Lists) -> Rulebook:
    try:
        make = Rulebook.of if is_new else Rulebook
        return make(rule_set, feature_names, lists)
    except RuleError as error:
        raise ControlError(str(error)) from None


def with_thresholds(decision: DecisionSettings, element: ThresholdsControl) -> DecisionSettings:
    """The same settings with the element's thresholds."""
    return msgspec.structs.replace(
        decision,
        refer_above=element.refer_to_analyst,
        soft_challenge_above=element.soft_challenge,
        hard_block_above=element.hard_block,
    )


def _require_small(folder: Path) -> None:
    """Refuse a folder that is too large for a bundle, as loading blocks the operator. Raises BundleError."""
    size = sum(path.stat().st_size for path in folder.glob("*") if path.is_file())
    if size > MAX_BUNDLE_BYTES:
        raise BundleError(f"{folder}: {size} bytes, at most {MAX_BUNDLE_BYTES} are loaded while the job runs")
