"""Artillery's report (``artillery run --output``). Times are milliseconds."""

from __future__ import annotations

from collections.abc import Mapping

from bongsu.incident.verification.measured import (
    Measured,
    Unreadable,
    count,
    document,
    load,
    milliseconds,
    number,
    section,
)

_CODES, _ERRORS = "http.codes.", "errors."
_BAD = 400
"""status codes from here on are failures"""


def read(text: str) -> Measured:
    """Return ``requests``, ``error_rate`` and, where anything answered, ``p95`` and ``p99``.

    Raises:
        Unreadable: it is no report of artillery, or no HTTP request was made.
    """
    aggregate = section(document(text), "aggregate")
    counters = section(aggregate, "counters")
    requests = count(counters, "http.requests") or 0
    summaries = aggregate.get("summaries") or {}
    times = section(summaries).get("http.response_time") or {}
    return load(
        requests,
        _failed(counters, requests),
        p95=milliseconds(number(section(times), "p95"), "p95"),
        p99=milliseconds(number(section(times), "p99"), "p99"),
    )


def _failed(counters: Mapping[str, object], requests: int) -> int:
    """What was not answered well; an error counts also where an answer came before it."""
    well = sum(count(counters, name) or 0 for name in counters if _is_good(name))
    errors = sum(count(counters, name) or 0 for name in counters if name.startswith(_ERRORS))
    return max(requests - well, min(errors, requests))


def _is_good(name: str) -> bool:
    if not name.startswith(_CODES):
        return False
    code = name.removeprefix(_CODES)
    if not (code.isascii() and code.isdigit()):
        raise Unreadable("result_unreadable", place=name[:60], format="status")
    return int(code[:9]) < _BAD
