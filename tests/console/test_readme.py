"""The README's two commands: the console starts, and one call gets a decision with its reasons."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

from tests.console.api.serving import PROJECT, console_process

DEFAULT_URL = "http://127.0.0.1:8717"


def readme_commands() -> list[str]:
    section = (PROJECT / "README.md").read_text().split("## An answer to one call")[1]
    block = re.search(r"```\n(.*?)```", section, re.DOTALL)
    assert block is not None
    return re.split(r"\n(?=\w)", block[1].replace("\\\n", " ").strip())  # a command goes on in lines with space before


def test_one_command_starts_it_and_one_call_gets_a_decision(tmp_path: Path) -> None:
    start, call = readme_commands()
    assert start.split("#")[0].split() == ["fraud", "console"]
    assert DEFAULT_URL in call
    with console_process(tmp_path) as (_, url):  # on a free port, with its files in this folder
        command = shlex.split(call.replace(DEFAULT_URL, url))
        answered = subprocess.run([*command, "--silent"], capture_output=True, text=True, timeout=30, check=True)
    decision = json.loads(answered.stdout)
    assert (decision["transaction_id"], decision["user_id"]) == ("T1", "U1")
    assert decision["action"] == "refer_to_analyst"
    assert 0 <= decision["risk_score"] <= 1_000
    told = {reason["name"]: reason["text"] for reason in decision["reasons"]}
    assert told["unusual_hour"] == "unusual hour: 3 o'clock local time"
    assert told["round_thousands"] == "large round amount of 5,000"
    assert decision["model"]["bundle"]
