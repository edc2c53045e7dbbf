"""Incidents on a virtual clock: the manual decides, people and channels do as a test tells them.

`Runner` is the engine's loop without a database: it jumps from one look to the next and lets a
function decide what becomes of every message. `World` puts sentences around it:

    world.at("0:00").opens("P0").expects(paged="backend-a")
    world.at("3:00").expects(paged="frontend-a")

Times are minutes and seconds (or ``h:mm:ss``, or a duration as the manual writes it) since the
world began. As in a mock, nothing may happen unseen: a page that no ``expects`` has named fails
the test as soon as the clock moves on.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple, Self, TypeVar

from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident import verification_events as v
from bongsu.incident.decide import settle
from bongsu.incident.rules.paging import wanted
from bongsu.incident.state import Incident, apply
from bongsu.manual.schema.base import SeverityLevel, parse_duration
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.oncall import Override
from bongsu.oncall import Shifts

B = TypeVar("B", bound=e.Body)

START = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)
"""14:30 in Korea, on the Thursday of Week 1"""


# ── the runner ───────────────────────────────────────────────────────────────────────────


class Fate(NamedTuple):
    """What becomes of one message, and how long after it was due."""

    after: timedelta
    outcome: e.Delivered | e.DeliveryFailed


Post = Callable[[e.DeliveryDue, str | None], Fate]
"""decides the fate of a delivery, given the person who is paged; None for a notice"""


def everything_arrives(due: e.DeliveryDue, person: str | None) -> Fate:
    """Deliver after a second."""
    return Fate(timedelta(seconds=1), e.Delivered(due.delivery))


class Runner:
    """One incident under one manual, on a clock that only moves when it is told to."""

    def __init__(
        self, manual: Manual, start: datetime, post: Post = everything_arrives,
        overrides: Sequence[Override] = (), incident_id: str = "1",
    ) -> None:  # fmt: skip
        self.manual, self.shifts = manual, Shifts(manual, overrides)
        self.now = start
        self.look_at: datetime | None = None
        self.incident = Incident(incident_id)
        self.log: list[e.Event] = []
        self._post = post
        self._under_way: list[tuple[datetime, int, e.DeliveryDue, Fate]] = []
        self._number = count()
        self.outcomes: dict[str, v.Outcome] = {}
        """what checks of the recovery come to, a second after they were asked for; else passed"""
        self.takes: dict[str, timedelta] = {}
        """how long a check runs, where that is not a second"""
        self._checks: list[tuple[datetime, int, v.Verified]] = []

    def run_until(self, at: datetime) -> None:
        """Let everything happen that is due until ``at``, that instant included."""
        while (moment := self._next()) is not None and moment <= at:
            self.now = max(self.now, moment)
            self._arrive()
            self._settle()
        self.now = at

    def write(self, actor: str, bodies: Iterable[e.AnyBody]) -> None:
        """Append what somebody did now, and everything that follows from it."""
        self._append(actor, bodies)
        self._settle()
        self.run_until(self.now)

    def sleep_until(self, at: datetime) -> None:
        """Let time pass while nobody looks and nothing is sent, as while the engine is down."""
        self.now = at

    def adopt(self, manual: Manual) -> None:
        """Go on by another manual."""
        former, self.manual, self.shifts = self.manual, manual, Shifts(manual)
        self.write(e.SYSTEM, [e.ManualAdopted(manual.sha, former.sha)])

    def _append(self, actor: str, bodies: Iterable[e.AnyBody]) -> None:
        for body in bodies:
            event = e.Event(self.incident.seq + 1, self.now, actor, body)
            self.incident = apply(self.incident, event)
            self.log.append(event)
            self._verify(event)

    def _next(self) -> datetime | None:
        arrivals = [found[0][0] for found in (self._under_way, self._checks) if found]
        looks = [self.look_at] if self.look_at is not None else []
        return min([*arrivals, *looks], default=None)

    def _settle(self) -> None:
        done = settle(self.manual, self.incident, self.shifts, self.now)
        self.incident, self.look_at = done.incident, done.look_at
        self.log.extend(done.events)
        assert not done.troubles
        assert self.look_at is None or self.look_at > self.now, "a look that does not lie ahead"
        for event in done.events:
            if isinstance(event.body, e.DeliveryDue):
                self._send(event.body)
            self._verify(event)

    def _verify(self, event: e.Event) -> None:
        if isinstance(event.body, v.VerificationDue):
            for check in event.body.checks:
                outcome = self.outcomes.get(check, "passed")
                at = self.now + self.takes.get(check, timedelta(seconds=1))
                why = e.Reason("criterion_met", {"numbers": "exit_code 0"})
                found = v.Verified(check, outcome, why, event.seq, {"exit_code": 0.0}, 1.0)
                heapq.heappush(self._checks, (at, next(self._number), found))

    def _send(self, due: e.DeliveryDue) -> None:
        page = self.incident.pages.get(due.ref)
        fate = self._post(due, page.person if page and due.subject == "page" else None)
        heapq.heappush(self._under_way, (self.now + fate.after, next(self._number), due, fate))

    def _arrive(self) -> None:
        while self._under_way and self._under_way[0][0] <= self.now:
            _, _, due, fate = heapq.heappop(self._under_way)
            self._append(e.SYSTEM, [self._look_again(due, fate)])
            self._settle()
        while self._checks and self._checks[0][0] <= self.now:
            self._append(e.SYSTEM, [heapq.heappop(self._checks)[2]])
            self._settle()

    def _look_again(self, due: e.DeliveryDue, fate: Fate) -> e.AnyBody:
        delivery = self.incident.deliveries.get(due.delivery)
        if delivery is None or not wanted(self.manual, self.incident, delivery):
            return e.DeliveryWithdrawn(due.delivery, e.Reason("no_longer_wanted"))
        return fate.outcome


# ── the sentences ────────────────────────────────────────────────────────────────────────


def duration(text: str) -> timedelta:
    """Read ``3:00``, ``1:02:00`` or a duration of the manual's, such as ``2h``."""
    if ":" not in text:
        return parse_duration(text)
    numbers = [int(part) for part in text.split(":")]
    hours, minutes, seconds = [0, *numbers][-3:]
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


class Page(NamedTuple):
    """Who was paged when; the time as the test writes it."""

    at: str
    person: str


class _Trouble(NamedTuple):
    """Messages that a channel does not take."""

    channel: str | None
    person: str | None
    error: str
    permanent: bool
    retry_after: float | None

    def stops(self, due: e.DeliveryDue, person: str | None) -> bool:
        return self.channel in (None, due.channel) and self.person in (None, person)


class World:
    """One manual, one incident, and everybody around it."""

    def __init__(
        self, manual: Manual, start: datetime = START, overrides: Sequence[Override] = ()
    ) -> None:
        self.start = start
        self.runner = Runner(manual, start, self._post, overrides)
        self._troubles: list[_Trouble] = []
        self._seen = 0
        """pages that an ``expects`` has named, or that the test chose to skip"""

    @property
    def incident(self) -> Incident:
        """The incident as it is now."""
        return self.runner.incident

    @property
    def log(self) -> list[e.Event]:
        """Everything that has happened."""
        return self.runner.log

    def at(self, time: str) -> Moment:
        """Move the clock to ``time``; fails if anybody was paged unseen before it."""
        self._go(time)
        unseen = [p for p in self._pages()[self._seen :] if p.at < self.runner.now]
        assert not unseen, f"paged unexpectedly: {self._named(unseen)}"
        return Moment(self)

    def skip_to(self, time: str) -> Moment:
        """Move the clock to ``time``, whoever is paged on the way."""
        self._go(time)
        self._seen = sum(page.at < self.runner.now for page in self._pages())
        return Moment(self)

    def sleeps_until(self, time: str) -> None:
        """Let the engine be down until ``time``."""
        self.runner.sleep_until(self.start + duration(time))

    def nothing_unseen(self) -> None:
        """Fail if anybody was paged whom no ``expects`` has named."""
        unseen = self._pages()[self._seen :]
        assert not unseen, f"paged unexpectedly: {self._named(unseen)}"

    def calls(self) -> list[Page]:
        """Return everybody who was paged so far, and look at all of them as seen."""
        self._seen = len(self._pages())
        return self._named(self._pages())

    def bodies(self, kind: type[B]) -> list[B]:
        """Return all bodies of a kind so far."""
        return [event.body for event in self.log if isinstance(event.body, kind)]

    def times(self, kind: type[e.Body]) -> list[str]:
        """Return when events of a kind happened."""
        return [self._clock(event.at) for event in self.log if isinstance(event.body, kind)]

    # channels ---------------------------------------------------------------------------

    def breaks(
        self, *, channel: str | None = None, person: str | None = None, error: str = "timeout",
        permanent: bool = False, retry_after: float | None = None,
    ) -> None:  # fmt: skip
        """Let messages on a channel, to a person, or all of them fail from now on."""
        self._troubles.append(_Trouble(channel, person, error, permanent, retry_after))

    def mends(self) -> None:
        """Let everything arrive again."""
        self._troubles.clear()

    def _post(self, due: e.DeliveryDue, person: str | None) -> Fate:
        for trouble in self._troubles:
            if trouble.stops(due, person):
                failed = e.DeliveryFailed(
                    due.delivery, trouble.error, trouble.permanent, trouble.retry_after
                )
                return Fate(timedelta(), failed)
        return everything_arrives(due, person)

    # the clock --------------------------------------------------------------------------

    def _go(self, time: str) -> None:
        at = self.start + duration(time)
        assert at >= self.runner.now, f"{time} is over"
        self.runner.run_until(at)

    def _clock(self, at: datetime) -> str:
        minutes, seconds = divmod((at - self.start).total_seconds(), 60)
        return f"{int(minutes)}:{seconds:02.0f}"

    def _pages(self) -> list[_Paged]:
        return [_Paged(v.at, v.body) for v in self.log if isinstance(v.body, e.Paged)]

    def _named(self, pages: Iterable[_Paged]) -> list[Page]:
        return [Page(self._clock(page.at), page.body.person) for page in pages]


class _Paged(NamedTuple):
    at: datetime
    body: e.Paged


class Moment:
    """What people do at one instant, and what is expected to follow at that instant."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._runner = world.runner

    # what happens -----------------------------------------------------------------------

    def opens(
        self, severity: SeverityLevel = "P0", *, title: str = "API가 응답하지 않음",
        alerts: int = 0, started: str | None = None, **details: Any,
    ) -> Self:  # fmt: skip
        """A signal opens the incident, with so many firing alerts."""
        began = self._world.start + duration(started) if started else self._runner.now
        opened = e.Opened(
            "INC-20250814-01", title, severity, began, manual=self._runner.manual.sha, **details
        )
        return self.writes(
            opened, *([e.AlertsAdded(alerts, alerts, "BackendDown")] if alerts else [])
        )

    def fires(self, firing: int = 1) -> Self:
        """Alerts join the incident."""
        return self.writes(e.AlertsAdded(firing, firing, "BackendDown"))

    def clears(self) -> Self:
        """The last alert stops firing."""
        return self.writes(e.AlertsResolved(self._runner.incident.firing, 0))

    def writes(self, *bodies: e.AnyBody, by: str = e.SYSTEM) -> Self:
        """Anything else is written to the log."""
        self._runner.write(by, bodies)
        return self

    def acknowledges(self, person: str, page: str | None = None) -> Self:
        """A person answers."""
        return self.writes(
            *commands.acknowledge(self._incident, person, page=page), by=f"person:{person}"
        )

    def confirms(self, person: str) -> Self:
        """A person says that it is real."""
        return self.writes(*commands.confirm(self._incident, person), by=f"person:{person}")

    def dismisses(self, person: str) -> Self:
        """A person says that it is a false alarm."""
        return self.writes(*commands.dismiss(self._incident, person), by=f"person:{person}")

    def recovers(self, person: str) -> Self:
        """A person says that it works again."""
        return self.writes(*commands.recovered(self._incident, person), by=f"person:{person}")

    def resolves(self, person: str, override: str = "") -> Self:
        """A person says that it is over, a commander even where checks have not passed."""
        bodies = commands.resolve(self._runner.manual, self._incident, person, override=override)
        return self.writes(*bodies, by=f"person:{person}")

    def verifies(self, *checks: str, by: str = "pm") -> Self:
        """A person has checks of the recovery run."""
        bodies = commands.verify(self._runner.manual, self._incident, checks)
        return self.writes(*bodies, by=f"person:{by}")

    def checks_come_to(self, outcome: v.Outcome, *checks: str) -> Self:
        """What these checks come to from now on."""
        self._runner.outcomes.update(dict.fromkeys(checks, outcome))
        return self

    def reopens(self) -> Self:
        """It starts again."""
        return self.writes(*commands.reopen(self._incident))

    def assigns(self, role: str, person: str) -> Self:
        """A role is given to a person."""
        return self.writes(*commands.assign(self._incident, role, person, self._runner.manual))

    def releases(self, role: str) -> Self:
        """A role is open again."""
        return self.writes(*commands.release(self._incident, role))

    def turns(self, severity: SeverityLevel) -> Self:
        """The severity is changed."""
        return self.writes(*commands.change_severity(self._incident, severity))

    def snoozes(self, until: str) -> Self:
        """Nobody is to be paged until then."""
        end = self._world.start + duration(until)
        return self.writes(*commands.snooze(self._incident, end, self._runner.now))

    def escalates(self, target: str | None = None) -> Self:
        """A person asks for the next ones, or for somebody."""
        runner = self._runner
        return self.writes(
            *commands.escalate(runner.manual, self._incident, runner.shifts, runner.now, target)
        )

    def adopts(self, manual: Manual) -> Self:
        """The manual is changed."""
        self._runner.adopt(manual)
        return self

    # what is expected -------------------------------------------------------------------

    def expects(
        self, *, paged: str | Sequence[str] | None = None, phase: str | None = None,
        missed: str | Sequence[str] | None = None, sent: Sequence[str] | None = None,
        told: str | Sequence[str] | None = None, kinds: Sequence[str] | None = None,
    ) -> Self:  # fmt: skip
        """Compare what was written at this very instant.

        ``paged``: exactly these people, in this order. ``missed``: exactly these clocks. ``sent``:
        exactly these deliveries, as ``slack @pm``. ``told``: exactly these places have a notice
        written for them. ``kinds``: exactly these kinds of events. ``phase``: where it stands now.
        """
        if paged is not None:
            self._world._seen = len(self._world._pages())
            self._same(e.Paged, lambda body: body.person, paged)
        if missed is not None:
            self._same(e.ClockBreached, lambda body: body.clock, missed)
        if sent is not None:
            self._same(e.DeliveryDue, lambda body: f"{body.channel} {body.to}", sent)
        if told is not None:
            self._same(e.NoticeDue, lambda body: body.to, told)
        if kinds is not None:
            self._same(e.Body, lambda body: str(body.__struct_config__.tag), kinds)
        if phase is not None:
            assert self._incident.phase == phase
        return self

    def expects_nothing(self) -> Self:
        """Nothing at all happened at this instant."""
        return self.expects(kinds=[])

    @property
    def _incident(self) -> Incident:
        return self._runner.incident

    def _same(self, kind: type[B], what: Callable[[B], str], expected: str | Sequence[str]) -> None:
        now = [v.body for v in self._runner.log if v.at == self._runner.now]
        found = [what(body) for body in now if isinstance(body, kind)]
        assert found == ([expected] if isinstance(expected, str) else list(expected))
