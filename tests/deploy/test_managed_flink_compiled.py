"""The hot path that `fraud package msf` compiles for the service's Python decides as the source tree on ours."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main
from cli.managed_flink_compiled import DEFAULT_PYTHON, CannotCompile, compile_hot_path, find_compiler
from cli.managed_flink_package import build, install_wheels
from models.default_bundle import DEFAULT_BUNDLE
from tests.jobs.event_stream import event_lines, write_events

PROJECT = Path(__file__).parents[2]
WHEELS = PROJECT / ".cache" / "managed-flink-wheels"
SCORE = """
import hashlib, json, sys
import udfs.scorer
from udfs.open_scorer import open_scorer
from udfs.outputs import Origin
from udfs.scorer_config import ScorerConfig, ScorerPaths
from udfs.user_log import MemoryUserLogs
logs, outputs, events = MemoryUserLogs(), hashlib.sha256(), 0
scorer = open_scorer(ScorerConfig(), ScorerPaths(bundle=sys.argv[2]), logs)
for line in open(sys.argv[1], "rb").read().splitlines():
    logs.key = json.loads(line)["user_id"]
    for output in scorer.process(line, logs.key, None, Origin("events")):
        outputs.update(output.destination.encode() + output.value)
        events += 1
print(udfs.scorer.__file__, events, outputs.hexdigest())
"""


def scored(python: str, path: str, events: Path) -> tuple[str, str, str]:
    """The scorer's file, the number of outputs and their digest."""
    command = [python, "-c", SCORE, str(events), str(DEFAULT_BUNDLE)]
    surroundings = os.environ | {"PYTHONPATH": path}
    ran = subprocess.run(command, capture_output=True, text=True, env=surroundings, cwd=events.parent, timeout=300)
    assert ran.returncode == 0, ran.stderr
    file, count, digest = ran.stdout.split()
    return file, count, digest


def test_a_python_that_cannot_compile_for_the_service_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(CannotCompile, match=r"python9\.9 cannot be run"):
        find_compiler("python9.9")
    with pytest.raises(CannotCompile, match=r"is 3\.11 on linux-x86_64; the service's is 3\.12 on linux-x86_64"):
        find_compiler(sys.executable)
    bare = tmp_path / "python3.12"
    for headers, compiler, words in (("false", '"/usr/bin/cc"', "no headers"), ("true", "null", "no C compiler")):
        bare.write_text(f"""#!/bin/sh\necho '["3.12", "linux-x86_64", {headers}, {compiler}]'\n""")
        bare.chmod(bare.stat().st_mode | stat.S_IXUSR)
        with pytest.raises(CannotCompile, match=words):
            find_compiler(str(bare))


def test_a_python_that_was_asked_for_must_be_able_to_and_without_one_the_package_says_that_it_is_plain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["package", "msf", "--out", str(tmp_path / "app.zip"), "--jars", str(tmp_path)]
    asked = CliRunner().invoke(main, [*command, "--compile-with", sys.executable])
    assert asked.exit_code == 2
    assert "the service's is 3.12" in asked.output
    assert not (tmp_path / "app.zip").exists()
    monkeypatch.setattr("cli.managed_flink_compiled.DEFAULT_PYTHON", "python9.9")
    for more, words in (([], "hot path: Python (python9.9 cannot be run)"), (["--plain"], "hot path: Python\n")):
        done = CliRunner().invoke(main, [*command, *more])
        assert done.exit_code == 0, done.output
        assert words in done.output
    with zipfile.ZipFile(tmp_path / "app.zip") as archive:
        assert not [name for name in archive.namelist() if "fraud__mypyc" in name]


@pytest.mark.long  # a minute of compiling
def test_the_packages_scorer_is_compiled_and_decides_on_the_services_python_like_ours_from_source(
    tmp_path: Path,
) -> None:
    try:
        find_compiler(DEFAULT_PYTHON)
    except CannotCompile as problem:
        pytest.skip(str(problem))
    install_wheels(WHEELS, PROJECT / "requirements.lock")
    compiled = compile_hot_path(DEFAULT_PYTHON, PROJECT, WHEELS, tmp_path / "cache")
    build(tmp_path / "app.zip", WHEELS, [], PROJECT, compiled)
    with zipfile.ZipFile(tmp_path / "app.zip") as archive:
        ours = [name for name in archive.namelist() if name.startswith(("python/udfs/", "python/fraud__mypyc"))]
        archive.extractall(tmp_path / "service")
    sources = {name.partition(".")[0] for name in ours if name.endswith(".py")}
    modules = {name.partition(".")[0] for name in ours if name.endswith(".cpython-312-x86_64-linux-gnu.so")}
    assert "python/fraud__mypyc" in modules
    assert modules - sources == {"python/fraud__mypyc", "python/udfs/_huge_pages"}
    assert {"python/udfs/scorer", "python/udfs/windows", "python/udfs/features/velocity"} <= modules
    library = (tmp_path / "service" / "python" / "fraud__mypyc.cpython-312-x86_64-linux-gnu.so").read_bytes()
    assert str(Path.home()).encode() not in library  # no path of this machine

    events = write_events(tmp_path / "events.jsonl", event_lines(6_000, seed=11, users=60))
    file, count, digest = scored(DEFAULT_PYTHON, str(tmp_path / "service" / "python"), events)
    _, expected_count, expected = scored(sys.executable, str(PROJECT), events)

    assert file == str(tmp_path / "service" / "python" / "udfs" / "scorer.cpython-312-x86_64-linux-gnu.so")
    assert int(count) > 5_000
    assert (count, digest) == (expected_count, expected)
    before = sorted(path.stat().st_mtime_ns for path in compiled.rglob("*.so"))
    assert compile_hot_path(DEFAULT_PYTHON, PROJECT, WHEELS, tmp_path / "cache") == compiled
    assert sorted(path.stat().st_mtime_ns for path in compiled.rglob("*.so")) == before  # not again
