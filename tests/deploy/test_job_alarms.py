"""deploy/terraform/job_alarms.tf watches series that the job has in CloudWatch, and its expressions do what they say.

How the service makes series of metrics is AWS' page "Use custom metrics with Amazon Managed Service for Apache Flink":
key-value groups become dimensions beside `Application`, to which lower levels than APPLICATION would add more.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from tests.deploy.terraform_files import Terraform, with_dynamic_blocks
from udfs.metrics.catalogue import BY_NAME
from udfs.metrics.names import FORWARDED, MetricSettings, registered_name

OWN = "${local.own}"
MOST_METRICS_OF_AN_ALARM = 10
PROMETHEUS_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@pytest.fixture(scope="module")
def terraform() -> Terraform:
    return Terraform()


def series() -> set[tuple[str, str | None, str | None]]:
    """(name, label, value) of all that is forwarded."""
    metrics = [BY_NAME[name] for name in FORWARDED]
    forward = MetricSettings(forward=True)
    return {
        (registered_name(metric, forward).name, metric.label, value) for metric in metrics for value in metric.series
    }


def named_by(watched: dict[str, Any]) -> tuple[str, str | None, str | None]:
    """The same of what an alarm watches."""
    label = re.fullmatch(r'\$\{merge\(local\.application, \{(\w+) = \\?"(\w+)\\?"\}\)\}', watched["dimensions"])
    if label is None:
        assert watched["dimensions"] == "${local.application}"
        return watched["metric"], None, None
    return watched["metric"], label[1], label[2]


def test_what_is_watched_of_the_job_is_forwarded_with_these_dimensions(terraform: Terraform) -> None:
    assert terraform.locals["own"] == "AWS/KinesisAnalytics"
    watched = terraform.locals["watched"]
    ours = [one for one in watched.values() if one["namespace"] == OWN]
    assert {named_by(one) for one in ours} <= series()
    assert {one["statistic"] for one in ours} == {"Average"}
    assert [name for name, one in watched.items() if one["namespace"] != OWN] == ["incoming"]
    assert (watched["incoming"]["namespace"], watched["incoming"]["metric"]) == ("AWS/Kinesis", "IncomingRecords")
    values = terraform.locals["values"].values()
    late = [one for one in values if one["metric"].startswith("fraud_")]
    assert [named_by(one) for one in late] == [("fraud_arrival_lag_ms_p99", None, None)]
    assert named_by(late[0]) in series()
    assert late[0]["namespace"] == "AWS/KinesisAnalytics"


def test_the_services_own_dimensions_are_those_of_the_application(terraform: Terraform) -> None:
    application = terraform.resources["aws_kinesisanalyticsv2_application.job"]["application_configuration"][0]
    monitoring = application["flink_application_configuration"][0]["monitoring_configuration"][0]
    assert monitoring["metrics_level"] == "APPLICATION"


def test_names_are_such_that_the_service_takes_them() -> None:
    for name, label, value in series():
        assert all(PROMETHEUS_NAME.fullmatch(text) for text in (name, label, value) if text is not None), name


def test_a_counter_that_is_watched_is_there_with_0_before_it_counts(terraform: Terraform) -> None:
    """Or its first event would be the beginning of the series, and no growth."""
    watched = {one["metric"] for one in terraform.locals["watched"].values() if one["namespace"] == OWN}
    kinds = {BY_NAME[name.removeprefix("fraud_")].kind for name in watched}
    assert kinds == {"counter"}
    assert all(BY_NAME[name].series for name in FORWARDED)


def test_every_expression_names_what_its_alarm_watches_and_is_told_to_somebody(terraform: Terraform) -> None:
    for name, growth in terraform.locals["growths"].items():
        assert set(re.findall(r"[a-z]\w*", growth["expression"])) == set(growth["watched"]), name
        assert len(growth["watched"]) <= MOST_METRICS_OF_AN_ALARM
        assert set(growth["watched"]) <= set(terraform.locals["watched"])
    alarm = with_dynamic_blocks(terraform.resources["aws_cloudwatch_metric_alarm.growth"])
    assert alarm["alarm_actions"] == ["${aws_sns_topic.operations.arn}"]
    assert sum(bool(query.get("return_data")) for query in alarm["metric_query"]) == 1


def raised(growth: dict[str, Any], averages: dict[str, list[float]]) -> list[int]:
    """The periods, from 1 on, in which the alarm is on; `averages` are what it watches, period by period."""
    program = re.sub(r"DIFF\((\w+)\)", r"grown_\1", growth["expression"])
    program = program.replace("IF(", "choose(").replace("AND", "and")
    above = []
    for period in range(1, len(next(iter(averages.values())))):
        names: dict[str, Any] = {"choose": lambda condition, true, false: true if condition else false}
        for name, values in averages.items():
            names[name] = np.float64(values[period])
            names[f"grown_{name}"] = np.float64(values[period]) - np.float64(values[period - 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            above.append(eval(program, {}, names) > growth["above"])
    periods = growth["periods"]
    return [end for end in range(periods, len(above) + 1) if all(above[end - periods : end])]


def test_alarms_are_raised_by_growth_and_not_by_a_restart(terraform: Terraform) -> None:
    """Averages of two scorers, period by period; a restart begins again at 0.

    records     .. 10 % bad for two periods ..   restart   .. the first alert refused
    """
    growths = terraform.locals["growths"]
    records = [0, 1_000, 2_000, 3_000, 500, 1_500, 2_500]
    nothing = [0.0] * len(records)
    letters = {"records": records, "no_rate": nothing, "out_of_range": nothing}
    some_bad = letters | {"bad": [0, 0, 100, 170, 20, 20, 20], "unexpected": [0, 0, 0, 30, 0, 0, 0]}
    assert raised(growths["dead-letters"], some_bad) == [3]
    assert (
        raised(growths["dead-letters"], letters | {"bad": [0, 49, 98, 147, 20, 60, 100], "unexpected": nothing}) == []
    )
    assert raised(growths["unexpected-errors"], some_bad) == [3]
    assert raised(growths["alerts-refused"], {"refused_alerts": [0, 0, 0.5, 0.5, 0, 0, 0]}) == [2]
    assert raised(growths["control-refused"], {"refused_elements": [0, 0, 1, 1, 0, 0, 0]}) == [2]


def test_an_alarm_of_trouble_that_lasts_is_not_raised_by_a_moment_of_it(terraform: Terraform) -> None:
    growths = terraform.locals["growths"]
    for_long, for_a_moment = [0, 0, 1, 2, 3, 4, 5, 5], [0, 0, 1, 2, 2, 2, 2, 2]
    assert raised(growths["alerts-stuck"], {"failed_calls": for_long}) == [6]
    assert raised(growths["alerts-stuck"], {"failed_calls": for_a_moment}) == []
    assert raised(growths["store-fails"], {"stale": for_a_moment, "degraded": for_long}) == [6]


def test_a_job_that_takes_nothing_is_told_apart_from_a_stream_without_records(terraform: Terraform) -> None:
    """Minute by minute; after a restart in the fourth the count is smaller twice."""
    alarm = terraform.locals["growths"]["nothing-read"]
    going_on = [0, 600, 1_200, 1_800, 900, 400, 1_000, 1_600]
    assert raised(alarm, {"incoming": [600] * 8, "records": going_on}) == []
    assert raised(alarm, {"incoming": [600] * 8, "records": [0, 600, 900, 900, 900, 900, 900, 1_600]}) == [5, 6]
    assert raised(alarm, {"incoming": [600, 600, 0, 0, 0, 0, 0, 0], "records": [0, 600] + [900] * 6}) == []
