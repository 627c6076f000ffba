"""The summary in a terminal of 100 columns."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from reporting.run_files import read_run
from reporting.summary import summarize
from reporting.terminal import print_summary
from tests.reporting.hand_made import write_hand_made_run
from tests.reporting.made_runs import dead_letter, decision, truth_of, write_run


def printed(directory: Path, color: bool = False, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=color, color_system="standard" if color else None)
    print_summary(summarize(read_run(directory)), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def lines_with(text: str, start: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.startswith(start)]


def test_the_figures_of_the_hand_made_run_are_printed(tmp_path: Path) -> None:
    text = printed(write_hand_made_run(tmp_path / "run"))
    assert text.startswith("run: Of 4 frauds among 7 transactions, 3 (75.0%) were caught")
    assert lines_with(text, "any action") == [
        ["any", "action", "3", "1", "1", "75.0%", "75.0%", "0.750", "33.3%"],
    ]
    assert lines_with(text, "hard block")[-1] == ["hard", "block", "1", "3", "0", "100%", "25.0%", "0.400", "0%"]
    assert lines_with(text, "risk score") == [["risk", "score", "0.833", "0.917", "75.0%", "75.0%", "—"]]
    assert lines_with(text, "burst") == [["burst", "3", "2", "66.7%", "1", "1", "200.00"]]
    assert lines_with(text, "new_device") == [["new_device", "3", "37.5%", "50.0%", "66.7%"]]
    assert lines_with(text, "fraud missed") == [["fraud", "missed", "1", "200.00", "0", "0"]]
    assert lines_with(text, "empty record") == [["empty", "record", "2"]]
    assert lines_with(text, "Throughput") == [["Throughput", "16.0/s", "0.5", "s", "in", "all"]]
    assert "1 late, 1 repeated, 1 with stale enrichment" in text
    assert "CP@100: card precision" in text


def test_no_line_is_wider_than_the_terminal(tmp_path: Path) -> None:
    made = [
        decision(number, hits=["r" * 200, "a" * 70], amount=1e9, action="hard_block", currency="x" * 200)
        for number in range(2)
    ]
    letters = [dead_letter("why " * 100), dead_letter("w" * 300)]
    truth = [truth_of(made[0], True, "p" * 300), truth_of(made[1], False)]
    text = printed(write_run(tmp_path / ("n" * 120), list(made), truth, letters))
    assert max(len(line) for line in text.splitlines()) <= 100


def test_without_truth_the_output_names_the_missing_option(tmp_path: Path) -> None:
    text = printed(write_run(tmp_path / "run", [decision(0)]))
    assert "How many of them were fraud is not known without the truth." in " ".join(text.split())
    assert "(--truth)" in text
    assert "precision" not in text


def test_an_empty_run_prints(tmp_path: Path) -> None:
    assert printed(write_run(tmp_path / "run", [])).startswith("run: No transaction was scored.")


def test_markup_is_printed_as_text_and_control_characters_are_replaced(tmp_path: Path) -> None:
    made = decision(0, hits=["[red]rule[/red]", "\x1b[31mrule"], action="hard_block", currency="[b]")
    letters = [dead_letter("[blink]reason[/nothing]\x07")]
    truth = [truth_of(made, True, "[/]pattern\x9b")]
    text = printed(write_run(tmp_path / "[bold]run", [made], truth, letters), color=True)
    for shown in ("[red]rule[/red]", "�[31mrule", "[/]pattern�", "[blink]reason[/nothing]�", "[bold]run"):
        assert shown in text
    assert "\x1b[31m" not in text


def test_long_tables_are_truncated_with_a_note(tmp_path: Path) -> None:
    text = printed(write_run(tmp_path / "run", [decision(0, hits=[f"rule_{number:02d}" for number in range(25)])]))
    assert "rule_19" in text
    assert "rule_20" not in text
    assert "… and 5 more, in the HTML report" in text


def test_a_narrow_terminal_wraps_headers_and_keeps_every_number(tmp_path: Path) -> None:
    run = write_hand_made_run(tmp_path / "run")
    wide, narrow = printed(run), printed(run, width=80)
    assert "…" not in narrow
    assert max(map(len, narrow.splitlines())) <= 80
    for start in ("any action", "hard block", "score > 500", "risk score", "burst", "fraud missed", "new_device"):
        assert lines_with(narrow, start) == lines_with(wide, start)
