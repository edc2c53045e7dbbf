"""Which finding is read first, and which services are affected."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from bongsu.incident.report import Affected, Finding, Looked, Verdict
from bongsu.manual.schema.services import Service

GRAVEST_FIRST: tuple[Verdict, ...] = ("unhealthy", "degraded", "unknown", "healthy")
BROKEN: frozenset[Verdict] = frozenset(("unhealthy", "degraded"))
LAST_TIER = 5


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the gravest verdict; healthy where there is none.

    A part that could not be seen keeps the whole from being healthy, and hides nothing found.
    """
    return min(verdicts, key=GRAVEST_FIRST.index, default="healthy")


def rank(findings: Iterable[Finding], services: Mapping[str, Service]) -> tuple[Finding, ...]:
    """Order findings by verdict, then by how much they tell, then by their service's tier."""

    def key(one: Finding) -> tuple[int, float, int, str, str, str, str]:
        known = services.get(one.service or "")
        tier = known.tier if known else LAST_TIER
        return (
            GRAVEST_FIRST.index(one.verdict), -one.weight, tier, one.check, one.code, one.subject,
            one.service or "",
        )  # fmt: skip

    return tuple(sorted(findings, key=key))


def affected(looked: Iterable[Looked], services: Mapping[str, Service]) -> tuple[Affected, ...]:
    """Return what is broken, then what leans on it, nearest first.

    The verdict is always a service's own, by its checks: one that leans on something broken may
    well answer, and one without checks is unknown.
    """
    own: dict[str, list[Verdict]] = {}
    for one in looked:
        if one.service is not None:
            own.setdefault(one.service, []).append(one.verdict)
    verdicts = {name: gravest(them) for name, them in own.items()}
    broken = {name: verdict for name, verdict in verdicts.items() if verdict in BROKEN}
    found = [Affected(name, verdict) for name, verdict in broken.items()]
    found += [
        Affected(name, verdicts.get(name, "unknown"), chain)
        for name in services.keys() - broken.keys()
        if (chain := _chain(name, broken, services))
    ]
    return tuple(sorted(found, key=lambda one: _order(one, services)))


def _order(one: Affected, services: Mapping[str, Service]) -> tuple[int, int, int, str]:
    known = services.get(one.service)
    tier = known.tier if known else LAST_TIER
    return len(one.through), GRAVEST_FIRST.index(one.verdict), tier, one.service


def _chain(
    start: str, broken: Mapping[str, Verdict], services: Mapping[str, Service]
) -> tuple[str, ...]:
    """Return the way down to what is broken: to the gravest, and of those the nearest."""
    came: dict[str, tuple[str, ...]] = {start: ()}
    waiting = deque([start])
    best: tuple[tuple[int, int], tuple[str, ...]] = ((len(GRAVEST_FIRST), 0), ())
    while waiting:
        name = waiting.popleft()
        if name in broken:
            rank_ = (GRAVEST_FIRST.index(broken[name]), len(came[name]))
            best = min(best, (rank_, came[name]))
        for lower in services[name].depends_on if name in services else ():
            if lower not in came:
                came[lower] = (*came[name], lower)
                waiting.append(lower)
    return best[1]
