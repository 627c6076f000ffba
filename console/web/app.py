"""Adds the pages to the application."""

from __future__ import annotations

from fastapi import FastAPI

from console.api.services import Services
from console.cases.case_store import CaseStore
from console.cases.rule_results import RuleResults
from console.cases.usual import UsualValues
from console.web import alert, case_changes, live, models, parties, queue, rules, sign_in, static, system
from console.web.access import Desk
from console.web.live import LiveUpdates

ROUTED = (sign_in, static, queue, live, case_changes, alert, parties, rules, models, system)
"""Modules with pages."""


def add_pages(app: FastAPI, services: Services) -> None:
    """Serve the pages at / beside what the application serves."""
    app.state.desk = Desk(services)
    app.state.cases = CaseStore(services.store.database, services.now_ms, services.settings.label_delay_ms)
    app.state.usual = UsualValues(services.store.database, services.now_ms)
    app.state.rule_results = RuleResults(services.store.database, services.now_ms)
    app.state.live = LiveUpdates(app.state.cases)
    for module in ROUTED:
        app.include_router(module.router)
