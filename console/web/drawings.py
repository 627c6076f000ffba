"""Places of what is drawn: bars of a waterfall, dots of a time line, nodes of a graph. Units are those of the SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from console.cases.links import Graph, Party
from console.cases.user_day import WINDOWS
from console.store.rows import DecisionRow

WIDTH = 720
BAR_LEFT, BAR_WIDTH, ROW_HEIGHT = 330, 330, 26
LINE_LEFT, LINE_RIGHT = 16, WIDTH - 16
LEAST_BAR = 1.5
LONGEST_WORDS = 52


class Bar(NamedTuple):
    """One row of a waterfall. `kind`: source of the reason, `other` or `total`."""

    kind: str
    words: str
    points: float
    left: float
    width: float
    top: int


class Dot(NamedTuple):
    """One payment on the time line."""

    kind: str
    x: float
    words: str
    decision_id: str


class Band(NamedTuple):
    """One window on the time line."""

    name: str
    left: float
    width: float


class Node(NamedTuple):
    """One user or party of the graph."""

    kind: str
    value: str
    x: float
    y: float
    is_this: bool


class Edge(NamedTuple):
    """A line between nodes."""

    x1: float
    y1: float
    x2: float
    y2: float


def waterfall(decision: DecisionRow, other_words: str, total_words: str) -> list[Bar]:
    """The parts of the risk score, each beginning where the one before ended, and their sum.

    What no reason tells of is one part, `other`; it may take away.
    """
    parts: list[tuple[str, str, float]] = [(reason.source, reason.text, reason.weight) for reason in decision.reasons]
    rest = decision.risk_score - sum(points for _, _, points in parts)
    if abs(rest) >= 0.5:
        parts.append(("other", other_words, rest))
    ends = [0.0]
    for _, _, points in parts:
        ends.append(ends[-1] + points)
    low, high = min(0.0, *ends), max(1.0, float(decision.risk_score), *ends)
    scale = BAR_WIDTH / (high - low)
    bars = []
    for number, (kind, words, points) in enumerate(parts):
        left = BAR_LEFT + (min(ends[number], ends[number + 1]) - low) * scale
        bars.append(Bar(kind, _short(words), points, left, max(abs(points) * scale, LEAST_BAR), number * ROW_HEIGHT))
    total = max(decision.risk_score * scale, LEAST_BAR)
    left = BAR_LEFT - low * scale
    bars.append(Bar("total", total_words, decision.risk_score, left, total, len(parts) * ROW_HEIGHT))
    return bars


def place_of(time_ms: int, end_ms: int) -> float:
    """Where a time before the end stands: on a logarithmic axis, so that all windows can be seen."""
    widest = WINDOWS[-1][1]
    share = math.log1p(max(0, end_ms - time_ms) / 10_000) / math.log1p(widest / 10_000)
    return LINE_RIGHT - min(1.0, share) * (LINE_RIGHT - LINE_LEFT)


def bands(end_ms: int) -> list[Band]:
    """The windows, the widest first, so that narrower ones are drawn over them."""
    return [
        Band(name, place_of(end_ms - width_ms, end_ms), LINE_RIGHT - place_of(end_ms - width_ms, end_ms))
        for name, width_ms in reversed(WINDOWS)
    ]


def dots(payments: Sequence[DecisionRow], decision: DecisionRow, words: Sequence[str]) -> list[Dot]:
    """The payments of the day; `words` of each, in their order."""
    found = []
    for payment, told in zip(payments, words, strict=True):
        kind = (
            "this" if payment.decision_id == decision.decision_id else "alert" if payment.action != "allow" else "plain"
        )
        found.append(Dot(kind, place_of(payment.event_time_ms, decision.event_time_ms), told, payment.decision_id))
    return found


def placed(graph: Graph, this: Party) -> tuple[list[Node], list[Edge], int]:
    """Users on the left, what they share on the right; nodes, lines and the height."""
    rows = max(len(graph.users), len(graph.parties), 1)
    height = rows * 30 + 10
    places: dict[Party, tuple[float, float]] = {}
    nodes = []
    for x, parties in ((230, [("user", user) for user in graph.users]), (430, graph.parties)):
        step = height / (len(parties) + 1)
        for number, party in enumerate(parties, start=1):
            places[party] = (x, step * number)
            nodes.append(Node(*party, *places[party], party == this))
    edges = [
        Edge(*places["user", user], *places[party])
        for user, party in graph.edges
        if ("user", user) in places and party in places
    ]
    return nodes, edges, height


def _short(words: str) -> str:
    return words if len(words) <= LONGEST_WORDS else words[: LONGEST_WORDS - 1] + "…"
