"""Errors of backtests."""

from __future__ import annotations


class BacktestError(ValueError):
    """The rules cannot be tried on these decisions; the message is one line with cause and remedy."""
