"""deploy/terraform, checked without the provider: references, arguments, least privilege, tables, alarms.

`terraform validate` needs the provider's plugin; what is here needs nothing but the files.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
import yaml

from jobs.config.application_properties import load_managed_config
from jobs.config.aws import KinesisSource, SnsSink
from jobs.config.help import describe
from jobs.config.job import FilesSink
from jobs.config.stores import DynamoDBStoreSection
from tests.contracts.store_factories import dynamodb_local, dynamodb_settings
from tests.deploy.terraform_files import DIRECTORY, Terraform, with_dynamic_blocks
from udfs.stores.dynamodb_tables import make_tables

PROVIDER = yaml.safe_load((Path(__file__).parent / "aws_provider.yaml").read_text())
META_ARGUMENTS = {"for_each", "count"}

# Wildcards that cannot be narrower, by the statement that has them.
WILDCARDS = {
    "AccountAdministersItsKey": {"kms:*", "*"},  # a key's policy: its only resource is the key
    "AlarmsReachTheEncryptedTopic": {"*"},
    "NothingWithoutTls": {"s3:*"},  # it denies
    "JoinItsSubnets": {"*"},  # EC2's Describe actions know no resource
    "FindItsLogGroup": {"arn:aws:logs:${var.region}:${local.account}:log-group:*"},
}
# Permissions that are not named after an operation of the service.
NO_OPERATION = {
    "s3:ListBucket", "s3:GetObjectVersion", "s3:ListMultipartUploadParts", "dynamodb:ConditionCheckItem",
    "sts:AssumeRole", "s3:*", "kms:*",
}  # fmt: skip
SERVICES = ("logs", "kms", "s3", "kinesis", "dynamodb", "sns", "ec2")

# From AWS' lists of metrics: "Metrics and dimensions in Managed Service for Apache Flink", "Monitor Amazon Kinesis Data
# Streams with CloudWatch", "DynamoDB metrics and dimensions", "Monitoring Amazon SNS topics using CloudWatch".
METRICS = {
    "AWS/KinesisAnalytics": {
        "numRestarts", "numberOfFailedCheckpoints", "runningTime", "lastCheckpointDuration", "containerCPUUtilization",
        "containerMemoryUtilization",
    },
    "AWS/Kinesis": {"GetRecords.IteratorAgeMilliseconds", "WriteProvisionedThroughputExceeded"},
    "AWS/DynamoDB": {"ReadThrottleEvents"},
    "AWS/SNS": {"NumberOfNotificationsFailed"},
}  # fmt: skip


@pytest.fixture(scope="module")
def terraform() -> Terraform:
    return Terraform()


def test_every_reference_resolves_and_every_variable_is_used(terraform: Terraform) -> None:
    references = set(terraform.references())
    known = {
        *(f"var.{name}" for name in terraform.variables),
        *(f"local.{name}" for name in terraform.locals),
        *terraform.resources,
    }
    assert len(references) > 40
    assert references <= known
    assert {f"var.{name}" for name in terraform.variables} <= references
    assert {f"local.{name}" for name in terraform.locals} <= references


def test_every_variable_has_a_type_and_says_what_it_is(terraform: Terraform) -> None:
    for name, variable in terraform.variables.items():
        assert variable["description"].endswith("."), name
        assert variable["type"], name


def bodies(path: str, body: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Each block inside a resource, with its arguments."""
    merged = with_dynamic_blocks(body)
    yield path, set(merged) - META_ARGUMENTS
    for name, value in merged.items():
        if f"{path}/{name}" in PROVIDER:
            for inner in value:
                yield from bodies(f"{path}/{name}", inner)


def test_every_resource_has_the_required_arguments_and_no_unknown_one(terraform: Terraform) -> None:
    for address, body in terraform.resources.items():
        for path, arguments in bodies(address.rpartition(".")[0], body):
            required = set(PROVIDER[path]["required"])
            assert required <= arguments, f"{address}: {path} needs {required - arguments}"
            unknown = arguments - required - set(PROVIDER[path]["optional"])
            assert not unknown, f"{address}: {path} does not know {unknown}"


def statements(terraform: Terraform) -> Iterator[tuple[str, dict[str, Any]]]:
    for address, body in terraform.resources.items():
        if address.startswith("data.aws_iam_policy_document."):
            for statement in with_dynamic_blocks(body)["statement"]:
                yield address, statement


def test_no_statement_has_a_wildcard_but_those_that_are_listed(terraform: Terraform) -> None:
    for address, statement in statements(terraform):
        name = statement.get("sid", "")
        resources = statement.get("resources", [])
        texts = [*statement["actions"], *(resources if isinstance(resources, list) else [resources])]
        # Everything inside one of our own buckets or log groups is no wildcard.
        wide = {text for text in texts if "*" in text and not re.fullmatch(r"\$\{aws_[^}]+\}(:\*|/\*|/\w+/\*)", text)}
        assert wide <= WILDCARDS.get(name, set()), f"{address} {name}: {wide}"


def test_no_statement_lets_everybody_in(terraform: Terraform) -> None:
    for address, statement in statements(terraform):
        for principal in statement.get("principals", []):
            if "*" in principal["identifiers"]:
                assert statement["effect"] == "Deny", address
            elif principal["type"] == "Service":
                assert any(condition["variable"] == "aws:SourceAccount" for condition in statement["condition"]), (
                    address
                )


def test_every_permission_is_one_of_its_service(terraform: Terraform) -> None:
    session = botocore.session.get_session()
    operations = {name: set(session.get_service_model(name).operation_names) for name in SERVICES}
    for address, statement in statements(terraform):
        for action in set(statement["actions"]) - NO_OPERATION:
            service, _, operation = action.partition(":")
            assert operation in operations[service] | {"CreateNetworkInterfacePermission"}, f"{address}: {action}"


def test_the_tables_are_those_that_store_init_makes(terraform: Terraform, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = dynamodb_settings()
    names = [name for name, _ in make_tables(settings)]
    client = boto3.client("dynamodb", endpoint_url=dynamodb_local().endpoint, region_name=settings.region)
    declared = terraform.resources["aws_dynamodb_table.store"]
    suffixes = re.findall(r'"(\w+)"', terraform.locals["tables"])
    assert sorted(f"{settings.table_prefix}{suffix}" for suffix in suffixes) == sorted(names)
    for name in names:
        made = client.describe_table(TableName=name)["Table"]
        assert made["KeySchema"] == [{"AttributeName": declared["hash_key"], "KeyType": "HASH"}]
        assert "range_key" not in declared
        attributes = [{"AttributeName": item["name"], "AttributeType": item["type"]} for item in declared["attribute"]]
        assert made["AttributeDefinitions"] == attributes
        assert made["BillingModeSummary"]["BillingMode"] == declared["billing_mode"]
        expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        assert expiry["AttributeName"] == declared["ttl"][0]["attribute_name"]
    client.close()


def test_every_bucket_is_encrypted_closed_to_the_public_and_wants_tls(terraform: Terraform) -> None:
    everywhere = "${local.buckets}"
    block = terraform.resources["aws_s3_bucket_public_access_block.store"]
    switches = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    assert [str(block[switch]).lower() for switch in switches] == ["true"] * 4
    encryption = terraform.resources["aws_s3_bucket_server_side_encryption_configuration.store"]
    assert encryption["rule"][0]["apply_server_side_encryption_by_default"][0]["sse_algorithm"] == "aws:kms"
    tls = terraform.resources["data.aws_iam_policy_document.tls_only"]
    policy = terraform.resources["aws_s3_bucket_policy.store"]
    buckets = [address for address in terraform.resources if address.startswith("aws_s3_bucket.")]
    assert buckets == ["aws_s3_bucket.store"]
    assert {body["for_each"] for body in (block, encryption, tls, policy)} == {everywhere}


def test_what_holds_personal_data_is_encrypted_by_the_key(terraform: Terraform) -> None:
    key = "${aws_kms_key.data.arn}"
    resources = terraform.resources
    assert resources["aws_kinesis_stream.events"]["kms_key_id"] == key
    assert resources["aws_dynamodb_table.store"]["server_side_encryption"][0]["kms_key_arn"] == key
    for address in resources:
        if address.startswith("aws_sns_topic."):
            assert resources[address]["kms_master_key_id"] == key, address


def test_every_alarm_watches_a_metric_that_exists_and_tells_somebody(terraform: Terraform) -> None:
    alarms = [
        body for address, body in terraform.resources.items() if address.startswith("aws_cloudwatch_metric_alarm.")
    ]
    assert all(alarm["alarm_actions"] == ["${aws_sns_topic.operations.arn}"] for alarm in alarms)
    watched = [("AWS/KinesisAnalytics", change["metric"]) for change in terraform.locals["changes"].values()]
    watched += [(value["namespace"], value["metric"]) for value in terraform.locals["values"].values()]
    watched = [(space, name) for space, name in watched if not name.startswith("fraud_")]  # test_job_alarms.py
    assert sorted(watched) == sorted((space, name) for space, names in METRICS.items() for name in names)


def test_the_runtime_is_one_that_the_service_has(terraform: Terraform) -> None:
    model = botocore.session.get_session().get_service_model("kinesisanalyticsv2")
    assert terraform.variables["runtime"]["default"] in model.shape_for("RuntimeEnvironment").enum


def test_what_is_applied_runs_as_it_is_over_its_own_stream_topic_bucket_and_tables(
    terraform: Terraform, tmp_path: Path
) -> None:
    given = {f"var.{name}": str(variable.get("default")) for name, variable in terraform.variables.items()} | {
        "var.region": "eu-west-1",
        "local.table_prefix": "fraud-",
        "aws_kinesis_stream.events.arn": "arn:aws:kinesis:eu-west-1:210987654321:stream/fraud-events",
        "aws_sns_topic.alerts.arn": "arn:aws:sns:eu-west-1:210987654321:fraud-alerts",
        'aws_s3_bucket.store["outputs"].bucket': "fraud-outputs-210987654321-eu-west-1",
    }
    declared = terraform.locals["job_properties"] | terraform.locals["own_resources"]
    properties = {
        key: re.sub(r"\$\{([^}]+)\}", lambda found: given[found[1]], value) for key, value in declared.items()
    }
    shutil.copytree(DIRECTORY.parent / "conf", tmp_path / "conf")
    file = tmp_path / "properties.json"
    file.write_text(json.dumps([{"PropertyGroupId": "fraud", "PropertyMap": properties}]))

    config = load_managed_config(tmp_path, file, {})

    assert isinstance(config.source, KinesisSource)
    assert config.source.stream_arn == given["aws_kinesis_stream.events.arn"]
    files, alerts = config.sinks
    assert isinstance(files, FilesSink)
    assert files.directory == "s3://fraud-outputs-210987654321-eu-west-1"
    assert isinstance(alerts, SnsSink)
    assert alerts.topic_arn == given["aws_sns_topic.alerts.arn"]
    assert isinstance(config.store, DynamoDBStoreSection)
    assert (config.store.region, config.store.table_prefix) == ("eu-west-1", "fraud-")
    shipped = (tmp_path / "conf" / "managed_flink.yaml").read_text()
    assert {key.split(".")[-1] for key in terraform.locals["own_resources"]} == set(
        re.findall(r"(stream_arn|directory|topic_arn):.*# a runtime property", shipped)
    )
    environment = terraform.resources["aws_kinesisanalyticsv2_application.job"]["application_configuration"][0]
    ours = environment["environment_properties"][0]["property_group"][1]
    assert ours["property_group_id"] == "fraud"
    chosen = f'var.config_file == "{given["var.config_file"]}" ? local.own_resources : {{}}'
    assert ours["property_map"] == f"${{merge(local.job_properties, {chosen}, var.job_properties)}}"


def test_the_application_may_ask_for_what_it_looks_at_before_it_starts(terraform: Terraform) -> None:
    document = with_dynamic_blocks(terraform.resources["data.aws_iam_policy_document.application"])
    allowed = {action for statement in document["statement"] for action in statement["actions"]}
    asked = {"sns:GetTopicAttributes", "kinesis:DescribeStreamSummary", "dynamodb:GetItem", "s3:ListBucket"}
    assert asked <= allowed


def test_the_applications_properties_are_keys_of_the_configuration(terraform: Terraform) -> None:
    known = {re.sub(r"\[\w+\]", "", entry.key) for entry in describe()} | {"config"}
    assert set(terraform.locals["job_properties"]) <= known
