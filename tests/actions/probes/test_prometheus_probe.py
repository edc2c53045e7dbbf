from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.actions.probes.conftest import context, listening, never_answers

from bongsu.actions.looking import PROMETHEUS_URL
from bongsu.actions.probes import prometheus
from bongsu.incident.report import Looked
from bongsu.manual.schema.diagnosis import PrometheusProbe

ERRORS = PrometheusProbe(kind="prometheus", query="errors / requests", healthy="value < 0.01")


def says(data: Any, status: str = "200 OK") -> Any:
    """Answer in Prometheus' own form (HTTP API v1, instant queries)."""
    body = json.dumps(data).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        assert asked.startswith(b"GET /api/v1/query?query=errors")
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        writer.write(head.encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return serve


def vector(*values: str) -> dict[str, Any]:
    rows = [
        {"metric": {"pod": f"backend-{n}"}, "value": [1.0, value]} for n, value in enumerate(values)
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": rows}}


async def look(answer: Any, status: str = "200 OK") -> Looked:
    async with listening(says(answer, status)) as port:
        env = {PROMETHEUS_URL: f"http://127.0.0.1:{port}/"}
        return await prometheus.look("error_rate", ERRORS, context(env))


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        (["0.005"], "healthy"),
        (["0.02"], "unhealthy"),
        (["0.005", "0.02"], "unhealthy"),
        (["+Inf"], "unhealthy"),
        (["NaN", "0.005"], "healthy"),
        (["NaN"], "unknown"),
        ([], "unknown"),
    ],
)
async def test_values_are_held_against_the_condition(values: list[str], verdict: str):
    looked = await look(vector(*values))
    assert looked.verdict == verdict
    assert (looked.why is not None) == (verdict == "unknown")


async def test_the_finding_has_the_value_and_the_series_that_is_out_of_bounds():
    looked = await look(vector("0.001", "0.25"))
    assert looked.findings[0].subject == "pod=backend-1"
    assert looked.evidence.numbers == {"value": 0.25, "series": 2, "out_of_bounds": 1}
    assert "0.25" in looked.findings[0].says.says("en")


async def test_a_scalar_is_a_value_too():
    data = {"resultType": "scalar", "result": [1.0, "0.5"]}
    assert (await look({"status": "success", "data": data})).verdict == "unhealthy"


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        ({"status": "error", "errorType": "bad_data", "error": "parse error"}, "400 Bad Request",
         "Prometheus refuses the query: parse error"),
        ("who are you", "401 Unauthorized", "Prometheus refuses the query: HTTP 401"),
        ({"status": "success", "data": {"resultType": "matrix", "result": []}}, "200 OK",
         "the query gives no single value a series"),
    ],
)  # fmt: skip
async def test_what_is_no_value_is_unknown_with_why(answer: Any, status: str, why: str):
    looked = await look(answer, status)
    assert looked.verdict == "unknown"
    assert looked.why is not None
    assert looked.why.says("en") == why


async def test_a_prometheus_that_cannot_be_asked_says_nothing_of_the_service(closed_port: int):
    nowhere = await prometheus.look("error_rate", ERRORS, context())
    env = {PROMETHEUS_URL: f"http://127.0.0.1:{closed_port}"}
    refused = await prometheus.look("error_rate", ERRORS, context(env))
    async with listening(never_answers) as port:
        env = {PROMETHEUS_URL: f"http://127.0.0.1:{port}"}
        silent = await prometheus.look("error_rate", ERRORS, context(env, 0.3))
    assert [one.verdict for one in (nowhere, refused, silent)] == ["unknown"] * 3
    assert nowhere.why is not None
    assert PROMETHEUS_URL in nowhere.why.says("en")
    assert refused.why is not None
    assert "refuses connections" in refused.why.says("en")
    assert silent.why is not None
    assert "did not answer within" in silent.why.says("en")
