"""The OpenAPI document, and a fuzzer that holds the server to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from console.api.access import ACCESS
from tests.console.api.serving import Serving, payment, serving


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the document's components in reach of its references."""
    return {**schema, "components": document["components"]}


def test_every_route_is_documented_with_its_problems(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == set(ACCESS)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["description"], path
            assert {"401", "403", "429", "503"} <= set(operation["responses"]), path
            body = operation.get("requestBody")
            assert (body is not None) == (method == "post")
            if body is not None:
                content = body["content"]["application/json"]
                assert content.get("example") or content.get("examples"), path
                assert {"413", "415", "422"} <= set(operation["responses"])
    assert not client.get("/docs").is_success


def test_examples_and_answers_fit_their_schemas(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    for item in document["paths"].values():
        for operation in item.values():
            contents = [operation["requestBody"]["content"]] if "requestBody" in operation else []
            contents += [response["content"] for response in operation["responses"].values() if "content" in response]
            for content in contents:
                for kind, described in content.items():
                    if "example" in described and "json" in kind and "ndjson" not in kind:
                        jsonschema.validate(described["example"], resolved(document, described["schema"]))
    for path, event in (("/v1/decisions", payment()), ("/predict", payment()), ("/api/check-fraud", payment())):
        schema = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(client.post(path, json=event).json(), resolved(document, schema))


def test_a_fuzzer_finds_no_failure_and_no_undocumented_answer(tmp_path: Path) -> None:
    pytest.importorskip("schemathesis")
    with serving(tmp_path) as running:
        done = fuzzed(running, tmp_path)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    generated = re.search(r"(\d+) generated, \1 passed", done.stdout)
    assert generated, done.stdout[-2_000:]
    assert int(generated[1]) > 1_000


def fuzzed(running: Serving, folder: Path) -> subprocess.CompletedProcess[str]:
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{running.url}/openapi.json", "--no-color",
        "--checks", f"{checks}response_schema_conformance", "--max-examples", "25", "--seed", "7", "--mode", "all",
    ]  # fmt: skip
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=500, check=False, env={**os.environ, "CI": "1"}
    )


def test_the_document_is_json_that_names_no_machine(client: httpx.Client) -> None:
    text = json.dumps(client.get("/openapi.json").json())
    assert "127.0.0.1" not in text
