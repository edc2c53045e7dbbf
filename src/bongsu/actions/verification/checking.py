"""The checks of one recovery: smoke first, then one load test at a time, each told when done.

A failure of one stops none of the others, and none runs much longer than its timeout.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

import structlog

from bongsu.actions.probes.outcome import seconds
from bongsu.actions.verification.testing import GRACE_S, CheckContext, Printed, measure
from bongsu.incident.body import Reason
from bongsu.incident.verification.checked import Checked
from bongsu.incident.verification.measured import Unreadable
from bongsu.incident.verification.plan import is_load
from bongsu.incident.verification.verdict import Verdict, inconclusive, judge
from bongsu.incident.verification_events import Outcome
from bongsu.manual.schema.verification import VerificationCheck

SLACK_S = 3 * GRACE_S
"""seconds beyond its timeout in which a test must have ended, or it is given up"""
SMOKE = "smoke:"
AT_ONCE = 4
"""harmless tests that run at once"""

log = structlog.get_logger(__name__)


OnChecked = Callable[[Checked], Awaitable[None]]


async def verify(
    checks: Mapping[str, VerificationCheck], context: CheckContext, on_checked: OnChecked
) -> None:
    """Run these checks (``smoke:user_login`` → the manual's), and tell of each as it is done.

    Load tests come last, so that they disturb nothing, and not at all where a smoke test failed.
    """
    smoke = [name for name in checks if name.startswith(SMOKE)]
    heavy = [name for name in checks if is_load(name)]
    outcomes: dict[str, Outcome] = {}

    async def told(found: Checked) -> None:
        outcomes[found.check] = found.outcome
        await on_checked(found)

    async def run(name: str) -> None:
        await told(await check_once(name, checks[name], context))

    await _together(run, smoke)
    await _together(run, [name for name in checks if name not in (*smoke, *heavy)])
    for name in heavy:
        if any(outcomes[one] == "failed" for one in smoke):
            await told(_checked(name, inconclusive(Reason("smoke_failed")), "", 0.0))
            continue
        try:
            async with context.turn(name):
                await run(name)
        except Unreadable as never:
            await told(_checked(name, inconclusive(never.why), "", 0.0))


async def _together(run: Callable[[str], Awaitable[None]], names: Iterable[str]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def placed(name: str) -> None:
        async with places:
            await run(name)

    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(placed(name))


async def check_once(name: str, check: VerificationCheck, context: CheckContext) -> Checked:
    """Run one check; whatever goes wrong, there is an answer."""
    began, limit = time.perf_counter(), check.timeout.total_seconds()
    printed = Printed(partial(context.on_printed, name))
    try:
        async with asyncio.timeout(limit + SLACK_S):
            verdict = judge(check, await measure(check.test, context, limit, printed))
    except Unreadable as unreadable:
        verdict = inconclusive(unreadable.why)
    except TimeoutError:
        verdict = inconclusive(Reason("timed_out", {"wait": seconds(limit)}))
    except Exception as error:  # the edge: one check's failure is no other's
        log.exception("verification.check_broken", check=name)
        verdict = inconclusive(Reason("check_broken", {"error": repr(error)[:200]}))
    return _checked(name, verdict, printed.text, time.perf_counter() - began)


def _checked(name: str, verdict: Verdict, output: str, took_s: float) -> Checked:
    return Checked(
        check=name, outcome=verdict.outcome, why=verdict.why, numbers=dict(verdict.numbers),
        output=output, took_s=round(took_s, 3),
    )  # fmt: skip
