"""The replay of a decision from its alert: the same code as `fraud replay`, bounded, and clear where it cannot."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import delete, insert, select, update

from cli.main import main
from console.replay_desk import ReplayDesk, ReplaysBusy
from console.replay_orders import ReplaySource
from console.scored_run import replay_source
from console.store.intake_run import read_run
from console.store.store import DecisionStore
from console.store.tables import decisions, events
from jobs.config.loading import parse_config
from jobs.config.recorded_run import as_text
from jobs.config.value_types import shipped_bundle
from tests.console.api.serving import Serving, payment, serving, wait_for
from tests.console.cases.outcomes import written_rules
from tests.console.store.real_run import write_real_run
from tests.console.web.test_attacks import token_of
from udfs.scoring.settings import ScorerConfig, ScorerPaths


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("replays")
    with serving(folder, rules=written_rules(folder)) as made:
        yield made


def alerted(running: Serving, user: str, payments: int = 5) -> dict[str, Any]:
    """The decision on the last of some payments, which is an alert, once the store has it."""
    start_ms = running.services.now_ms() - 3_600_000
    decided: dict[str, Any] = {}
    for number in range(payments):
        amount = 900 if number == payments - 1 else 25.0 + number
        sent = payment(user_id=user, timestamp=start_ms + number * 60_000, amount=amount)
        decided = running.client.post("/v1/decisions", json=sent).json()
    assert decided["action"] == "refer_to_analyst"
    wait_for(lambda: running.client.get(f"/alerts/{decided['decision_id']}").status_code == 200)
    return decided


def replayed(client: httpx.Client, decision_id: str) -> str:
    headers = {"X-CSRF-Token": token_of(client)}
    answer = client.post(f"/alerts/{decision_id}/replay", headers=headers, data={"csrf": headers["X-CSRF-Token"]})
    assert answer.status_code == 200, answer.text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_a_decision_of_the_embedded_scorer_is_the_same(running: Serving) -> None:
    decided = alerted(running, "U-same")
    assert "Replay this decision" in running.client.get(f"/alerts/{decided['decision_id']}").text
    told = replayed(running.client, decided["decision_id"])
    assert "The same as recorded." in told
    assert "Events of the user: 5. Features compared: " in told
    journal = running.client.get(f"/alerts/{decided['decision_id']}/journal").text
    assert "replayed the decision:" in journal
    audited = running.client.get("/v1/audit").json()["items"][0]
    assert (audited["who"], audited["what"], audited["subject"]) == (
        "local",
        "decision replayed",
        decided["decision_id"],
    )
    assert audited["after"] == {"verdict": "The same as recorded."}


def test_each_difference_is_named_as_by_the_command(running: Serving, tmp_path: Path) -> None:
    decided = alerted(running, "U-changed")
    database, columns = running.services.store.database, decisions.c
    with database.write() as connection:
        is_it = columns.decision_id == decided["decision_id"]
        body = json.loads(connection.execute(select(columns.body).where(is_it)).scalar_one())
        body["action"], body["rules"]["hits"] = "soft_challenge", ["gone"]
        connection.execute(
            update(decisions).where(is_it).values(risk_score=columns.risk_score + 1, body=json.dumps(body))
        )
        is_first = (events.c.user_id == "U-changed") & (events.c.at_ms < running.services.now_ms() - 3_590_000)
        connection.execute(delete(events).where(is_first, events.c.body.contains('"amount":25.0')))
    told = replayed(running.client, decided["decision_id"])
    config = tmp_path / "job.yaml"
    (tmp_path / "events.jsonl").touch()
    config.write_text(
        as_text(
            parse_config({
                "source": {"kind": "file", "path": str(tmp_path / "events.jsonl")}, "sinks": [{"kind": "discard"}],
                "scoring": {"rules": written_rules(tmp_path), "bundle": shipped_bundle()},
            })
        )
    )  # fmt: skip
    url = f"sqlite:///{running.folder / 'store.sqlite'}"
    arguments = [
        "replay",
        "--store",
        url,
        "--config",
        str(config),
        "--transaction",
        decided["transaction_id"],
        "--json",
    ]
    printed = CliRunner().invoke(main, arguments)
    assert printed.exit_code == 1, printed.output
    found = json.loads(printed.stdout)["differences"]
    names = [one["name"] for one in found]
    assert {"risk_score", "action", "rules.hits", "features.txn_count_1h"} <= set(names)
    assert f"{len(found)} values differ" in told
    assert "action soft_challenge refer_to_analyst" in told
    assert "hits gone large" in told
    assert "txn_count_1h 5 4" in told
    for name in names[:50]:
        assert name.rpartition(".")[2] in told, name


def test_what_is_missing_is_told(running: Serving) -> None:
    decided = alerted(running, "U-missing")
    columns, database = decisions.c, running.services.store.database
    with database.write() as connection:
        is_it = columns.decision_id == decided["decision_id"]
        connection.execute(update(decisions).where(is_it).values(features=None))
    told = replayed(running.client, decided["decision_id"])
    assert "The same as recorded." in told
    assert "was recorded without features" in told
    with database.write() as connection:
        connection.execute(delete(events).where(events.c.user_id == "U-missing"))
    assert "the store does not have the event of this payment" in replayed(running.client, decided["decision_id"])
    with database.write() as connection:
        connection.execute(delete(decisions).where(columns.decision_id == decided["decision_id"]))
    assert "removed by age or with its user" in replayed(running.client, decided["decision_id"])
    running.client.post("/v1/erasures", json={"user_id": "U-missing"})
    headers = {"X-CSRF-Token": token_of(running.client)}
    assert (
        running.client.post(
            f"/alerts/{decided['decision_id']}/replay", headers=headers, data={"csrf": headers["X-CSRF-Token"]}
        ).status_code
        == 404
    )


def test_a_console_that_does_not_know_what_decided_says_so(tmp_path: Path) -> None:
    from tests.console.web.seeding import fill

    with serving(tmp_path, with_scorer=False) as reading:
        (alert, *_) = fill(reading.services.store)
        page = reading.client.get(f"/alerts/{alert}").text
        assert "does not know what decided" in page
        assert "Replay this decision" not in page
        headers = {"X-CSRF-Token": token_of(reading.client)}
        answer = reading.client.post(f"/alerts/{alert}/replay", headers=headers, data={"csrf": headers["X-CSRF-Token"]})
        assert (answer.status_code, "does not know what decided" in answer.text) == (409, True)


def test_decisions_of_a_scored_run_are_the_same(tmp_path: Path) -> None:
    write_real_run(tmp_path, users=30, days=3)
    config = parse_config(
        {
            "source": {"kind": "file", "path": str(tmp_path / "simulated" / "events.jsonl")},
            "sinks": [{"kind": "discard"}],
            "scoring": {"reference": str(tmp_path / "simulated" / "reference")},
        }
    )
    (tmp_path / "job.yaml").write_text(as_text(config))
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    store = DecisionStore.open(url)
    read_run(store, tmp_path)
    source = replay_source(tmp_path)
    assert source is not None
    desk = ReplayDesk(url, source)
    found = [one for one in store.decisions().items if one.action != "allow" or one.rules.hits][:3]
    assert found
    for row in found:
        verdict = desk.verdict(row.decision_id)
        assert (verdict.cannot, verdict.differences) == (None, [])
        assert verdict.features
    remote = ReplayDesk(url, source._replace(paths=_with_remote_store(source.paths)))
    assert "only present values" in str(remote.verdict(found[0].decision_id).cannot)
    store.close()


def _with_remote_store(paths: ScorerPaths) -> ScorerPaths:
    import msgspec

    from udfs.stores.settings import RedisSettings

    return msgspec.structs.replace(paths, store=RedisSettings(port=9))


def test_a_replay_ends_in_time_and_only_some_run_at_once(running: Serving) -> None:
    decided = alerted(running, "U-slow")
    url = f"sqlite:///{running.folder / 'store.sqlite'}"
    source = ReplaySource(ScorerConfig(), ScorerPaths(bundle=shipped_bundle()))
    began = time.monotonic()
    told = ReplayDesk(url, source, limit_seconds=0.2).verdict(decided["decision_id"]).cannot
    assert "longer than 0.2 s" in str(told)
    assert time.monotonic() - began < 5
    with pytest.raises(ReplaysBusy):
        ReplayDesk(url, source, most_at_once=0).verdict(decided["decision_id"])
    closed = ReplayDesk(url, source)
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(closed.verdict, decided["decision_id"])
        time.sleep(0.3)
        closed.close()
        assert waiting.result(timeout=5).cannot == "the replay failed; the console's log has the cause"


def test_answers_go_on_while_a_user_of_many_events_is_replayed(running: Serving) -> None:
    decided = alerted(running, "U-many")
    now_ms = running.services.now_ms()
    rows = [
        {"user_id": "U-many", "event_type": "transaction", "at_ms": now_ms - 90 * 86_400_000 + number * 60_000,
         "event_id": f"M{number}", "body": json.dumps(payment(
             user_id="U-many", transaction_id=f"M{number}", timestamp=now_ms - 90 * 86_400_000 + number * 60_000,
             type="transaction"))}
        for number in range(8_000)
    ]  # fmt: skip
    with running.services.store.database.write() as connection:
        connection.execute(insert(events), rows)
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(replayed, httpx.Client(base_url=running.url, timeout=30), decided["decision_id"])
        slowest = 0.0
        while not waiting.done():
            began = time.monotonic()
            assert running.client.get("/livez").status_code == 200
            slowest = max(slowest, time.monotonic() - began)
        told = waiting.result()
    assert "Events of the user: 8,005." in told
    assert "values differ" in told
    assert slowest < 1.0
