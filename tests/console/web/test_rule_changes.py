"""Rules are written, checked, tried, proposed, approved and published on the pages, and every attack is refused."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from click.testing import CliRunner

from cli.main import main
from console.rules import rule_costs
from tests.console.api.serving import payment, serving, stored, wait_for
from tests.console.web.rule_office import FRAUDS, Office, made_payments, office
from udfs.control.elements import RulesControl
from udfs.rules.pack_files import shipped_pack
from udfs.rules.rule_file_text import rule_file_text
from udfs.rules.rule_set import Rule, RuleSet

BANK = shipped_pack("bank")
LARGE = Rule("large_here", 40, "amount > 500", "{amount} is large", action="soft_challenge")
NOTHING = {"nothing": ""}
HOSTILE = "</textarea><script>alert(1)</script>"


def with_large(version: int = 0, points: int = 40) -> RuleSet:
    rule = msgspec.structs.replace(LARGE, points=points)
    return msgspec.structs.replace(BANK, version=version or BANK.version + 1, rules=(*BANK.rules, rule))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("office")) as made:
        yield made


def tried(client: httpx.Client, text: str, days: str = "30") -> str:
    """The page of a preview that has ended."""
    answer = client.post("/rules-previews", data={"rules": text, "days": days})
    assert answer.status_code == 200, answer.text
    (address,) = re.findall(r'hx-get="(/rules-previews/\d+)"', answer.text)
    pages: list[str] = []

    def is_done() -> bool:
        pages.append(client.get(address).text)
        return 'data-state="running"' not in pages[-1]

    wait_for(is_done, seconds=90)
    return pages[-1]


def proposed(client: httpx.Client, rule_set: RuleSet, **more: str) -> str:
    """The address of a proposal's page."""
    answer = client.post("/rules-proposals", data={"rules": rule_file_text(rule_set), **more})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def decide(client: httpx.Client, page: str, what: str) -> httpx.Response:
    """Press a button of a proposal's page."""
    text = client.get(page).text
    fields = dict(re.findall(r'name="(element_sha256|backtest)" value="([^"]*)"', text)) or {
        "element_sha256": re.findall(r"<code>([0-9a-f]{64})</code>", text)[0]
    }
    return client.post(f"{page}/{what}", data=fields)


def test_the_check_is_that_of_the_command(shared: Office, tmp_path: Path) -> None:
    text = rule_file_text(with_large()).replace("amount > 500", "amonut > 500 and amount >= 0")
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    told = json.loads(CliRunner().invoke(main, ["rules", "check", str(file), "--format", "json"]).output)
    answer = shared.client("vera").post("/rules-check", data={"rules": text.replace("\n", "\r\n")})
    assert answer.json()["problems"] == told["problems"]
    assert (answer.json()["valid"], answer.json()["count"]) == (False, len(told["problems"]))
    client = shared.client("vera")
    assert client.post("/rules-check", data={"rules": rule_file_text(with_large())}).json()["valid"] is True
    assert client.post("/rules-check", data={"rules": "a: [" * 200}).json()["valid"] is False
    assert (
        client.post("/rules-check", data={"rules": "x" * 1_000_002})
        .json()["problems"][0]["message"]
        .startswith("larger")
    )
    names = client.get("/rules-completions").json()
    assert {"name": "km_from_home", "unit": "km"}.items() <= next(
        one for one in names["names"] if one["name"] == "km_from_home"
    ).items()
    assert next(one for one in names["fields"] if one["name"] == "state")["values"][:2] == ["draft", "shadow"]


def test_the_editor_begins_with_the_rules_in_force_as_the_next_version(shared: Office) -> None:
    client = shared.client("vera")
    page = client.get("/rules-editor").text
    (text,) = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    expected = msgspec.structs.replace(BANK, version=BANK.version + 1)
    assert html.unescape(text) == rule_file_text(expected)
    changes = client.post("/rules-changes", data={"rules": rule_file_text(with_large())}).text
    assert "1 added, 0 removed, 0 changed" in changes
    assert "large_here" in changes
    assert "Nothing changes but the version." in client.post("/rules-changes", data={"rules": html.unescape(text)}).text


def test_a_preview_is_the_commands_backtest(shared: Office, tmp_path: Path) -> None:
    client = shared.client("anna")
    page = tried(client, rule_file_text(with_large()))
    (identity,) = re.findall(r'name="backtest" value="([0-9a-f]{16})"', page)
    new, old = tmp_path / "new.yaml", tmp_path / "old.yaml"
    new.write_text(rule_file_text(with_large()))
    old.write_text(rule_file_text(BANK))
    url = shared.store.database.url.render_as_string(hide_password=False)
    result = CliRunner().invoke(
        main,
        ["rules", "backtest", str(new), "--against", str(old), "--over", url, "--format", "json", "--out",
         str(tmp_path / "report.json")],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["id"] == identity
    (figures,) = [one for one in report["rule_figures"] if one["id"] == "large_here"]
    large = [one for one in made_payments() if one["amount"] > 500]
    assert figures["hits"] == len(large)
    assert figures["frauds"] == sum(number % 4 != 3 for number in range(FRAUDS))
    (row,) = re.findall(r"<tr[^>]*><td><b>large_here</b>.*?</tr>", page, re.DOTALL)
    cells = [re.sub(r"<[^>]+>", " ", cell).split() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]
    assert cells[1][0] == str(len(large))
    assert cells[3][0] == f"{100 * figures['precision']['value']:.1f}"
    alerts = set(re.findall(r'href="/alerts/([0-9a-f]+)"', page))
    assert alerts
    assert all(client.get(f"/alerts/{alert}").status_code == 200 for alert in alerts)
    assert "U3" not in page


def test_previews_are_bounded_cancelled_by_their_own_and_told(shared: Office) -> None:
    anna, ben, vera = shared.client("anna"), shared.client("ben"), shared.client("vera")
    text = rule_file_text(with_large(points=41))
    assert anna.post("/rules-previews", data={"rules": "rules: []", "days": "30"}).status_code == 422
    assert anna.post("/rules-previews", data={"rules": text, "days": "9999"}).status_code == 422
    assert vera.post("/rules-previews", data={"rules": text, "days": "30"}).status_code == 403
    answer = anna.post("/rules-previews", data={"rules": text, "days": "7"})
    (address,) = re.findall(r'hx-get="(/rules-previews/\d+)"', answer.text)
    assert ben.post(f"{address}/cancel", data=NOTHING).status_code == 403
    assert 'data-state="cancelled"' in anna.post(f"{address}/cancel", data=NOTHING).text
    assert 'data-state="cancelled"' in vera.get(address).text
    assert anna.get("/rules-previews/999999").status_code == 404
    unlogged = rule_file_text(msgspec.structs.replace(with_large(), rules=(LARGE,)))
    assert 'data-state="finished"' in tried(anna, unlogged, "7")


def test_a_proposal_rests_on_the_backtest_of_its_own_rules(shared: Office) -> None:
    anna = shared.client("anna")
    page = tried(anna, rule_file_text(with_large(points=33)))
    (identity,) = re.findall(r'name="backtest" value="([0-9a-f]{16})"', page)
    other = {"rules": rule_file_text(with_large(points=34)), "backtest": identity}
    refused = anna.post("/rules-proposals", data=other)
    assert refused.status_code == 409
    assert "changed since they were tried" in refused.text
    assert anna.post("/rules-proposals", data=other | {"backtest": "0" * 16}).status_code == 409
    address = proposed(anna, with_large(points=33), backtest=identity, note="a larger payment")
    told = anna.get(address).text
    assert identity in told
    assert f"Backtest {identity}" in told
    assert "a larger payment" in told
    from console.store.backtests import kept_backtest

    kept = kept_backtest(shared.store.database, identity)
    assert kept is not None
    assert all(rule["best_true"] == rule["worst_false"] == [] for rule in kept["rule_figures"])


def test_a_second_person_approves_and_then_it_is_published(tmp_path: Path) -> None:
    with office(tmp_path) as alone:
        anna, ben, vera = alone.client("anna"), alone.client("ben"), alone.client("vera")
        page = proposed(anna, with_large(), note="for the demo")
        assert "another person must approve it" in anna.get(page).text
        own = decide(anna, page, "approve")
        assert own.status_code == 409
        assert "author and approver are the same person" in own.text
        assert decide(anna, page, "publish").status_code == 409
        assert decide(vera, page, "approve").status_code == 403
        changed = ben.post(f"{page}/approve", data={"element_sha256": "0" * 64})
        assert "another content" in changed.text
        assert alone.channel.read() == []
        assert "needs the approval of somebody" in ben.get(page).text
        assert decide(ben, page, "approve").status_code == 303
        assert decide(anna, page, "publish").status_code == 303
        (record,) = alone.channel.read()
        assert record.element == RulesControl(with_large(), "anna", "for the demo")
        rules = vera.get("/rules").text
        assert f"version {with_large().version}" in rules
        assert "large_here" in rules
        told = vera.get(page).text
        assert (
            f"bank {BANK.version} → bank {with_large().version}" in told
        )  # what it has changed, though it is in force now
        assert "1 added, 0 removed, 0 changed" in told
        subject = f"rules version {with_large().version}"
        what = "control element"
        assert alone.audited() == [
            ("anna", f"{what} proposed", subject), ("anna", f"{what} approval refused", subject),
            ("anna", f"{what} publication refused", subject), ("ben", f"{what} approval refused", subject),
            ("ben", f"{what} approved", subject), ("anna", f"{what} published", subject),
        ]  # fmt: skip

        moved = anna.post("/rules/large_here/standing", data={"to": "10", "note": "slowly"})
        page = moved.headers["location"]
        assert "live for 10 %" in anna.get(page).text
        assert decide(ben, page, "approve").status_code == decide(ben, page, "publish").status_code == 303
        assert re.search(r"large_here.*?Live 10 %", vera.get("/rules").text, re.DOTALL)
        again = anna.post("/rules/large_here/standing", data={"to": "10"})
        assert again.status_code == 409
        assert anna.post("/rules/large_here/standing", data={"to": "7"}).status_code == 422
        assert anna.post("/rules/no_such/standing", data={"to": "shadow"}).status_code == 409
        assert vera.post("/rules/large_here/standing", data={"to": "shadow"}).status_code == 403

        history = vera.get("/rules-history").text
        assert "The log is whole: 2 entries" in history
        (compare,) = re.findall(r'href="(/rules-history\?before=1&amp;after=2)"', history)
        compared = vera.get(compare.replace("&amp;", "&")).text
        assert "0 added, 0 removed, 1 changed" in compared
        assert "<del>live</del> <ins>live for 10 %</ins>" in compared
        first_ms = alone.store.audit_log(None, 1).items[0].at_ms
        assert "all is as the job started" in vera.get("/rules-history?at=2020-01-01T00:00").text
        assert vera.get("/rules-history?at=yesterday").status_code == 422
        assert vera.get("/rules-history?before=1&after=99").status_code == 404
        assert first_ms > 0
        written = Path(alone.channel._path)
        file = sorted(written.glob("publication-*"))[0]
        file.write_text(file.read_text().replace("for the demo", "for the memo"))
        assert "was changed" in vera.get("/rules-history").text


def test_an_emergency_is_in_force_alone_and_approved_within_a_day(tmp_path: Path) -> None:
    with office(tmp_path) as alone:
        anna, ben = alone.client("anna"), alone.client("ben")
        page = proposed(anna, with_large(), emergency="1")
        assert "Publish as an emergency" in anna.get(page).text
        assert decide(anna, page, "publish").status_code == 303
        assert "large_here" in anna.get("/rules").text
        assert "in force without an approval until" in anna.get(page).text
        assert "emergency until" in anna.get("/rules-history").text
        assert decide(ben, page, "approve").status_code == 303
        assert "Published as an emergency, and approved." in anna.get(page).text


def test_texts_of_rules_are_never_taken_as_pages(shared: Office) -> None:
    anna = shared.client("anna")
    rule = Rule("hostile", 1, f'city == "{HOSTILE}"', HOSTILE)
    rule_set = msgspec.structs.replace(BANK, version=99, rules=(rule,), name=HOSTILE)
    page = proposed(anna, rule_set, note=HOSTILE)
    for answer in (
        anna.get(page), anna.get(f"{page}/edit"), anna.get("/rules-proposals"),
        anna.post("/rules-changes", data={"rules": rule_file_text(rule_set)}),
    ):  # fmt: skip
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
    anna.post("/rules-check", data={"rules": HOSTILE}).json()


def test_changes_need_the_token_and_forms_of_a_size(shared: Office) -> None:
    client = shared.client("anna")
    del client.headers["X-CSRF-Token"]
    for path in ("/rules-proposals", "/rules-previews", "/rules/x/standing", "/rules-check", "/rules-lists",
                 "/rules-lists/x/add", "/rules-proposals/1/approve", "/rules-proposals/1/publish"):  # fmt: skip
        assert client.post(path, data={"rules": "x"}).status_code == 403, path
    client = shared.client("anna")
    for number in ("0", "-1", "x", str(2**80)):
        assert client.get(f"/rules-proposals/{number}").status_code in (404, 422), number
        assert client.post(f"/rules-proposals/{number}/publish", data=NOTHING).status_code in (404, 422), number
        assert client.get(f"/rules-previews/{number}").status_code in (404, 422), number
        assert client.get(f"/rules-history?before={number}&after=1").status_code in (404, 422), number
    assert client.post("/rules-check", data={"rules": "x" * 5_000_000}).status_code == 413
    assert client.post("/rules-lists/x/add", data={"value": "x" * 300_000}).status_code == 413
    anybody = httpx.post(f"{shared.running.url}/rules-check", data={"rules": "x" * 5_000_000})
    assert anybody.status_code == 401


def test_without_a_control_stream_rules_are_checked_but_not_published(tmp_path: Path) -> None:
    with serving(tmp_path, with_scorer=False) as running:
        client = running.client
        token = client.get("/").text.split('name="csrf-token" content="')[1].split('"')[0]
        client.headers["X-CSRF-Token"] = token
        page = client.get("/rules-editor").text
        assert "nothing can be published here" in page
        assert "my_rules" in page  # an example: the rules in force are not known
        assert client.post("/rules-check", data={"rules": rule_file_text(BANK)}).json()["valid"] is True
        refused = client.post("/rules-proposals", data={"rules": rule_file_text(BANK)})
        assert refused.status_code == 409
        no_bundle = client.post("/rules-previews", data={"rules": rule_file_text(BANK), "days": "7"})
        assert no_bundle.status_code == 409
        for path in ("/rules-proposals", "/rules-history", "/rules-lists"):
            assert client.get(path).status_code == 200


def test_a_console_tries_the_rules_that_its_own_scorer_decides_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule_costs, "MOST_SECONDS", 60.0)  # enough for all rules on a busy machine
    with serving(tmp_path) as running:
        client = running.client
        sent = [payment(amount=900 if number % 2 else 20) for number in range(6)]
        decided = [client.post("/v1/decisions", json=one).json()["decision_id"] for one in sent]
        for one in decided:
            stored(client, one)
        client.headers["X-CSRF-Token"] = client.get("/").text.split('name="csrf-token" content="')[1].split('"')[0]
        page = html.unescape(client.get("/rules-editor").text)
        assert rule_file_text(msgspec.structs.replace(BANK, version=BANK.version + 1)) in page
        assert "nothing can be published here" in page
        told = tried(client, rule_file_text(with_large()), "7")
        (row,) = re.findall(r"<tr[^>]*><td><b>large_here</b>.*?</tr>", told, re.DOTALL)
        assert re.findall(r'<td class="num">(\d+)', row)[0] == "3"
        assert client.post("/rules-proposals", data={"rules": rule_file_text(with_large())}).status_code == 409
        assert client.post("/rules/new_device/standing", data={"to": "shadow"}).status_code == 409
        costs = re.findall(r'<td class="num">(?:&lt; )?(\d+\.\d\d)</td></tr>', client.get("/rules").text)
        assert len(costs) == len(BANK.rules)


def test_a_text_begun_before_other_rules_came_into_force_is_shown_again(tmp_path: Path) -> None:
    with office(tmp_path) as alone:
        anna, ben = alone.client("anna"), alone.client("ben")
        (begun,) = re.findall(r'name="based_on" value="(\d+)"', ben.get("/rules-editor").text)
        assert begun == str(BANK.version)
        page = proposed(anna, with_large(), based_on=begun)
        assert decide(ben, page, "approve").status_code == decide(anna, page, "publish").status_code == 303
        old = rule_file_text(BANK)
        answer = ben.post("/rules-proposals", data={"rules": old, "based_on": begun, "note": "mine"})
        assert answer.status_code == 409
        assert f"Nothing was proposed: version {with_large().version} came into force while you wrote." in answer.text
        (text,) = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", answer.text, re.DOTALL)
        assert html.unescape(text) == old
        assert "0 added, 1 removed, 0 changed" in ben.post("/rules-changes", data={"rules": old}).text
        assert len(re.findall(r'href="/rules-proposals/\d+"', ben.get("/rules-proposals").text)) == 1
        (now,) = re.findall(r'name="based_on" value="(\d+)"', answer.text)
        again = ben.post("/rules-proposals", data={"rules": old, "based_on": now})
        assert again.status_code == 303
