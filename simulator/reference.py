"""Reference data known at the start: profiles of users, merchants and devices, feeds, and the block list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator import categories, cities, domains
from simulator.addresses import PROXIES, VPN_EXITS, device_text
from simulator.config import DAY_MS
from simulator.fraud_resources import FraudResources
from simulator.names import Names
from simulator.randomness import RandomStreams
from simulator.world import World
from udfs.records.profiles import BlockEntry, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile

USD = 100.0
DAYS_PER_MONTH = 30
RISKY_FEED_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Reference:
    """Records of the reference folder. All precede the first event, so they contain nothing about the period's frauds."""

    users: list[UserProfile]
    merchants: list[MerchantProfile]
    devices: list[DeviceProfile]
    ip_feed: list[IpFeed]
    domain_feed: list[DomainFeed]
    block_list: list[BlockEntry]


def make_reference(world: World, resources: FraudResources, names: Names, streams: RandomStreams) -> Reference:
    return Reference(
        users=_users(world, names, streams.of("user profiles")),
        merchants=_merchants(world, names),
        devices=_devices(world, resources, streams.of("device profiles")),
        ip_feed=_ip_feed(world, resources, names, streams.of("ip feed")),
        domain_feed=[
            DomainFeed(email_domain=name, registered_at=domains.registered_at_ms(number, world.config.start_ms))
            for number, name in enumerate(domains.DOMAINS)
        ],
        block_list=_block_list(world, resources, names, streams.of("block list")),
    )


def _users(world: World, names: Names, rng: np.random.Generator) -> list[UserProfile]:
    users, config = world.users, world.config
    count = len(users)
    daily_count = users.rate / users.rate.mean() * config.transaction_count / (count * config.days)
    monthly_spend = users.mean_amount / USD * daily_count * DAYS_PER_MONTH * rng.uniform(0.7, 1.6, count)
    credit_limit = np.round(users.mean_amount / USD * rng.uniform(40, 160, count), -2)
    prior_frauds = rng.poisson(0.02 * np.minimum(users.vulnerability, 5))
    unblocked_days = np.where(rng.random(count) < 0.02, rng.uniform(1, 200, count), np.inf)
    unblocked_ms = np.where(np.isfinite(unblocked_days), config.start_ms - unblocked_days * DAY_MS, -1.0)
    unblocked_ms = np.where(unblocked_ms > users.opened_ms, unblocked_ms, -1.0)
    history_length = rng.integers(0, 6, count)
    history = np.round(rng.beta(1.2, 8, (count, 5)) * 100, 1)
    address_count = rng.choice(3, count, p=[0.75, 0.2, 0.05])
    earlier_homes = rng.integers(0, len(cities.CITIES), (count, 2))
    profiles = []
    for number in range(count):
        city = cities.CITIES[int(users.home_city[number])]
        profiles.append(
            UserProfile(
                user_id=names.users[number],
                home_latitude=float(users.home_latitude[number]),
                home_longitude=float(users.home_longitude[number]),
                home_country=city.country,
                timezone=city.timezone,
                kyc_level=int(users.kyc_level[number]),
                account_opened_at=int(users.opened_ms[number]),
                date_of_birth=int(users.born_ms[number]),
                credit_limit=float(credit_limit[number]),
                avg_monthly_spend=round(float(monthly_spend[number]), 2),
                is_vip=bool(users.is_vip[number]),
                prior_fraud_count=int(prior_frauds[number]),
                last_unblocked_at=int(unblocked_ms[number]) if unblocked_ms[number] >= 0 else None,
                risk_score_history=tuple(history[number, : history_length[number]].tolist()),
                address_history=tuple(
                    cities.CITIES[home].name for home in earlier_homes[number, : address_count[number]].tolist()
                ),
            )
        )
    return profiles


def _merchants(world: World, names: Names) -> list[MerchantProfile]:
    merchants = world.merchants
    return [
        MerchantProfile(
            merchant_id=names.merchants[number] or "",
            category=categories.CODES[int(merchants.category[number])],
            country=cities.COUNTRIES[int(merchants.country[number])],
            first_seen_at=int(merchants.first_seen_ms[number]),
        )
        for number in range(len(merchants))
    ]


def _devices(world: World, resources: FraudResources, rng: np.random.Generator) -> list[DeviceProfile]:
    """The users' devices, and 30 % of the fraudsters' devices as seen before the start."""
    users, start_ms = world.users, world.config.start_ms
    profiles = []
    for user in range(len(users)):
        opened_ms = int(users.opened_ms[user])
        for number in range(int(users.first_device[user]), int(users.first_device[user] + users.device_count[user])):
            registered_ms = opened_ms + int(rng.random() * 0.8 * max(0, start_ms - opened_ms))
            used_ms = max(registered_ms, start_ms - int(rng.exponential(4) * DAY_MS))
            profiles.append(
                DeviceProfile(
                    device_id=device_text(number),
                    blacklisted=bool(rng.random() < 0.0005),
                    registered_at=registered_ms,
                    last_used_at=used_ms if used_ms < start_ms else None,
                    is_active=bool(rng.random() < 0.985),
                )
            )
    for number in range(resources.first_device, resources.first_device + resources.device_count):
        if rng.random() < 0.3:
            registered_ms = start_ms - int(rng.uniform(1, 120) * DAY_MS)
            known = bool(rng.random() < 0.35)
            profiles.append(
                DeviceProfile(
                    device_id=device_text(number), blacklisted=known, registered_at=registered_ms, is_active=not known
                )
            )
    return sorted(profiles, key=lambda profile: profile.device_id)


def _ip_feed(world: World, resources: FraudResources, names: Names, rng: np.random.Generator) -> list[IpFeed]:
    """An imperfect feed: covers most proxies and VPN exits and some homes, with some wrong entries."""
    addresses = world.addresses
    ranges = (
        (0, addresses.first_carrier, 0.35, 1.0, 18.0, 0.002),
        (addresses.first_carrier, addresses.first_vpn, 0.8, 2.0, 12.0, 0.01),
        (addresses.first_vpn, addresses.first_vpn + VPN_EXITS, 0.9, 4.0, 4.0, 0.85),
        (addresses.first_proxy, addresses.first_proxy + PROXIES, 0.6, 6.0, 3.0, 0.3),
        (addresses.first_fresh, addresses.first_fresh + resources.address_count, 0.25, 2.0, 6.0, 0.05),
    )
    feed = []
    for first, end, known_share, alpha, beta, vpn_share in ranges:
        for number in range(first, end):
            if rng.random() < known_share:
                score = round(100 * float(rng.beta(alpha, beta)), 1)
                vpn = bool(rng.random() < vpn_share)
                feed.append(IpFeed(ip_address=names.addresses[number] or "", ip_risk_score=score, vpn=vpn))
    return sorted(feed, key=lambda entry: entry.ip_address)


def _block_list(world: World, resources: FraudResources, names: Names, rng: np.random.Generator) -> list[BlockEntry]:
    """Some fraudsters' devices and proxies, some legitimate users, cards and merchants, and some expired entries."""
    start_ms, users = world.config.start_ms, len(world.users)
    entries: dict[tuple[str, str], BlockEntry] = {}

    def block(entry: BlockEntry) -> None:
        entries.setdefault((entry.type, entry.value), entry)

    for number in range(resources.first_device, resources.first_device + resources.device_count):
        if rng.random() < 0.06:
            block(BlockEntry(type="device", value=device_text(number), reason_code="FRAUD", source_system="case-desk"))
    for number in range(world.addresses.first_proxy, world.addresses.first_proxy + PROXIES):
        if rng.random() < 0.1:
            value = names.addresses[number] or ""
            until_ms = start_ms + int(rng.uniform(-20, 120) * DAY_MS)
            block(BlockEntry(type="ip", value=value, reason_code="PROXY", source_system="ip-feed", expires_at=until_ms))
    for number in rng.integers(0, users, 1 + users // 2_000).tolist():
        block(
            BlockEntry(type="user", value=names.users[number], reason_code="SANCTION_LIST", source_system="compliance")
        )
    for number in rng.integers(0, users, 1 + users // 500).tolist():
        until_ms = start_ms + int(rng.uniform(-40, 40) * DAY_MS)
        card = names.cards[number]
        block(BlockEntry(type="card", value=card, reason_code="LOST", source_system="cards", expires_at=until_ms))
    rare = np.argsort(world.merchants.popularity, kind="stable")[: max(1, len(world.merchants) // 400)]
    for number in rare.tolist():
        value = names.merchants[number] or ""
        block(BlockEntry(type="merchant", value=value, reason_code="FRAUD", source_system="acquirer"))
    return list(entries.values())
