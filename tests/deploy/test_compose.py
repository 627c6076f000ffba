"""docker/: the compose file, the image's recipe and what they configure, checked without a Docker engine."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.api.metrics import ApiMetrics
from jobs.config.loading import load_config, parse_config
from jobs.runtime.connectors import VARIABLE
from jobs.runtime.restoring import with_starting_state
from udfs.metrics.catalogue import METRICS
from udfs.metrics.names import PROMETHEUS_PREFIX, prometheus_name

PROJECT = Path(__file__).parents[2]
DOCKER = PROJECT / "docker"
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+[\w.-]*")
ENDS_BY_ITSELF = {"topics", "produce"}
NOT_OURS = r"^flink_(jobmanager_job|taskmanager_job_task_operator)_"


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def test_every_image_is_pinned(services: dict[str, dict[str, Any]]) -> None:
    images = {service["image"] for service in services.values()}
    images |= set(re.findall(r"^FROM (\S+)", (DOCKER / "Dockerfile").read_text(), flags=re.MULTILINE))
    assert len(images) == 8
    assert [image for image in images if not PINNED.fullmatch(image)] == []


def test_every_service_is_somebody_else_than_root_starts_again_and_has_no_privileges(
    services: dict[str, dict[str, Any]],
) -> None:
    for name, service in services.items():
        user = service["user"].partition(":")[0]
        assert user.isdigit(), name
        assert user != "0", name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert name in ENDS_BY_ITSELF or service["restart"] == "unless-stopped", name


def test_every_service_has_a_read_only_root_and_limits(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name
        assert 1 <= service["cpus"] <= 2, name
        assert service["pids_limit"] == 1024, name


def test_flinks_processes_have_room_for_what_they_may_take(services: dict[str, dict[str, Any]]) -> None:
    flink = yaml.safe_load((DOCKER / "flink.yaml").read_text())
    for name in ("jobmanager", "taskmanager"):
        process_mb = int(flink[name]["memory"]["process"]["size"].removesuffix("m"))
        assert int(services[name]["mem_limit"].removesuffix("m")) >= process_mb + 512


def test_flinks_configuration_is_made_outside_the_read_only_root(
    services: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """The entry script's `configured`, with this machine's folders in place of the image's."""
    home, given, temporary = (tmp_path / name for name in ("flink", "given", "tmp"))
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "log4j-console.properties").write_text("rootLogger.level = INFO\n")
    given.mkdir()
    temporary.mkdir()
    (given / "flink.yaml").write_text((DOCKER / "flink.yaml").read_text())
    (given / "config.yaml").write_text("env:\n  java:\n    opts:\n      all: --add-exports=java.rmi/x=ALL-UNNAMED\n")
    (home / "conf").chmod(0o555)
    script = (DOCKER / "entrypoint.sh").read_text().partition("case ")[0]
    script = script.replace("/etc/fraud", str(given))
    script = script.replace("/opt/venv/lib/python3.11/site-packages/pyflink/conf", str(given))
    script += 'configured; echo "$FLINK_CONF_DIR"'
    variables = {"FLINK_HOME": str(home), "TMPDIR": str(temporary), "PATH": os.environ["PATH"]}
    done = subprocess.run(["sh", "-c", script], env=variables, check=True, capture_output=True, text=True)
    made = Path(done.stdout.strip())
    assert made.parent == temporary
    assert sorted(path.name for path in made.iterdir()) == ["config.yaml", "log4j-console.properties"]
    made_config = yaml.safe_load((made / "config.yaml").read_text())
    assert made_config["env"]["java"]["opts"]["all"] == "--add-exports=java.rmi/x=ALL-UNNAMED"
    assert made_config["rest"]["address"] == "jobmanager"
    for name in ("jobmanager", "taskmanager"):
        assert {"/tmp", "/opt/flink/log"} <= set(services[name]["volumes"])


def test_every_service_that_stays_has_a_health_check(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        if name in ENDS_BY_ITSELF:
            assert service["healthcheck"] == {"disable": True}
        else:
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
            assert service["healthcheck"]["retries"] >= 3, name


def test_ports_are_of_this_machine_only(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_a_service_waits_for_mounts_and_stores_is_there(services: dict[str, dict[str, Any]]) -> None:
    volumes = yaml.safe_load((DOCKER / "compose.yaml").read_text())["volumes"]
    for name, service in services.items():
        for other, condition in service.get("depends_on", {}).items():
            assert other in services, name
            if condition["condition"] == "service_healthy":
                assert "test" in services[other]["healthcheck"], f"{name} waits for {other}"
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            is_anonymous = mount.startswith("/") and ":" not in mount
            is_there = (DOCKER / source).exists() if source.startswith(".") else source in volumes
            assert is_anonymous or is_there, f"{name}: {source}"


def test_passwords_are_neither_in_the_file_nor_among_a_commands_arguments(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert re.fullmatch(rf"\$\{{{variable.removeprefix('GF_SECURITY_ADMIN_')}\S*:\?set \w+\}}", value) or (
                    value == "${GRAFANA_PASSWORD:?set GRAFANA_PASSWORD}"
                ), name
        assert not re.search(r"(?<!\$)\$\{?\w*PASSWORD", " ".join(service.get("command", []))), name


def test_the_jobs_configuration_is_one(tmp_path: Path) -> None:
    config = load_config(DOCKER / "job.yaml", {"FRAUD__STATE__CHECKPOINT_DIR": str(tmp_path)})
    assert (config.source.kind, config.store.kind, config.flink.parallelism) == ("kafka", "redis", 2)


def test_the_image_holds_all_that_the_job_needs_at_the_locks_versions() -> None:
    module = runpy.run_path(str(DOCKER / "served.py"))
    lines = module["served"]((PROJECT / "requirements.lock").read_text())
    setup = (PROJECT / "setup.py").read_text()
    needed = []
    for extra in ("CORE", "KAFKA", "REDIS", "FLINK", "AWS"):
        listed = setup.split(f"{extra} = [")[1].split("\n]")[0]
        needed += re.findall(r'"([A-Za-z0-9-]+)[^"]*"', listed)
    assert sorted(module["SERVED"]) == sorted(needed)
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", line) for line in lines)


def test_the_images_recipe_copies_what_is_there_and_ends_as_another_user_than_root() -> None:
    recipe = (DOCKER / "Dockerfile").read_text()
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    for sources in re.findall(r"^COPY (?:--chmod=\d+ )?((?!--from)\S.*) \S+$", recipe, flags=re.MULTILINE):
        for source in sources.split():
            assert (PROJECT / source).exists(), source
            parts = Path(source).parts
            assert any(f"!{'/'.join(parts[:length])}" in ignored for length in range(1, len(parts) + 1)), source
    assert re.findall(r"^USER (\S+)", recipe, flags=re.MULTILINE)[-1] == "9999:9999"


def test_the_image_has_kafkas_connector_and_the_library_of_zstd_where_the_job_looks() -> None:
    connectors = (PROJECT / "deploy" / "connectors" / "pom.xml").read_text().partition("<profiles>")[0]
    assert re.findall(r"<artifactId>(flink-\S+|zstd\S+)</artifactId>", connectors) == [
        "flink-sql-connector-kafka",
        "zstd-jni",
    ]
    recipe = (DOCKER / "Dockerfile").read_text()
    assert "RUN deploy/fetch_jars.sh deploy/connectors /jars/connectors " in recipe
    assert "COPY --from=jars /jars/connectors /opt/fraud/connectors\n" in recipe
    assert f"{VARIABLE}=/opt/fraud/connectors " in recipe


def test_the_job_of_compose_and_of_kubernetes_goes_on_from_state_and_starts_without_any(tmp_path: Path) -> None:
    kubernetes = yaml.safe_load((PROJECT / "deploy" / "kubernetes" / "config-map.yaml").read_text())
    jobs = [yaml.safe_load((DOCKER / "job.yaml").read_text()), yaml.safe_load(kubernetes["data"]["job.yaml"])]
    for number, tree in enumerate(jobs):
        checkpoints = tmp_path / str(number)
        tree["state"]["checkpoint_dir"] = str(checkpoints)
        config = parse_config(tree)
        assert with_starting_state(config).state.restore_from is None
        checkpoint = checkpoints / "0123" / "chk-7"
        checkpoint.mkdir(parents=True)
        (checkpoint / "_metadata").write_bytes(b"")
        assert with_starting_state(config).state.restore_from == str(checkpoint)


def queries() -> list[tuple[str, str]]:
    """(where, expression) of the rules and of the dashboard."""
    rules = yaml.safe_load((PROJECT / "deploy" / "prometheus" / "rules.yaml").read_text())
    found = [(rule["alert"], rule["expr"]) for group in rules["groups"] for rule in group["rules"]]
    dashboards = sorted((PROJECT / "deploy" / "grafana" / "dashboards").glob("*.json"))
    for path in dashboards:
        for panel in yaml.safe_load(path.read_text())["panels"]:
            found += [(panel["title"], target["expr"]) for target in panel["targets"]]
    return found


def test_every_alarm_and_panel_asks_for_metrics_that_exist() -> None:
    ours = {prometheus_name(metric) for metric in METRICS}
    consoles = {sample.name for family in ApiMetrics().registry.collect() for sample in family.samples}
    consoles |= {f"{family.name}_total" for family in ApiMetrics().registry.collect() if family.type == "counter"}
    flinks = {"runningTime", "numRestarts", "numberOfFailedCheckpoints", "pendingRecords"}
    for where, expression in queries():
        names = re.findall(r"\b(?:flink|fraud)_\w+|\bup\b", expression)
        assert names, where
        for name in names:
            if not name.startswith("flink_"):
                assert name in consoles | {"up"}, f"{where}: {name}"
            elif name.startswith(PROMETHEUS_PREFIX):
                assert name in ours, f"{where}: {name}"
            else:
                assert re.sub(NOT_OURS, "", name) in flinks, f"{where}: {name}"
