"""Stores of both kinds, as the tests of the store have them."""

from __future__ import annotations

from tests.console.store.conftest import new_url, store, url  # noqa: F401
