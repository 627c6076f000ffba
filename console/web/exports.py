"""The draft of a report to an authority, as PDF. Texts of events are drawn as they are: nothing in them is interpreted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from console.cases.attachments import words_of
from console.cases.case_file import CaseFile
from console.web.formats import money, percent, utc
from console.web.rendering import STATIC, TEXTS

FONT_FILE = STATIC / "vendor" / "DejaVuSans.ttf"
LEFT_COLUMN_MM, MOST_NAME, MOST_PAYMENTS = 45, 28, 40
DRAFT = "Draft for a suspicious activity report. Not filed; for the use of the compliance function only."


class Line(NamedTuple):
    """One line of the report. `name`: of a value, in the left column; `size`: in points."""

    text: str
    size: int = 10
    name: str | None = None


def pdf_of(file: CaseFile, who: str, now_ms: int) -> bytes:
    """The PDF of an alert, made by `who` at this time (epoch ms)."""
    from fpdf import FPDF, XPos, YPos

    lines = [
        Line(_printable(one.text), one.size, None if one.name is None else _printable(one.name))
        for one in _lines(file, who, now_ms)
    ]
    pdf = FPDF(format="A4")
    pdf.set_title(f"Alert {file.case.case_id}")
    pdf.set_creator("Streaming fraud detector")
    font = "Helvetica"
    if not all(_is_latin(one.text + (one.name or "")) for one in lines):
        font = "DejaVu"  # has most scripts, and takes a second
        pdf.add_font(font, fname=FONT_FILE)
    pdf.set_auto_page_break(True, margin=18)
    pdf.add_page()
    for line in lines:
        pdf.set_font(font, size=line.size)
        if line.name is not None:
            pdf.cell(LEFT_COLUMN_MM, 5, line.name[:MOST_NAME])
        elif line.size > 10:
            pdf.ln(3)
        pdf.multi_cell(0, max(5, line.size * 0.5), line.text, new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")
    return bytes(pdf.output())


def _lines(file: CaseFile, who: str, now_ms: int) -> Iterator[Line]:
    case, decision = file.case, file.decision
    yield Line(f"Alert {case.case_id}: {TEXTS('action.' + case.action)}, risk score {case.risk_score}", 16)
    yield Line(f"{DRAFT} Made by {who}, {utc(now_ms)}.", 9)
    yield Line(TEXTS("case.why"), 13)
    yield Line(case.title or TEXTS("case.no_summary"))
    yield Line(TEXTS("case.payment"), 13)
    yield from _values(
        [("Alert", case.decision_id), ("Time", utc(case.event_time_ms)), ("User", case.user_id),
         ("Transaction", case.transaction_id), ("Amount", money(case.amount, case.currency)),
         ("Merchant", case.merchant_id), ("State", TEXTS("state." + case.state)),
         ("Outcome", TEXTS("outcome." + case.outcome) if case.outcome else None)]
    )  # fmt: skip
    yield from _values((name, value) for name, value in (file.payment or {}).items() if name not in _TOLD)
    if decision is not None:
        yield Line(TEXTS("case.decision"), 13)
        yield from _values(
            [("Probability of fraud", percent(decision.probability)), ("Bundle", decision.model.bundle),
             ("Rule set", f"version {decision.rules.version}"), ("Rules that hit", ", ".join(decision.rules.hits)),
             ("Flags", ", ".join(decision.flags)), ("Enrichment", decision.enrichment)]
        )  # fmt: skip
        yield from _values((f"{one.source}, {one.weight:.0f} points", one.text) for one in decision.reasons)
    yield Line(TEXTS("case.timeline"), 13)
    yield from _values(
        (utc(one.event_time_ms), f"{money(one.amount, one.currency)}, score {one.risk_score}")
        for one in file.day[:MOST_PAYMENTS]
    )
    yield Line(TEXTS("case.shared"), 13)
    yield from _values(
        (TEXTS("party." + one.kind), f"{one.value}: {TEXTS('case.shared_line', alerts=one.alerts, users=one.users)}")
        for one in file.shared
    )
    if file.files:
        yield Line(TEXTS("files.title"), 13)
        yield from _values((one.name, words_of(one)) for one in file.files)
    yield Line(TEXTS("case.journal"), 13)
    yield from _values(
        (utc(one.at_ms), f"{one.who} {TEXTS('entry.' + one.what)} {_told(one.what, one.body)}")
        for one in file.journal
        if one.what not in ("claimed", "released")
    )


def _values(rows: Iterable[tuple[str, object]]) -> Iterator[Line]:
    for name, value in rows:
        if value not in (None, ""):
            yield Line(str(value), 9, name)


def _is_latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


_TOLD = frozenset({"type", "transaction_id", "user_id", "timestamp", "amount", "currency", "merchant_id"})


def _told(what: str, body: str) -> str:
    if what in ("outcome", "reopened"):
        return TEXTS("outcome." + body)
    return utc(int(body)) if what == "due" and body else body


def _printable(text: str) -> str:
    """Without control characters, which viewers and their clipboards might act on."""
    return "".join(one if one.isprintable() or one == "\n" else "?" for one in text)
