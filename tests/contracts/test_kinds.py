"""Every kind of source and sink that a configuration can name is built by one adapter, and every adapter can be named."""

from __future__ import annotations

import ast
import inspect
from typing import Any, get_args

import pytest

from jobs.config.entity_job import EntityJobConfig
from jobs.config.errors import sections_of
from jobs.config.job import JobConfig
from jobs.pipeline import sinks, sources
from jobs.pipeline.event_source import EventSource
from jobs.pipeline.output_sink import OutputSink
from tests.contracts import source_factories


def kinds_of(annotation: Any) -> dict[str, type]:
    """The sections of a key of the configuration by their kind."""
    return {get_args(section.model_fields["kind"].annotation)[0]: section for section in sections_of(annotation)}


SOURCE_SECTIONS = kinds_of(JobConfig.model_fields["source"].annotation)
SINK_SECTIONS = kinds_of(JobConfig.model_fields["sinks"].annotation)


def test_the_registries_have_exactly_the_kinds_of_the_configuration() -> None:
    assert set(sources.SOURCES) == set(SOURCE_SECTIONS) == {"file", "kafka", "kinesis"}
    assert set(sinks.SINKS) == set(SINK_SECTIONS) == {"discard", "files", "kafka", "print", "sns"}
    assert kinds_of(EntityJobConfig.model_fields["source"].annotation) == SOURCE_SECTIONS


def test_the_source_contract_suite_runs_on_every_kind() -> None:
    assert set(source_factories.SOURCES) == set(sources.SOURCES)


@pytest.mark.parametrize(
    ("adapter", "section", "interface"),
    [
        *((sources.SOURCES[kind], section, EventSource) for kind, section in SOURCE_SECTIONS.items()),
        *((sinks.SINKS[kind], section, OutputSink) for kind, section in SINK_SECTIONS.items()),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_an_adapter_has_the_interfaces_methods_for_its_kinds_section(
    adapter: object, section: type, interface: type
) -> None:
    for name in [name for name, member in vars(interface).items() if inspect.isfunction(member) and name[0] != "_"]:
        ours, theirs = inspect.signature(getattr(type(adapter), name)), inspect.signature(getattr(interface, name))
        assert list(ours.parameters) == list(theirs.parameters)
        assert list(ours.parameters.values())[1].annotation == section.__name__
    assert inspect.getdoc(type(adapter))


@pytest.mark.parametrize("module", [sources, sinks], ids=lambda module: module.__name__)
def test_the_registry_modules_do_not_branch_on_kind(module: Any) -> None:
    tree = ast.parse(inspect.getsource(module))
    called = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert "isinstance" not in called
    compared = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    assert not [text for text in compared if ".kind ==" in text or ".kind in" in text]
