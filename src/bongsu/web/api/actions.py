"""What a person does to an incident.

Each answers with the incident as it then stands, or with 409 and the reason why not.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field, StrictBool, model_validator
from starlette.responses import Response

from bongsu.engine.engine import Command
from bongsu.engine.policy import Policy
from bongsu.i18n import N_
from bongsu.incident import commands as c
from bongsu.incident.state import Incident
from bongsu.manual.schema.base import Duration, SeverityLevel, Target, refusal
from bongsu.store import reading
from bongsu.web.api import requests
from bongsu.web.api.depends import Commander, Found, Responder, S, T
from bongsu.web.api.incidents import shown, wrong
from bongsu.web.api.json import documents
from bongsu.web.api.views import IncidentView
from bongsu.web.problems import ProblemError

router = APIRouter(prefix="/incidents/{incident}", tags=["actions"])
_AS_IT_STANDS = documents(IncidentView, "Done; the incident as it now stands.")


class NoBody(requests.Body):
    """Nothing is asked for; an empty object, or no body at all."""


class Acknowledgement(requests.Body):
    """An answer to a page."""

    page: Annotated[str, Field(max_length=40)] | None = None
    """the page that is answered; answering a call to a role takes that role"""


class Escalation(requests.Body):
    """Whom to call; nobody in particular calls the next ones whom the manual names."""

    target: Target | None = None


class Assignment(requests.Body):
    """A role and who takes it; without a person, whoever asks."""

    role: requests.Name
    person: requests.Name | None = None


class Release(requests.Body):
    """A role that is open again."""

    role: requests.Name


class NewSeverity(requests.Body):
    """How severe it turned out to be."""

    severity: SeverityLevel
    note: requests.Words = ""


class NewType(requests.Body):
    """What kind of incident it turned out to be."""

    type: requests.Name


class NewTitle(requests.Body):
    """A better title; a description that is not given stays."""

    title: requests.Line
    description: requests.Words | None = None


class Note(requests.Body):
    """Something worth remembering."""

    text: requests.Words = Field(min_length=1)


class Tick(requests.Body):
    """An item of a checklist, counted from 0, and whether it is done."""

    checklist: requests.Name
    item: int = Field(ge=0, le=1000, strict=True)
    done: StrictBool = True


class Snooze(requests.Body):
    """Until when nobody is paged: a time, or how long from now (``30m``)."""

    until: requests.Instant | None = None
    for_: Duration | None = Field(default=None, alias="for")
    note: requests.Words = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Snooze:
        if (self.until is None) == (self.for_ is None):
            raise refusal(N_("it needs an end"), N_("write either `for` or `until`"))
        return self

    def end(self, now: datetime) -> datetime:
        """Return when it ends; a length beyond a week is only as long as must be refused."""
        if self.until is not None:
            return self.until
        return now + min(self.for_ or timedelta(), timedelta(days=8))


class Resolution(requests.Noted):
    """That it is over."""

    override: requests.Words = ""
    """a commander's reason for ending it although required checks have not passed"""


class Merge(requests.Body):
    """The incident in which this one goes on: its id or number."""

    into: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z-]+$")]


class Acting:
    """One person at one incident."""

    def __init__(self, at: S, who: Responder, incident: Found, t: T) -> None:
        self.at, self.who, self.incident, self.t = at, who, incident, t
        self.person, self.via = who.person, who.via

    async def __call__(self, command: Command) -> Response:
        """Do it; answer with the incident as it then stands.

        Raises:
            RefusedError: the incident does not allow it.
        """
        done = await self.at.engine.act(self.incident, self.who.signature, command)
        return shown(self.at, done, self.t)


class Commanding(Acting):
    """As `Acting`, for what only a commander may do."""

    def __init__(self, at: S, who: Commander, incident: Found, t: T) -> None:
        super().__init__(at, who, incident, t)


R = Annotated[Acting, Depends(Acting)]
C = Annotated[Commanding, Depends(Commanding)]
_NOTHING, _NOTED = NoBody(), requests.Noted()
_ACKNOWLEDGEMENT, _ESCALATION, _RESOLUTION = Acknowledgement(), Escalation(), Resolution()


@router.post("/ack", summary="Acknowledge", responses=_AS_IT_STANDS)
async def acknowledge(do: R, body: Acknowledgement = _ACKNOWLEDGEMENT) -> Response:
    """Answer the page: escalation stops. Answering a call to a role takes the role."""
    return await do(lambda _, i, _now: c.acknowledge(i, do.person, do.via, body.page))


@router.post("/unack", summary="Take the acknowledgement back", responses=_AS_IT_STANDS)
async def unacknowledge(do: R, body: NoBody = _NOTHING) -> Response:
    """Escalation starts anew."""
    return await do(lambda _, i, _now: c.unacknowledge(i))


@router.post("/confirm", summary="It is real", responses=_AS_IT_STANDS)
async def confirm(do: R, body: requests.Noted = _NOTED) -> Response:
    """Verify the incident; who confirms it has acknowledged it too."""
    return await do(lambda _, i, _now: c.confirm(i, do.person, body.note, do.via))


@router.post("/dismiss", summary="A false alarm", responses=_AS_IT_STANDS)
async def dismiss(do: R, body: requests.Noted = _NOTED) -> Response:
    """End the incident as a false alarm."""
    return await do(lambda _, i, _now: c.dismiss(i, do.person, body.note, do.via))


@router.post("/escalate", summary="Call the next ones now", responses=_AS_IT_STANDS)
async def escalate(do: R, body: Escalation = _ESCALATION) -> Response:
    """Without a target, take the manual's next step now.

    With one (`person:kim`, `role:technical_lead`, `rotation:main/secondary`), call exactly those.
    """
    return await do(lambda p, i, now: c.escalate(p.manual, i, p.shifts, now, body.target))


@router.post("/assign", summary="Give a role to a person", responses=_AS_IT_STANDS)
async def assign(do: R, body: Assignment) -> Response:
    """Without a person, take it oneself; a former wearer hands it over."""
    person = body.person or do.person
    return await do(lambda p, i, _now: c.assign(i, body.role, person, p.manual))


@router.post("/release", summary="Open a role again", responses=_AS_IT_STANDS)
async def release(do: R, body: Release) -> Response:
    """The manual's calls for the role start anew."""
    return await do(lambda _, i, _now: c.release(i, body.role))


@router.post("/severity", summary="Raise or lower the severity", responses=_AS_IT_STANDS)
async def severity(do: R, body: NewSeverity) -> Response:
    """A severity raised before anybody answered starts its own escalation."""
    return await do(lambda _, i, _now: c.change_severity(i, body.severity, body.note))


@router.post("/type", summary="Say what kind of incident it is", responses=_AS_IT_STANDS)
async def change_type(do: R, body: NewType) -> Response:
    """One of the manual's incident types."""
    return await do(lambda p, i, _now: c.change_type(i, body.type, p.manual))


@router.post("/title", summary="Give it a better title", responses=_AS_IT_STANDS)
async def retitle(do: R, body: NewTitle) -> Response:
    """A description that is not given stays as it is."""
    return await do(lambda _, i, _now: c.retitle(i, body.title, body.description))


@router.post("/note", summary="Write something down", responses=_AS_IT_STANDS)
async def note(do: R, body: Note) -> Response:
    """Also after the end, for the review."""
    return await do(lambda _p, _i, _now: c.note(body.text))


@router.post("/tick", summary="Tick an item of a checklist", responses=_AS_IT_STANDS)
async def tick(do: R, body: Tick) -> Response:
    """Or take the tick back (`done: false`)."""

    def command(policy: Policy, incident: Incident, _now: datetime) -> c.Bodies:
        return c.tick(incident, policy.manual, body.checklist, body.item, done=body.done)

    return await do(command)


@router.post("/snooze", summary="Page nobody for a while", responses=_AS_IT_STANDS)
async def snooze(do: R, body: Snooze) -> Response:
    """For at most a week; then escalation starts anew."""
    return await do(lambda _, i, now: c.snooze(i, body.end(now), now, body.note))


@router.post("/unsnooze", summary="End the snooze now", responses=_AS_IT_STANDS)
async def unsnooze(do: R, body: NoBody = _NOTHING) -> Response:
    """Escalation starts anew."""
    return await do(lambda _, i, _now: c.unsnooze(i))


@router.post("/recovery", summary="Recovery begins", responses=_AS_IT_STANDS)
async def start_recovery(do: R, body: requests.Noted = _NOTED) -> Response:
    """Somebody begins to change the system."""
    return await do(lambda _, i, _now: c.start_recovery(i, do.person, body.note))


@router.post("/recovered", summary="The service works again", responses=_AS_IT_STANDS)
async def recovered(do: R, body: requests.Noted = _NOTED) -> Response:
    """From here on it is watched."""
    return await do(lambda _, i, _now: c.recovered(i, do.person, body.note))


@router.post("/resolve", summary="It is over", responses=_AS_IT_STANDS)
async def resolve(do: R, body: Resolution = _RESOLUTION) -> Response:
    """End the incident.

    409 while a check of the recovery that the manual requires has not passed. A commander may
    `override` that with a reason, which goes on the timeline.
    """
    if body.override.strip() and not do.who.may("commander"):
        text = N_("only a commander overrides the verification; {name} is {role}")
        raise ProblemError("forbidden", text, name=do.who.name, role=do.who.role)
    return await do(
        lambda p, i, _now: c.resolve(
            p.manual, i, do.person, body.note, do.via, override=body.override
        )
    )


@router.post("/reopen", summary="It is not over after all", responses=_AS_IT_STANDS)
async def reopen(do: R, body: requests.Noted = _NOTED) -> Response:
    """An ended incident starts again, escalation with it."""
    return await do(lambda _, i, _now: c.reopen(i, body.note))


@router.post("/review", summary="The review is done", responses=_AS_IT_STANDS)
async def review(do: C, body: requests.Noted = _NOTED) -> Response:
    """The last step of a resolved incident."""
    return await do(lambda _, i, _now: c.review(i, body.note))


@router.post("/merge", summary="Let it go on in another one", responses=_AS_IT_STANDS)
async def merge(do: C, body: Merge) -> Response:
    """Its alerts go along; answers with the incident that was merged away."""
    async with do.at.reading() as conn:
        into = await reading.incident_id(conn, body.into)
    if into is None:
        raise wrong("into", N_("there is no incident {incident}"), incident=body.into)
    merged, _ = await do.at.engine.merge(do.incident, into, do.who.signature)
    return shown(do.at, merged, do.t)
