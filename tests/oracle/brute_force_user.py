"""What one user's features must be, by definition: lists of everything that ever arrived, and no cleverness.

Shares no code with udfs. Amounts are Fractions of the base currency's major unit; standard deviations come from
Decimal arithmetic with 60 digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NAN = float("nan")


def deviation(amounts: list[Fraction]) -> float:
    n = len(amounts)
    mean = sum(amounts, Fraction(0)) / n
    variance = sum(((a - mean) ** 2 for a in amounts), Fraction(0)) / n
    with localcontext() as context:
        context.prec = 60
        return float((Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt())


def differs(before: Any, now: Any) -> float:
    if before is None or now is None:
        return NAN
    return 1.0 if before != now else 0.0


def sphere_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """By the chord between two points of the unit sphere."""

    def point(latitude: float, longitude: float) -> tuple[float, float, float]:
        p, q = math.radians(latitude), math.radians(longitude)
        return math.cos(p) * math.cos(q), math.cos(p) * math.sin(q), math.sin(p)

    chord = math.dist(point(*a), point(*b))
    return 2 * 6371.0088 * math.asin(min(1.0, chord / 2))


@dataclass
class BruteForceUser:
    """Everything that arrived, in order of arrival, as plain dicts."""

    profile: dict[str, Any] = field(default_factory=dict)
    accepted: list[dict[str, Any]] = field(default_factory=list)
    ids: list[tuple[str, int]] = field(default_factory=list)
    logins: list[dict[str, Any]] = field(default_factory=list)
    unblocked: list[int] = field(default_factory=list)
    labels: list[tuple[str, int, bool]] = field(default_factory=list)
    newest: int = -1

    # -- what happens to an event ------------------------------------------------------------------------------------

    def is_duplicate(self, mark: str, t: int) -> bool:
        newest = max(self.newest, t)
        return any(known == mark and at > newest - 2 * DAY for known, at in self.ids)

    def is_late(self, t: int) -> bool:
        return self.newest - t > DAY

    def accept(self, tx: dict[str, Any]) -> None:
        late = self.is_late(tx["t"])
        self.newest = max(self.newest, tx["t"])
        self.ids.append((tx["id"], self.newest))
        if not late:
            self.accepted.append(tx)

    def accept_login(self, login: dict[str, Any]) -> None:
        self.newest = max(self.newest, login["t"])
        self.ids.append(("login " + login["id"], self.newest))
        self.logins.append(login)

    def accept_change(self, change: dict[str, Any]) -> None:
        self.newest = max(self.newest, change["t"])
        self.ids.append(("change " + change["id"], self.newest))
        if change["unblocks"]:
            self.unblocked.append(change["t"])

    # -- what the features must be -----------------------------------------------------------------------------------

    def features(self, tx: dict[str, Any]) -> dict[str, float]:
        f: dict[str, float] = {}
        f.update(self._windows(tx))
        f.update(self._habits(tx, f))
        f.update(self._last(tx))
        f.update(self._known(tx))
        f.update(self._logins(tx))
        return f

    def _inside(self, tx: dict[str, Any], width: int) -> list[dict[str, Any]]:
        return [e for e in [*self.accepted, tx] if tx["t"] - width < e["t"] <= tx["t"]]

    def _windows(self, tx: dict[str, Any]) -> dict[str, float]:
        f: dict[str, float] = {}
        late = self.is_late(tx["t"])
        totals: dict[str, Fraction] = {}
        counts: dict[str, int] = {}
        for name, width in (("5m", 5 * MINUTE), ("1h", HOUR), ("1d", DAY)):
            inside = self._inside(tx, width)
            amounts = [e["amount"] for e in inside]
            totals[name], counts[name] = sum(amounts, Fraction(0)), len(inside)
            f[f"txn_count_{name}"] = len(inside)
            f[f"amount_sum_{name}"] = float(totals[name])
            f[f"avg_amount_{name}"] = float(totals[name] / len(inside))
            f[f"max_amount_{name}"] = float(max(amounts))
            f[f"std_amount_{name}"] = deviation(amounts)
            for plural, key in (("merchants", "merchant"), ("devices", "device"), ("countries", "country")):
                different = len({e[key] for e in inside if e[key] is not None})
                f[f"distinct_{plural}_{name}"] = NAN if tx[key] is None else different
        day = self._inside(tx, DAY)
        home = self.profile.get("home_country")
        f["foreign_country_count_1d"] = (
            len({e["country"] for e in day if e["country"] not in (None, home)}) if home and tx["country"] else NAN
        )
        f["velocity_score"] = float(counts["5m"] * totals["1h"] / counts["1h"])
        f["declined_count_1h"] = sum(e["declined"] for e in self._inside(tx, HOUR))
        f["declined_count_1d"] = sum(e["declined"] for e in day)
        f["refund_count_1d"] = sum(e["refund"] for e in day)
        f["refund_sum_1d"] = float(sum((e["amount"] for e in day if e["refund"]), Fraction(0)))
        f["txn_count_1h_share_of_1d"] = counts["1h"] / counts["1d"]
        f["amount_sum_1h_share_of_1d"] = float(totals["1h"] / totals["1d"]) if totals["1d"] else NAN
        for name in ("1h", "1d"):
            mean = totals[name] / counts[name]
            f[f"amount_vs_avg_{name}"] = float(tx["amount"] / mean) if mean else NAN
        f.update(self._session(tx))
        paid = [e for e in [*self.accepted, tx] if tx["t"] - DAY < e["t"] <= tx["t"]]
        newest = sorted(paid, key=lambda e: e["t"])[-256:]
        beneficiaries = len({e["beneficiary"] for e in newest if e["beneficiary"] is not None})
        f["distinct_beneficiaries_1d"] = NAN if tx["beneficiary"] is None else beneficiaries
        return dict.fromkeys(f, NAN) if late else f

    def _session(self, tx: dict[str, Any]) -> dict[str, float]:
        """Back from this transaction while no gap is longer than 30 minutes, at most 64 of a day."""
        before = sorted((e for e in self.accepted if tx["t"] - DAY < e["t"] <= tx["t"]), key=lambda e: e["t"])
        session = [tx]
        while before and len(session) < 64 and session[-1]["t"] - before[-1]["t"] <= 30 * MINUTE:
            session.append(before.pop())
        f = {"session_txn_count": float(len(session))}
        for name, key in (("session_device_count", "device"), ("session_city_count", "city")):
            different = len({e[key] for e in session if e[key] is not None})
            f[name] = NAN if tx[key] is None else float(different)
        return f

    def _habits(self, tx: dict[str, Any], windows: dict[str, float]) -> dict[str, float]:
        past = self.accepted
        f = {"user_txn_count": float(len(past))}
        amount = tx["amount"]
        if past:
            amounts = [e["amount"] for e in past]
            mean, peak, spread = sum(amounts, Fraction(0)) / len(past), max(amounts), deviation(amounts)
            days = (tx["t"] - min(e["t"] for e in past)) / DAY
            per_day = len(past) / (days + 1) if days > -1 else NAN
            f["user_avg_amount"], f["user_max_amount"], f["user_std_amount"] = float(mean), float(peak), spread
            f["user_days_known"], f["user_txn_per_day"] = days, per_day
            f["amount_vs_user_avg"] = float(amount / mean) if mean else NAN
            f["amount_zscore"] = float(amount - mean) / spread if spread else NAN
            f["amount_vs_user_max"] = float(amount / peak) if peak else NAN
            f["txn_count_1d_vs_usual"] = windows["txn_count_1d"] / (per_day + 1)
        else:
            for name in (
                "user_avg_amount", "user_max_amount", "user_std_amount", "user_days_known", "user_txn_per_day",
                "amount_vs_user_avg", "amount_zscore", "amount_vs_user_max", "txn_count_1d_vs_usual",
            ):  # fmt: skip
                f[name] = NAN
        today = tx["t"] // DAY
        for name, width in (("7d", 7), ("30d", 30)):
            amounts = [e["amount"] for e in past if today - width < e["t"] // DAY <= today]
            mean = sum(amounts, Fraction(0)) / len(amounts) if amounts else None
            f[f"user_txn_count_{name}"] = float(len(amounts))
            f[f"user_avg_amount_{name}"] = float(mean) if mean is not None else NAN
            f[f"amount_vs_avg_{name}"] = float(amount / mean) if mean else NAN
            if name == "30d":
                f["user_std_amount_30d"] = deviation(amounts) if amounts else NAN
        spent = {
            width: amount + sum((e["amount"] for e in past if today - width < e["t"] // DAY <= today), Fraction(0))
            for width in (7, 30)
        }
        f["spend_7d_vs_30d"] = float(spent[7] / 7 / (spent[30] / 30)) if spent[30] else NAN
        if "credit_limit" in self.profile:
            f["credit_limit_share_7d"] = float(spent[7]) / self.profile["credit_limit"]
            f["credit_limit_share_30d"] = float(spent[30]) / self.profile["credit_limit"]
        if self.is_late(tx["t"]):
            f.update({name: NAN for name in f if name.endswith(("_7d", "_30d"))})
        f.update(self._category(tx))
        f.update(self._refunds(tx))
        f["user_night_share"] = sum(e["night"] for e in past) / len(past) if past else NAN
        return f

    def _previous(self, tx: dict[str, Any]) -> dict[str, Any] | None:
        """The greatest event time <= t, ties by arrival. Beyond 48 h only the newest of those counts."""
        newest = max(self.newest, tx["t"])
        beyond = [e for e in self.accepted if e["t"] <= newest - 2 * DAY]
        candidates = [e for e in self.accepted if newest - 2 * DAY < e["t"] <= tx["t"]]
        if not candidates and beyond:
            last = max(enumerate(beyond), key=lambda item: (item[1]["t"], item[0]))[1]
            candidates = [last] if last["t"] <= tx["t"] else []
        return max(enumerate(candidates), key=lambda item: (item[1]["t"], item[0]))[1] if candidates else None

    def _last(self, tx: dict[str, Any]) -> dict[str, float]:
        last = self._previous(tx) or dict.fromkeys(tx)
        f = {
            "country_changed": differs(last["country"], tx["country"]),
            "city_changed": differs(last["city"], tx["city"]),
            "device_changed": differs(last["device"], tx["device"]),
            "ip_changed": differs(last["ip"], tx["ip"]),
            "seconds_since_last": NAN if last["t"] is None else (tx["t"] - last["t"]) / 1000,
            "amount_vs_last": float(tx["amount"] / last["amount"]) if last["amount"] else NAN,
            "km_from_last": NAN,
            "speed_kmh": NAN,
            "km_from_home": NAN,
        }
        recent = last["t"] is not None and tx["t"] - last["t"] <= 30 * MINUTE
        other_session = last["t"] is not None and not recent and tx["device"] is not None
        f["device_changed_in_session"] = 0.0 if other_session else f["device_changed"]
        if last["place"] is not None and tx["place"] is not None:
            f["km_from_last"] = sphere_km(last["place"], tx["place"])
            f["speed_kmh"] = f["km_from_last"] / max(0.01, (tx["t"] - last["t"]) / HOUR)
        if self.profile.get("home") and tx["place"] is not None:
            f["km_from_home"] = sphere_km(self.profile["home"], tx["place"])
        return f

    def _since_known(self, key: str, limit: int) -> dict[str, list[dict[str, Any]]]:
        """Of each value still known, the events since it was last unknown, by replaying every use."""
        known: dict[str, list[dict[str, Any]]] = {}
        for e in self.accepted:
            if e[key] is None:
                continue
            events = known.pop(e[key], [])
            if not events and len(known) == limit:
                del known[next(iter(known))]
            known[e[key]] = [*events, e]
        return known

    def _category(self, tx: dict[str, Any]) -> dict[str, float]:
        known = self._since_known("category", 32)
        total = sum((e["amount"] for events in known.values() for e in events), Fraction(0))
        spent = [e["amount"] for e in known.get(tx["category"], [])]
        share = float(sum(spent, Fraction(0)) / total) if total else NAN
        mean = sum(spent, Fraction(0)) / len(spent) if spent else Fraction(0)
        return {
            "user_category_share": NAN if tx["category"] is None else share,
            "amount_vs_user_category_avg": float(tx["amount"] / mean) if mean else NAN,
        }

    def _refunds(self, tx: dict[str, Any]) -> dict[str, float]:
        if not tx["refund"] or tx["merchant"] is None:
            return {"refund_count_at_merchant": NAN, "refund_vs_purchases_at_merchant": NAN}
        there = self._since_known("merchant", 64).get(tx["merchant"], [])
        refunded = [e["amount"] for e in there if e["refund"]] + [tx["amount"]]
        purchased = sum((e["amount"] for e in there if not e["refund"]), Fraction(0))
        return {
            "refund_count_at_merchant": float(len(refunded)),
            "refund_vs_purchases_at_merchant": float(sum(refunded) / purchased) if purchased else NAN,
        }

    def _first_seen(self, key: str, limit: int) -> dict[str, int]:
        """The values still known: the `limit` most recently used, by replaying every use."""
        order: list[str] = []
        first: dict[str, int] = {}
        for e in self.accepted:
            value = e[key]
            if value is None:
                continue
            if value in order:
                order.remove(value)
                first[value] = min(first[value], e["t"])
            else:
                first[value] = e["t"]
                if len(order) == limit:
                    order.pop(0)
            order.append(value)
        return {value: first[value] for value in order}

    def _known(self, tx: dict[str, Any]) -> dict[str, float]:
        f: dict[str, float] = {}
        for name, key, limit in (
            ("is_new_device", "device", 16), ("is_new_country", "country", 8), ("is_new_city", "city", 16),
            ("is_new_merchant", "merchant", 64), ("is_new_category", "category", 32), ("is_new_ip", "ip", 16),
            ("is_new_beneficiary", "beneficiary", 32),
        ):  # fmt: skip
            known = self._first_seen(key, limit)
            f[name] = NAN if tx[key] is None else float(tx[key] not in known)
            if key == "device":
                f["known_device_count"] = NAN if tx[key] is None else len(known)
                f["device_days_known"] = (tx["t"] - known[tx[key]]) / DAY if tx[key] in known else NAN
        return f

    def _logins(self, tx: dict[str, Any]) -> dict[str, float]:
        t = tx["t"]
        f = {
            f"failed_logins_{name}": float(sum(e["success"] is False and t - w < e["t"] <= t for e in self.logins))
            for name, w in (("1h", HOUR), ("1d", DAY))
        }
        for name, w in (("1h", HOUR), ("1d", DAY)):
            f[f"login_devices_{name}"] = float(len({e["device"] for e in self.logins if t - w < e["t"] <= t} - {None}))
        if not self.logins:
            f = dict.fromkeys(f, NAN)
        if self.is_late(t):
            return {}  # logins of that time may be forgotten: nothing is promised
        before = sorted((e for e in self.logins if e["t"] <= t), key=lambda e: e["t"])
        good = [e for e in before if e["success"] is True and e["t"] > t - DAY]
        if good:  # older ones are kept only while there are few
            f["minutes_since_login"] = (t - good[-1]["t"]) / MINUTE
            f["login_device_differs"] = differs(good[-1]["device"], tx["device"])
        recent = [e for e in before if e["t"] > t - DAY]
        if len(recent) >= 2:
            f["login_city_changed"] = differs(recent[-2]["city"], recent[-1]["city"])
        unblocked = [u for u in sorted(self.unblocked)[-8:] if u <= t]
        f["days_since_unblock"] = (t - unblocked[-1]) / DAY if unblocked else NAN
        newest_label: dict[str, tuple[int, bool]] = {}
        for transaction_id, known_at, fraud in self.labels:
            if transaction_id not in newest_label or known_at >= newest_label[transaction_id][0]:
                newest_label[transaction_id] = (known_at, fraud)
        known = [known_at for known_at, fraud in newest_label.values() if fraud and known_at <= t]
        frauds = len(known)
        f["days_since_fraud_known"] = (t - max(known)) / DAY if known else NAN
        f["prior_fraud_count"] = self.profile.get("prior_fraud_count", 0) + frauds
        return f
