"""Devices, addresses and mule accounts that fraud patterns share."""

from __future__ import annotations

import numpy as np

from simulator.world import World

REUSED_DEVICE_SHARE = 0.25
MULES_PER_THOUSAND_USERS = 12


class FraudResources:
    """Allocates device and address numbers above those of the users and counts the allocated ones."""

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
        """A new device number, or with REUSED_DEVICE_SHARE an allocated one."""
        if self.device_count and rng.random() < REUSED_DEVICE_SHARE:
            return self._first_device + int(rng.integers(self.device_count))
        self.device_count += 1
        return self._first_device + self.device_count - 1

    def fresh_address(self) -> int:
        """A new address number."""
        self.address_count += 1
        return self._first_address + self.address_count - 1

    def mule_account(self, rng: np.random.Generator) -> int:
        """A beneficiary number from the pool of mules, which is spread over all accounts."""
        return (int(rng.integers(self._mule_count)) * 7_919 + 13) % self._account_count
