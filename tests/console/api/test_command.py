"""`fraud console` in a process of its own, and its commands for keys."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import msgspec
from click.testing import CliRunner, Result

from cli.main import main
from console.intake_orders import Order, ReadTopics
from tests.console.api.serving import PROJECT, console_process, payment, stored


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_it_decides_and_ctrl_c_stops_it_cleanly(tmp_path: Path) -> None:
    event = payment(user_id="U-command")
    with console_process(tmp_path) as (process, url):
        first = httpx.post(f"{url}/v1/decisions", json=event).json()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    with console_process(tmp_path) as (process, url):
        assert httpx.post(f"{url}/v1/decisions", json=event).json() == {**first, "repeated": True}
        with httpx.Client(base_url=url) as client:
            assert stored(client, first["decision_id"])["transaction_id"] == event["transaction_id"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    logged = [json.loads(line) for line in (tmp_path / "console.log").read_text().splitlines()]
    assert not [line for line in logged if line["level"] == "error"]


def test_a_second_console_on_the_same_log_is_told_who_has_it(tmp_path: Path) -> None:
    with console_process(tmp_path) as (process, _):
        result = run(
            "console",
            "--port",
            0,
            "--store",
            f"sqlite:///{tmp_path / 'store.sqlite'}",
            "--log",
            tmp_path / "scorer.sqlite",
        )
        assert result.exit_code == 2
        assert f"in use by process {process.pid}" in result.output


def test_what_the_user_can_put_right_is_one_line(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        cases = {
            ("--bundle", tmp_path / "none"): "no such bundle folder",
            ("--rules", "bonk"): "bonk",
            ("--run", tmp_path): "no run: it has no decisions.jsonl",
            ("--run", tmp_path, "--config", "job.yaml"): "give --run or --config, not both",
            ("--host", "0.0.0.0"): "fraud console keys add NAME --role admin",
            ("--port", port): "give another --port or --host",
            ("--store", "mysql://x"): "mysql",
            ("--base-currency", "eur"): "--base-currency: 'eur' is not an ISO 4217 code",
            ("--fx-rates", tmp_path / "none.csv"): "none.csv: cannot be read",
        }
        for options, told in cases.items():
            arguments = ["--store", store, "--log", tmp_path / "scorer.sqlite", "--port", 0, *options]
            result = run("console", *arguments)
            assert result.exit_code == 2, (options, result.output)
            assert told in result.output
            assert "Traceback" not in result.output


def test_amounts_are_summed_in_the_base_currency_by_the_rates(tmp_path: Path) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text("currency,valid_from,rate\nUSD,2020-01-01,0.5\nEUR,2020-01-01,1\n")
    options = ("--base-currency", "EUR", "--fx-rates", str(rates))
    with console_process(tmp_path, *options) as (_, url), httpx.Client(base_url=url) as client:
        sent = [("USD", 40.0), ("EUR", 10.0)]
        answers = [
            client.post("/v1/decisions", json=payment(user_id="U-fx", currency=currency, amount=amount)).json()
            for currency, amount in sent
        ]
        features = stored(client, answers[1]["decision_id"])["features"]
        assert (features["amount"], features["amount_sum_1h"]) == (10.0, 30.0)
        lacking = client.post("/v1/decisions", json=payment(user_id="U-fx", currency="CHF"))
        assert (lacking.status_code, "CHF" in lacking.json()["detail"]) == (422, True)
    result = run("console", "--port", 0, "--store", f"sqlite:///{tmp_path / 'store.sqlite'}", "--log",
                 tmp_path / "scorer.sqlite")  # fmt: skip
    assert (result.exit_code, "its sums are in EUR, not in USD" in result.output) == (2, True), result.output


def test_keys_are_added_listed_and_revoked(tmp_path: Path) -> None:
    store = ("--store", f"sqlite:///{tmp_path / 'store.sqlite'}")
    added = run("console", "keys", "add", "checkout", "--role", "scorer", *store)
    assert added.exit_code == 0, added.output
    secret = added.output.strip()
    assert secret.startswith("fd_")
    again = run("console", "keys", "add", "checkout", "--role", "admin", *store)
    assert (again.exit_code, "a key of this name is in force" in again.output) == (2, True)
    assert run("console", "keys", "add", "a b", "--role", "admin", *store).exit_code == 2
    listed = run("console", "keys", "list", *store).output
    assert listed.startswith("checkout  scorer  added ")
    assert listed.rstrip().endswith("in force")
    assert secret not in listed
    with console_process(tmp_path, "--require-keys") as (_, url):
        assert httpx.post(f"{url}/v1/decisions", json=payment()).status_code == 401
        assert httpx.post(f"{url}/v1/decisions", json=payment(), headers={"X-API-Key": secret}).status_code == 200
    assert run("console", "keys", "revoke", "checkout", *store).exit_code == 0
    assert "revoked " in run("console", "keys", "list", *store).output
    assert run("console", "keys", "revoke", "checkout", *store).exit_code == 2
    misplaced = run("console", *store, "keys", "list")
    assert "give --store at the end, after keys" in misplaced.output


def test_the_console_imports_no_flink() -> None:
    script = (
        "import sys, cli.console, console.server; print([name for name in sys.modules if name.startswith('pyflink')])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_skipped_belongs_to_a_jobs_topics(tmp_path: Path) -> None:
    result = run("console", "--skip-missing", "--store", f"sqlite:///{tmp_path / 'store.sqlite'}")
    assert (result.exit_code, "--skip-missing belongs to --config" in result.output) == (2, True)
    order = msgspec.json.decode(msgspec.json.encode(ReadTopics("sqlite:///x", b"", skip_missing=True)), type=Order)
    assert isinstance(order, ReadTopics)
    assert order.skip_missing
