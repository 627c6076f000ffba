"""What one window holds."""

from __future__ import annotations


class Window:
    """The transactions of one user in (t - width, t], the current one included; amounts in minor units."""

    __slots__ = ("count", "countries", "devices", "merchants", "peak", "squares", "total")

    def __init__(
        self, count: int, total: int, squares: int, peak: int, merchants: int, devices: int, countries: int
    ) -> None:
        self.count = count
        self.total = total
        self.squares = squares
        self.peak = peak
        self.merchants = merchants
        self.devices = devices
        self.countries = countries
