"""Who plays the responders: a person at the keyboard, or the demo by itself."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from http import HTTPStatus

import httpx

from bongsu.channels import links
from bongsu.channels.message import ActionCode
from bongsu.cli import language
from bongsu.cli.demo.director import Stage, interactive, say
from bongsu.cli.demo.mending import RESTART
from bongsu.cli.demo.sinks import Received
from bongsu.cli.printing import console, span
from bongsu.engine.policy import Policy
from bongsu.i18n import N_, translator
from bongsu.incident import commands
from bongsu.incident import events as e
from bongsu.incident import run_events as r
from bongsu.incident import verification_events as v
from bongsu.incident.clocks import clocks
from bongsu.incident.reasons import CLOCKS, explain
from bongsu.incident.runs import asking
from bongsu.incident.state import Incident, Page
from bongsu.incident.verification import plan
from bongsu.manual.schema.document import Manual

ACT_TIMEOUT = 60.0
ENOUGH = 2
"""people who answer before the response counts as begun: the commander and one of the team"""
t = translator(language())


# ── by itself ────────────────────────────────────────────────────────────────────────────


async def by_itself(stage: Stage) -> bool:
    """Play the whole incident; returns whether it was resolved."""
    await _pause(stage, 0.2)
    say(t(N_("The backend breaks.")))
    await stage.backend.stop()
    await stage.viewer.until(e.Opened)
    say(t(N_("Nobody answers at first: watch the escalation.")))
    await stage.viewer.until(e.Paged, count=2)
    await _pause(stage, 0.5)
    await _tap(
        stage, "ack", t(N_("The second on call reads the mail and taps its link.")), newest=True
    )
    await stage.viewer.until(e.Acknowledged)
    await _pause(stage, 1)
    await _tap(stage, "confirm", t(N_("They look: it is real.")), newest=True)
    await stage.viewer.until(e.Confirmed, e.PresumedReal)
    await _answer_roles(stage)
    incident = await stage.viewer.until(e.ResponseStarted)
    await stage.viewer.until(e.Diagnosed)
    await _pause(stage, 1)
    say(t(N_("The report names a playbook; the on-call responder starts it.")))
    await _do(stage, "backend-a", lambda i: asking.ask(_manual(stage), i, RESTART, {}))
    await stage.viewer.until(r.ApprovalAsked)
    await _pause(stage, 0.5)
    say(t(N_("Restarting needs a yes: the technical lead gives it.")))
    await _do(stage, "senior-dev", lambda i: _approved(stage, i))
    await stage.viewer.until(r.RunEnded)
    await stage.viewer.until(e.Recovered)
    say(t(N_("The manual's checks verify the recovery; alerts must stay quiet, too.")))
    await _verified(stage)
    say(t(N_("It stays well, so the commander closes the incident.")))
    await _do(stage, "pm", lambda i: commands.resolve(_manual(stage), i, "pm"))
    incident = await stage.viewer.until(e.Resolved)
    _sum_up(stage, incident)
    return not incident.open


def _approved(stage: Stage, incident: Incident) -> commands.Bodies:
    """Say yes to whatever waits for one."""
    run = next((one.id for one in incident.runs.values() if not one.over), "-")
    return asking.approve(
        _manual(stage), incident, run, None, "senior-dev", yes=True, via="demo",
        now=stage.runtime.engine.clock.now(),
    )  # fmt: skip


async def _verified(stage: Stage) -> None:
    """Wait until everything has passed that the manual requires."""
    seen, incident = 0, await stage.viewer.until(e.Recovered)
    while plan.unverified(_manual(stage), incident):
        seen += 1
        incident = await stage.viewer.until(v.Verified, count=seen)


def _manual(stage: Stage) -> Manual:
    return stage.runtime.engine.policy.manual


async def _answer_roles(stage: Stage) -> None:
    """Everybody who is called to a role answers by the link in their mail."""
    say(t(N_("The commander and the team answer their calls.")))
    answered: set[str] = set()
    while len(answered) < ENOUGH or not _assembled(stage):
        for link, page in _calls_to_roles(stage):
            if page.id not in answered and page.answered_at is None:
                answered.add(page.id)
                await _open(link)
        stage.sinks.arrived.clear()
        await _wait(stage.sinks.arrived, 0.3)


def _assembled(stage: Stage) -> bool:
    incident = stage.viewer.incident
    return incident is not None and incident.assembled_at is not None


def _calls_to_roles(stage: Stage) -> list[tuple[str, Page]]:
    pages = stage.viewer.incident.pages if stage.viewer.incident else {}
    found = [(link, pages.get(claims.page)) for link, claims in _mails(stage, "ack")]
    return [(link, page) for link, page in found if page is not None and page.role]


async def _tap(stage: Stage, code: ActionCode, story: str, *, newest: bool) -> None:
    say(story)
    while not (found := _mails(stage, code)):
        stage.sinks.arrived.clear()
        await _wait(stage.sinks.arrived, ACT_TIMEOUT)
    await _open(found[-1 if newest else 0][0])


def _mails(stage: Stage, code: ActionCode) -> list[tuple[str, links.Claims]]:
    """The links of one purpose that mails have brought, oldest first."""
    return [
        (link, claims)
        for message in stage.sinks.received
        for link, claims in _links(stage, message)
        if claims.purpose == code
    ]


def _links(stage: Stage, message: Received) -> list[tuple[str, links.Claims]]:
    now = stage.runtime.engine.clock.now()
    tokens = ((link, link.rsplit("/go/", 1)[1]) for link in message.links)
    return [(link, links.read(stage.runtime.writer.secret, token, now)) for link, token in tokens]


async def _open(link: str) -> None:
    """Do what a thumb does: open the page, press its button."""
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        (await client.get(link)).raise_for_status()
        done = await client.post(link)
        if done.status_code != HTTPStatus.CONFLICT:  # somebody, or the manual, was faster
            done.raise_for_status()


async def _pause(stage: Stage, minutes: float) -> None:
    """Wait as long as so many of the manual's minutes take."""
    await asyncio.sleep(minutes * 60 / stage.speed)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


# ── by hand ──────────────────────────────────────────────────────────────────────────────

KEYS = {
    "b": N_("break the backend"),
    "f": N_("mend the backend"),
    "p": N_("run the playbook"),
    "y": N_("approve it"),
    "a": N_("acknowledge"),
    "c": N_("confirm: it is real"),
    "d": N_("dismiss: a false alarm"),
    "w": N_("it works again"),
    "r": N_("resolve"),
    "q": N_("end the demo"),
}


async def by_hand(stage: Stage) -> bool:
    """Break the backend, and let the person at the keyboard, or in the console, respond."""
    say(t(N_("The backend breaks.")))
    await stage.backend.stop()
    if not interactive():
        _sum_up(stage, await stage.viewer.until(e.Resolved))
        return True
    _print_keys()
    summing = asyncio.create_task(_sum_up_once(stage))
    try:
        async for key in _keys():
            await _press(stage, key)
    finally:
        summing.cancel()
    return True


async def _sum_up_once(stage: Stage) -> None:
    _sum_up(stage, await stage.viewer.until(e.Resolved))


async def _keys() -> AsyncIterator[str]:
    """Yield the letters that are typed, until q or the end of the input."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str]()
    loop.add_reader(sys.stdin, lambda: lines.put_nowait(sys.stdin.readline()))
    try:
        while (line := await lines.get()) and (key := line.strip().lower()[:1]) != "q":
            yield key
    finally:
        loop.remove_reader(sys.stdin)


def _print_keys() -> None:
    keys = "   ".join(f"[bold]{key}[/bold] {t(text)}" for key, text in KEYS.items())
    console.print(t(N_("Type a letter and press Enter:")) + "  " + keys)


async def _press(stage: Stage, key: str) -> None:
    who = "backend-a"
    match key:
        case "b":
            await stage.backend.stop()
        case "f":
            await stage.backend.start()
        case "p":
            await _do(stage, who, lambda i: asking.ask(_manual(stage), i, RESTART, {}))
        case "y":
            await _do(stage, "senior-dev", lambda i: _approved(stage, i))
        case "a":
            await _do(stage, who, lambda i: commands.acknowledge(i, who, "demo"))
        case "c":
            await _do(stage, who, lambda i: commands.confirm(i, who))
        case "d":
            await _do(stage, who, lambda i: commands.dismiss(i, who))
        case "w":
            await _do(stage, who, lambda i: commands.recovered(i, who))
        case "r":
            await _do(stage, who, lambda i: commands.resolve(_manual(stage), i, who))
        case _:
            _print_keys()


async def _do(stage: Stage, person: str, act: Callable[[Incident], commands.Bodies]) -> None:
    if stage.viewer.incident is None:
        say(t(N_("No incident is open yet.")))
        return

    def command(_policy: Policy, incident: Incident, _now: datetime) -> commands.Bodies:
        return act(incident)

    try:
        await stage.runtime.engine.act(int(stage.viewer.incident.id), f"person:{person}", command)
    except commands.RefusedError as refusal:
        say(explain(refusal.reason, stage.runtime.engine.policy.manual, t))


def _sum_up(stage: Stage, incident: Incident) -> None:
    now = stage.runtime.engine.clock.now()
    console.print()
    for clock in clocks(stage.runtime.engine.policy.manual, incident):
        mark = "[red]✗[/red]" if clock.breached(now) else "[green]✓[/green]"
        taken = span(clock.elapsed(now).total_seconds() * stage.speed)
        target = span(clock.target.total_seconds() * stage.speed)
        console.print(f"  {mark} {t(CLOCKS[clock.name])}: {taken} / {target}")
    console.print()
    say(
        t(
            "{number} is resolved. Its whole log has {count} entries.",
            number=incident.number,
            count=incident.seq,
        )
    )
