"""Numbers for Prometheus, in its text format: counts of this process, and the database's state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bongsu.incident import events as e

if TYPE_CHECKING:
    from bongsu.engine.advance import Step
    from bongsu.store.lateness import Earliest

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[tuple[str, str], ...]

_HELP = {
    "bongsu_pages_total": "Pages that this process wrote.",
    "bongsu_deliveries_total": "Deliveries that this process recorded, by outcome.",
    "bongsu_incidents_opened_total": "Incidents that this process opened, by severity.",
    "bongsu_clocks_breached_total": "Targets that were missed, by clock.",
}


class Counters:
    """What this process has written since it started."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Labels]] = Counter()

    def committed(self, steps: Sequence[Step]) -> None:
        """Count what a transaction wrote; called by the engine after each commit."""
        for step in steps:
            for event in step.events:
                self._count(event.body)

    def _count(self, body: e.AnyBody) -> None:
        match body:
            case e.Opened():
                self._add("bongsu_incidents_opened_total", severity=body.severity)
            case e.Paged():
                self._add("bongsu_pages_total")
            case e.Delivered():
                self._add("bongsu_deliveries_total", outcome="delivered")
            case e.DeliveryFailed():
                outcome = "failed_for_good" if body.permanent else "failed"
                self._add("bongsu_deliveries_total", outcome=outcome)
            case e.DeliveryWithdrawn():
                self._add("bongsu_deliveries_total", outcome="withdrawn")
            case e.ClockBreached():
                self._add("bongsu_clocks_breached_total", clock=body.clock)
            case _:
                return

    def _add(self, name: str, **labels: str) -> None:
        self._counts[name, tuple(sorted(labels.items()))] += 1

    def lines(self) -> Iterable[str]:
        """Yield the counters as Prometheus reads them."""
        for name, text in _HELP.items():
            yield from _head(name, "counter", text)
            for (known, labels), count in sorted(self._counts.items()):
                if known == name:
                    yield _sample(name, labels, count)


def state_lines(
    open_by_severity: Mapping[str, int], earliest: Earliest, now: datetime
) -> Iterable[str]:
    """Yield what the database says about the moment."""
    yield from _head("bongsu_incidents_open", "gauge", "Open incidents, by severity.")
    for severity, count in sorted(open_by_severity.items()):
        yield _sample("bongsu_incidents_open", (("severity", severity),), count)
    yield from _head(
        "bongsu_overdue_seconds", "gauge", "How long the work has waited that is most overdue."
    )
    for work, late in earliest.late(now).items():
        yield _sample("bongsu_overdue_seconds", (("work", work),), late)


def numbers(name: str, kind: str, text: str, values: Mapping[Labels, float]) -> Iterable[str]:
    """Yield one metric that somebody else counted."""
    yield from _head(name, kind, text)
    for labels, value in values.items():
        yield _sample(name, labels, value)


def _head(name: str, kind: str, text: str) -> Iterable[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _sample(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    return f"{name}{{{inside}}} {value:.10g}" if inside else f"{name} {value:.10g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
