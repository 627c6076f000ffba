"""docker/Dockerfile compiles the hot path in a stage of its own and puts it where the image's Python finds it.

There is no engine: what the recipe copies is copied and what it runs to compile is run, in a folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.event_stream import event_lines, write_events
from tests.udfs.test_compiled import digest

PROJECT = Path(__file__).parents[2]
PYTHON = "/opt/venv/bin/python"
DIGEST = """
import sys
from pathlib import Path
import udfs.scorer
from tests.udfs.test_compiled import digest
print(udfs.scorer.__file__, digest(Path(sys.argv[1])))
"""


def stages() -> Iterator[tuple[str, list[str]]]:
    """(name, instructions) of each stage; the last one has no name."""
    recipe = re.sub(r"\\\n\s*", "", (PROJECT / "docker" / "Dockerfile").read_text())
    for stage in re.split(r"^FROM ", recipe, flags=re.MULTILINE)[1:]:
        head, *lines = stage.splitlines()
        yield (head.partition(" AS ")[2], [line for line in lines if line and not line.startswith("#")])


@pytest.fixture(scope="module")
def compiling() -> list[str]:
    return dict(stages())["compiled"]


@pytest.fixture(scope="module")
def final() -> list[str]:
    return dict(stages())[""]


def test_mypy_is_the_locks_and_neither_it_nor_a_compiler_is_in_the_image(
    compiling: list[str], final: list[str]
) -> None:
    assert f"RUN pip --python {PYTHON} install --constraint requirements.lock mypy" in compiling
    assert re.search(r"^mypy==\d", (PROJECT / "requirements.lock").read_text(), flags=re.MULTILINE)
    assert any("apt-get install -y --no-install-recommends gcc libc6-dev" in line for line in compiling)
    assert not re.search(r"\bgcc\b|mypy(?!c\*\.so)", "\n".join(final))
    assert [line for line in final if "/opt/venv" in line and line.startswith("COPY")] == [
        "COPY --from=packages /opt/venv /opt/venv"
    ]


def test_the_library_of_all_compiled_modules_is_where_python_looks(final: list[str]) -> None:
    assert "COPY --from=compiled /build/fraud__mypyc*.so /opt/fraud/" in final
    assert "COPY --from=compiled /build/udfs /opt/fraud/udfs" in final
    assert not any(line.startswith("COPY udfs") for line in final)
    assert re.search(r"\bPYTHONPATH=/opt/fraud\b", "\n".join(final))
    flink = (PROJECT / "docker" / "flink.yaml").read_text()  # where the operator's Python looks
    assert re.search(r"^  pythonpath: \S+:/opt/fraud$", flink, flags=re.MULTILINE)


def copied(instructions: list[str], target: Path) -> None:
    """What the instructions copy from the project into the stage's folder, without what .dockerignore leaves out."""
    for line in instructions:
        if line.startswith("COPY ") and "--from" not in line:
            *sources, destination = line.split()[1:]
            for source in sources:
                place = target / destination / ("" if destination != "./" else Path(source).name)
                if (PROJECT / source).is_dir():
                    shutil.copytree(PROJECT / source, place, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
                else:
                    shutil.copyfile(PROJECT / source, place)


def compiled_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.glob("udfs/**/*.so")}


@pytest.mark.long  # a minute of compiling
def test_what_the_recipe_copies_and_runs_gives_a_compiled_scorer_that_decides_like_python(
    compiling: list[str], tmp_path: Path
) -> None:
    build, image = tmp_path / "build", tmp_path / "fraud"
    build.mkdir()
    copied(compiling, build)
    assert sorted(path.name for path in build.iterdir()) == ["pyproject.toml", "requirements.lock", "setup.py", "udfs"]
    command = compiling[-1].removeprefix("RUN ").replace(PYTHON, sys.executable)
    assert "setup.py" in command

    subprocess.run(command, shell=True, cwd=build, check=True, timeout=600)

    shutil.copytree(build / "udfs", image / "udfs")
    (library,) = build.glob("fraud__mypyc*.so")
    shutil.copy(library, image)
    assert compiled_in(image) == compiled_in(PROJECT)  # by `make setup`
    events = write_events(tmp_path / "events.jsonl", event_lines(6_000, seed=11, users=60))
    surroundings = os.environ | {"PYTHONPATH": f"{image}{os.pathsep}{PROJECT}"}
    ran = subprocess.run(
        [sys.executable, "-c", DIGEST, str(events)], capture_output=True, text=True, cwd=tmp_path, env=surroundings
    )
    assert ran.returncode == 0, ran.stderr
    scorer, decided = ran.stdout.split()
    assert scorer.startswith(str(image))
    assert scorer.endswith(".so")
    assert decided == digest(events)
