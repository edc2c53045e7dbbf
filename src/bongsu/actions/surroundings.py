"""What is looked at beside the checks: the manual's logs, and what the cluster changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bongsu.actions import cluster, logsources
from bongsu.actions.looking import LookContext
from bongsu.i18n import translator
from bongsu.incident.report import Change, Looked
from bongsu.logs.analysis import Analysis
from bongsu.manual.schema.diagnosis import KubectlProbe, LogQuery
from bongsu.manual.schema.document import Manual

EARLIER_S, LEAST_S = 0.5, 0.2
"""What takes as long as it may is given a little less, so that it comes with what it has."""
CHANGES_SINCE = timedelta(hours=24)
"""how long before the onset a change of the cluster may have been made to be shown"""


async def analysis_of(query: LogQuery, context: LookContext) -> Analysis:
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
        deadline_s=context.timeout_s, lang=context.lang,
    )  # fmt: skip


async def changes_of(
    manual: Manual, onset: datetime, context: LookContext, unseen: Callable[[Looked], None]
) -> Sequence[Change]:
    """Return what the cluster itself says was changed, if the manual has a cluster.

    ``unseen`` is told what could not be asked, and why.
    """
    probes = (check.probe for check in manual.diagnosis.checks.values())
    if not context.workloads or not any(isinstance(one, KubectlProbe) for one in probes):
        return ()
    return await cluster.changes(
        context.workloads, context, since=onset - CHANGES_SINCE, unseen=unseen
    )


def within(context: LookContext, deadline_s: float) -> LookContext:
    """Return the context of what may take the whole deadline, and comes a little before it."""
    return replace(context, timeout_s=max(deadline_s - EARLIER_S, LEAST_S))
