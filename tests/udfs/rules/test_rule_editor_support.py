"""What editors get: a JSON schema, problems with positions, and completions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from cli.main import main
from udfs.features.catalogue import NAMES
from udfs.rules.completions import MEANINGS, completions
from udfs.rules.errors import RuleError
from udfs.rules.names import FUNCTIONS, names_for
from udfs.rules.pack_files import pack_names, shipped_pack
from udfs.rules.positions import RuleFilePositions
from udfs.rules.rule_schema import rule_file_schema

RULES = """\
name: own
version: 2
scale: [[0, 0], [50, 600]]
rules:
  - {id: plain, points: 1, when: amonut > 100, reason: "x {amonut}"}
  - id: single
    points: 2
    when: 'city == ''a'' and contry == "b"'
    reason: y
  - id: folded
    points: 5000
    when: >
      amount > 5 and
        (is_new_device or
      abbs(amount) > 3)
    reason: z
  - {id: double, points: 1, when: "city == \\"é\\" and\\tamount > 'x'", reason: w}
  - {id: never, points: 1, when: amount < 0, reason: never}
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def checked(path: Path, content: str) -> dict[str, Any]:
    path.write_text(content)
    result = run("rules", "check", path, "--format", "json")
    report: dict[str, Any] = json.loads(result.output)
    assert result.exit_code == (0 if report["valid"] else 2)
    return report


def marked(content: str, problem: dict[str, Any]) -> str:
    """The piece of the file that a problem is about."""
    lines = content.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
    first = starts[problem["line"] - 1] + problem["column"] - 1
    return content[first : starts[problem["end_line"] - 1] + problem["end_column"] - 1]


def test_each_problem_is_told_with_its_place_in_the_file(tmp_path: Path) -> None:
    content = RULES.replace("points: 5000", "points: 500")
    report = checked(tmp_path / "own.yaml", content)
    assert report["valid"] is False
    found = [(problem["rule"], problem["field"], marked(content, problem)) for problem in report["problems"]]
    assert found == [
        ("plain", "reason", "amonut"), ("plain", "when", "amonut"), ("single", "when", "contry"),
        ("folded", "when", "abbs"), ("double", "when", ">"), ("never", "when", "amount < 0"),
    ]  # fmt: skip
    assert report["problems"][1]["hint"] == "did you mean 'amount'?"
    assert report["problems"][1]["line"] == 5


def test_problems_of_structure_and_of_yaml_have_places_too(tmp_path: Path) -> None:
    content = RULES.replace("amonut", "amount").replace("version: 2", "version: 0")
    report = checked(tmp_path / "own.yaml", content)
    found = [(problem["rule"], problem["field"], marked(content, problem)) for problem in report["problems"]]
    assert found == [(None, "version", "0"), ("folded", "points", "5000")]
    report = checked(tmp_path / "own.yaml", "name: own\nrules: [\n")
    assert [(problem["line"], problem["column"]) for problem in report["problems"]] == [(3, 1)]
    report = checked(tmp_path / "own.yaml", RULES.replace("points: 2", "points: many"))
    assert [marked(RULES, problem) for problem in report["problems"]] == ["single"]


def test_a_valid_file_has_no_problems_and_warnings_leave_it_valid(tmp_path: Path) -> None:
    valid = (
        "name: own\nversion: 2\nscale: [[0, 0], [50, 600]]\nrules: [{id: a, points: 1, when: amount > 1, reason: x}]\n"
    )
    assert checked(tmp_path / "own.yaml", valid) == {
        "file": str(tmp_path / "own.yaml"), "name": "own", "version": 2, "valid": True, "problems": [],
    }  # fmt: skip
    report = checked(tmp_path / "own.yaml", valid.replace("amount > 1", "amount >= 0"))
    assert report["valid"]
    assert [problem["severity"] for problem in report["problems"]] == ["warning"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[]", b"!!python/name:os.system", b"rules: [{id: [1]}]"])
def test_any_file_gives_a_place(content: bytes) -> None:
    positions = RuleFilePositions(content)
    for error in (RuleError("x"), RuleError("x", 5, rule_id="a", field="when"), RuleError("x", rule_id="number 9")):
        span = positions.span_of(error)
        assert (span.line, span.column) >= (1, 1)


def test_the_schema_takes_the_shipped_packs_and_refuses_mistakes() -> None:
    schema = rule_file_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    packs = Path(__file__).parents[3] / "udfs" / "rules" / "packs"
    for name in pack_names():
        assert shipped_pack(name).rules
        validator.validate(yaml.safe_load((packs / f"{name}.yaml").read_bytes()))
    rule = {"id": "a", "points": 1, "when": "amount > 1", "reason": "x"}
    good = {"name": "own", "version": 1, "scale": [[0, 0], [50, 600]], "rules": [rule]}
    validator.validate(good)
    for change in (
        {"version": 0}, {"scale": [[0, 0]]}, {"scale": [[0, 0], [5, 1001]]}, {"rules": []}, {"extra": 1},
        {"rules": [{**rule, "points": 1001}]}, {"rules": [{**rule, "id": "a b"}]}, {"rules": [{**rule, "action": "stop"}]},
        {"rules": [{**rule, "whem": "x"}]}, {"rules": [{"id": "a"}]},
    ):  # fmt: skip
        assert not validator.is_valid(good | change), change
    assert json.loads(run("rules", "schema").output) == schema


def test_completions_have_every_name_function_and_list(tmp_path: Path) -> None:
    (tmp_path / "risky.yaml").write_text("{name: risky, type: country, version: 1, description: Bad., entries: [IR]}")
    found = json.loads(run("rules", "completions", "--lists", tmp_path, "--format", "json").output)
    assert [name["name"] for name in found["names"]] == [name.name for name in names_for(NAMES)]
    assert all(name["meaning"] and name["type"] in ("number", "text", "flag") for name in found["names"])
    by_name = {name["name"]: name for name in found["names"]}
    assert by_name["kind"]["codes"] == ["purchase", "refund", "reversal"]
    assert by_name["km_from_home"]["unit"] == "km"
    assert [function["name"] for function in found["functions"]] == [function.name for function in FUNCTIONS]
    assert found["lists"] == [
        {
            "name": "@risky",
            "type": "country",
            "fields": ["country", "merchant_country"],
            "entries": 1,
            "meaning": "Bad.",
        }
    ]
    assert "abs(number)" in run("rules", "completions").output


def test_every_name_that_is_no_feature_has_a_meaning() -> None:
    assert sorted(MEANINGS) == [name.name for name in names_for(())]
    assert completions((), {})["lists"] == []
