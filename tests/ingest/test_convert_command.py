"""`fraud convert`: exit codes, terminal output, and the files left after Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.convert import command
from ingest.convert import Input, convert
from ingest.mapping import parse_mapping
from tests.ingest.conversions import LABELLED_MAPPING, PLAIN_MAPPING

GOOD = "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n"
BAD_ROW = "2,17,yesterday,57.16\n"
INTERRUPTED = 130


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.csv").write_text(GOOD)
    (tmp_path / "m.yaml").write_text(PLAIN_MAPPING)
    return tmp_path


def run(folder: Path, *arguments: str, table: str = "mine.csv", mapping: str = "m.yaml", out: str = "out") -> Result:
    usual = ["--input", str(folder / table), "--mapping", str(folder / mapping), "--out", str(folder / out)]
    return CliRunner().invoke(command, [*usual, *arguments])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_exit_code_0_when_every_row_was_read(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 0
    assert result.stdout == (
        f"1 rows read: 1 transactions\nwrote {folder}/out/events.jsonl\n"
        "profile: 1 transactions of 1 users, 2024-02-01 10:00 to 2024-02-01 10:00 UTC\n"
        "  amounts: 5% 57.16, 50% 57.16, 95% 57.16, 99% 57.16, max 57.16\n"
    )
    assert names(folder / "out") == ["dropped.jsonl", "errors.jsonl", "events.jsonl"]
    assert (folder / "out" / "errors.jsonl").read_bytes() == b""


def test_exit_code_1_when_some_rows_were_rejected_and_the_others_written(folder: Path) -> None:
    (folder / "mine.csv").write_text(GOOD + BAD_ROW * 7)
    result = run(folder)
    assert result.exit_code == 1
    assert len((folder / "out" / "events.jsonl").read_text().splitlines()) == 1
    assert f"7 rows rejected, all of them in {folder}/out/errors.jsonl" in result.stderr
    shown = [line for line in result.stderr.splitlines() if "row " in line and "column" in line]
    expected = "'yesterday', expected an ISO 8601 time between the years 1973 and 9999"
    assert shown == [f"  row {number}, column time: {expected}" for number in range(2, 7)]
    reported = [json.loads(line) for line in (folder / "out" / "errors.jsonl").read_text().splitlines()]
    assert [error["row"] for error in reported] == list(range(2, 9))
    assert reported[0] == {
        "input": "mine.csv",
        "row": 2,
        "column": "time",
        "value": "yesterday",
        "expected": "an ISO 8601 time between the years 1973 and 9999",
    }


def test_dropped_values_are_told_with_an_example_and_rejected_on_request(folder: Path) -> None:
    (folder / "mine.csv").write_text(
        "id,user,time,amount,shop\n"
        + "".join(f"{n},u,2024-02-01,1,{shop}\n" for n, shop in enumerate(["M1", "Joe's Diner", "é"]))
    )
    (folder / "m.yaml").write_text(PLAIN_MAPPING.replace("amount: amount", "amount: amount, merchant_id: shop"))
    result = run(folder)
    assert result.exit_code == 0
    assert "2 values of merchant_id could not be read and were dropped, for example\n" in result.stderr
    assert '  mine.csv, row 2, column shop: "Joe\'s Diner", expected an id of 1 to 64' in result.stderr
    assert f"all of them in {folder}/out/dropped.jsonl" in result.stderr
    assert "known: merchant_id 33%" in result.stdout
    assert run(folder, "--strict", out="strict").exit_code == 1
    assert len((folder / "strict" / "errors.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"table": "none.csv"}, "Error: no such file: {folder}/none.csv\n"),
        ({"mapping": "none.yaml"}, "Error: cannot read the mapping {folder}/none.yaml: "),
        (
            {"table": "m.yaml"},
            "Error: {folder}/m.yaml: unknown suffix; set the format with --input-format: csv, jsonl, parquet",
        ),
        ({"out": "mine.csv/out"}, "Error: cannot create the folder {folder}/mine.csv/out: Not a directory\n"),
        (
            {"out": "errors.jsonl"},
            "Error: --out {folder}/errors.jsonl: the name is reserved for a report in the same folder",
        ),
    ],
)
def test_exit_code_2_for_unusable_input_mapping_or_output(
    folder: Path, arguments: dict[str, str], message: str
) -> None:
    result = run(folder, **arguments)
    assert result.exit_code == 2
    assert message.format(folder=folder) in result.stderr
    assert "Traceback" not in result.stderr


def test_exit_code_2_for_a_missing_column(folder: Path) -> None:
    (folder / "mine.csv").write_text(GOOD.replace("amount", "amnt"))
    result = run(folder)
    assert result.exit_code == 2
    assert "has no column 'amount' for amount (did you mean 'amnt'?); it has: id, user, time, amnt." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give the table with --input FILE"),
        (["--input", "a.csv"], "--mapping FILE and --out FOLDER are needed too (a mapping to start from: --guess)"),
        (
            ["--input", "a.csv", "--mapping", "a", "--mapping", "b", "--out", "o"],
            "1 inputs and 2 mappings: give one mapping for all inputs, or one for each",
        ),
    ],
)
def test_exit_code_2_for_missing_options(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(command, arguments)
    assert (result.exit_code, result.stderr) == (2, f"Error: {message}\n")


def test_too_many_errors_stop_the_conversion_and_write_only_the_report(folder: Path) -> None:
    (folder / "mine.csv").write_text(GOOD + BAD_ROW * 7)
    result = run(folder, "--max-errors", "2")
    assert result.exit_code == 2
    assert (
        "Error: stopped: more than 2 rows were rejected; row 4, column time: 'yesterday', expected an ISO"
        in result.stderr
    )
    assert names(folder / "out") == ["errors.jsonl"]
    assert len((folder / "out" / "errors.jsonl").read_text().splitlines()) == 3
    assert run(folder, "--max-errors", "7").exit_code == 1


def test_out_may_be_a_file(folder: Path) -> None:
    assert run(folder, out="deep/mine.jsonl").exit_code == 0
    assert names(folder / "deep") == ["dropped.jsonl", "errors.jsonl", "mine.jsonl"]


def test_the_input_is_never_replaced(folder: Path) -> None:
    (folder / "events.jsonl").write_text('{"id": 1, "user": 2, "time": "2024-02-01", "amount": 3}\n')
    result = run(folder, table="events.jsonl", out=".")
    assert result.exit_code == 2
    assert "--out would replace the input" in result.stderr
    assert run(folder, table="events.jsonl").exit_code == 0


def test_several_inputs_share_a_mapping_and_errors_name_them(folder: Path) -> None:
    (folder / "more.csv").write_text(GOOD.replace("\n1,", "\n2,").replace("10:00", "09:00") + BAD_ROW)
    result = run(folder, "--input", str(folder / "more.csv"))
    assert result.exit_code == 1
    lines = (folder / "out" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["transaction_id"] for line in lines] == ["2", "1"]
    assert "  more.csv, row 2, column time: 'yesterday'" in result.stderr


def test_kinds_with_several_files_require_a_folder(folder: Path) -> None:
    (folder / "users.yaml").write_text("kind: user_profile\nfields: {user_id: user}\n")
    more = ["--input", str(folder / "mine.csv"), "--mapping", str(folder / "users.yaml")]
    result = run(folder, *more, out="all.jsonl")
    assert result.exit_code == 2
    assert "is one file, but the mappings write events.jsonl and users.jsonl: set a folder instead" in result.stderr
    assert run(folder, *more).exit_code == 0
    assert names(folder / "out") == ["dropped.jsonl", "errors.jsonl", "events.jsonl", "users.jsonl"]


def test_kind_and_format_may_be_given_on_the_command_line(folder: Path) -> None:
    (folder / "mine.csv").rename(folder / "mine.dat")
    (folder / "m.yaml").write_text("fields: {user_id: user, timestamp: time}\n")
    assert run(folder, "--kind", "login", "--input-format", "csv", table="mine.dat").exit_code == 0
    assert json.loads((folder / "out" / "events.jsonl").read_text())["type"] == "login"


def test_keep_order_keeps_the_order_of_the_file(folder: Path) -> None:
    (folder / "mine.csv").write_text(GOOD + "2,17,2024-01-01T10:00:00Z,1\n")
    assert run(folder, "--keep-order").exit_code == 0
    lines = (folder / "out" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["transaction_id"] for line in lines] == ["1", "2"]


def test_template_and_guess_are_printed_and_nothing_is_written(folder: Path) -> None:
    before = names(folder)
    template = CliRunner().invoke(command, ["--print-mapping-template", "--kind", "device"])
    assert (template.exit_code, parse_mapping(template.stdout).kind) == (0, "device")
    guess = CliRunner().invoke(command, ["--guess", "--input", str(folder / "mine.csv")])
    assert (guess.exit_code, parse_mapping(guess.stdout).kind) == (0, "transaction")
    assert CliRunner().invoke(command, ["--guess", "--input", str(folder / "none.csv")]).exit_code == 2
    assert names(folder) == before


def test_interrupted_conversion_keeps_old_files_and_removes_partial_ones(folder: Path) -> None:
    (folder / "mine.csv").write_text(GOOD.replace("\n", ",0\n").replace("amount,0", "amount,fraud"))
    inputs = [Input(folder / "mine.csv", parse_mapping(LABELLED_MAPPING))]
    convert(inputs, folder / "out")
    before = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    (folder / "mine.csv").write_text("id,user,time,amount,fraud\n9,9,2024-02-01,9,1\n")
    for moment in (0.85, 1.0):  # after reading; while writing

        def interrupt(fraction: float, moment: float = moment) -> None:
            if fraction >= moment:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            convert(inputs, folder / "out", on_progress=interrupt)
        assert {path.name: path.read_bytes() for path in (folder / "out").iterdir()} == before


def test_ctrl_c_exits_with_130_and_leaves_no_files(folder: Path) -> None:
    pipe = folder / "pipe.csv"
    os.mkfifo(pipe)
    arguments = ["--input", str(pipe), "--mapping", str(folder / "m.yaml"), "--out", str(folder / "out")]
    code = "import sys; from cli.convert import command; command(sys.argv[1:])"
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True)
    with process, pipe.open("w") as writer:  # opens when the command reads; more rows never come
        writer.write(GOOD * 10_000)
        writer.flush()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert "interrupted: nothing was written" in stderr
    assert "Traceback" not in stderr
    assert process.returncode == INTERRUPTED
    assert names(folder / "out") == []
