"""The cost sheet: its page is what the script prints, and its arithmetic is right where it was done by hand."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.terraform_files import Terraform
from udfs.metrics.catalogue import BY_NAME
from udfs.metrics.names import FORWARDED

PROJECT = Path(__file__).parents[2]
COST = PROJECT / "deploy" / "cost"


@pytest.fixture(scope="module")
def printed() -> str:
    command = [sys.executable, str(COST / "cost.py")]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def row(printed: str, beginning: str) -> list[str]:
    line = next(line for line in printed.splitlines() if line.startswith(f"| {beginning}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_shows_what_the_script_prints(printed: str) -> None:
    tables, sources = printed.split("\n\n| price |")
    page = (PROJECT / "docs" / "cost.md").read_text()
    assert tables.strip() in page
    assert page.endswith("| price |" + sources)


def test_lines_worked_out_by_hand(printed: str) -> None:
    # 2 KPUs x 730 h x 0.11; 10 M KB = 9.54 GB; 10 M x 3 write units at 0.625 a million
    assert row(printed, "scoring, KPU hours")[2] == "1,460.00 = 160.60"
    assert row(printed, "events in")[2] == "9.54 = 0.76"
    assert row(printed, "online features")[2] == "30.00 = 18.75"
    # 1 000 M / 2 628 000 s x 10 = 3 805 a second at the peak, 1 500 a KPU: 3 KPUs and the service's own
    assert row(printed, "scoring, KPU hours")[4] == "2,920.00 = 321.20"
    assert row(printed, "KPUs")[4] == "3 + 1"


def test_a_total_is_the_sum_of_its_lines(printed: str) -> None:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if " = " in line]
    for column in (2, 3, 4):
        total = sum(float(cells[column].split(" = ")[1].replace(",", "")) for cells in lines)
        stated = float(row(printed, "**USD per month**")[column].strip("*").replace(",", ""))
        assert total == pytest.approx(stated, abs=0.6)


def test_each_price_has_a_source_with_its_date_or_is_marked_as_assumed() -> None:
    prices: dict[str, dict[str, Any]] = yaml.safe_load((COST / "prices.yaml").read_text())
    for name, price in prices.items():
        assert price["usd"] > 0, name
        assert len(price["source"]) > 10, name
        assert price.get("assumed") is True or isinstance(price["read"], date), name


def test_the_alarms_of_the_sheet_are_those_of_terraform() -> None:
    usage = yaml.safe_load((COST / "usage.yaml").read_text())
    terraform = Terraform()
    of_the_job = sum(len(growth["watched"]) for growth in terraform.locals["growths"].values())
    assert usage["alarm_metrics"] == len(terraform.locals["values"]) + len(terraform.locals["changes"]) + of_the_job


def test_the_metrics_of_the_sheet_are_those_that_the_job_has_taken_to_cloudwatch() -> None:
    usage = yaml.safe_load((COST / "usage.yaml").read_text())
    assert usage["job_metrics"] == sum(len(BY_NAME[name].series) for name in FORWARDED)
