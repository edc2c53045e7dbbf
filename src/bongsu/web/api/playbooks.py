"""Playbooks and their runs: what there is, running one, approving, answering, stopping, undoing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field, StrictBool
from starlette.responses import Response

from bongsu.engine.policy import Policy
from bongsu.i18n import N_, Translator
from bongsu.incident import commands as c
from bongsu.incident import run_events as r
from bongsu.incident.commands import RefusedError
from bongsu.incident.reasons import explain
from bongsu.incident.runs import asking
from bongsu.incident.runs.state import WHOLE, Run
from bongsu.incident.state import Incident
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import Playbook
from bongsu.store import runs as store
from bongsu.web.api import requests
from bongsu.web.api.actions import Acting, R
from bongsu.web.api.depends import Found, S, T, Viewer
from bongsu.web.api.incidents import loaded
from bongsu.web.api.json import answer, documents
from bongsu.web.api.playbook_views import PlaybookList, PlaybookView, playbook_view
from bongsu.web.api.run_views import (
    PlaybookRunList,
    PlaybookRunView,
    ShownRuns,
    StepOutputs,
    output_view,
)
from bongsu.web.problems import ProblemError
from bongsu.web.services import Services

MOST_PARAMETERS = 100
router = APIRouter(tags=["playbooks"])
PlaybookId = Annotated[requests.Query, Path(max_length=200)]
RunId = Annotated[requests.Query, Path(max_length=40, description="The run's name, as `r12`.")]
_RUNS = "/incidents/{incident}/runs"
_RUN = _RUNS + "/{run}"
_AS_IT_STANDS = documents(PlaybookRunView, "Done; the run as it now stands.")


# ── what there is ────────────────────────────────────────────────────────────────────────


@router.get("/playbooks", summary="The manual's playbooks", responses=documents(PlaybookList))
async def list_playbooks(
    at: S, who: Viewer, t: T, *, type_: Annotated[requests.Query | None, Query(alias="type")] = None
) -> Response:
    """With their steps; `type` asks only for those of an incident type."""
    manual = at.policy.manual
    found = [
        playbook_view(name, one, manual, t)
        for name, one in manual.playbooks.items()
        if type_ is None or type_ in one.types
    ]
    return answer(PlaybookList(found))


@router.get("/playbooks/{playbook}", summary="One playbook", responses=documents(PlaybookView))
async def get_playbook(at: S, who: Viewer, t: T, playbook: PlaybookId) -> Response:
    """What each step does exactly, whose yes it needs, and what takes it back."""
    known = known_playbook(at.policy.manual, playbook)
    return answer(playbook_view(playbook, known, at.policy.manual, t))


def known_playbook(manual: Manual, name: str) -> Playbook:
    """Return a playbook of the manual.

    Raises:
        ProblemError: there is none of this name.
    """
    if name not in manual.playbooks:
        known = ", ".join(manual.playbooks) or "-"
        text = N_("there is no playbook {playbook}; write one of {known}")
        raise ProblemError("not_found", text, playbook=name, known=known)
    return manual.playbooks[name]


# ── runs ─────────────────────────────────────────────────────────────────────────────────


class WantedRun(requests.Body):
    """A playbook to run, and what to run it with."""

    playbook: requests.Name
    parameters: dict[requests.Name, object] = Field(
        default_factory=dict, max_length=MOST_PARAMETERS
    )
    """by name: a text, a number or true or false, as the playbook's parameters say"""
    dry_run: StrictBool = False
    """show exactly what would be done, and do nothing"""


@router.post(
    _RUNS, status_code=201, summary="Run a playbook",
    responses=documents(PlaybookRunView, "It is asked for, and frozen as it will be run.", 201),
)  # fmt: skip
async def run(do: R, body: WantedRun) -> Response:
    """Freeze a playbook with its parameters into a run, and begin it.

    422 names the parameter that is not as the manual wants it. The run goes on by itself; ask for
    it at its `location`, or watch the incident live.
    """
    ask = Asking(body.playbook, body.parameters, dry=body.dry_run)
    try:
        done = await do.at.engine.act(do.incident, do.who.signature, ask)
    except RefusedError as refused:
        raise wrong_input(refused, do.at.policy.manual, do.t) from refused
    name = ask.run
    place = f"{do.at.base_url}/api/v1/incidents/{do.incident}/runs/{name}"
    view = ShownRuns(do.at.policy.manual, do.person, do.t).one(done, done.runs[name])
    return answer(view, 201, {"location": place})


class Asking:
    """The command that asks for a run; afterwards it knows the run's name."""

    def __init__(self, playbook: str, given: dict[str, object], *, dry: bool) -> None:
        self._playbook, self._given, self._dry = playbook, given, dry
        self.run = ""

    def __call__(self, policy: Policy, incident: Incident, _now: datetime) -> c.Bodies:
        """Return the events."""
        bodies = asking.ask(policy.manual, incident, self._playbook, self._given, dry=self._dry)
        self.run = next(body.run for body in bodies if isinstance(body, r.RunAsked))
        return bodies


INPUT = {
    "unknown_playbook": "playbook",
    "argument_is_option": "parameters",
    "argument_changes_form": "parameters",
    "header_names_variable": "parameters",
}
"""a refusal of what was given, whatever the incident → the field that is to blame"""


def wrong_input(refused: RefusedError, manual: Manual, t: Translator) -> Exception:
    """Return a refusal as one of the body's value where that is to blame."""
    reason = refused.reason
    field = INPUT.get(reason.code, "")
    if name := reason.values.get("parameter", "").strip("'"):
        field = f"parameters.{name}"
    if not field:
        return refused
    extra = {"reason": {"code": reason.code, "values": reason.values}}
    return ProblemError("invalid", explain(reason, manual, t)).at("body", field).adding(**extra)


@router.get(_RUNS, summary="An incident's runs", responses=documents(PlaybookRunList))
async def list_runs(at: S, who: Viewer, incident: Found, t: T) -> Response:
    """The newest first, at most the last 20, without what their steps printed."""
    found = await loaded(at, incident)
    return answer(PlaybookRunList(ShownRuns(at.policy.manual, who.person, t).all(found)))


@router.get(_RUN, summary="One run", responses=documents(PlaybookRunView))
async def get_run(at: S, who: Viewer, incident: Found, t: T, run: RunId) -> Response:
    """Each step with its outcome, who approved it, and the end of what it printed."""
    found = await loaded(at, incident)
    known = await any_run(at, found, run)
    async with at.reading() as conn:
        outputs = await store.outputs(conn, incident, run)
    return answer(ShownRuns(at.policy.manual, who.person, t).one(found, known, outputs))


@router.get(
    _RUN + "/steps/{step}/output", summary="What a step printed", responses=documents(StepOutputs)
)
async def get_output(
    at: S, who: Viewer, incident: Found, run: RunId,
    step: Annotated[int, Path(ge=0, le=10_000, description="The step's number, from 0.")],
) -> Response:  # fmt: skip
    """All that is kept of it, while it runs as well: masked, each attempt with both its ends."""
    known = await any_run(at, await loaded(at, incident), run)
    if step >= len(known.asked.steps):
        text = N_("the run {run} has only {steps} steps, counted from 0")
        raise ProblemError("not_found", text, run=run, steps=len(known.asked.steps))
    async with at.reading() as conn:
        outputs = await store.outputs(conn, incident, run, step)
    shown = [output_view(one, store.LARGEST_OUTPUT) for one in outputs]
    return answer(StepOutputs(run, step, shown))


async def any_run(at: Services, incident: Incident, name: str) -> Run:
    """Return a run of an incident, however long ago it was.

    Raises:
        ProblemError: there never was one of this name.
    """
    if name not in incident.runs:
        async with at.reading() as conn:
            former = await store.former(conn, int(incident.id), name)
        if former is not None:
            return former
    return known_run(incident, name)


def known_run(incident: Incident, name: str) -> Run:
    """Return a run of an incident that something may still be said to.

    Raises:
        ProblemError: there is none of this name.
    """
    if name not in incident.runs:
        known = ", ".join(incident.runs) or "-"
        text = N_("there is no run {run}; write one of {known}")
        raise ProblemError("not_found", text, run=name, known=known)
    return incident.runs[name]


# ── what a person says to a run ──────────────────────────────────────────────────────────


class Approval(requests.Body):
    """A yes or a no; without a step, to whatever of the run waits for one."""

    yes: StrictBool
    step: int | None = Field(default=None, ge=WHOLE, le=10_000, strict=True)
    """from 0; -1 is the run as a whole"""
    note: requests.Words = ""


class Word(requests.Body):
    """What became of a step that a person does, or of which nobody knows whether it was done."""

    step: int = Field(ge=0, le=10_000, strict=True)
    """from 0"""
    answer: Literal["done", "again", "skip", "stop"]
    note: requests.Words = ""


class Stop(requests.Noted):
    """The end of a run."""

    undo: StrictBool = False
    """take back what was done, the last step first"""
    at_once: StrictBool = False
    """end the step under way, too; part of it may be done then"""


_STOP, _NOTED = Stop(), requests.Noted()
Bodies = Callable[[Policy, Incident], c.Bodies]


async def _said(do: Acting, name: str, say: Bodies) -> Response:
    """Let a person say it; answer with the run as it then stands."""
    known_run(await loaded(do.at, do.incident), name)
    done = await do.at.engine.act(do.incident, do.who.signature, lambda p, i, _now: say(p, i))
    async with do.at.reading() as conn:
        outputs = await store.outputs(conn, do.incident, name)
    shown = ShownRuns(do.at.policy.manual, do.person, do.t)
    return answer(shown.one(done, done.runs[name], outputs))


@router.post(_RUN + "/approve", summary="Approve or refuse", responses=_AS_IT_STANDS)
async def approve(do: R, run: RunId, body: Approval) -> Response:
    """Only who has the role that is asked, or one above it, may: others get a 409 that says so."""
    return await _said(
        do, run,
        lambda p, i: asking.approve(
            p.manual, i, run, body.step, do.person, yes=body.yes, now=do.at.engine.clock.now(),
            note=body.note, via=do.via,
        ),
    )  # fmt: skip


@router.post(_RUN + "/answer", summary="Say what became of a step", responses=_AS_IT_STANDS)
async def say(do: R, run: RunId, body: Word) -> Response:
    """Of a step that a person does, or of one of which nobody knows whether it was done.

    `done` and `skip` go on, `again` has it done again, `stop` ends the run as its playbook says.
    """
    return await _said(
        do, run,
        lambda _, i: asking.answer(i, run, body.step, do.person, said=body.answer, note=body.note),
    )  # fmt: skip


@router.post(_RUN + "/stop", summary="Stop a run", responses=_AS_IT_STANDS)
async def stop(do: R, run: RunId, body: Stop = _STOP) -> Response:
    """After the step under way, or `at_once`; `undo` takes back what was done.

    One that waits for its lock to be taken back waits no more, and stays as it ended.
    """
    return await _said(
        do, run,
        lambda _, i: asking.stop(i, run, undo=body.undo, note=body.note, at_once=body.at_once),
    )  # fmt: skip


@router.post(_RUN + "/undo", summary="Take a run back", responses=_AS_IT_STANDS)
async def undo(do: R, run: RunId, body: requests.Noted = _NOTED) -> Response:
    """The last step first, also long after it has ended."""
    return await _said(do, run, lambda _, i: asking.take_back(i, run, body.note))
