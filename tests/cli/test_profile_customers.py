"""`fraud simulate --database` and `fraud profile-customers`, as a newcomer calls them."""

from __future__ import annotations

import csv
from pathlib import Path

from click.testing import CliRunner, Result

from cli.main import main

AS_OF = ("--as-of", "2026-01-31T00:00:00Z")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def simulated(folder: Path) -> str:
    url = f"sqlite:///{folder / 'data' / 'bank.sqlite'}"
    result = run("simulate", "--database", url, "--users", "120", "--days", "30", "--seed", "4")
    assert result.exit_code == 0, result.output
    assert "120 customers" in result.output
    assert "wrong on purpose: " in result.output
    return url


def test_a_simulated_bank_is_profiled(tmp_path):
    url, out = simulated(tmp_path), tmp_path / "out"
    result = run("profile-customers", "--database", url, *AS_OF, "--out", str(out), "--table", "customer_profiles")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("120 customers from ")
    assert result.stdout.splitlines()[-1] == (
        f"written: {out / 'customers.csv'}, {out / 'customers.html'}, and table customer_profiles"
    )
    with (out / "customers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 120
    assert sum(int(row["transactions"]) for row in rows) > 5_000
    assert 0 < sum(row["flagged"] == "yes" for row in rows) < 120
    page = (out / "customers.html").read_text()
    assert "bank.sqlite" in page
    again = run("profile-customers", "--database", url, *AS_OF, "--out", str(tmp_path / "again"))
    assert again.exit_code == 0
    for name in ("customers.csv", "customers.html"):
        assert (out / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_planted_faults_are_found(tmp_path):
    url = f"sqlite:///{tmp_path / 'bank.sqlite'}"
    told = run("simulate", "--database", url, "--users", "1500", "--days", "3", "--tx-per-day", "1").output
    planted = {
        name: int(count.replace(",", ""))
        for name, count in (item.rsplit(" ", 1) for item in told.split("wrong on purpose: ")[1].strip().split(", "))
    }
    result = run("profile-customers", "--database", url, *AS_OF, "--out", str(tmp_path))
    found = {line.split(maxsplit=1)[1]: int(line.split()[0].replace(",", "")) for line in result.stdout.splitlines()[1:-1]
             if line[:9].strip()[:1].isdigit()}  # fmt: skip
    assert found["customers without a readable moment of sign-up"] == planted["signup_missing"] > 5
    assert found["accounts opened before their customer signed up"] >= planted["account_before_signup"] > 5
    assert found["devices last used before they were registered"] == planted["device_used_before_registered"] > 5
    assert found["devices registered after the moment of the profile"] == planted["device_registered_in_future"] > 2


def test_mistakes_are_one_line(tmp_path):
    url = simulated(tmp_path)
    settings = tmp_path / "settings.yaml"
    settings.write_text("conditions: [{id: a, when: acounts > 1}]")
    mistakes = [
        (("--database", url, "--as-of", "yesterday"), "--as-of: 'yesterday' is not a time with an offset such as "
         "2026-01-01T00:00:00Z"),
        (("--database", url, "--as-of", "2026-01-01"), "--as-of: '2026-01-01' needs an offset, such as "
         "2026-01-01T00:00:00Z"),
        (("--database", "bank"), "the database must be a URL such as sqlite:///bank.sqlite, postgresql://USER@HOST/NAME or "
         "mysql://USER@HOST/NAME"),
        (("--database", f"sqlite:///{tmp_path / 'none'}"), f"{tmp_path / 'none'}: there is no such database file"),
        (("--database", url, "--settings", str(settings)), "rule a: unknown name 'acounts' at column 1 (did you mean "
         "'accounts'?)"),
        (("--database", url, "--settings", str(tmp_path / "no")), f"{tmp_path / 'no'}: cannot be read: No such file or "
         "directory"),
    ]  # fmt: skip
    for arguments, message in mistakes:
        result = run("profile-customers", "--out", str(tmp_path / "out"), *arguments)
        assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, f"Error: {message}")
    assert not (tmp_path / "out").exists()
    twice = run("simulate", "--database", url, "--users", "20")
    assert (twice.exit_code, twice.stderr.splitlines()[-1]) == (
        2, "Error: the database has a table accounts already: name an empty one",
    )  # fmt: skip
    neither = run("simulate")
    assert (neither.exit_code, neither.stderr) == (
        2, "Error: give a folder with --out, or a database with --database\n",
    )  # fmt: skip


def test_a_password_is_not_told(tmp_path):
    result = run("profile-customers", "--database", "postgresql://u:secret@127.0.0.1:1/x", "--out", str(tmp_path))
    assert result.exit_code == 2
    assert "secret" not in result.output
    assert "postgresql+psycopg://u:***@127.0.0.1:1/x" in result.stderr
