"""What can happen to an incident, as the log keeps it for ever.

An incident is the fold of these (`state.fold`). A body is never changed once a release has
written it: a field may be added with a default, and a new kind may be added, nothing else
(tests/fixtures/histories holds the recorded logs of every release).

Every body that the engine decided carries ``why``: a `Reason`, a stable code with its values,
so that each page and each silence can be explained in either language (`bongsu.incident.timeline`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from bongsu.incident import body
from bongsu.incident import run_events as r
from bongsu.incident import verification_events as v
from bongsu.manual.schema.base import SeverityLevel

Channel = str
Subject = Literal["page", "notice"]


Reason = body.Reason
Body = body.Body
_tag = body.tag


# ── the incident's life ──────────────────────────────────────────────────────────────────


class Opened(Body, frozen=True, tag=_tag):
    """A signal or a person opened the incident."""

    number: str
    title: str
    severity: SeverityLevel
    started_at: datetime
    """the onset, as the sender or the person gave it (UTC)"""
    description: str = ""
    type: str | None = None
    service: str | None = None
    group_key: str | None = None
    manual: str = ""
    drill: bool = False
    why: Reason | None = None


class Confirmed(Body, frozen=True, tag=_tag):
    """A person looked: it is real."""

    note: str = ""


class PresumedReal(Body, frozen=True, tag=_tag):
    """Nobody said within the manual's time whether it is real, so it is treated as real."""

    why: Reason


class Dismissed(Body, frozen=True, tag=_tag):
    """A person looked: a false alarm (오탐)."""

    note: str = ""


class ResponseStarted(Body, frozen=True, tag=_tag):
    """The team is at work."""

    why: Reason | None = None


class RecoveryStarted(Body, frozen=True, tag=_tag):
    """Somebody began to change the system in order to recover it."""

    note: str = ""


class Recovered(Body, frozen=True, tag=_tag):
    """The service works again and is being watched."""

    note: str = ""
    why: Reason | None = None


class Relapsed(Body, frozen=True, tag=_tag):
    """It came back while it was being watched."""

    why: Reason | None = None


class Resolved(Body, frozen=True, tag=_tag):
    """The incident is over."""

    note: str = ""
    why: Reason | None = None


class Reopened(Body, frozen=True, tag=_tag):
    """An ended incident is open again; escalation starts anew."""

    note: str = ""
    why: Reason | None = None


class Reviewed(Body, frozen=True, tag=_tag):
    """The review is done."""

    note: str = ""


class MergedInto(Body, frozen=True, tag=_tag):
    """This incident goes on in another one."""

    incident: str


class Absorbed(Body, frozen=True, tag=_tag):
    """Another incident goes on in this one."""

    incident: str
    alerts: int = 0
    firing: int = 0
    """how many of these still fire"""


# ── what the alerts do ───────────────────────────────────────────────────────────────────


class AlertsAdded(Body, frozen=True, tag=_tag):
    """Alerts joined the incident or fired again; a storm is one such event per batch."""

    added: int
    firing: int
    """alerts of this incident that fire after this event"""
    sample: str = ""
    """the name of one of them, for the reader"""


class AlertsResolved(Body, frozen=True, tag=_tag):
    """Some alerts stopped firing; ``firing`` is how many still do."""

    resolved: int
    firing: int


# ── pages ────────────────────────────────────────────────────────────────────────────────


class Paged(Body, frozen=True, tag=_tag):
    """A person was called (호출) and must answer by ``answer_by``."""

    page: str
    person: str
    ladder: str
    """``oncall``, ``verify``, ``role:ROLE`` or ``asked`` (a person asked for it)"""
    answer_by: datetime
    why: Reason
    round: int = 0
    step: int = 0
    role: str | None = None


class NobodyToPage(Body, frozen=True, tag=_tag):
    """A rung of a ladder led to nobody who can be reached."""

    target: str
    ladder: str
    why: Reason
    round: int = 0
    step: int = 0


class Unreachable(Body, frozen=True, tag=_tag):
    """Every channel of a paged person failed; the ladder moves on at once."""

    page: str
    person: str
    why: Reason


class Advanced(Body, frozen=True, tag=_tag):
    """A ladder moved on before its time; its rounds now count from ``origin``."""

    ladder: str
    origin: datetime
    why: Reason | None = None
    round: int = 0
    """of the rung that was brought forward"""


class Acknowledged(Body, frozen=True, tag=_tag):
    """A person answered: escalation stops (확인)."""

    person: str
    via: str = ""
    page: str | None = None


class Unacknowledged(Body, frozen=True, tag=_tag):
    """The answer was taken back, or was not followed up; escalation starts anew."""

    why: Reason | None = None


class PageAnswered(Body, frozen=True, tag=_tag):
    """A person answered a call to a role."""

    page: str
    person: str
    via: str = ""


# ── deliveries, of pages and of notices ──────────────────────────────────────────────────


class DeliveryDue(Body, frozen=True, tag=_tag):
    """One message must go out on one channel (발송)."""

    delivery: str
    subject: Subject
    ref: str
    """the page or the notice that this delivers"""
    channel: Channel
    to: str
    contact: int = 0
    """which of the person's contacts, counted from 0"""
    attempt: int = 1
    why: Reason | None = None


class Delivered(Body, frozen=True, tag=_tag):
    """The channel took the message."""

    delivery: str
    receipt: str = ""
    """the channel's own id of the message, to be updated or threaded later"""


class DeliveryFailed(Body, frozen=True, tag=_tag):
    """The channel refused or could not be reached."""

    delivery: str
    error: str
    permanent: bool = False
    """whether trying this channel again is pointless"""
    retry_after: float | None = None
    """seconds that the channel asked us to wait"""


class DeliveryWithdrawn(Body, frozen=True, tag=_tag):
    """The message was no longer wanted when it was about to leave."""

    delivery: str
    why: Reason


class NoticeDue(Body, frozen=True, tag=_tag):
    """A notice (공지) was written and must go out."""

    notice: str
    template: str
    channel: Channel
    to: str
    text: str
    why: Reason
    index: int = 0
    audience: str | None = None


# ── people and facts ─────────────────────────────────────────────────────────────────────


class RoleAssigned(Body, frozen=True, tag=_tag):
    """A person wears a hat in this incident; a former wearer hands it over."""

    role: str
    person: str
    former: str | None = None


class RoleReleased(Body, frozen=True, tag=_tag):
    """A role is open again."""

    role: str


class TeamAssembled(Body, frozen=True, tag=_tag):
    """The manual's roles are called in."""

    roles: list[str]
    why: Reason


class WarRoomOpened(Body, frozen=True, tag=_tag):
    """The place where the team meets."""

    link: str
    why: Reason | None = None


class SeverityChanged(Body, frozen=True, tag=_tag):
    """The severity was raised or lowered."""

    severity: SeverityLevel
    former: SeverityLevel
    note: str = ""
    why: Reason | None = None


class TypeChanged(Body, frozen=True, tag=_tag):
    """The incident turned out to be of another type."""

    type: str | None
    former: str | None = None


class Retitled(Body, frozen=True, tag=_tag):
    """A better title or description."""

    title: str
    description: str | None = None


class NoteAdded(Body, frozen=True, tag=_tag):
    """A person wrote something down."""

    text: str


class ChecklistTicked(Body, frozen=True, tag=_tag):
    """An item of a checklist was done, or undone."""

    checklist: str
    item: int
    done: bool = True


class Snoozed(Body, frozen=True, tag=_tag):
    """Nobody is paged until then."""

    until: datetime
    note: str = ""


class SnoozeEnded(Body, frozen=True, tag=_tag):
    """The snooze ran out, or a person ended it; escalation starts anew."""

    why: Reason | None = None


class ClockBreached(Body, frozen=True, tag=_tag):
    """A target of the manual was missed."""

    clock: str
    due_at: datetime
    target_seconds: float


class ManualAdopted(Body, frozen=True, tag=_tag):
    """From here on the incident is decided by another manual."""

    manual: str
    former: str = ""


# ── what is looked at ────────────────────────────────────────────────────────────────────

Verdict = Literal["healthy", "degraded", "unhealthy", "unknown"]
"""``unknown``: could not look; it is never counted as healthy"""


class DiagnosisDue(Body, frozen=True, tag=_tag):
    """The first report is to be made; a job makes it beside the pages."""

    why: Reason


class Diagnosed(Body, frozen=True, tag=_tag):
    """A report was made; the whole of it is kept beside the log."""

    report: int
    """its id"""
    worst: Verdict
    """of all checks"""
    findings: int = 0
    unknown: int = 0
    """checks that could not look"""
    checks: list[str] = msgspec.field(default_factory=list)
    """``api_health=unhealthy``, one a check"""
    codes: list[str] = msgspec.field(default_factory=list)
    """of the first findings, as they are ranked"""
    new_log_patterns: int = 0
    severity: SeverityLevel | None = None
    """what the manual's rules propose"""
    type: str | None = None
    took: float = 0.0
    """seconds"""


class DiagnosisSkipped(Body, frozen=True, tag=_tag):
    """The report was not made by itself; a person may still ask for it."""

    why: Reason


IncidentBody = (
    Opened | Confirmed | PresumedReal | Dismissed | ResponseStarted | RecoveryStarted | Recovered
    | Relapsed | Resolved | Reopened | Reviewed | MergedInto | Absorbed | AlertsAdded
    | AlertsResolved | Paged | NobodyToPage | Unreachable | Advanced | Acknowledged
    | Unacknowledged | PageAnswered | DeliveryDue | Delivered | DeliveryFailed
    | DeliveryWithdrawn | NoticeDue
    | RoleAssigned | RoleReleased | TeamAssembled | WarRoomOpened | SeverityChanged | TypeChanged
    | Retitled | NoteAdded | ChecklistTicked | Snoozed | SnoozeEnded | ClockBreached
    | ManualAdopted | DiagnosisDue | Diagnosed | DiagnosisSkipped
)  # fmt: skip
AnyBody = (
    IncidentBody
    | r.RunAsked | r.StartDue | r.RunStarted | r.RunWaits | r.StartRefused | r.ApprovalAsked
    | r.ApprovalGiven | r.ApprovalLapsed | r.StepDue | r.StepBegun | r.StepEnded
    | r.StepAnswered | r.PersonNeeded | r.StepTaken | r.RunStopping | r.RunEnded
    | v.VerificationDue | v.Verified | v.VerificationOverridden
)  # fmt: skip


class Event(msgspec.Struct, frozen=True):
    """One entry of an incident's log."""

    seq: int
    """1, 2, 3 … without gaps"""
    at: datetime
    """when it was decided or happened (UTC)"""
    actor: str
    """``system``, ``person:ID`` or ``integration:ID``"""
    body: AnyBody


SYSTEM = "system"


def encode_body(body: AnyBody) -> bytes:
    """Write a body as JSON for the log."""
    return _ENCODER.encode(body)


def decode_body(raw: bytes | str) -> AnyBody:
    """Read a body from the log.

    Raises:
        msgspec.ValidationError: it is no body that this release knows.
    """
    return _DECODER.decode(raw)


def kind_of(body: AnyBody) -> str:
    """Return the tag of a body: ``delivery_due``."""
    return str(body.__struct_config__.tag)


_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[AnyBody] = msgspec.json.Decoder(AnyBody)
