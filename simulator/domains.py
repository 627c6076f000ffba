"""E-mail domains of buyers: large providers, employers and disposable ones."""

from __future__ import annotations

from simulator.config import DAY_MS

PROVIDERS = (
    "gmail.com", "outlook.com", "yahoo.com", "icloud.com", "hotmail.com", "proton.me", "aol.com", "gmx.com",
)  # fmt: skip
PROVIDER_WEIGHTS = (38.0, 14.0, 12.0, 11.0, 9.0, 3.0, 2.0, 3.0)
EMPLOYERS = tuple(f"company{number:02d}.example" for number in range(40))
THROW_AWAY = tuple(f"mail-{number:02d}.example" for number in range(24))
DOMAINS = PROVIDERS + EMPLOYERS + THROW_AWAY
FIRST_EMPLOYER = len(PROVIDERS)
FIRST_THROW_AWAY = len(PROVIDERS) + len(EMPLOYERS)


def registered_at_ms(domain: int, start_ms: int) -> int:
    """Registration time of a domain (epoch ms UTC): decades, years or days before the start, by its type."""
    if domain < FIRST_EMPLOYER:
        age_days = 9_000 - 400 * domain
    elif domain < FIRST_THROW_AWAY:
        age_days = 500 + 137 * (domain - FIRST_EMPLOYER) % 4_000
    else:
        age_days = 2 + 11 * (domain - FIRST_THROW_AWAY)
    return max(0, start_ms - age_days * DAY_MS)
