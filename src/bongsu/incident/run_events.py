"""What can happen to a run of a playbook, on the log of the incident that it is for.

A run is frozen when it is asked for: its plan stands in the log, arguments and all, so that what
was approved is what is run, whatever becomes of the manual meanwhile.

    asked ─▶ (approved) ─▶ started ─▶ its steps, one after the other ─▶ ended
                             │                    │ failed, stopped
                             └ waits for its lock └▶ undone, the last step first ─▶ ended
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from bongsu.incident.body import Body, Reason
from bongsu.incident.body import tag as _tag

Value = str | int | float | bool
Direction = Literal["do", "undo"]
Outcome = Literal["done", "failed", "refused", "skipped", "unknown"]
"""of one attempt at a step: ``refused`` is failed before anything was changed; ``unknown`` is that
whoever ran it died before it could say"""
RunOutcome = Literal["succeeded", "failed", "undone", "undo_failed", "stopped", "refused"]
Answer = Literal["done", "again", "skip", "stop"]


class PlannedStep(msgspec.Struct, frozen=True):
    """One step as it will be run: the manual's step, parameters filled in, as JSON."""

    spec: str
    name: dict[str, str]
    """by language"""
    origin: str
    """the playbook that it comes from, where that is a part of the one that runs"""


class RunAsked(Body, frozen=True, tag=_tag):
    """Somebody, or the manual by itself, wants a playbook run."""

    run: str
    playbook: str
    steps: list[PlannedStep]
    parameters: dict[str, Value] = msgspec.field(default_factory=dict)
    lock: str | None = None
    """the target of which only one run at a time may change anything"""
    approve: str | None = None
    """the role whose yes the whole run needs"""
    approve_within: float = 1800.0
    """seconds after which an approval that nobody gave lapses"""
    undoes: bool = True
    """whether a failure takes back what was done"""
    runner: str | None = None
    automatic: bool = False
    dry: bool = False
    why: Reason | None = None


class StartDue(Body, frozen=True, tag=_tag):
    """The run is to take its lock and begin, unless it has run by itself too often of late."""

    run: str


class RunStarted(Body, frozen=True, tag=_tag):
    """The run has its lock."""

    run: str


class RunWaits(Body, frozen=True, tag=_tag):
    """Another run holds the lock; this one waits for it, at the longest ``until`` then."""

    run: str
    until: datetime
    why: Reason


class StartRefused(Body, frozen=True, tag=_tag):
    """The run may not begin."""

    run: str
    why: Reason


class ApprovalAsked(Body, frozen=True, tag=_tag):
    """A role is asked for its yes, to a step or (-1) to the whole run."""

    run: str
    step: int
    role: str
    until: datetime


class ApprovalGiven(Body, frozen=True, tag=_tag):
    """A person answered for the role."""

    run: str
    step: int
    person: str
    yes: bool
    note: str = ""
    via: str = ""


class ApprovalLapsed(Body, frozen=True, tag=_tag):
    """Nobody answered in time, which is a no."""

    run: str
    step: int


class StepDue(Body, frozen=True, tag=_tag):
    """A worker is to do a step, or to take it back."""

    run: str
    step: int
    direction: Direction
    attempt: int


class StepBegun(Body, frozen=True, tag=_tag):
    """A step that no worker does has begun: it waits for a time or for a person."""

    run: str
    step: int
    until: datetime


class StepEnded(Body, frozen=True, tag=_tag):
    """What came of one attempt at a step."""

    run: str
    step: int
    direction: Direction
    attempt: int
    outcome: Outcome
    says: str = ""
    """in English, and the key of the Korean text"""
    values: dict[str, str] = msgspec.field(default_factory=dict)
    exit_code: int | None = None
    took: float = 0.0
    """seconds"""
    output: int | None = None
    """the id of what it printed"""
    checks: list[str] = msgspec.field(default_factory=list)
    """``api_health=healthy``, one for each check that it looked at"""


class StepAnswered(Body, frozen=True, tag=_tag):
    """A person did a step that is theirs, or says what became of one whose outcome is unknown."""

    run: str
    step: int
    answer: Answer
    person: str
    note: str = ""


class PersonNeeded(Body, frozen=True, tag=_tag):
    """A run does not go on without a person, who is called.

    A step is theirs, nobody knows what became of one, or no worker takes it.
    """

    run: str
    step: int
    """-1 is the run's beginning"""
    why: Reason


class StepTaken(Body, frozen=True, tag=_tag):
    """A worker has come for what none had taken."""

    run: str
    step: int


class RunStopping(Body, frozen=True, tag=_tag):
    """A person ends the run after the step under way; ``undo`` takes back what was done."""

    run: str
    undo: bool
    note: str = ""
    at_once: bool = False
    """whether the step under way is ended, too"""


class RunEnded(Body, frozen=True, tag=_tag):
    """The run is over, and its lock is free."""

    run: str
    outcome: RunOutcome
    why: Reason | None = None
