"""The constant parts of a simulation: users, merchants, trips, addresses, local time."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.addresses import AddressPlan
from simulator.config import SimulatorConfig
from simulator.local_time import LocalTime
from simulator.merchants import Merchants, make_merchants
from simulator.randomness import RandomStreams
from simulator.trips import Trips
from simulator.users import Users, make_users


@dataclass(frozen=True, slots=True)
class World:
    """Immutable input of all draws of a simulation."""

    config: SimulatorConfig
    merchants: Merchants
    users: Users
    trips: Trips
    addresses: AddressPlan
    local_time: LocalTime


def make_world(config: SimulatorConfig, streams: RandomStreams) -> World:
    merchants = make_merchants(config.merchant_count, config.start_ms, streams.of("merchants"))
    users = make_users(config, merchants, streams.of("users"))
    return World(
        config=config,
        merchants=merchants,
        users=users,
        trips=Trips(users, config.days, streams.of("trips")),
        addresses=AddressPlan(config.users),
        local_time=LocalTime(config.start_ms, config.days),
    )
