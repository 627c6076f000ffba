"""The core's users, store records and block list, as the rest of the program uses them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from udfs.control.block_list import BlockList
from udfs.core._native import Core
from udfs.features.feature_set import FeatureSet
from udfs.records.profiles import BlockEntry, BlockType
from udfs.stores.record_source import RecordSource


class EngineBlockList(BlockList):
    """The block list in force: changes also reach the core."""

    def __init__(self, core: Core, entries: Iterable[BlockEntry] = ()) -> None:
        entries = list(entries)
        super().__init__(entries)
        self._core = core
        for entry in entries:
            core.add_block(entry)

    def put(self, entry: BlockEntry) -> None:
        super().put(entry)
        self._core.put_block(entry)

    def remove(self, kind: BlockType, value: str) -> None:
        super().remove(kind, value)
        self._core.remove_block(kind, value)

    def put_back(self, kind: BlockType, value: str, entries: Sequence[BlockEntry]) -> None:
        super().put_back(kind, value, entries)
        for entry in entries:
            self._core.add_block(entry)


class Users:
    """The users that are decoded in memory. `misses` and `compactions` are monotonic counters."""

    def __init__(self, core: Core) -> None:
        self.misses = 0
        self.compactions = 0
        self._core = core

    @property
    def cached(self) -> int:
        """How many users are decoded in memory."""
        return self._core.cached[0]

    @property
    def cached_bytes(self) -> int:
        """How many bytes they take, about."""
        return self._core.cached[1]

    def evict_all(self) -> None:
        """Drop all decoded users; they are loaded again when needed."""
        self._core.evict_all()


class Engine:
    """Users, store records, block list and features of one operator instance."""

    def __init__(
        self, core: Core, features: FeatureSet, source: RecordSource, block_list: Iterable[BlockEntry] = ()
    ) -> None:
        self.core = core
        self.features = features
        self.source = source
        self.users = Users(core)
        self.block_list = EngineBlockList(core, block_list)

    def close(self) -> None:
        """Close the stores."""
        self.source.close()
