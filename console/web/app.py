"""Adds the pages to the application."""

from __future__ import annotations

import asyncio
from threading import BoundedSemaphore

from fastapi import FastAPI

from console.api.services import Services
from console.cases.case_store import CaseStore
from console.cases.rule_results import RuleResults
from console.cases.usual import UsualValues
from console.rules.previews import Previews
from console.rules.rule_costs import RuleCosts
from console.rules.shadow_results import ShadowResults
from console.rules.unique_catches import UniqueCatches
from console.web import (
    alert,
    case_changes,
    erasures,
    files,
    live,
    models,
    oidc_sign_in,
    parties,
    queue,
    replay,
    rule_editor,
    rule_history,
    rule_lists,
    rule_previews,
    rule_proposals,
    rules,
    sign_in,
    snoozes,
    static,
    system,
)
from console.web.access import Desk
from console.web.live import LiveUpdates

ROUTED = (
    sign_in,
    oidc_sign_in,
    static,
    queue,
    live,
    case_changes,
    alert,
    replay,
    snoozes,
    files,
    parties,
    erasures,
    rules,
    rule_editor,
    rule_previews,
    rule_proposals,
    rule_history,
    rule_lists,
    models,
    system,
)
"""Modules with pages."""


def add_pages(app: FastAPI, services: Services) -> None:
    """Serve the pages at / beside what the application serves."""
    app.state.desk = Desk(services)
    app.state.cases = CaseStore(services.store.database, services.now_ms, services.settings.label_delay_ms)
    app.state.usual = UsualValues(services.store.database, services.now_ms)
    app.state.rule_results = RuleResults(services.store.database, services.now_ms)
    app.state.shadow_results = ShadowResults(services.store.database, services.now_ms)
    app.state.unique_catches = UniqueCatches(services.store.database, services.now_ms)
    app.state.rule_costs = RuleCosts(services.store.database)
    app.state.check_turns = BoundedSemaphore(rule_editor.CHECKS_AT_ONCE)
    app.state.previews = Previews(services.now_ms)
    app.state.live = LiveUpdates(app.state.cases)
    app.state.uploads = asyncio.Semaphore(files.UPLOADS_AT_ONCE)
    for module in ROUTED:
        app.include_router(module.router)
