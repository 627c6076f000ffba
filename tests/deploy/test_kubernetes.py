"""deploy/kubernetes against the operator's own schema, taken from its jar."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from jobs.config.loading import load_config

PROJECT = Path(__file__).parents[2]
KUBERNETES = PROJECT / "deploy" / "kubernetes"
SCHEMA = "META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml"
# The newest operator whose jar can be had knows Flink up to 1.20; the version's name is of the same form.
FLINK_VERSION = "v2_3"


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with unknown keys forbidden: the server would drop them without a word."""
    copy = {key: closed(value) if isinstance(value, dict) else value for key, value in schema.items()}
    if "properties" in copy and "additionalProperties" not in copy:
        copy["additionalProperties"] = False
    if copy.pop("x-kubernetes-int-or-string", False):
        copy.pop("type", None)
    return copy


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    folder = PROJECT / ".cache" / "kubernetes-schema"
    script = PROJECT / "deploy" / "fetch_jars.sh"
    subprocess.run([str(script), str(KUBERNETES / "schema"), str(folder)], check=True, timeout=300)
    (jar,) = folder.glob("flink-kubernetes-operator-api-*.jar")
    with zipfile.ZipFile(jar) as archive:
        resource = yaml.safe_load(archive.read(SCHEMA))
    (version,) = resource["spec"]["versions"]
    assert (resource["spec"]["group"], version["name"]) == ("flink.apache.org", "v1beta1")
    spec: dict[str, Any] = closed(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
    spec["properties"]["flinkVersion"]["enum"].append(FLINK_VERSION)
    return spec


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((KUBERNETES / name).read_text()))


@pytest.fixture(scope="module")
def deployment() -> dict[str, Any]:
    (document,) = documents("flink-deployment.yaml")
    assert (document["apiVersion"], document["kind"]) == ("flink.apache.org/v1beta1", "FlinkDeployment")
    spec: dict[str, Any] = document["spec"]
    return spec


def test_the_deployment_fits_the_operators_schema(deployment: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(schema).validate(deployment)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("job", "upgradeMode"), "lastState"),
        (("job", "jarUri"), "local:///job.jar"),
        (("taskManager", "resource", "memory"), 4096),
        (("flinkConfiguration", "heartbeat.interval"), 1000),
        (("podTemplate", "spec", "container"), []),
    ],
)
def test_the_schema_would_have_found_a_slip(
    schema: dict[str, Any], deployment: dict[str, Any], path: tuple[str, ...], value: object
) -> None:
    wrong = yaml.safe_load(yaml.safe_dump(deployment))
    node = wrong
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(wrong)


def test_it_runs_one_slot_a_task_manager_and_upgrades_from_the_last_state(deployment: dict[str, Any]) -> None:
    options = deployment["flinkConfiguration"]
    assert options["taskmanager.numberOfTaskSlots"] == "1"
    assert deployment["job"]["upgradeMode"] == "last-state"
    assert options["high-availability.type"] == "kubernetes"
    assert options["high-availability.storageDir"].startswith("s3://")
    assert int(options["job.autoscaler.vertex.min-parallelism"]) == deployment["job"]["parallelism"]
    assert int(options["job.autoscaler.vertex.max-parallelism"]) <= 128  # the job's own bound
    assert options["web.submit.enable"] == "false"


def test_javas_options_are_those_that_flink_ships(deployment: dict[str, Any]) -> None:
    spec = find_spec("pyflink")
    assert spec is not None
    assert spec.submodule_search_locations
    shipped = yaml.safe_load(Path(spec.submodule_search_locations[0], "conf", "config.yaml").read_text())
    assert deployment["flinkConfiguration"]["env.java.opts.all"] == shipped["env"]["java"]["opts"]["all"]


def names_in(value: Any, key: str) -> Iterator[dict[str, Any]]:
    """Every mapping under a key, anywhere."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from names_in(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from names_in(inner, key)


def test_names_and_passwords_come_from_secrets_that_are_described(deployment: dict[str, Any]) -> None:
    described = {
        (secret["metadata"]["name"], key)
        for secret in documents("secrets.example.yaml")
        for key in secret["stringData"]
    }
    asked = {(reference["name"], reference["key"]) for reference in names_in(deployment, "secretKeyRef")}
    assert asked == described
    for variables in names_in(deployment, "env"):
        assert all("value" not in variable for variable in variables)


def test_the_jobs_configuration_is_one_and_takes_secrets_by_those_variables(
    deployment: dict[str, Any], tmp_path: Path
) -> None:
    (config_map,) = documents("config-map.yaml")
    (tmp_path / "job.yaml").write_text(config_map["data"]["job.yaml"])
    config = load_config(tmp_path / "job.yaml", {})
    variables = {entry["name"] for entries in names_in(deployment, "env") for entry in entries}
    connection = config.source.connection
    assert {connection.username_variable, connection.password_variable, config.store.password_variable} == variables
    assert (connection.security_protocol, config.store.tls) == ("SASL_SSL", True)
    volumes = deployment["podTemplate"]["spec"]["volumes"]
    assert [volume["configMap"]["name"] for volume in volumes if "configMap" in volume] == [
        config_map["metadata"]["name"]
    ]
    assert deployment["job"]["args"][-1] == "/etc/fraud/job.yaml"


def test_pods_are_not_root_and_only_some_reach_them(deployment: dict[str, Any]) -> None:
    pod = deployment["podTemplate"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False
    (policy,) = documents("network-policy.yaml")
    assert policy["spec"]["podSelector"]["matchLabels"] == deployment["podTemplate"]["metadata"]["labels"]
    assert all(rule["from"] for rule in policy["spec"]["ingress"])


def test_the_root_is_read_only_and_what_is_written_has_a_volume_with_a_limit(deployment: dict[str, Any]) -> None:
    pod = deployment["podTemplate"]["spec"]
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    limits = {volume["name"]: volume.get("emptyDir", {}).get("sizeLimit") for volume in pod["volumes"]}
    written = {
        mount["mountPath"]: limits[mount["name"]] for mount in container["volumeMounts"] if "readOnly" not in mount
    }
    assert written == {"/tmp": "20Gi", "/opt/flink/log": "1Gi"}


def test_pods_reach_what_the_configuration_names_and_no_metadata_of_the_machine(tmp_path: Path) -> None:
    (policy,) = documents("network-policy.yaml")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    by_namespace: dict[str, list[int]] = {}
    blocks = []
    for rule in policy["spec"]["egress"]:
        ports = [port["port"] for port in rule.get("ports", ())]
        for target in rule["to"]:
            if "namespaceSelector" in target:
                by_namespace[target["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]] = ports
            elif "ipBlock" in target:
                blocks.append((target["ipBlock"], ports))
            else:
                assert target["podSelector"] == policy["spec"]["podSelector"]
    assert blocks == [({"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}, [443, 6443])]

    (config_map,) = documents("config-map.yaml")
    (tmp_path / "job.yaml").write_text(config_map["data"]["job.yaml"])
    config = load_config(tmp_path / "job.yaml", {})
    host, _, port = config.source.connection.bootstrap_servers.partition(":")
    needed = {host.split(".")[1]: [int(port)], config.store.host.split(".")[1]: [config.store.port]}
    assert by_namespace == needed | {"kube-system": [53, 53]}
