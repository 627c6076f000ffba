"""Outcomes of the store that are no result. The message of each says what to change."""

from __future__ import annotations


class StoreError(Exception):
    """Base class of the store's errors."""


class StoreUrlError(StoreError):
    """The URL names no store that can be opened."""


class StoreUnavailable(StoreError):
    """The database did not do it; nothing of the transaction took effect. `retryable`: the same call may succeed later."""

    def __init__(self, message: str, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class StoreVersionError(StoreError):
    """The tables were made by a later version of this program."""


class CursorError(StoreError):
    """The text is no cursor of this listing."""


class SourceChanged(StoreError):
    """What the store has read of a source is not what the source holds now, so that reading cannot go on."""


class MoveError(StoreError):
    """A store cannot be taken over: the target is not empty, or the copy differs."""


class BackupError(StoreError):
    """The store cannot be backed up here."""
