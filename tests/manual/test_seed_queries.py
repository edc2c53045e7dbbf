"""The first manual's queries, answered by Prometheus's own engine."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bongsu.manual.schema.diagnosis import PrometheusProbe
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.verification import QueryTest

COUNT = 'http_requests_total{{namespace="korea-prod",status="{status}"}}'


def queries(seed: Manual, name: str) -> set[str]:
    """What diagnosis and verification ask under this name."""
    test = seed.verification.monitoring[name].test
    probe = seed.diagnosis.checks[name].probe
    assert isinstance(test, QueryTest)
    assert isinstance(probe, PrometheusProbe)
    return {test.query, probe.query}


def asked(
    seed: Manual, tmp_path: Path, name: str, series: dict[str, str], expected: list[float]
) -> None:
    """Have promtool compare what the queries find after 10 minutes, without labels."""
    samples = [{"value": value} for value in expected]
    case: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": one, "values": told} for one, told in series.items()],
        "promql_expr_test": [
            {"expr": f"round(({query}), 0.0001)", "eval_time": "10m", "exp_samples": samples}
            for query in sorted(queries(seed, name))
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"tests": [case]}), "utf-8")
    done = subprocess.run(
        ["promtool", "test", "rules", file], text=True, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("series", "expected"),
    [({"200": "0+100x20"}, [0.0]), ({"200": "0+90x20", "503": "0+10x20"}, [0.1]),
     ({"503": "0+10x20"}, [1.0]), ({}, [])],
)  # fmt: skip
def test_a_service_that_never_failed_has_an_error_rate_and_one_nobody_asks_has_none(
    seed: Manual, tmp_path: Path, series: dict[str, str], expected: list[float]
):
    told = {COUNT.format(status=status): values for status, values in series.items()}
    asked(seed, tmp_path, "error_rate", told, expected)


def test_the_response_time_is_the_95th_percentile_of_all_pods_in_seconds(
    seed: Manual, tmp_path: Path
):
    bucket = 'http_request_duration_seconds_bucket{{namespace="korea-prod",le="{le}"}}'
    counts = {"0.125": "0+90x20", "0.375": "0+100x20", "+Inf": "0+100x20"}
    series = {bucket.format(le=le): values for le, values in counts.items()}
    asked(seed, tmp_path, "response_time", series, [0.25])
