"""IP addresses and devices as numbers, and the text that the events carry for them."""

from __future__ import annotations

import numpy as np

from simulator.choice import Array
from simulator.cities import CITIES

CARRIERS_PER_CITY = 48
VPN_EXITS = 160
PROXIES = 320

_ODD_MULTIPLIER = 0x9E3779B1  # odd, hence a bijection modulo a power of two: ids don't tell who was made last
_FIRST_OCTETS = (24, 31, 46, 62, 71, 77, 82, 86, 93, 101, 109, 117, 122, 151, 176, 185, 188, 201)


class AddressPlan:
    """Ranges of address numbers: homes (one a user), mobile carriers by city, VPN exits, fraudsters' proxies, fresh ones."""

    def __init__(self, users: int) -> None:
        self.first_carrier = users
        self.first_vpn = users + CARRIERS_PER_CITY * len(CITIES)
        self.first_proxy = self.first_vpn + VPN_EXITS
        self.first_fresh = self.first_proxy + PROXIES

    def carrier(self, city: Array, draw: Array) -> Array:
        """A carrier's gateway in the city; `draw` uniform in [0, 1). Low gateways are busier."""
        gateway: Array = (
            self.first_carrier + city * CARRIERS_PER_CITY + (draw * draw * CARRIERS_PER_CITY).astype(np.int64)
        )
        return gateway

    def vpn(self, draw: Array) -> Array:
        exit_number: Array = self.first_vpn + (draw * VPN_EXITS).astype(np.int64)
        return exit_number


def address_text(number: int) -> str:
    """The IPv4 address of an address number; distinct up to 2**24 numbers."""
    mixed = (number * (_ODD_MULTIPLIER & 0xFFFFFF)) & 0xFFFFFF
    return f"{_FIRST_OCTETS[number % len(_FIRST_OCTETS)]}.{mixed >> 16}.{mixed >> 8 & 255}.{mixed & 255}"


def device_text(number: int) -> str:
    return f"D{number * _ODD_MULTIPLIER & 0xFFFFFFFF:08X}"
