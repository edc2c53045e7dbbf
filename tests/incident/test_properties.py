"""What holds whatever people, channels and alerts do, and whenever they do it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.incident.manuals import manual, severity, verification
from tests.incident.world import START, Fate, Runner

from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident import verification_events as v
from bongsu.incident.decide import settle
from bongsu.incident.state import Incident, apply, fold
from bongsu.manual.schema.document import Manual

MANUAL = manual()
MANUALS = (
    MANUAL,
    severity("P0", assemble=None, verify={"unanswered": "remind"}),
    manual(verification=verification()),
)
WIDEST_GAP = timedelta(minutes=4)
"""of the P0 ladder: 0, 3, 6 minutes and again after 10"""

severities = st.sampled_from(["P0", "P1", "P2", "P3"])
people = st.sampled_from(sorted(MANUAL.team.people))
roles = st.sampled_from(sorted(MANUAL.team.roles))
waits = st.one_of(st.integers(0, 20), st.integers(0, 900), st.integers(0, 36_000))


def fickle(chance: random.Random) -> Callable[[e.DeliveryDue, str | None], Fate]:
    """Channels that fail in every way, now and then."""

    def post(due: e.DeliveryDue, person: str | None) -> Fate:
        after = timedelta(seconds=chance.choice([0, 0, 1, 3, 40]))
        failed = chance.choice([None, None, (False, None), (False, 90.0), (True, None)])
        if failed is None:
            return Fate(after, e.Delivered(due.delivery))
        return Fate(after, e.DeliveryFailed(due.delivery, "no", *failed))

    return post


# ── silence ──────────────────────────────────────────────────────────────────────────────


def longest_silence(log: Iterable[e.Event], until: datetime) -> timedelta:
    """How long an open P0 that nobody had answered, and nobody had snoozed, went without a page."""
    longest, since = timedelta(), None
    state = Incident("1")
    for event in log:
        state = apply(state, event)
        if since is not None:
            longest = max(longest, event.at - since)
        if isinstance(event.body, e.Paged) and event.body.ladder == "oncall":
            since = event.at
        since = (since or event.at) if _cries_out(state) else None
    return max(longest, until - since) if since is not None else longest


def _cries_out(state: Incident) -> bool:
    unanswered = state.acknowledged_at is None and state.snoozed_until is None
    return state.opened_at is not None and state.open and unanswered and state.severity == "P0"


# ── a machine that does anything at any time ─────────────────────────────────────────────


class AnyLife(RuleBasedStateMachine):
    """One incident, to which anything that is allowed happens at any time."""

    runner: Runner

    @initialize(
        level=severities, alerts=st.integers(0, 3), chance=st.randoms(use_true_random=False)
    )
    def opens(self, level: str, alerts: int, chance: random.Random) -> None:
        self.runner = Runner(MANUAL, START, fickle(chance))
        opened = e.Opened("INC-1", "API", level, START, manual=MANUAL.sha)  # type: ignore[arg-type]  # one of the four
        added = [e.AlertsAdded(alerts, alerts, "x")] if alerts else []
        self.runner.write(e.SYSTEM, [opened, *added])

    @rule(seconds=waits)
    def time_passes(self, seconds: int) -> None:
        self.runner.run_until(self.runner.now + timedelta(seconds=seconds))

    @rule(seconds=st.integers(0, 20_000))
    def the_engine_sleeps(self, seconds: int) -> None:
        if not self.cries_out():  # a sleeping engine pages nobody: no promise holds meanwhile
            self.runner.sleep_until(self.runner.now + timedelta(seconds=seconds))
            self.runner.run_until(self.runner.now)

    @rule(person=people, data=st.data())
    def somebody_answers(self, person: str, data: st.DataObject) -> None:
        page = data.draw(st.none() | st.sampled_from(["nonsense", *self.runner.incident.pages]))
        self.attempt(lambda i: commands.acknowledge(i, person, page=page))

    @rule(
        person=people,
        verb=st.sampled_from(["confirm", "dismiss", "recovered", "start_recovery"]),
    )
    def somebody_decides(self, person: str, verb: str) -> None:
        self.attempt(lambda i: getattr(commands, verb)(i, person))

    @rule(person=people, override=st.sampled_from(["", "눈으로 확인함"]))
    def somebody_resolves(self, person: str, override: str) -> None:
        manual = self.runner.manual
        self.attempt(lambda i: commands.resolve(manual, i, person, override=override))

    @rule(checks=st.sampled_from([(), ("smoke:user_login",)]))
    def somebody_verifies(self, checks: tuple[str, ...]) -> None:
        self.attempt(lambda i: commands.verify(self.runner.manual, i, checks))

    @rule(outcome=st.sampled_from(["passed", "failed", "inconclusive"]))
    def checks_come_to_something_else(self, outcome: v.Outcome) -> None:
        self.runner.outcomes["smoke:user_login"] = outcome

    @rule(verb=st.sampled_from(["unacknowledge", "reopen", "unsnooze", "review"]))
    def somebody_takes_it_back(self, verb: str) -> None:
        self.attempt(getattr(commands, verb))

    @rule(role=roles, person=people)
    def a_role_changes_hands(self, role: str, person: str) -> None:
        self.attempt(lambda i: commands.assign(i, role, person, MANUAL))

    @rule(role=roles)
    def a_role_is_released(self, role: str) -> None:
        self.attempt(lambda i: commands.release(i, role))

    @rule(level=severities)
    def the_severity_changes(self, level: str) -> None:
        self.attempt(lambda i: commands.change_severity(i, level))  # type: ignore[arg-type]  # one of the four

    @rule(whom=st.none() | st.sampled_from(["person:pm", "role:technical_lead", "nobody"]))
    def somebody_escalates(self, whom: str | None) -> None:
        runner = self.runner
        self.attempt(lambda i: commands.escalate(runner.manual, i, runner.shifts, runner.now, whom))

    @rule(seconds=st.integers(1, 100_000))
    def somebody_snoozes(self, seconds: int) -> None:
        now = self.runner.now
        self.attempt(lambda i: commands.snooze(i, now + timedelta(seconds=seconds), now))

    @rule(firing=st.integers(0, 3))
    def alerts_change(self, firing: int) -> None:
        former = self.runner.incident.firing
        changed = e.AlertsAdded(1, firing) if firing > former else e.AlertsResolved(1, firing)
        self.runner.write("integration:x", [changed])

    @rule(new=st.sampled_from(MANUALS))
    def the_manual_changes(self, new: Manual) -> None:
        self.runner.adopt(new)

    @invariant()
    def the_log_is_the_truth(self) -> None:
        assert fold("1", self.runner.log) == self.runner.incident
        assert [event.seq for event in self.runner.log] == list(range(1, len(self.runner.log) + 1))

    @invariant()
    def nothing_is_left_to_decide(self) -> None:
        runner = self.runner
        again = settle(runner.manual, runner.incident, runner.shifts, runner.now)
        assert again.events == ()
        assert again.look_at == runner.look_at
        assert again.look_at is None or again.look_at > runner.now

    @invariant()
    def a_p0_that_nobody_answers_is_never_silent_for_longer_than_the_manual_says(self) -> None:
        assert longest_silence(self.runner.log, self.runner.now) <= WIDEST_GAP

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        sent = [v.body.delivery for v in self.runner.log if isinstance(v.body, e.DeliveryDue)]
        assert len(sent) == len(set(sent))
        pages = [v.body.page for v in self.runner.log if isinstance(v.body, e.Paged)]
        assert len(pages) == len(set(pages))

    def cries_out(self) -> bool:
        return _cries_out(self.runner.incident)

    def attempt(self, ask: Callable[[Incident], commands.Bodies]) -> None:
        try:
            bodies = ask(self.runner.incident)
        except commands.RefusedError:
            return
        self.runner.write("person:pm", bodies)


AnyLife.TestCase.settings = settings(max_examples=100, stateful_step_count=25)
TestAnyLife = AnyLife.TestCase


# ── jumping is ticking ───────────────────────────────────────────────────────────────────


class Ticker(Runner):
    """Looks every second instead of when it was asked to."""

    def run_until(self, at: datetime) -> None:
        self._arrive()
        while self.now < at:
            self.now += timedelta(seconds=1)
            self._arrive()
            self._settle()
            self._arrive()


class Act(msgspec.Struct, frozen=True):
    """Somebody does something some seconds after the beginning."""

    second: int
    bodies: tuple[e.AnyBody, ...]


acts = st.lists(
    st.builds(
        Act,
        st.integers(1, 3000),
        st.sampled_from([
            (e.Acknowledged("backend-a"),),
            (e.Confirmed(),),
            (e.RoleAssigned("incident_commander", "pm"),),
            (e.RoleReleased("incident_commander"),),
            (e.SeverityChanged("P0", "P2"),),
            (e.SeverityChanged("P2", "P0"),),
            (e.Snoozed(START + timedelta(seconds=1717)),),
            (e.AlertsAdded(1, 1),),
            (e.AlertsResolved(1, 0),),
            (e.RecoveryStarted(), e.Recovered()),
            (e.Resolved(),),
            (e.Reopened(),),
        ]),
    ),
    max_size=5,
)  # fmt: skip


def lived(runner: Runner, level: str, whole: list[Act]) -> list[e.Event]:
    opened = e.Opened("INC-1", "API", level, START)  # type: ignore[arg-type]  # one of the four
    runner.write(e.SYSTEM, [opened, e.AlertsAdded(1, 1)])
    for act in sorted(whole, key=lambda act: act.second):
        runner.run_until(START + timedelta(seconds=act.second))
        runner.write("person:pm", act.bodies)
    runner.run_until(START + timedelta(hours=1))
    return runner.log


@settings(max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(severities, acts, st.integers(0, 10_000))
def test_jumping_from_look_to_look_is_looking_every_second(level: str, whole: list[Act], seed: int):
    jumps = Runner(MANUAL, START, fickle(random.Random(seed)))
    ticks = Ticker(MANUAL, START, fickle(random.Random(seed)))

    assert lived(jumps, level, whole) == lived(ticks, level, whole)


# ── a year without an answer ─────────────────────────────────────────────────────────────


def test_a_p0_that_nobody_answers_for_a_year_stays_small():
    runner = Runner(MANUAL, START)
    runner.write(e.SYSTEM, [e.Opened("INC-1", "API", "P0", START)])
    sizes = []
    for day in (1, 2, 180, 365):
        runner.sleep_until(START + timedelta(days=day - 1, hours=20))
        runner.run_until(START + timedelta(days=day))
        sizes.append(len(msgspec.msgpack.encode(runner.incident)))

    assert sizes[-1] < sizes[0] * 1.1
    assert sizes[-1] < 20_000


def test_the_widest_gap_is_the_manuals_own():
    policy = MANUAL.respond("P0")
    gaps = [later.after - sooner.after for sooner, later in pairwise(policy.escalation)]
    assert policy.repeat is not None

    assert max(*gaps, policy.repeat.every - policy.escalation[-1].after) == WIDEST_GAP
