"""Locust's statistics: ``--json`` (a histogram a request), or its CSV. Times are milliseconds."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping

from bongsu.incident.verification.measured import (
    Measured,
    Unreadable,
    count,
    document,
    load,
    milliseconds,
    percentile,
    section,
)

_HEADER = "Type,Name,Request Count"
_TOTAL = "Aggregated"


def read(text: str) -> Measured:
    """Return ``requests``, ``error_rate``, ``p95`` and ``p99``.

    Raises:
        Unreadable: these are no statistics of locust, or no request was made.
    """
    return _table(text[text.find(_HEADER) :]) if _HEADER in text else _histograms(document(text))


def _histograms(entries: object) -> Measured:
    if not isinstance(entries, list):
        raise Unreadable("result_unreadable", place="(top)", format="list")
    times: Counter[float] = Counter()
    requests = failed = 0
    for entry in entries:
        one = section(entry)
        requests += _needed(one, "num_requests")
        failed += _needed(one, "num_failures")
        for took, how_often in section(one, "response_times").items():
            times[_milliseconds(took)] += count({"times": how_often}, "times") or 0
    return load(
        requests,
        failed,
        p95=milliseconds(percentile(times, 0.95), "p95"),
        p99=milliseconds(percentile(times, 0.99), "p99"),
    )


def _needed(one: Mapping[str, object], name: str) -> int:
    found = count(one, name)
    if found is None:
        raise Unreadable("not_measured", name=name)
    return found


def _milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Unreadable("result_unreadable", place=f"response_times.{text[:40]}", format="time")
    return value


def _table(text: str) -> Measured:
    rows = csv.DictReader(io.StringIO(text))
    try:
        total = next((row for row in rows if row.get("Name") == _TOTAL), None)
    except csv.Error as error:
        raise Unreadable("result_unreadable", place=error, format="CSV") from None
    if total is None:
        raise Unreadable("result_unreadable", place=_TOTAL, format="CSV")
    requests, failed = _cell(total, "Request Count"), _cell(total, "Failure Count")
    return load(
        int(requests or 0),
        failed or 0.0,
        p95=milliseconds(_cell(total, "95%"), "95%"),
        p99=milliseconds(_cell(total, "99%"), "99%"),
    )


def _cell(row: Mapping[str, str | None], name: str) -> float | None:
    """Return a number; ``N/A`` is what locust writes where there is none."""
    text = row.get(name)
    if text is None or text in ("", "N/A"):
        if name.endswith("Count"):
            raise Unreadable("not_measured", name=name)
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Unreadable("result_unreadable", place=f"{name}={text[:40]}", format="number")
    return value
