"""What fraudsters use and share between their deeds: devices, addresses, mule accounts."""

from __future__ import annotations

import numpy as np

from simulator.world import World

REUSED_DEVICE_SHARE = 0.25
MULES_PER_THOUSAND_USERS = 12


class FraudMeans:
    """Hands out numbers beyond those of the users' own devices and addresses, and remembers what was handed out."""

    def __init__(self, world: World) -> None:
        self._first_device = world.users.device_total
        self.device_count = 0
        self._first_address = world.addresses.first_fresh
        self.address_count = 0
        self._account_count = len(world.users) + len(world.users) // 2 + 1
        self._mule_count = max(5, len(world.users) * MULES_PER_THOUSAND_USERS // 1_000)

    @property
    def first_device(self) -> int:
        return self._first_device

    def device(self, rng: np.random.Generator) -> int:
        if self.device_count and rng.random() < REUSED_DEVICE_SHARE:
            return self._first_device + int(rng.integers(self.device_count))
        self.device_count += 1
        return self._first_device + self.device_count - 1

    def fresh_address(self) -> int:
        self.address_count += 1
        return self._first_address + self.address_count - 1

    def mule_account(self, rng: np.random.Generator) -> int:
        """A beneficiary number; a multiplicative step spreads the mules over all accounts."""
        return (int(rng.integers(self._mule_count)) * 7_919 + 13) % self._account_count
