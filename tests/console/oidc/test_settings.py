"""The settings of sign-in with a provider: secrets from the environment, and mistakes in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from console.oidc.settings import OidcSettingsError, load_settings

RIGHT: dict[str, Any] = {
    "issuer": "https://login.bank.example", "client_id": "fraud", "address": "https://console.bank.example",
    "secret_env": "OIDC_SECRET", "roles": {"fraud-team": "analyst"},
}  # fmt: skip


def written(folder: Path, **changes: Any) -> Path:
    file = folder / "oidc.yaml"
    file.write_text(yaml.safe_dump({name: value for name, value in (RIGHT | changes).items() if value is not None}))
    return file


def test_the_secret_comes_from_the_environment_alone(tmp_path: Path) -> None:
    client = load_settings(written(tmp_path), {"OIDC_SECRET": "hidden"})
    assert client.secret == "hidden"
    assert client.settings.callback == "https://console.bank.example/sign-in/oidc/callback"
    assert load_settings(written(tmp_path, secret_env=None), {}).secret is None
    with pytest.raises(OidcSettingsError, match="unknown field `secret`"):
        load_settings(written(tmp_path, secret="hidden"), {})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"issuer": "http://login.bank.example"}, "issuer: give an https address"),
        ({"address": "console.bank.example"}, "address: give an https address"),
        ({"issuer": "https://user@login.bank.example"}, "issuer: give an https address"),
        ({"roles": {}}, "roles"), ({"roles": {"team": "scorer"}}, "roles"), ({"scopes": ["email"]}, "openid is missing"),
        ({"client_id": None}, "client_id"), ({"secret_env": "NOT_SET"}, "NOT_SET is not set"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_the_file(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(OidcSettingsError, match=told) as failure:
        load_settings(written(tmp_path, **changes), {"OIDC_SECRET": "hidden"})
    assert str(failure.value).startswith(str(tmp_path / "oidc.yaml"))
    assert "\n" not in str(failure.value)


def test_a_file_that_is_missing_or_no_yaml_is_told(tmp_path: Path) -> None:
    with pytest.raises(OidcSettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.yaml", {})
    (tmp_path / "oidc.yaml").write_text("{")
    with pytest.raises(OidcSettingsError):
        load_settings(tmp_path / "oidc.yaml", {})
