"""Ids and names in events, by internal number. Lists end with None, so that the index NONE (-1) yields None."""

from __future__ import annotations

from simulator import categories, cities, domains
from simulator.addresses import address_text
from simulator.world import World

ISSUERS = ("401234", "402345", "431111", "448900", "510510", "523456", "545454", "557788")


def transaction_id(number: int) -> str:
    return f"T{number:09d}"


def user_id(number: int) -> str:
    return f"U{number:06d}"


def account_id(number: int, user_count: int) -> str:
    """A beneficiary's account: the user id for a user of this bank, otherwise an account of another bank."""
    return user_id(number) if number < user_count else f"B{number:07d}"


def card_id(number: int) -> str:
    """A card number: 16 digits starting with an issuer's prefix."""
    return f"{ISSUERS[number % len(ISSUERS)]}{number:010d}"


def merchant_id(number: int) -> str:
    return f"M{number:05d}"


class Names:
    """Names of all entities of a world, by number."""

    def __init__(self, world: World, address_total: int) -> None:
        merchants = world.merchants
        self.users = [user_id(number) for number in range(len(world.users))]
        self.cards = [card_id(number) for number in range(len(world.users))]
        self.merchants = [*(merchant_id(number) for number in range(len(merchants))), None]
        self.merchant_categories = [*(categories.CODES[number] for number in merchants.category.tolist()), None]
        self.merchant_countries = [*(cities.COUNTRIES[number] for number in merchants.country.tolist()), None]
        self.addresses = [*(address_text(number) for number in range(address_total)), None]
        self.cities = [*(city.name for city in cities.CITIES), None]
        self.countries = [*(city.country for city in cities.CITIES), None]
        self.domains = [*domains.DOMAINS, None]
