"""Every store that the contract suite runs on. A new adapter adds its factory to STORES, and nothing else.

A factory gets the content and gives a context manager whose value is the store, holding exactly that content. It may
write the content wherever its store keeps it, and cleans up when it is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import msgspec

from udfs.entity_buckets import BucketRow, BucketSettings, EntityHistory
from udfs.profiles import DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.stores.memory import MemoryStore
from udfs.stores.port import HISTORY, Record, Store

Profile = UserProfile | MerchantProfile | DeviceProfile | IpFeed | DomainFeed
SETTINGS = BucketSettings()


class Content(msgspec.Struct, frozen=True):
    """`profiles` by full key; `histories` by merchant id (None: the store keeps no histories at all)."""

    profiles: Mapping[str, Profile] = {}
    histories: Mapping[str, BucketRow] | None = None


StoreFactory = Callable[[Content], AbstractContextManager[Store]]


@contextmanager
def memory(content: Content) -> Iterator[Store]:
    records: dict[str, Record] = dict(content.profiles)
    for merchant_id, row in (content.histories or {}).items():
        records[HISTORY["merchant"] + merchant_id] = EntityHistory(row, SETTINGS)
    yield MemoryStore(records, content.histories is not None)


STORES: dict[str, StoreFactory] = {"memory": memory}
