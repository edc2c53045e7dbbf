"""The manual's checks around a step: what must be well before it, after it, or for it to pass."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

import structlog

from bongsu.actions.lookers import look
from bongsu.actions.looking import PROMETHEUS_URL, LookContext, unknown
from bongsu.actions.probes.outcome import bounded, said, seconds
from bongsu.actions.steps.outcome import Outcome, StepContext, StepOutcome
from bongsu.actions.steps.showing import Shown
from bongsu.i18n import N_
from bongsu.incident.alert import Remark
from bongsu.incident.both import in_both
from bongsu.incident.diagnosis.ranking import GRAVEST_FIRST
from bongsu.incident.report import Looked, Verdict
from bongsu.manual.schema.diagnosis import Check
from bongsu.manual.schema.document import Manual

HARDLY = 0.25
"""seconds that a looker may take beyond its time to say by itself what it was waiting for"""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0
NOT_WELL = frozenset[Verdict](("unhealthy", "unknown"))
BUT_WELL = frozenset[Verdict](("unhealthy", "degraded", "unknown"))

_SAYS: dict[Verdict, str] = {
    "unhealthy": N_("{check} is unhealthy: {detail}"),
    "degraded": N_("{check} is degraded: {detail}"),
    "unknown": N_("{check} could not be looked at: {detail}"),
    "healthy": N_("{check} is healthy"),
}
log = structlog.get_logger(__name__)


async def perform(
    checks: Sequence[str], context: StepContext, shown: Shown, timeout_s: float
) -> StepOutcome:
    """Look at all of them; one that is unhealthy or can't be looked at is a failure."""
    looked = await look_at(checks, context, shown, timeout_s)
    return summed(looked, context, "failed", bad=NOT_WELL)


async def dry(
    checks: Sequence[str], context: StepContext, shown: Shown, timeout_s: float
) -> StepOutcome:
    """Look at them, which changes nothing, and say how they are now."""
    looked = await look_at(checks, context, shown, timeout_s)
    return replace(summed(looked, context, "done", bad=NOT_WELL), outcome="done")


async def until_healthy(
    checks: Sequence[str], context: StepContext, shown: Shown, timeout_s: float
) -> StepOutcome:
    """Look again and again until all are healthy, or the time is over: a change needs its time."""
    loop = asyncio.get_running_loop()
    deadline, pause_s = loop.time() + timeout_s, FIRST_PAUSE_S
    while True:
        looked = await look_at(checks, context, shown, max(deadline - loop.time(), HARDLY))
        came = summed(looked, context, "failed")
        if came.outcome == "done" or loop.time() + pause_s >= deadline:
            return came
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


async def look_at(
    checks: Iterable[str], context: StepContext, shown: Shown, timeout_s: float
) -> list[Looked]:
    """Look at all checks at once; each within its own time, and within ``timeout_s`` seconds."""
    prepared = _prepared(context.manual, context.look)
    looked = await asyncio.gather(
        *(_one(name, context.manual, prepared, timeout_s) for name in dict.fromkeys(checks))
    )
    for one in looked:
        shown.line(said_of(one, context).says(context.look.lang))
    return looked


def summed(
    looked: Sequence[Looked], context: StepContext, otherwise: Outcome, *,
    bad: frozenset[Verdict] = BUT_WELL,
) -> StepOutcome:  # fmt: skip
    """Say it is done unless one is as bad as that; names the gravest, and how many more."""
    verdicts = {one.check: one.verdict for one in looked}
    gravest = sorted(looked, key=lambda one: GRAVEST_FIRST.index(one.verdict))
    ill = [one for one in gravest if one.verdict in bad]
    others = [one for one in gravest if one.verdict != "healthy"]
    outcome: Outcome = otherwise if ill else "done"
    told = ill or others
    if not told:
        return StepOutcome(outcome, said(N_("everything looked at is healthy")), verdicts=verdicts)
    says = said_of(told[0], context)
    if len(told) > 1:
        says = said(N_("{first} (and {more} more)"), first=_both(says), more=len(told) - 1)
    return StepOutcome(outcome, says, verdicts=verdicts)


def said_of(looked: Looked, context: StepContext) -> Remark:
    """Say how one check is, and why."""
    check = context.manual.diagnosis.checks.get(looked.check)
    name = in_both({"ko": check.name.ko, "en": check.name.en}) if check else looked.check
    why = looked.why or next((one.says for one in looked.findings), None)
    return said(_SAYS[looked.verdict], check=name, detail=_both(why) if why else "-")


def _both(remark: Remark) -> str:
    """Write a remark so that whoever reads it later sees it in their language."""
    return in_both({lang: remark.says(lang) for lang in ("ko", "en")})


def _prepared(manual: Manual, context: LookContext) -> LookContext:
    """Add what the manual says of places; the environment comes before it."""
    services = manual.services.services.items()
    workloads = {name: one.workload for name, one in services if one.workload}
    env = dict(context.env)
    if manual.diagnosis.prometheus and not env.get(PROMETHEUS_URL):
        env[PROMETHEUS_URL] = manual.diagnosis.prometheus
    return replace(context, env=env, workloads={**workloads, **context.workloads})


async def _one(name: str, manual: Manual, context: LookContext, timeout_s: float) -> Looked:
    check: Check | None = manual.diagnosis.checks.get(name)
    if check is None:
        return unknown(name, said(N_("the manual has no such check")))
    wait_s = min(check.timeout.total_seconds(), timeout_s)
    try:
        async with asyncio.timeout(wait_s + HARDLY):
            return await look(name, check.probe, replace(context, timeout_s=wait_s))
    except TimeoutError:
        return unknown(name, said(N_("it did not answer within {wait}"), wait=seconds(wait_s)))
    except Exception as error:  # noqa: BLE001  a look that breaks is no answer, and is recorded as such
        log.warning("step.look_failed", check=name, error=bounded(repr(error), 300))
        text = N_("looking failed: {error}")
        return unknown(name, said(text, error=bounded(f"{type(error).__name__}: {error}", 300)))
