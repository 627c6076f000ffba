"""The metrics of a running job as Prometheus reads them, parsed by Prometheus' own library."""

from __future__ import annotations

import socket
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from udfs.metrics.names import PROMETHEUS_PREFIX

Series = dict[str, str]


def reporter(port: int) -> dict[str, str]:
    """Flink's options for its Prometheus reporter."""
    return {
        "metrics.reporters": "prom",
        "metrics.reporter.prom.factory.class": "org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
        "metrics.reporter.prom.port": str(port),
    }


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Scrape:
    """One scrape of all series with the prefix; empty while the port refuses connections."""

    def __init__(self, port: int, prefix: str = PROMETHEUS_PREFIX) -> None:
        self.prefix = prefix
        self.samples: list[tuple[str, Series, float]] = []
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return
        for family in text_string_to_metric_families(text):
            self.samples += [(sample.name, sample.labels, sample.value) for sample in family.samples]

    def values(self, name: str, **labels: str) -> list[float]:
        """The values of the series with these labels, one an instance."""
        return [
            value for found, its, value in self.samples if found == self.prefix + name and labels.items() <= its.items()
        ]

    def totals(self, name: str, label: str) -> dict[str, int]:
        """The sum over instances by a label's value."""
        sums: dict[str, int] = {}
        for found, its, value in self.samples:
            if found == self.prefix + name:
                sums[its[label]] = sums.get(its[label], 0) + int(value)
        return sums

    def names(self) -> set[str]:
        """The names of our series, without what a histogram's total is called beside its quantiles."""
        ours = {name.removesuffix("_count") for name, _, _ in self.samples if name.startswith(self.prefix)}
        return {name.removeprefix(self.prefix) for name in ours}
