"""Bytes in Flink's state: written as they are, read also as earlier versions left them to PyFlink, pickled.

A pickle can call any function when it is read. Of the state's pickles only those of bytes are taken, and those name no
function: whoever can write a savepoint changes values with it, but runs no code.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, NoReturn


class StateNotReadable(RuntimeError):
    """Stored bytes are neither what this version writes nor what an earlier one wrote."""


class _OfBytes(pickle.Unpickler):
    """An unpickler without functions, classes and persistent ids."""

    def find_class(self, module: str, name: str, /) -> NoReturn:
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any, /) -> NoReturn:
        raise pickle.UnpicklingError("it has a persistent id")


def as_written(stored: bytes) -> bytes:
    """Bytes as they were put into the state.

    What the operators store, msgpack arrays and JSON, never begins like a pickle. Raises StateNotReadable for a pickle of
    anything but bytes.
    """
    if not stored.startswith(pickle.PROTO):
        return stored
    try:
        data = _OfBytes(io.BytesIO(stored)).load()
    except Exception as error:  # a damaged pickle raises errors of any kind
        raise StateNotReadable(_message(f"{type(error).__name__}: {error}")) from None
    if not isinstance(data, bytes):
        raise StateNotReadable(_message(f"it holds {type(data).__name__}"))
    return data


def _message(cause: str) -> str:
    return (
        f"the state holds a pickle that no version of this job has written ({cause}). Find out who can write to "
        "state.checkpoint_dir, and restore an earlier checkpoint or savepoint"
    )
