"""response.yaml: whom to page, by when they must answer, who joins, and the checklists."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from bongsu.i18n import N_
from bongsu.manual.schema.base import (
    SEVERITY_LEVELS,
    Brief,
    Duration,
    Id,
    Model,
    SeverityLevel,
    Shorthand,
    Target,
    Text,
    refusal,
    shown,
)

PhaseName = Literal[
    "detected", "verified", "responding", "recovering", "monitoring", "resolved", "reviewed"
]


class EscalationStep(Model):
    """Page these targets once the round has run for ``after``, unless somebody answered."""

    after: Duration
    page: Annotated[list[Target], Shorthand(lambda target: [target])]
    """one target alone needs no list"""


def _times(value: object) -> object:
    if value == "forever" or (type(value) is int and value > 0):
        return value
    raise refusal(
        N_("{value} is no number of rounds"),
        N_("write forever, or a number from 1"),
        value=shown(value),
    )


Times = Annotated[Annotated[int, Field(ge=1)] | Literal["forever"], BeforeValidator(_times)]


class Repeat(Brief):
    """Whether a round that nobody answered starts again; short: ``15m``, for ever."""

    short: ClassVar[tuple[str, ...]] = ("every",)

    every: Duration
    times: Times = "forever"
    """how often the round is repeated after the first one"""


class Verify(Brief):
    """The on-call's first duty: is it real? (Verify incident, 2 min); short: ``2m``."""

    short: ClassVar[tuple[str, ...]] = ("within",)

    within: Duration = Field(default="2m", validate_default=True)
    """counted from the acknowledgement"""
    unanswered: Literal["presume_real", "remind"] = "presume_real"


class Commander(Model):
    """Escalation to the commander once the incident is real."""

    role: Id
    answer_within: Duration = Field(default="5m", validate_default=True)
    """how long each holder of the role has before the next one is paged too"""
    deputies: list[Target] = Field(default_factory=list)
    """who is paged when no holder answers"""
    repeat: Repeat | None = None


class Assemble(Model):
    """The team that is called in (초기 대응팀 소집)."""

    roles: list[Id]
    at_latest: Duration = Field(default="5m", validate_default=True)
    """the team is called when the commander takes the incident, at the latest this long after
    it was confirmed"""
    answer_within: Duration = Field(default="5m", validate_default=True)
    war_room: bool = True


class Announce(Model):
    """The first message to the team (Slack 자동 메시지)."""

    template: Id
    channel: Literal["slack", "email", "terminal"] = "slack"
    to: str
    when: Literal["opened", "confirmed"] = "confirmed"


class SeverityTargets(Model):
    """Targets of one severity where they differ from the manual's."""

    first_response: Duration | None = None
    response: Duration | None = None
    communication: Duration | None = None


class SeverityResponse(Model):
    """What happens for an incident of one severity."""

    escalation: list[EscalationStep]
    repeat: Repeat | None = None
    verify: Verify = Verify()
    commander: Commander | None = None
    assemble: Assemble | None = None
    announce: list[Announce] = Field(default_factory=list)
    targets: SeverityTargets = SeverityTargets()
    resolve_when_clear: Duration | None = None
    """resolve by itself once no alert has fired for this long; without it a person resolves"""


class ChecklistItem(Brief):
    """One line of a checklist, with the command that answers it where there is one."""

    short: ClassVar[tuple[str, ...]] = ("text",)

    text: Text
    command: list[str] | None = None
    """argv of a read-only command"""
    role: Id | None = None


class Checklist(Model):
    """What a phase asks for (체크리스트)."""

    name: Text
    phase: PhaseName
    within: Duration | None = None
    """counted from the open incident"""
    severities: list[SeverityLevel] = Field(default=list(SEVERITY_LEVELS))
    items: list[ChecklistItem]


class PhaseGuide(Model):
    """The manual's heading and time frame for a stretch of the response."""

    name: Text
    start: Duration = Field(alias="from")
    until: Duration
    phases: list[PhaseName]


class Response(Model):
    """The procedure (장애 대응 절차)."""

    phases: list[PhaseGuide] = Field(default_factory=list)
    severities: dict[SeverityLevel, SeverityResponse]
    checklists: dict[Id, Checklist] = Field(default_factory=dict)
