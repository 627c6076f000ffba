"""Signing in with a provider in a real Chromium, there and back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from console.oidc.settings import OidcClient, OidcSettings
from tests.cluster.conftest import free_ports
from tests.console.api.serving import serving
from tests.console.oidc.provider import CLIENT, SECRET, LocalProvider
from tests.console.web.test_flows import WIDTHS, serious, take_picture


def test_a_browser_goes_to_the_provider_and_comes_back_signed_in(browser: Any, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    with LocalProvider() as provider, ThreadPoolExecutor(1) as other:
        settings = OidcSettings(
            issuer=provider.issuer, client_id=CLIENT, address=url, roles={"analysts": "analyst"}, label="Bank login"
        )
        made = serving(
            tmp_path, with_scorer=False, require_keys=True, listen_port=port, oidc=OidcClient(settings, SECRET)
        )
        other.submit(made.__enter__).result()  # this thread has the event loop of the browser's driver
        context = browser.new_context(base_url=url)
        try:
            page = context.new_page()
            page.goto("/rules")
            for theme in ("light", "dark"):
                page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
                for name, (wide, high) in WIDTHS.items():
                    page.set_viewport_size({"width": wide, "height": high})
                    page.reload()
                    take_picture(page, f"sign-in-{theme}-{name}")
                    assert serious(page) == []
            page.get_by_text("Sign in with Bank login").click()
            page.wait_for_url("**/rules")
            assert "olga@bank.example · analyst" in page.content()
            page.get_by_text("Sign out").click()
            page.wait_for_url("**/sign-in")
            provider.person["groups"] = []
            page.get_by_text("Sign in with Bank login").click()
            page.wait_for_selector("[role=alert]")
            assert "Signing in did not work." in page.inner_text("[role=alert]")
            assert serious(page) == []
        finally:
            context.close()
            other.submit(made.__exit__, None, None, None).result()
