"""An incident as programs read it: the struct and how it is made. Times are UTC.

Every id comes with its name for people, in the language that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from bongsu.engine.policy import Policy
from bongsu.i18n import Translator
from bongsu.incident.clocks import Clock, clocks
from bongsu.incident.guide import NextAction, headline, next_actions
from bongsu.incident.reasons import CLOCKS, explain, person_name, phase_name
from bongsu.incident.state import Delivery, Incident, Page
from bongsu.manual.schema.document import Manual

Seconds = Annotated[float, Meta(description="seconds")]


class Named(msgspec.Struct, frozen=True):
    """An id of the manual and its name for people."""

    id: str
    name: str


class ClockView(msgspec.Struct, frozen=True):
    """A target that runs for the incident (시계); `stopped_at` is null while it runs.

    `met` says whether what it waits for happened; an incident may end without it.
    """

    clock: str
    name: str
    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None
    target_seconds: Seconds
    elapsed_seconds: Seconds
    breached: bool
    met: bool


class DeliveryView(msgspec.Struct, frozen=True):
    """One attempt to reach a person on one channel.

    `outcome` is pending, delivered, failed or withdrawn.
    """

    id: str
    channel: str
    to: str
    attempt: int
    outcome: str
    due_at: datetime
    ended_at: datetime | None
    error: str


class PageView(msgspec.Struct, frozen=True):
    """A call of one person (호출), and why they were called."""

    id: str
    person: Named
    role: Named | None
    at: datetime
    answer_by: datetime
    answered_at: datetime | None
    unreachable: bool
    why: str
    deliveries: list[DeliveryView]


class RoleView(msgspec.Struct, frozen=True):
    """A role of this incident; `person` is null while nobody wears the hat."""

    role: str
    name: str
    person: Named | None


class ChecklistItemView(msgspec.Struct, frozen=True):
    """One line of a checklist; `item` is its number, from 0."""

    item: int
    text: str
    done: bool
    command: list[str] | None
    role: Named | None


class ChecklistView(msgspec.Struct, frozen=True):
    """A checklist that the manual has for this severity."""

    checklist: str
    name: str
    phase: str
    due_at: datetime | None
    items: list[ChecklistItemView]


class NextActionView(msgspec.Struct, frozen=True):
    """What the manual says to do, by whom and by when; the most pressing comes first.

    `command` answers it without changing anything; a checklist's item is ticked when it is done.
    `run` is the run of a playbook that waits for it.
    """

    code: str
    text: str
    who: str
    by: datetime | None
    overdue: bool
    done: bool
    command: list[str] | None
    checklist: str | None
    item: int | None
    playbook: str | None
    run: str | None


class IncidentLinks(msgspec.Struct, frozen=True):
    """Where to go; empty where the manual names nothing."""

    incident: str
    war_room: str
    status_page: str
    monitoring: str
    tracker: str


class IncidentView(msgspec.Struct, frozen=True):
    """One incident as it stands: what is broken, who is on it, its clocks against their targets.

    `seq` is the number of its last event.
    """

    id: int
    number: str
    headline: str
    title: str
    description: str
    severity: str
    severity_name: str
    type: Named | None
    service: Named | None
    phase: str
    phase_name: str
    open: bool
    drill: bool
    seq: int
    manual: str
    started_at: datetime | None
    opened_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: Named | None
    verified_at: datetime | None
    responding_at: datetime | None
    recovered_at: datetime | None
    ended_at: datetime | None
    snoozed_until: datetime | None
    merged_into: int | None
    alerts: int
    firing: int
    links: IncidentLinks
    next_actions: list[NextActionView]
    roles: list[RoleView]
    clocks: list[ClockView]
    pages: list[PageView]
    checklists: list[ChecklistView]


def view(
    policy: Policy, incident: Incident, base_url: str, t: Translator, now: datetime
) -> IncidentView:
    """Show an incident to a program."""
    return _Shown(policy, incident, t, now).whole(base_url)


def named(name: str | None, manual: Manual) -> Named | None:
    """Return a person with their name."""
    return Named(name, person_name(name, manual)) if name else None


def named_type(name: str | None, manual: Manual, t: Translator) -> Named | None:
    """Return an incident type with its name."""
    if name is None:
        return None
    known = manual.incident_type(name)
    return Named(name, known[1].name.in_(t.lang) if known else name)


def named_service(name: str | None, manual: Manual, t: Translator) -> Named | None:
    """Return a service with its name."""
    if name is None:
        return None
    known = manual.services.services.get(name)
    return Named(name, known.name.in_(t.lang) if known else name)


class _Shown:
    """One incident, in the words of one manual and one language."""

    def __init__(self, policy: Policy, incident: Incident, t: Translator, now: datetime) -> None:
        self.policy, self.manual, self.incident = policy, policy.manual, incident
        self.t, self.now = t, now

    def whole(self, base_url: str) -> IncidentView:
        one, manual = self.incident, self.manual
        return IncidentView(
            id=int(one.id), number=one.number, headline=headline(manual, one, self.t),
            title=one.title, description=one.description,
            severity=one.severity,
            severity_name=manual.overview.severities[one.severity].name.in_(self.t.lang),
            type=named_type(one.type, manual, self.t),
            service=named_service(one.service, manual, self.t),
            phase=one.phase.value, phase_name=phase_name(one.phase, self.t),
            open=one.open, drill=one.drill, seq=one.seq, manual=one.manual,
            started_at=one.started_at, opened_at=one.opened_at,
            acknowledged_at=one.acknowledged_at,
            acknowledged_by=named(one.acknowledged_by, manual),
            verified_at=one.verified_at, responding_at=one.responding_at,
            recovered_at=one.recovered_at, ended_at=one.ended_at,
            snoozed_until=one.snoozed_until,
            merged_into=int(one.merged_into) if one.merged_into else None,
            alerts=one.alerts, firing=one.firing, links=self._links(base_url),
            next_actions=[self._action(action) for action in self._next()],
            roles=list(self._roles()),
            clocks=[self._clock(clock) for clock in clocks(manual, one)],
            pages=[self._page(page) for page in one.pages.values()],
            checklists=list(self._checklists()),
        )  # fmt: skip

    def _links(self, base_url: str) -> IncidentLinks:
        links = self.manual.team.links
        return IncidentLinks(
            incident=f"{base_url}/incidents/{self.incident.id}",
            war_room=self.incident.war_room or "",
            status_page=links.status_page or "",
            monitoring=links.monitoring or "",
            tracker=links.tracker or "",
        )

    def _next(self) -> list[NextAction]:
        return next_actions(self.manual, self.incident, self.policy.shifts, self.now)

    def _action(self, action: NextAction) -> NextActionView:
        checklist, item = action.checklist or (None, None)
        return NextActionView(
            action.code, action.words(self.manual, self.t), action.people(self.manual, self.t),
            action.by, action.overdue, action.done, _listed(action.command), checklist, item,
            action.playbook, action.run,
        )  # fmt: skip

    def _roles(self) -> Iterator[RoleView]:
        """Yield the roles that are called in or taken, in the order of the manual's tree."""
        wanted = {*self.incident.assembled, *self.incident.roles}
        commander = self.manual.respond(self.incident.severity).commander
        wanted |= {commander.role} if commander else set()
        for role in self.manual.team.roles:
            if role in wanted:
                person = self.incident.roles.get(role)
                yield RoleView(role, self._role(role), named(person, self.manual))

    def _role(self, role: str) -> str:
        return self.manual.role_name(role).in_(self.t.lang)

    def _clock(self, clock: Clock) -> ClockView:
        return ClockView(
            clock=clock.name, name=self.t(CLOCKS.get(clock.name, clock.name)),
            started_at=clock.started_at, due_at=clock.due_at, stopped_at=clock.stopped_at,
            target_seconds=clock.target.total_seconds(),
            elapsed_seconds=max(clock.elapsed(self.now).total_seconds(), 0.0),
            breached=clock.breached(self.now), met=clock.met,
        )  # fmt: skip

    def _page(self, page: Page) -> PageView:
        mine = (d for d in self.incident.deliveries.values() if d.ref == page.id)
        return PageView(
            id=page.id, person=Named(page.person, person_name(page.person, self.manual)),
            role=Named(page.role, self._role(page.role)) if page.role else None,
            at=page.at, answer_by=page.answer_by, answered_at=page.answered_at,
            unreachable=page.unreachable, why=explain(page.why, self.manual, self.t),
            deliveries=[_delivery(d) for d in mine if d.subject == "page"],
        )  # fmt: skip

    def _checklists(self) -> Iterator[ChecklistView]:
        opened = self.incident.opened_at
        for name, known in self.manual.response.checklists.items():
            if self.incident.severity not in known.severities:
                continue
            due = opened + known.within if opened and known.within else None
            items = [
                ChecklistItemView(
                    number, item.text.in_(self.t.lang), (name, number) in self.incident.ticked,
                    item.command, Named(item.role, self._role(item.role)) if item.role else None,
                )
                for number, item in enumerate(known.items)
            ]  # fmt: skip
            yield ChecklistView(name, known.name.in_(self.t.lang), known.phase, due, items)


def _listed(argv: tuple[str, ...] | None) -> list[str] | None:
    return None if argv is None else list(argv)


def _delivery(known: Delivery) -> DeliveryView:
    return DeliveryView(
        known.id, known.channel, known.to, known.attempt, known.outcome, known.due_at,
        known.ended_at, known.error,
    )  # fmt: skip
