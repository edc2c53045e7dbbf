"""k6's summary: of ``handleSummary``, of ``--summary-export``, and the versioned one.

The versioned one is there since 1.5 (``--new-machine-readable-summary``) and the rule since 2.0.
Times are milliseconds. Thresholds of the script that were missed are said in the first two; by the
exit code in every one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bongsu.incident.body import Reason
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


def read(text: str) -> Measured:
    """Return ``requests``, ``error_rate`` and, where the summary has them, ``p95`` and ``p99``.

    Raises:
        Unreadable: it is no summary of k6, or the test made no HTTP request.
    """
    whole = section(document(text))
    metrics = _listed(whole) if "results" in whole else section(whole, "metrics")
    requests = count(_values(metrics, "http_reqs"), "count")
    failed = number(_values(metrics, "http_req_failed"), "rate", "value")
    times = _values(metrics, "http_req_duration")
    if not requests:
        raise Unreadable("no_requests")
    if failed is None:
        raise Unreadable("not_measured", name="http_req_failed")
    if not 0 <= failed <= 1:
        raise Unreadable("result_unreadable", place="http_req_failed", format="share")
    measured = load(
        requests,
        failed * requests,
        p95=milliseconds(number(times, "p(95)", "p95"), "p(95)"),
        p99=milliseconds(number(times, "p(99)", "p99"), "p(99)"),
    )
    missed = ", ".join(_missed(metrics))[:200]
    flaw = Reason("thresholds_missed", {"thresholds": missed}) if missed else None
    return measured._replace(flaw=flaw)


def _missed(metrics: Mapping[str, object]) -> Iterator[str]:
    """Yield thresholds that were not met: ``--summary-export`` calls just these true."""
    for name, metric in metrics.items():
        thresholds = metric.get("thresholds") if isinstance(metric, Mapping) else None
        for text, told in thresholds.items() if isinstance(thresholds, Mapping) else ():
            ok = told.get("ok") if isinstance(told, Mapping) else None
            if told is True or ok is False:
                yield f"{name} {text}"


def _listed(whole: Mapping[str, object]) -> Mapping[str, object]:
    """The versioned summary lists its metrics, each with its name."""
    metrics = section(whole, "results").get("metrics")
    if isinstance(metrics, Mapping):
        return metrics
    if not isinstance(metrics, list):
        raise Unreadable("result_unreadable", place="results.metrics", format="list")
    return {str(one.get("name")): one for one in metrics if isinstance(one, Mapping)}


def _values(metrics: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return a metric's values, which ``--summary-export`` has in the metric itself."""
    metric = metrics.get(name)
    if metric is None:
        return {}
    values = section(metric).get("values", metric)
    return section(values)
