"""What is used of Flink and PyFlink beyond their public interfaces stands in two places, and is still there.

Where another version is taken: read the places that fail against it, then set READ_AGAINST in both.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyflink
import pytest
from pyflink.version import __version__ as installed

import jobs.flink_internals as internals
from jobs.flink_internals import client, gateway, generated_operator, graph, jvm, process
from jobs.flink_internals.jvm import java_class
from jobs.runtime.environment import start_java
from udfs.flink import internals as operators

PROJECT = Path(__file__).parents[2]
SITE_PACKAGES = Path(pyflink.__file__).parents[1]
PLACES = ("udfs/flink/internals.py", "jobs/flink_internals/")
MODULES: tuple[Any, ...] = (operators, jvm, client, gateway, graph, generated_operator, process)
INTERNAL_MODULES = (
    "pemja",
    "py4j",
    "pyflink.find_flink_home",
    "pyflink.fn_execution",
    "pyflink.java_gateway",
    "pyflink.util",
)
PUBLIC = ("_asdict", "_fields", "_replace")  # of named tuples


def changed(what: str, where: str) -> str:
    return f"PyFlink {internals.READ_AGAINST} internals changed: PyFlink {installed} has no {what}, which {where} relies on"


def test_the_installed_version_is_the_verified_one() -> None:
    assert operators.READ_AGAINST == internals.READ_AGAINST
    assert installed == internals.READ_AGAINST, (
        f"PyFlink {internals.READ_AGAINST} internals changed: {installed} is here. Read {' and '.join(PLACES)} against it"
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_required_lines_of_pyflink_exist(module: Any) -> None:
    for file, lines in module.PYTHON.items():
        text = (SITE_PACKAGES / file).read_text()
        for line in lines:
            assert line in text, changed(f"`{line}` in {file}", module.__name__)


@pytest.mark.parametrize(
    "module", [module for module in MODULES if hasattr(module, "JAVA")], ids=lambda module: module.__name__
)
def test_the_required_java_classes_and_members_exist(module: Any, log_directory: Path) -> None:
    start_java(str(log_directory))
    for name, members in module.JAVA.items():
        found = members_of(name, module.__name__)
        for member in members:
            assert member in found, changed(f"{member} in {name}", module.__name__)


def test_every_java_class_named_in_the_code_is_checked() -> None:
    known = {name for module in MODULES for name in getattr(module, "JAVA", {})}
    for module in MODULES:
        tree = ast.parse(Path(module.__file__).read_text())
        named = {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.startswith("org.apache.flink.")
        }
        packages = {name.rpartition(".")[0] for name in known}
        unknown = {name for name in named if name not in known and not any(p.startswith(name) for p in packages)}
        assert unknown <= {process.CONFIGURATION}  # public


def test_nothing_else_in_udfs_and_jobs_uses_internals() -> None:
    files = [path for folder in ("udfs", "jobs") for path in sorted((PROJECT / folder).rglob("*.py"))]
    others = [path for path in files if not str(path.relative_to(PROJECT)).startswith(PLACES)]
    assert len(files) - len(others) >= 6
    found = {str(path.relative_to(PROJECT)): used for path in others if (used := sorted(internals_in(path)))}
    assert found == {}


def internals_in(path: Path) -> Iterator[str]:
    """Imports of PyFlink's internal modules, and attributes that begin with an underscore of other objects than self, in
    files that may have a PyFlink object."""
    may_have_one = path.is_relative_to(PROJECT / "jobs") or path.is_relative_to(PROJECT / "udfs" / "flink")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            private = node.module.startswith("pyflink") and any(alias.name[0] == "_" for alias in node.names)
            if private or node.module.startswith(INTERNAL_MODULES):
                yield ast.unparse(node)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(INTERNAL_MODULES))
        elif may_have_one and isinstance(node, ast.Attribute) and node.attr[0] == "_" and node.attr[:2] != "__":
            of_itself = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if not of_itself and node.attr not in PUBLIC:
                yield ast.unparse(node)
        elif isinstance(node, ast.Attribute) and node.attr == "jvm":
            yield ast.unparse(node)


def members_of(name: str, user: str) -> set[str]:
    """The names of a Java class's methods and fields, inherited ones and private ones too."""
    loader = java_class("java.lang.Thread").currentThread().getContextClassLoader()
    try:
        found = java_class("java.lang.Class").forName(name, False, loader)
    except Exception as error:
        pytest.fail(f"{changed(f'class {name}', user)}: {error}")
    members = {method.getName() for method in found.getMethods()}
    while found is not None:
        members |= {member.getName() for member in (*found.getDeclaredMethods(), *found.getDeclaredFields())}
        found = found.getSuperclass()
    return members
