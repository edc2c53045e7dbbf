"""An incident's page as a person reads it: the API's view of it, with what only a page needs."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bongsu.engine.policy import Policy
from bongsu.i18n import N_, Translator
from bongsu.incident import guide
from bongsu.incident.reasons import channel_name
from bongsu.incident.runs.approving import may_approve
from bongsu.incident.state import Delivery, Incident
from bongsu.incident.timeline import Tone, timeline
from bongsu.manual.schema.document import Manual
from bongsu.store.reading import LogRow
from bongsu.web.access.actor import Actor
from bongsu.web.api.lists import AlertView
from bongsu.web.api.views import ClockView, IncidentView, Named, named, view
from bongsu.web.console.views.buttons import Button, Buttons, buttons
from bongsu.web.console.views.lanes import Lanes, lanes
from bongsu.web.console.views.words import span
from bongsu.web.live import decoded


@dataclass(frozen=True)
class Todo:
    """One thing that the manual says to do."""

    code: str
    text: str
    people: str
    mine: bool
    by: datetime | None
    done: bool
    overdue: bool
    command: str
    checklist: str
    item: int
    place: str
    """where on the page it is answered; empty where it is not"""


@dataclass(frozen=True)
class Bar:
    """A clock against its target; ``percent`` is how much of the target is used up."""

    clock: ClockView
    percent: float
    target: str
    elapsed: str

    @property
    def state(self) -> str:
        """How it stands: running, late (running past its target), met, missed or unmet."""
        if self.clock.stopped_at is None:
            return "late" if self.clock.breached else "running"
        if self.clock.breached:
            return "missed"
        return "met" if self.clock.met else "unmet"


@dataclass(frozen=True)
class NoticeShown:
    """What was said to whom, and whether it arrived."""

    channel: str
    to: str
    at: datetime
    text: str
    outcome: str
    error: str


@dataclass(frozen=True)
class RoleShown:
    """A role, who wears it, and who could."""

    role: str
    name: str
    person: Named | None
    candidates: tuple[Named, ...]
    called: str
    """who is being called for it"""


@dataclass(frozen=True)
class Line:
    """One line of the timeline."""

    seq: int
    at: datetime
    actor: str
    tone: Tone
    text: str
    why: str


@dataclass(frozen=True)
class AlertGroup:
    """Alerts of one name."""

    name: str
    firing: int
    alerts: tuple[AlertView, ...]


@dataclass(frozen=True)
class IncidentPage:
    """Everything on the page but the timeline and the alerts."""

    view: IncidentView
    headline: str
    todos: tuple[Todo, ...]
    done: tuple[Todo, ...]
    bars: tuple[Bar, ...]
    lanes: Lanes | None
    roles: tuple[RoleShown, ...]
    notices: tuple[NoticeShown, ...]
    buttons: Buttons
    types: tuple[Named, ...]
    urgent: bool
    """read out at once by a screen reader"""


def incident_page(
    policy: Policy,
    incident: Incident,
    actor: Actor,
    *,
    base_url: str,
    t: Translator,
    now: datetime,
) -> IncidentPage:
    """Work out the page of an incident for one reader."""
    manual, shifts = policy.manual, policy.shifts
    seen = view(policy, incident, base_url, t, now)
    actions = guide.next_actions(manual, incident, shifts, now)
    todos = [_todo(action, incident, actor, manual, t) for action in actions]
    return IncidentPage(
        view=seen, headline=guide.headline(manual, incident, t),
        todos=tuple(todo for todo in todos if not todo.done),
        done=tuple(todo for todo in todos if todo.done),
        bars=tuple(_bar(one, t) for one in seen.clocks),
        lanes=lanes(manual, incident, shifts, t, now),
        roles=tuple(_roles(seen, manual)),
        notices=tuple(_notices(incident, t)),
        buttons=buttons(
            manual, incident, actor, t, _to_answer(actions, incident, actor, manual, t)
        ),
        types=tuple(_types(manual, t)),
        urgent=incident.severity == "P0" and incident.open,
    )  # fmt: skip


def _todo(
    action: guide.NextAction, incident: Incident, actor: Actor, manual: Manual, t: Translator
) -> Todo:
    checklist, item = action.checklist or ("", 0)
    return Todo(
        action.code, action.words(manual, t), action.people(manual, t),
        _is_mine(action.who, incident, actor), action.by, action.done, action.overdue,
        shlex.join(action.command) if action.command else "", checklist, item, _place(action),
    )  # fmt: skip


def _place(action: guide.NextAction) -> str:
    if not action.run:
        return ""
    step = action.text.values.get("step")
    return f"#step-{action.run}-{int(step) - 1}" if step else f"#run-{action.run}"


def _to_answer(
    actions: Iterable[guide.NextAction], incident: Incident, actor: Actor, manual: Manual,
    t: Translator,
) -> Button | None:  # fmt: skip
    """Return what leads to where a run waits for what this person may answer."""
    for action in actions:
        role = action.text.values.get("role")
        theirs = may_approve(manual, incident, role, actor.person) if role else True
        if action.run and theirs:
            label = N_("Approve or refuse") if role else N_("Answer the step")
            return Button("", t(label), "primary", place=_place(action))
    return None


def _is_mine(who: Sequence[str], incident: Incident, actor: Actor) -> bool:
    mine = {f"person:{actor.person}"}
    mine |= {f"role:{role}" for role, person in incident.roles.items() if person == actor.person}
    return not mine.isdisjoint(who)


def _bar(clock: ClockView, t: Translator) -> Bar:
    used = 100 * clock.elapsed_seconds / clock.target_seconds if clock.target_seconds else 100.0
    return Bar(
        clock, round(min(max(used, 0), 100), 1), span(clock.target_seconds, t),
        span(clock.elapsed_seconds, t),
    )  # fmt: skip


def _roles(seen: IncidentView, manual: Manual) -> Iterator[RoleShown]:
    for role in seen.roles:
        known = manual.team.roles.get(role.role)
        holders = known.held_by if known else []
        others = (person for person in manual.team.people if person not in holders)
        candidates = (named(person, manual) for person in (*holders, *others))
        called = {
            page.person.name: None for page in seen.pages
            if page.role and page.role.id == role.role and page.answered_at is None
        }  # fmt: skip
        yield RoleShown(
            role.role, role.name, role.person, tuple(one for one in candidates if one),
            ", ".join(called) if role.person is None else "",
        )  # fmt: skip


def _notices(incident: Incident, t: Translator) -> Iterator[NoticeShown]:
    """The latest first, each with its last attempt."""
    latest: dict[str, Delivery] = {}
    for delivery in incident.deliveries.values():
        if delivery.subject == "notice":
            latest[delivery.ref] = delivery
    for notice in reversed(incident.notices.values()):
        sent = latest.get(notice.id)
        yield NoticeShown(
            channel_name(notice.channel, t), notice.to, notice.at, notice.text,
            sent.outcome if sent else "pending", sent.error if sent else "",
        )  # fmt: skip


def _types(manual: Manual, t: Translator) -> Iterator[Named]:
    for group in manual.overview.incident_types.values():
        for name, kind in group.items():
            yield Named(name, kind.name.in_(t.lang))


def lines(rows: Sequence[LogRow], after: int, manual: Manual, t: Translator) -> list[Line]:
    """Put the events above ``after`` into words, the newest first."""
    told = timeline(decoded(rows), manual, t)
    found = [
        Line(entry.seq, entry.at, entry.actor, entry.tone, entry.text, entry.why)
        for entry in told
        if entry.seq > after
    ]
    return found[::-1]


def alert_groups(alerts: Sequence[AlertView]) -> list[AlertGroup]:
    """Group alerts by their name, as they come."""
    names: dict[str, list[AlertView]] = {}
    for alert in alerts:
        names.setdefault(alert.labels.get("alertname") or alert.summary, []).append(alert)
    return [
        AlertGroup(name, sum(alert.status == "firing" for alert in group), tuple(group))
        for name, group in names.items()
    ]
