"""External feeds: what is known of the IP address and the e-mail domain."""

from __future__ import annotations

from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.time_units import DAY_MS

FEATURES = (
    Feature("ip_risk_score", "0 to 100", "the feed's risk of the IP address", groups=("ip", "feeds")),
    Feature("ip_is_vpn", "flag", "1 if the feed says that the address is a VPN's", groups=("ip", "feeds")),
    Feature(
        "email_domain_age_days",
        "days",
        "t - registration of the e-mail domain; unknown if registered after t",
        groups=("email", "feeds"),
    ),
)


def compute(c: Context) -> tuple[float, ...]:
    ip, domain = c.ip, c.domain
    score = ip.ip_risk_score if ip is not None else None
    registered_at = domain.registered_at if domain is not None else None
    return (
        score if score is not None else NAN,
        NAN if ip is None or ip.vpn is None else 1.0 if ip.vpn else 0.0,
        (c.time_ms - registered_at) / DAY_MS if registered_at is not None and registered_at <= c.time_ms else NAN,
    )
