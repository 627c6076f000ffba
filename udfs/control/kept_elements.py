"""The control elements in force, as the operator's broadcast state keeps them: those of the block list packed in buckets,
named lists compressed.

Flink holds the state in the JVM's heap, copies it for each checkpoint, writes it once for each parallel instance, and reads
it entry by entry at a restore. A long block list as one entry a party is large and slow there.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

import msgspec

from udfs.control.elements import BLOCK_LIST, LIST

BUCKETS = 1_024
LOOSE = 16  # elements of a bucket that are not yet compressed: compressing at each change would cost a millisecond
LEVEL = 1
AT_ONCE = 20
PARTY, PACKED, NAMED_LIST = f"{BLOCK_LIST}/", f"{BLOCK_LIST}#", f"{LIST}/"


class KeptBytes(Protocol):
    """Flink's broadcast state of bytes by text, as far as it is used here."""

    def get(self, key: str, /) -> bytes | None: ...

    def put(self, key: str, value: bytes, /) -> None: ...

    def remove(self, key: str, /) -> None: ...

    def items(self) -> Iterable[tuple[str, bytes]]: ...


class _Bucket(msgspec.Struct, array_like=True):
    """`packed`: pairs of key and payload, as msgpack in zlib's format. `loose`: newer ones; the last of a key counts."""

    packed: bytes = b""
    loose: list[tuple[str, bytes]] = []


_decode = msgspec.msgpack.Decoder(_Bucket).decode
_decode_pairs = msgspec.msgpack.Decoder(list[tuple[str, bytes]]).decode
_encode = msgspec.msgpack.encode


class KeptElements:
    """Reads and writes the state, which is given to each call, since Flink opens it for each. Not thread-safe.

    Earlier versions kept the block list as one entry a party. Such entries are read, and packed some at a time as elements
    arrive: all at once would hold up decisions for seconds.
    """

    def __init__(self) -> None:
        self._unpacked: dict[str, bytes] = {}

    def restored(self, state: KeptBytes) -> Iterator[tuple[str, bytes]]:
        """Key and payload of each element. Call it once, first."""
        for name, stored in state.items():
            if name.startswith(PACKED):
                yield from _elements(_decode(stored)).items()
                continue
            if name.startswith(PARTY):
                self._unpacked[name] = stored
            yield name, zlib.decompress(stored) if name.startswith(NAMED_LIST) else stored

    def kept(self, state: KeptBytes, key: str) -> bytes | None:
        """The element of this key."""
        if not key.startswith(PARTY):
            stored = state.get(key)
            return zlib.decompress(stored) if stored is not None and key.startswith(NAMED_LIST) else stored
        return self._unpacked.get(key) or _elements(_read(state, _name_of(key))).get(key)

    def keep(self, state: KeptBytes, key: str, payload: bytes) -> None:
        """Replace the element of this key."""
        if key.startswith(PARTY):
            self._forget_unpacked(state, key)
            _add(state, key, payload)
        else:
            state.put(key, zlib.compress(payload, LEVEL) if key.startswith(NAMED_LIST) else payload)
        for unpacked in [*islice(self._unpacked, AT_ONCE)]:
            _add(state, unpacked, self._unpacked[unpacked])
            self._forget_unpacked(state, unpacked)

    def drop(self, state: KeptBytes, keys: Iterable[str]) -> None:
        """Remove the elements of these keys of the block list; those that are not there are passed over."""
        by_bucket: dict[str, set[str]] = {}
        for key in keys:
            by_bucket.setdefault(_name_of(key), set()).add(key)
            self._forget_unpacked(state, key)
        for name, dropped in by_bucket.items():
            known = _elements(_read(state, name))
            left = {key: payload for key, payload in known.items() if key not in dropped}
            if left:
                state.put(name, _encode(_packed(left)))
            else:
                state.remove(name)

    def _forget_unpacked(self, state: KeptBytes, key: str) -> None:
        if self._unpacked.pop(key, None) is not None:
            state.remove(key)


def _add(state: KeptBytes, key: str, payload: bytes) -> None:
    name = _name_of(key)
    bucket = _read(state, name)
    bucket.loose.append((key, payload))
    state.put(name, _encode(bucket if len(bucket.loose) <= LOOSE else _packed(_elements(bucket))))


def _name_of(key: str) -> str:
    return f"{PACKED}{zlib.crc32(key.encode()) % BUCKETS}"


def _read(state: KeptBytes, name: str) -> _Bucket:
    stored = state.get(name)
    return _Bucket() if stored is None else _decode(stored)


def _elements(bucket: _Bucket) -> dict[str, bytes]:
    packed = _decode_pairs(zlib.decompress(bucket.packed)) if bucket.packed else []
    return dict([*packed, *bucket.loose])


def _packed(elements: dict[str, bytes]) -> _Bucket:
    return _Bucket(zlib.compress(_encode(list(elements.items())), LEVEL))
