"""``prometheus``: an instant query whose every value is held against the manual's condition."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

from bongsu.actions.looking import PROMETHEUS_URL, LookContext, unknown
from bongsu.actions.probes.outcome import (
    bounded,
    found,
    looked,
    parts_of,
    said,
    seconds,
    typed,
    unreadable,
)
from bongsu.actions.probes.outcome import without_password as shown
from bongsu.actions.probes.reaching import tls_context, trouble_of
from bongsu.i18n import N_
from bongsu.incident.alert import Remark
from bongsu.incident.report import Evidence, Finding, Looked
from bongsu.manual.conditions import Condition, ConditionError
from bongsu.manual.schema.diagnosis import PrometheusProbe

MOST_SERIES = 20
"""series that the evidence shows"""


class Sample(NamedTuple):
    """One series' value now."""

    labels: str
    value: float


class Refused(Exception):  # noqa: N818  Prometheus did not answer with values, and says why
    """There are no values; ``why`` is for people."""

    def __init__(self, why: Remark) -> None:
        super().__init__(why.text)
        self.why = why


async def look(check: str, probe: PrometheusProbe, context: LookContext) -> Looked:
    """Ask for the values now; that Prometheus does not answer says nothing of the service."""
    try:
        base = _base(context)
    except Refused as refusal:
        return unknown(check, refusal.why)
    evidence = _asked(base, probe.query)
    try:
        async with asyncio.timeout(context.timeout_s):
            samples = _samples(await _query(base, probe.query, context))
        return _judged(check, probe, samples, evidence)
    except Refused as refusal:
        return unknown(check, refusal.why, evidence)
    except TimeoutError as error:
        return unknown(check, _unreached(error, base, context.timeout_s), evidence)
    except ConditionError as error:
        why = said(N_("the condition can't be answered: {why}"), why=error)
        return unknown(check, why, evidence)


async def values(query: str, context: LookContext) -> list[Sample]:
    """Ask for a query's values now; what is no number stays, so that nobody takes it for one.

    Raises:
        Refused: there is no usable answer, or nobody has said where Prometheus is.
        TimeoutError: there was none in time.
    """
    base = _base(context)
    async with asyncio.timeout(context.timeout_s):
        try:
            return list(_read(await _query(base, query, context)))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            text = N_("Prometheus refuses the query: {error}")
            raise Refused(said(text, error=repr(error)[:300])) from error


def _base(context: LookContext) -> str:
    """Return where Prometheus is.

    Raises:
        Refused: nobody has said it, or what was said is no address.
    """
    base = context.env.get(PROMETHEUS_URL, "").rstrip("/")
    if not base:
        text = N_("nobody has said where Prometheus is: set {name}")
        raise Refused(said(text, name=PROMETHEUS_URL))
    if parts_of(base) is None:
        raise Refused(unreadable(PROMETHEUS_URL))
    return base


async def _query(base: str, query: str, context: LookContext) -> Any:
    """Return the answer's JSON.

    Raises:
        Refused: there is no usable answer.
    """
    import httpx  # noqa: PLC0415  slow to import, and only two kinds need it

    verify = tls_context(context.env)
    try:
        async with httpx.AsyncClient(verify=verify, timeout=context.timeout_s) as client:
            response = await client.get(f"{base}/api/v1/query", params={"query": query})
        return _readable(response.status_code, response.text)
    except TimeoutError:
        raise
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Refused(_unreached(error, base, context.timeout_s)) from error


def _unreached(error: Exception, base: str, wait_s: float) -> Remark:
    known = trouble_of(error)
    if known is None:
        text = N_("Prometheus at {place} can't be asked: {error}")
        return said(text, place=shown(base), error=bounded(str(error), 300) or type(error).__name__)
    trouble, detail = known
    return said(trouble.text, place=shown(base), wait=seconds(wait_s), detail=detail)


def _readable(status: int, text: str) -> Any:
    import json  # noqa: PLC0415

    try:
        answer = json.loads(text)
        if answer["status"] == "success":
            return answer["data"]
        error = answer["error"]
    except (ValueError, KeyError, TypeError):
        error = f"HTTP {status}"
    raise Refused(said(N_("Prometheus refuses the query: {error}"), error=bounded(error, 300)))


def _samples(data: Any) -> list[Sample]:
    """Read a vector or a scalar; what is no number is left out.

    Raises:
        Refused: there is nothing to judge by.
    """
    found = [one for one in _read(data) if not math.isnan(one.value)]
    if not found:
        raise Refused(said(N_("Prometheus has no value for this query now")))
    return found


def _read(data: Any) -> Iterator[Sample]:
    match data:
        case {"resultType": "vector", "result": rows}:
            for row in rows:
                yield Sample(_labels(row.get("metric", {})), float(row["value"][1]))
        case {"resultType": "scalar", "result": [_, value]}:
            yield Sample("", float(value))
        case _:
            raise Refused(said(N_("the query gives no single value a series")))


def _labels(metric: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(metric.items()))


def _judged(
    check: str, probe: PrometheusProbe, samples: list[Sample], evidence: Evidence
) -> Looked:
    condition = Condition(probe.healthy)
    bad = [one for one in samples if not condition.holds({"value": one.value})]
    rows = "\n".join(f"{{{one.labels}}} {one.value:g}" for one in (bad or samples)[:MOST_SERIES])
    worst = (bad or samples)[0].value
    numbers = {"value": worst, "series": float(len(samples)), "out_of_bounds": float(len(bad))}
    if not math.isfinite(worst):
        del numbers["value"]  # JSON has no infinity
    kept = Evidence(evidence.command, bounded(rows), numbers, evidence.link)
    return looked(check, _out_of_bounds(probe, bad, samples), kept)


def _out_of_bounds(
    probe: PrometheusProbe, bad: list[Sample], samples: list[Sample]
) -> list[Finding]:
    if not bad:
        return []
    text = (
        N_("the value is {value}, and healthy is {healthy}")
        if len(samples) == 1
        else N_("{bad} of {all} series are out of bounds: {value}, and healthy is {healthy}")
    )
    says = said(
        text, value=f"{bad[0].value:g}", healthy=probe.healthy, bad=len(bad), all=len(samples)
    )
    return [found("prometheus_out_of_bounds", "unhealthy", says, subject=bounded(bad[0].labels))]


def _asked(base: str, query: str) -> Evidence:
    url = f"{base}/api/v1/query"
    command = typed(["curl", "-sS", "-G", shown(url), "--data-urlencode", f"query={query}"])
    link = f"{shown(base)}/graph?{urlencode({'g0.expr': query, 'g0.tab': 1})}"
    return Evidence(command, link=link)
