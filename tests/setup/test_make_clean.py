"""`make clean` removes what `make setup` has built, which would be imported in place of changed sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.setup.source_tree import copy_of_the_tree, run_make


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return copy_of_the_tree(tmp_path)


def files_of(tree: Path) -> dict[str, bytes]:
    return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def clean(tree: Path) -> None:
    done = run_make(tree, "clean")
    assert done.returncode == 0, done.stderr


def test_clean_removes_all_that_was_built_and_no_source(tree: Path) -> None:
    sources = files_of(tree)
    packages = [path.parent for path in tree.rglob("__init__.py")]
    assert {str(path.relative_to(tree)) for path in packages} >= {"udfs", "udfs/core", "jobs/kafka", "ingest/readers"}
    for package in packages:
        (package / "__pycache__").mkdir()
        (package / "__pycache__" / "anything.cpython-311.pyc").write_bytes(b"no bytecode")
    (tree / "udfs" / "core" / "_native.abi3.so").write_bytes(b"not a library")
    (tree / "build" / "core").mkdir(parents=True)
    (tree / "build" / "core" / "libfraud_core.so").write_bytes(b"not a library")
    clean(tree)
    assert files_of(tree) == sources
    assert not list(tree.rglob("__pycache__"))
    clean(tree)  # a second time it finds nothing to do


def test_clean_leaves_a_wheel_which_set_up_may_need_where_there_is_no_rust(tree: Path) -> None:
    (tree / "dist").mkdir()
    (tree / "dist" / "streaming_fraud_detector-0.1.0-cp311-abi3-linux_x86_64.whl").write_bytes(b"a wheel")
    before = files_of(tree)
    clean(tree)
    assert files_of(tree) == before
