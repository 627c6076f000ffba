"""What the documentation names exists: files, folders, links with their headings, modules that are run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
FOLDERS = sorted(
    path.name
    for path in PROJECT.iterdir()
    if path.is_dir() and path.name[0] != "." and path.name not in ("out", "build", "dist")
)
_PATH = re.compile(rf"(?<![\w./~$-])(?:{'|'.join(FOLDERS)})/[\w./*{{}},-]*")
_LINK = re.compile(r"\]\((?P<target>[^)\s:]+)\)")
_MODULE = re.compile(r"python -m (?P<module>\w+(?:\.\w+)+)")
_PYTHON_FILE = re.compile(r"`(?P<name>\w+\.py)`")
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
_BRACES = re.compile(r"\{([^{}]*)\}")


def missing(text: str, folder: Path) -> list[str]:
    """What a document in `folder` names and is not there, in the order of its kinds."""
    return [*_missing_paths(text), *_missing_links(text, folder), *_missing_python(text)]


def _missing_paths(text: str) -> Iterator[str]:
    for match in _PATH.finditer(text):
        for path in _alternatives(match.group().rstrip(".,-")):
            if not any(PROJECT.glob(path.rstrip("/"))):
                yield path


def _alternatives(path: str) -> Iterator[str]:
    """`packs/{bank,card}.yaml` names two files."""
    found = _BRACES.search(path)
    if found is None:
        yield path
        return
    for choice in found[1].split(","):
        yield from _alternatives(path[: found.start()] + choice + path[found.end() :])


def _missing_links(text: str, folder: Path) -> Iterator[str]:
    for match in _LINK.finditer(text):
        name, _, anchor = match["target"].partition("#")
        exists = not name or (folder / name).exists()
        if not exists or (anchor and anchor not in _anchors((folder / name).read_text() if name else text)):
            yield match["target"]


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    return {
        re.sub(r"[^\w\- ]", "", match["title"].strip().lower()).replace(" ", "-") for match in _HEADING.finditer(text)
    }


def _missing_python(text: str) -> Iterator[str]:
    for match in _MODULE.finditer(text):
        module = PROJECT / match["module"].replace(".", "/")
        if module.parts[len(PROJECT.parts)] in FOLDERS and not (
            module.with_suffix(".py").exists() or (module / "__main__.py").exists()
        ):
            yield match["module"]
    for match in _PYTHON_FILE.finditer(text):
        in_root = (PROJECT / match["name"]).exists()
        if not in_root and not any(any((PROJECT / folder).rglob(match["name"])) for folder in FOLDERS):
            yield match["name"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_everything_named_in_a_document_exists(document: Path) -> None:
    assert missing(document.read_text(), document.parent) == []


def test_the_license_is_named_where_people_look_for_it() -> None:
    license_text = (PROJECT / "LICENSE").read_text()
    assert license_text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in license_text
    assert "Copyright 2026 The Streaming Fraud Detector authors" in license_text
    assert "License: Apache-2.0, [LICENSE](LICENSE)" in (PROJECT / "README.md").read_text()
    assert 'license="Apache-2.0"' in (PROJECT / "setup.py").read_text()


RECIPES = (
    "Add a feature", "Add a rule", "Add a rule function", "Add a source", "Add a sink", "Add an enrichment store",
    "Add a fraud pattern to the simulator", "Add a metric", "Add a command", "Change the text of an alert",
)  # fmt: skip


def test_each_common_extension_has_a_recipe_that_names_its_files() -> None:
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    recipes = {part.partition("\n")[0]: part for part in text.split("\n## ")[1:]}
    assert [title for title in RECIPES if title not in recipes] == []
    assert [title for title in RECIPES if len(set(_PATH.findall(recipes[title]))) < 2] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see `udfs/features/nothing.py`.", ["udfs/features/nothing.py"]),
        ("`udfs/features/`, `udfs/rules/packs/{bank,gold}.yaml`", ["udfs/rules/packs/gold.yaml"]),
        ("deploy/conf/*.yaml, deploy/conf/*.toml", ["deploy/conf/*.toml"]),
        ("[here](nowhere.md), [there](events.md)", ["nowhere.md"]),
        ("[here](events.md#no-such-heading), [web](https://example.org/x.md)", ["events.md#no-such-heading"]),
        ("python -m benchmarks.handbook, python -m benchmarks.nothing, python -m pip", ["benchmarks.nothing"]),
        ("`scorer.py` and `scoring_room.py`", ["scoring_room.py"]),
        ("out/udfs/nothing.py and /udfs/nothing.py", []),
    ],
)  # fmt: skip
def test_the_check_finds_missing_names(text: str, found: list[str]) -> None:
    assert sorted(missing(text, PROJECT / "docs")) == sorted(found)
