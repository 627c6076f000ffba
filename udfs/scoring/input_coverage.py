"""Expected coverage of an input: how often each input group is known, compared with the training data.

An estimate before a run, from a sample of transactions; the `coverage` of a decision is exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from udfs.features.groups import ATTRIBUTE, ELSEWHERE, INPUTS
from udfs.records.events import Transaction

NOTABLE_DIFFERENCE = 0.05
"""Least difference of a group's share to that in training to be reported as missing."""


class KnownElsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """Input besides the transactions: ids of profiles and feeds, and the names of profile attributes by user.

    None: not available for inspection (a remote store); assumed to be known as often as in training.
    """

    users: Mapping[str, Collection[str]] | None = {}
    devices: Collection[str] | None = frozenset()
    ip_addresses: Collection[str] | None = frozenset()
    email_domains: Collection[str] | None = frozenset()
    has_logins: bool = False
    has_histories: bool | None = False


class GroupCoverage(msgspec.Struct, frozen=True):
    """One input group: share of transactions in which it is known, in training and here; share of the model's importance
    that depends on it; and the input that it needs, in words.
    """

    group: str
    in_training: float
    here: float
    importance: float
    needs: str

    @property
    def is_missing(self) -> bool:
        return self.importance > 0.0 and self.here < self.in_training - NOTABLE_DIFFERENCE


class InputCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """Result for a sample of `transactions`. `groups`: by lost importance, largest first. `expected`: mean coverage.
    `below_floor`: share of transactions below the bundle's `floor`. Both are None for an empty sample.
    """

    transactions: int
    expected: float | None
    floor: float
    below_floor: float | None
    groups: tuple[GroupCoverage, ...]

    @property
    def missing(self) -> tuple[GroupCoverage, ...]:
        return tuple(group for group in self.groups if group.is_missing)


def input_coverage(
    transactions: Iterable[Transaction],
    elsewhere: KnownElsewhere,
    groups: Mapping[str, Sequence[int]],
    group_known: Mapping[str, float],
    importance: Sequence[float],
    coverage_floor: float,
) -> InputCoverage:
    """Compare a sample of transactions with a bundle's training data.

    `groups`: positions of features by group. `importance`: one value a feature. `group_known`: share of training rows in
    which each group was known.
    """
    patterns: Counter[frozenset[str]] = Counter()
    for transaction in transactions:
        patterns[_known_groups(transaction, elsewhere, groups)] += 1
    rows = sum(patterns.values())
    coverages = {known: _coverage(known, groups, importance) for known in patterns}
    not_inspectable = _groups_not_inspectable(elsewhere)
    found = []
    for group, positions in groups.items():
        here = group_known[group]
        if rows and group not in not_inspectable:
            here = sum(count for known, count in patterns.items() if group in known) / rows
        share = sum(importance[position] for position in positions)
        found.append(GroupCoverage(group, group_known[group], here, share, needs_of(group)))
    return InputCoverage(
        transactions=rows,
        expected=sum(coverages[known] * count for known, count in patterns.items()) / rows if rows else None,
        floor=coverage_floor,
        below_floor=(
            sum(count for known, count in patterns.items() if coverages[known] < coverage_floor) / rows
            if rows
            else None
        ),
        groups=tuple(
            sorted(found, key=lambda row: (-row.importance * max(0.0, row.in_training - row.here), row.group))
        ),
    )


def needs_of(group: str) -> str:
    """The input that a group needs, in words."""
    if group.startswith(ATTRIBUTE):
        return f"attribute {group.removeprefix(ATTRIBUTE)}"
    return ELSEWHERE.get(group) or " or ".join(INPUTS.get(group, ()))


def _known_groups(transaction: Transaction, elsewhere: KnownElsewhere, groups: Collection[str]) -> frozenset[str]:
    return frozenset(group for group in groups if _is_known(group, transaction, elsewhere))


def _is_known(group: str, transaction: Transaction, elsewhere: KnownElsewhere) -> bool:
    if group.startswith(ATTRIBUTE):
        name = group.removeprefix(ATTRIBUTE)
        if transaction.attributes is not None and name in transaction.attributes:
            return True
        return elsewhere.users is None or name in elsewhere.users.get(transaction.user_id, ())
    if group == "profile":
        return elsewhere.users is None or transaction.user_id in elsewhere.users
    if group == "device_profile":
        return transaction.device_id is not None and _holds(elsewhere.devices, transaction.device_id)
    if group == "feeds":
        address, domain = transaction.ip_address, transaction.email_domain
        return (address is not None and _holds(elsewhere.ip_addresses, address)) or (
            domain is not None and _holds(elsewhere.email_domains, domain)
        )
    if group == "logins":
        return elsewhere.has_logins
    if group == "entity_history":
        return elsewhere.has_histories is not False
    return any(getattr(transaction, field) is not None for field in INPUTS.get(group, ()))


def _holds(known: Collection[str] | None, value: str) -> bool:
    return known is None or value in known


def _groups_not_inspectable(elsewhere: KnownElsewhere) -> set[str]:
    """Groups whose input is not available for inspection."""
    not_inspectable = set()
    if elsewhere.users is None:
        not_inspectable.add("profile")
    if elsewhere.devices is None:
        not_inspectable.add("device_profile")
    if elsewhere.ip_addresses is None and elsewhere.email_domains is None:
        not_inspectable.add("feeds")
    if elsewhere.has_histories is None:
        not_inspectable.add("entity_history")
    return not_inspectable


def _coverage(known: frozenset[str], groups: Mapping[str, Sequence[int]], importance: Sequence[float]) -> float:
    """The share of importance of the features that need no unknown group, as `udfs.scoring.coverage` defines it."""
    lost = {position for group, positions in groups.items() if group not in known for position in positions}
    whole = sum(importance)
    return 1.0 - sum(importance[position] for position in lost) / whole if whole > 0.0 else 1.0
