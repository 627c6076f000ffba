"""What a model will miss of some input: which groups of features it can know, against how often it knew them in training.

An estimate before a run, from a sample of transactions; a decision's own `coverage` is exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from udfs.events import Transaction
from udfs.features.groups import ATTRIBUTE, ELSEWHERE, INPUTS

NOTABLE_DIFFERENCE = 0.05
"""How much rarer than in training a group must be known to be told as missing."""


class KnownElsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """What beside the events is there: the ids of profiles and feeds; profile attributes by user.

    None: it cannot be looked at from here (a remote store), and counts as known as in training.
    """

    users: Mapping[str, Collection[str]] | None = {}
    devices: Collection[str] | None = frozenset()
    ip_addresses: Collection[str] | None = frozenset()
    email_domains: Collection[str] | None = frozenset()
    has_logins: bool = False
    has_histories: bool | None = False


class GroupCoverage(msgspec.Struct, frozen=True):
    """One group: in what share of transactions it was known in training and is here, the share of the model's importance
    that hangs on it, and what it needs, in words."""

    group: str
    in_training: float
    here: float
    importance: float
    needs: str

    @property
    def is_missing(self) -> bool:
        return self.importance > 0.0 and self.here < self.in_training - NOTABLE_DIFFERENCE


class InputCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """`groups` by how much importance their absence takes away, most first. `expected` is the mean coverage of the sampled
    `transactions`, `below_floor` the share of them below the bundle's floor; None of nothing sampled."""

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
    """Compare a sample of transactions with what a bundle was trained on.

    `groups` are features' positions by group, `importance` is one value a feature, `group_known` the shares of training.
    """
    patterns: Counter[frozenset[str]] = Counter()
    for transaction in transactions:
        patterns[_known_groups(transaction, elsewhere, groups)] += 1
    rows = sum(patterns.values())
    coverages = {known: _coverage(known, groups, importance) for known in patterns}
    unseen = _unseen(elsewhere)
    found = []
    for group, positions in groups.items():
        here = group_known[group]
        if rows and group not in unseen:
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
    """What must be in the input for the group to be known, in words."""
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


def _unseen(elsewhere: KnownElsewhere) -> set[str]:
    """Groups of which nothing can be said from here."""
    unseen = set()
    if elsewhere.users is None:
        unseen.add("profile")
    if elsewhere.devices is None:
        unseen.add("device_profile")
    if elsewhere.ip_addresses is None and elsewhere.email_domains is None:
        unseen.add("feeds")
    if elsewhere.has_histories is None:
        unseen.add("entity_history")
    return unseen


def _coverage(known: frozenset[str], groups: Mapping[str, Sequence[int]], importance: Sequence[float]) -> float:
    """The share of importance of the features that need no group which is not known, as `udfs.coverage` defines it."""
    lost = {position for group, positions in groups.items() if group not in known for position in positions}
    whole = sum(importance)
    return 1.0 - sum(importance[position] for position in lost) / whole if whole > 0.0 else 1.0
