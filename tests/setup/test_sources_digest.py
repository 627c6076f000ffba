"""The digest of the core's sources covers every file that the Rust build reads, also those outside of the crate."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from setuptools.errors import PlatformError

PROJECT = Path(__file__).parents[2]


def loaded(tree: Path) -> ModuleType:
    """The tree's own build_core: it looks for sources beside itself."""
    spec = importlib.util.spec_from_file_location("build_core_of_a_tree", tree / "build_core.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A crate that includes one file beside its source, two outside of the crate, and none in Python."""
    tmp_path = tmp_path / "tree"
    source = tmp_path / "udfs" / "core" / "src"
    (source / "deep").mkdir(parents=True)
    (tmp_path / "udfs" / "records").mkdir()
    shutil.copy2(PROJECT / "build_core.py", tmp_path)
    (tmp_path / "udfs" / "core" / "Cargo.toml").write_text("[package]\n")
    (source / "lib.rs").write_text('const A: &str = include_str!("../../records/a.txt");\n')
    (source / "deep" / "mod.rs").write_text(
        'const B: &[u8] = include_bytes!(\n    "../../../records/b.bin",\n);\nconst C: &str = include_str!("c.txt");\n'
    )
    (source / "deep" / "c.txt").write_text("c")
    (tmp_path / "udfs" / "records" / "a.txt").write_text("a")
    (tmp_path / "udfs" / "records" / "b.bin").write_bytes(b"\x00b")
    (tmp_path / "udfs" / "records" / "codes.py").write_text("")
    return tmp_path


def test_the_sources_are_the_crates_files_and_what_they_include(tree: Path) -> None:
    found = [path.relative_to(tree / "udfs").as_posix() for path in loaded(tree).core_sources()]
    assert found == [
        "core/Cargo.toml", "core/src/deep/c.txt", "core/src/deep/mod.rs", "core/src/lib.rs", "records/a.txt",
        "records/b.bin",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["records/a.txt", "records/b.bin", "core/src/deep/c.txt", "core/src/lib.rs"])
def test_a_change_of_an_included_file_changes_the_digest(name: str, tree: Path) -> None:
    before = loaded(tree).sources_digest()
    assert re.fullmatch("[0-9a-f]{64}", before)
    assert loaded(tree).sources_digest() == before
    with (tree / "udfs" / name).open("ab") as file:
        file.write(b"\n// changed\n")
    assert loaded(tree).sources_digest() != before


def test_a_change_of_python_does_not(tree: Path) -> None:
    before = loaded(tree).sources_digest()
    (tree / "udfs" / "records" / "codes.py").write_text("CODES = ()\n")
    assert loaded(tree).sources_digest() == before


def test_a_missing_included_file_is_named(tree: Path) -> None:
    (tree / "udfs" / "records" / "a.txt").unlink()
    with pytest.raises(PlatformError, match=r"udfs/core/src/lib.rs includes ../../records/a.txt, which is missing"):
        loaded(tree).sources_digest()


def test_this_projects_digest_covers_its_table_of_countries() -> None:
    assert PROJECT / "udfs" / "records" / "countries.txt" in loaded(PROJECT).core_sources()
