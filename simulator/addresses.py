"""Numbering of IP addresses and devices, and their text form in events."""

from __future__ import annotations

import numpy as np

from simulator.choice import Array
from simulator.cities import CITIES

CARRIERS_PER_CITY = 48
VPN_EXITS = 160
PROXIES = 320

_ODD_MULTIPLIER = 0x9E3779B1  # odd, hence a bijection modulo a power of two: ids do not reveal the order of creation
_FIRST_OCTETS = (24, 31, 46, 62, 71, 77, 82, 86, 93, 101, 109, 117, 122, 151, 176, 185, 188, 201)


class AddressPlan:
    """Ranges of address numbers: homes (one per user), mobile carriers by city, VPN exits, proxies, new addresses."""

    def __init__(self, users: int) -> None:
        self.first_carrier = users
        self.first_vpn = users + CARRIERS_PER_CITY * len(CITIES)
        self.first_proxy = self.first_vpn + VPN_EXITS
        self.first_fresh = self.first_proxy + PROXIES

    def carrier(self, city: Array, draw: Array) -> Array:
        """A carrier's gateway in each city, int64 (n,); `draw` is uniform in [0, 1). Lower gateways are more frequent."""
        gateway: Array = (
            self.first_carrier + city * CARRIERS_PER_CITY + (draw * draw * CARRIERS_PER_CITY).astype(np.int64)
        )
        return gateway

    def vpn(self, draw: Array) -> Array:
        """A VPN exit for each draw, int64 (n,); `draw` is uniform in [0, 1)."""
        exit_number: Array = self.first_vpn + (draw * VPN_EXITS).astype(np.int64)
        return exit_number


def address_text(number: int) -> str:
    """The IPv4 address of an address number; distinct up to 2**24 numbers."""
    mixed = (number * (_ODD_MULTIPLIER & 0xFFFFFF)) & 0xFFFFFF
    return f"{_FIRST_OCTETS[number % len(_FIRST_OCTETS)]}.{mixed >> 16}.{mixed >> 8 & 255}.{mixed & 255}"


def device_text(number: int) -> str:
    return f"D{number * _ODD_MULTIPLIER & 0xFFFFFFFF:08X}"
