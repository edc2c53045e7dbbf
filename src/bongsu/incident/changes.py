"""What was changed, and how well it explains an incident's onset; evidence, never a verdict.

The score is a product of four shares, each in words among the reasons: how long before the onset
it was, how near its service is in the dependency graph, what kind of change and how large it was.
What was changed after the onset can't explain it, and stands last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from bongsu.i18n import N_
from bongsu.incident.alert import Link, Remark
from bongsu.incident.report import Change, Evidence
from bongsu.logs.masking import mask_secrets
from bongsu.manual.schema.services import Service

ChangeKind = Literal["deployment", "config", "scale", "flag", "event"]

KINDS: dict[ChangeKind, float] = {
    "deployment": 1.0, "config": 0.9, "flag": 0.9, "scale": 0.6, "event": 0.5,
}  # fmt: skip
HALF = timedelta(minutes=20)
"""how long before the onset a change counts half of what one right before it does"""
BELOW, ABOVE = 0.7, 0.4
"""what each step in the dependency graph leaves of the share: to what the service leans on, and to
what leans on it"""
UNRELATED, UNPLACED = 0.1, 0.5
"""the shares of a service that no dependency joins to the incident's, and where one is unknown"""
UNSIZED = 0.5
LEAST = 0.75
"""the share of the smallest change: size tells less than the rest"""


class ChangeEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change as somebody told it: a sender, a person, a program."""

    at: datetime
    summary: str
    kind: ChangeKind = "event"
    subject: str = ""
    """as ``deployment/korea-backend`` or the flag's name"""
    service: str | None = None
    source: str = ""
    """what it says it comes from: a host, a pipeline, an environment"""
    links: tuple[Link, ...] = ()
    details: dict[str, str] = {}
    key: str = ""
    """what makes it the same again, within one integration; empty where nothing does"""


def masked(event: ChangeEvent) -> ChangeEvent:
    """Return the event without secrets, since it is kept, shown and sent; who did it stays."""
    return msgspec.structs.replace(
        event,
        summary=mask_secrets(event.summary),
        links=tuple(Link(mask_secrets(one.href), mask_secrets(one.text)) for one in event.links),
        # What a value is, its name says.
        details={
            name: mask_secrets(f"{name}: {value}").removeprefix(f"{name}: ")
            for name, value in event.details.items()
        },
    )


def placed(event: ChangeEvent, services: Mapping[str, Service]) -> ChangeEvent:
    """Return the event with the manual's service that it is about, where that can be seen."""
    names = (event.service, event.subject.rpartition("/")[2], event.source)
    found = next((known for name in names if name and (known := _service(name, services))), None)
    return msgspec.structs.replace(event, service=found) if found else event


def _service(name: str, services: Mapping[str, Service]) -> str | None:
    """Find a service by its id, by its deployment's name, or by its name for people."""
    if name in services:
        return name
    for known, service in services.items():
        deployed = service.workload.deployment if service.workload else None
        if name in (deployed, service.name.in_("ko"), service.name.in_("en")):
            return known
    return None


def as_change(event: ChangeEvent, told_by: str) -> Change:
    """Return a told change in the form of a report; ``told_by`` is an integration or a person."""
    link = next((one.href for one in event.links), "")
    output = "\n".join(f"{name}: {value}" for name, value in event.details.items())
    return Change(
        at=event.at, kind=event.kind, subject=event.subject,
        says=Remark("{summary}", {"summary": event.summary}),
        service=event.service, source=told_by, link=link,
        evidence=Evidence(output=output, numbers=_numbers(event.details), link=link),
    )  # fmt: skip


def _numbers(details: Mapping[str, str]) -> dict[str, float]:
    found = {name: details[name] for name in ("before", "after", "changed") if name in details}
    return {name: float(value) for name, value in found.items() if _is_number(value)}


def _is_number(text: str) -> bool:
    whole, _, rest = text.partition(".")
    return len(text) < 16 and all(p.isascii() and p.isdigit() for p in (whole, rest or "0"))  # noqa: PLR2004  no overflow


def rank(
    changes: Iterable[Change],
    onset: datetime,
    service: str | None,
    services: Mapping[str, Service],
) -> tuple[Change, ...]:
    """Order changes by how well they explain an onset, each with its score and its reasons.

    ``service`` is the incident's, None where it is not known. Size is read from the evidence's
    numbers: ``before`` and ``after`` (replicas, percent), or ``changed`` (how many things).
    """
    near = _distances(service, services)
    scored = [_scored(change, onset, service, near) for change in changes]
    return tuple(sorted(scored, key=lambda change: _order(change, onset)))


def _order(change: Change, onset: datetime) -> tuple[bool, float, timedelta, str]:
    after = change.at > onset
    return after, -change.score, abs(onset - change.at), change.subject


class _Near(msgspec.Struct, frozen=True):
    """Where a service stands to the incident's."""

    steps: int
    below: bool
    """whether the incident's service leans on it; else it leans on the incident's"""


def _distances(service: str | None, services: Mapping[str, Service]) -> dict[str, _Near]:
    if service is None:
        return {}
    leaning: dict[str, list[str]] = {}
    for name, known in services.items():
        for lower in known.depends_on:
            leaning.setdefault(lower, []).append(name)
    above = _steps(service, leaning)
    below = _steps(service, {name: known.depends_on for name, known in services.items()})
    found = {name: _Near(steps, below=False) for name, steps in above.items()}
    return found | {name: _Near(steps, below=True) for name, steps in below.items()}


def _steps(start: str, joined: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Count the steps from a service to all that it reaches; circles are walked once."""
    found, edge, steps = {start: 0}, [start], 0
    while edge:
        steps += 1
        reached = dict.fromkeys(other for name in edge for other in joined.get(name, ()))
        edge = [name for name in reached if name not in found]
        found |= dict.fromkeys(edge, steps)
    return found


def _scored(
    change: Change, onset: datetime, service: str | None, near: Mapping[str, _Near]
) -> Change:
    parts = list(_parts(change, onset, service, near))
    score = 1.0
    for share, _ in parts:
        score *= share
    reasons = tuple(why for _, why in parts if why is not None)
    return msgspec.structs.replace(change, score=round(score, 4), reasons=reasons)


def _parts(
    change: Change, onset: datetime, service: str | None, near: Mapping[str, _Near]
) -> Iterator[tuple[float, Remark | None]]:
    yield _timed(onset - change.at)
    yield _joined(change.service, service, near)
    yield KINDS[change.kind], None
    yield _sized(change.evidence.numbers)


def _timed(before: timedelta) -> tuple[float, Remark]:
    if before < timedelta():
        return 0.0, _ago(-before, _AFTER)
    return 1 / (1 + before / HALF), _ago(before, _BEFORE)


_BEFORE = (
    N_("less than a minute before the onset"),
    N_("{minutes} min before the onset"),
    N_("{hours} h {minutes} min before the onset"),
    N_("{days} days before the onset"),
)
_AFTER = (
    N_("less than a minute after the onset: it does not explain it"),
    N_("{minutes} min after the onset: it does not explain it"),
    N_("{hours} h {minutes} min after the onset: it does not explain it"),
    N_("{days} days after the onset: it does not explain it"),
)


def _ago(length: timedelta, texts: tuple[str, str, str, str]) -> Remark:
    """Put a length into words; each text says a longer one than the text before it."""
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    if hours >= 48:  # noqa: PLR2004  two days
        return Remark(texts[3], {"days": f"{hours // 24:,}"})
    if hours:
        return Remark(texts[2], {"hours": str(hours), "minutes": str(minutes)})
    return Remark(texts[1], {"minutes": str(minutes)}) if minutes else Remark(texts[0])


def _joined(
    changed: str | None, service: str | None, near: Mapping[str, _Near]
) -> tuple[float, Remark]:
    if changed is None or service is None:
        return UNPLACED, Remark(N_("how it is joined to the service is not known"))
    found = near.get(changed)
    values = {"changed": changed, "service": service}
    if found is None:
        return UNRELATED, Remark(N_("{changed} has no dependency with {service}"), values)
    if found.steps == 0:
        return 1.0, Remark(N_("the service itself"))
    values["steps"] = str(found.steps)
    if found.below:
        text = N_("{service} leans on {changed}, {steps} away")
        return BELOW**found.steps, Remark(text, values)
    text = N_("{changed} leans on {service}, {steps} away")
    return ABOVE**found.steps, Remark(text, values)


def _sized(numbers: Mapping[str, float]) -> tuple[float, Remark | None]:
    """From the smallest (`LEAST`) to all of it (1)."""
    if "before" in numbers and "after" in numbers:
        before, after = numbers["before"], numbers["after"]
        most = max(abs(before), abs(after))
        size = min(abs(after - before) / most, 1.0) if most else 0.0
        values = {"before": f"{before:g}", "after": f"{after:g}"}
        return _of(size), Remark(N_("from {before} to {after}"), values)
    if numbers.get("changed", 0) > 0:
        count = numbers["changed"]
        text = N_("{count} things were changed by it")
        return _of(count / (1 + count)), Remark(text, {"count": f"{count:g}"})
    return _of(UNSIZED), None


def _of(size: float) -> float:
    return LEAST + (1 - LEAST) * size
