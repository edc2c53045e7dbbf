"""Verification of a recovery: the manual's checks, how each stands, and running them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec
from fastapi import APIRouter, Query
from msgspec import Meta
from pydantic import Field
from starlette.responses import Response

from bongsu.i18n import Translator
from bongsu.incident import commands as c
from bongsu.incident.reasons import explain
from bongsu.incident.state import Incident
from bongsu.incident.verification import plan
from bongsu.incident.verification_events import Outcome
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.verification import VerificationCheck
from bongsu.store import incidents, verifications
from bongsu.store.verifications import VerificationRow
from bongsu.web.api import requests
from bongsu.web.api.depends import Found, Responder, S, T, Viewer
from bongsu.web.api.json import answer, documents
from bongsu.web.services import Services

router = APIRouter(prefix="/incidents/{incident}/verifications", tags=["verification"])
Seconds = Annotated[float, Meta(description="seconds")]


class VerificationView(msgspec.Struct, frozen=True):
    """One check of the recovery and how it stands.

    `output` is what it printed the last time; while it runs, what it has printed so far.
    `outcome` is null until it has been run since the recovery; `numbers` is what was measured, by
    the manual's names, times in seconds.
    """

    check: str
    group: str
    name: str
    criterion: str
    passes: str
    required: bool
    running: bool
    outcome: Outcome | None
    why: str
    numbers: Mapping[str, float]
    taken_at: datetime | None
    took_seconds: Seconds
    output: str


class VerificationList(msgspec.Struct, frozen=True):
    """The checks that the manual wants for this incident, in the order in which they are run."""

    checks: list[VerificationView]
    unverified: list[str]
    """the required checks that still keep the incident from being resolved"""
    watched_until: datetime | None


class RunView(msgspec.Struct, frozen=True):
    """One run of a check, as it was."""

    id: int
    check: str
    outcome: Outcome
    why: str
    numbers: Mapping[str, float]
    taken_at: datetime
    took_seconds: Seconds
    output: str


class RunList(msgspec.Struct, frozen=True):
    """Runs of checks, the newest first; `next` is the `before` of the following page."""

    runs: list[RunView]
    next: int | None


class Wanted(requests.Body):
    """Which checks to run; none named is all that the manual wants for this severity."""

    checks: Annotated[list[requests.Name], Field(max_length=100)] = Field(default_factory=list)


_ALL = Wanted()


class Outputs(NamedTuple):
    """What checks printed, by check."""

    of_rows: Mapping[str, VerificationRow]
    """the latest run of each that is over"""
    printing: Mapping[str, str]
    """what those that are under way have printed so far"""


def listed(manual: Manual, incident: Incident, outputs: Outputs, t: Translator) -> VerificationList:
    """Return how each check stands; what was run before this recovery is not shown."""
    wanted = plan.applying(manual, incident)
    asked = incident.verification.asked
    known = {name: check for name, check in plan.every_check(manual).items() if name in asked}
    since = incident.recovered_at
    until = since + manual.verification.watch if since is not None else None
    checks = [
        _view((manual, t), incident, name, check, outputs)
        for name, check in {**wanted, **known}.items()
    ]
    return VerificationList(checks, list(plan.unverified(manual, incident)), until)


def _view(
    words: tuple[Manual, Translator], incident: Incident, name: str, check: VerificationCheck,
    outputs: Outputs,
) -> VerificationView:  # fmt: skip
    manual, t = words
    known = incident.verification.known.get(name)
    running = name in plan.running(incident)
    group, _, _ = name.partition(":")
    return VerificationView(
        name, group, check.name.in_(t.lang), check.criterion.in_(t.lang), check.passes,
        incident.severity in check.required, running, plan.standing(incident, name),
        explain(known.why, manual, t) if known else "", known.numbers if known else {},
        known.at if known else None, known.took if known else 0.0,
        outputs.printing.get(name, "") if running else _printed(outputs, name) if known else "",
    )  # fmt: skip


def _printed(outputs: Outputs, name: str) -> str:
    row = outputs.of_rows.get(name)
    return row.output if row is not None else ""


async def standing(at: Services, incident: int, t: Translator) -> VerificationList:
    """Read how an incident's checks stand."""
    async with at.reading() as conn:
        state = await incidents.load(conn, incident)
        outputs = Outputs(
            await verifications.latest(conn, incident), await verifications.printing(conn, incident)
        )
    assert state is not None
    return listed(at.policy.manual, state, outputs, t)


@router.get("", summary="The checks of the recovery", responses=documents(VerificationList))
async def list_checks(at: S, who: Viewer, incident: Found, t: T) -> Response:
    """How each stands since the service was said to work again."""
    return answer(await standing(at, incident, t))


@router.post(
    "", summary="Run checks of the recovery",
    responses=documents(VerificationList, "They are under way.", 202),
)  # fmt: skip
async def verify(at: S, who: Responder, incident: Found, t: T, body: Wanted = _ALL) -> Response:
    """Run all that the manual wants for this severity, or those named (`smoke:user_login`).

    409 where they run already, or there are none.
    """
    await at.engine.act(
        incident, who.signature, lambda p, i, _now: c.verify(p.manual, i, body.checks)
    )
    return answer(await standing(at, incident, t), 202)


@router.get("/runs", summary="Every run of a check", responses=documents(RunList))
async def list_runs(
    at: S, who: Viewer, incident: Found, t: T, *,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    limit: requests.Limit = 50,
) -> Response:  # fmt: skip
    """Also of former recoveries; the newest first."""
    async with at.reading() as conn:
        found = await verifications.rows(conn, incident, before, limit + 1)
    following = found[limit - 1].id if len(found) > limit else None
    return answer(RunList(list(_runs(found[:limit], at.policy.manual, t)), following))


def _runs(rows: list[VerificationRow], manual: Manual, t: Translator) -> Iterator[RunView]:
    for row in rows:
        yield RunView(
            row.id, row.check, row.outcome, explain(row.why, manual, t), row.numbers, row.taken_at,
            row.took, row.output,
        )  # fmt: skip
