"""docker/Dockerfile builds the native core in a stage of its own and puts it where the image's Python finds it.

There is no engine: what the recipe copies is copied and what it runs to build is run, in a folder.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.scored import scored
from tests.jobs.event_stream import event_lines, write_events

PROJECT = Path(__file__).parents[2]
EXTENSION = "udfs/core/_native.abi3.so"
PYTHON = "/opt/build/bin/python"


def stages() -> Iterator[tuple[str, list[str]]]:
    """(name, instructions) of each stage, FROM included; the last one has no name."""
    recipe = re.sub(r"\\\n\s*", "", (PROJECT / "docker" / "Dockerfile").read_text())
    for stage in re.split(r"^(?=FROM )", recipe, flags=re.MULTILINE)[1:]:
        lines = [line for line in stage.splitlines() if line and not line.startswith("#")]
        yield lines[0].partition(" AS ")[2], lines


@pytest.fixture(scope="module")
def building() -> list[str]:
    return dict(stages())["core"]


@pytest.fixture(scope="module")
def final() -> list[str]:
    return dict(stages())[""]


def test_the_core_is_built_by_a_rust_that_knows_the_crate_and_by_the_locks_tools(building: list[str]) -> None:
    image = re.fullmatch(r"FROM rust:(\d+)\.(\d+)\.\d+-slim-bookworm AS core", building[0])
    assert image is not None
    oldest = tomllib.loads((PROJECT / "udfs" / "core" / "Cargo.toml").read_text())["package"]["rust-version"]
    assert tuple(map(int, image.groups())) >= tuple(map(int, oldest.split(".")))
    (install,) = [line for line in building if "uv pip install" in line]
    tools = install.partition("--constraint requirements.lock ")[2].split()
    locked = re.findall(r"^([\w-]+)==", (PROJECT / "requirements.lock").read_text(), flags=re.MULTILINE)
    assert set(tools) <= set(locked)
    needed = tomllib.loads((PROJECT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert sorted(tools) == sorted(re.match(r"[\w-]+", requirement).group() for requirement in needed)  # type: ignore[union-attr]


def test_the_image_has_the_extension_among_the_sources_and_no_compiler(final: list[str]) -> None:
    assert f"COPY --from=core /build/{EXTENSION} /opt/fraud/udfs/core/" in final
    assert final.index("COPY udfs /opt/fraud/udfs") < final.index(
        f"COPY --from=core /build/{EXTENSION} /opt/fraud/udfs/core/"
    )
    assert [line for line in final if line.startswith("COPY --from=core")] == [
        f"COPY --from=core /build/{EXTENSION} /opt/fraud/udfs/core/"
    ]
    assert not re.search(r"\bgcc\b|\bcargo\b|\brustc?\b|build-essential|libc6-dev", "\n".join(final))
    assert re.search(r"\bPYTHONPATH=/opt/fraud\b", "\n".join(final))
    flink = (PROJECT / "docker" / "flink.yaml").read_text()  # where the operator's Python looks
    assert re.search(r"^  pythonpath: \S+:/opt/fraud$", flink, flags=re.MULTILINE)


def test_the_image_runs_on_the_system_that_the_core_is_linked_on(building: list[str], final: list[str]) -> None:
    assert building[0].split()[1].endswith("-slim-bookworm")  # glibc of the one is that of the other
    assert final[0].split()[1].endswith("-slim-bookworm")


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
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(PROJECT / source, place)


@pytest.mark.long  # a minute of compiling
def test_what_the_recipe_copies_and_runs_gives_a_core_that_decides_like_ours(
    building: list[str], tmp_path: Path
) -> None:
    build, image = tmp_path / "build", tmp_path / "fraud"
    build.mkdir()
    copied(building, build)
    assert sorted(path.name for path in build.iterdir()) == ["build_core.py", "requirements.lock", "setup.py", "udfs"]
    command = building[-1].removeprefix("RUN ").replace(PYTHON, sys.executable)
    assert "setup.py" in command

    subprocess.run(command, shell=True, cwd=build, check=True, timeout=900)

    shutil.copytree(PROJECT / "udfs", image / "udfs", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copy(build / EXTENSION, image / "udfs" / "core")
    events = write_events(tmp_path / "events.jsonl", event_lines(6_000, seed=11, users=60))
    found = scored(sys.executable, [image, PROJECT], events)
    expected = scored(sys.executable, [PROJECT], events)
    assert found.core == str(image / EXTENSION)
    assert found.outputs > 5_000
    assert found[1:] == expected[1:]
