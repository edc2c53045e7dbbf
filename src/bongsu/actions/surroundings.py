"""What is looked at beside the checks: the manual's logs, and what the cluster changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from bongsu.actions.looking import LookContext
from bongsu.incident.report import Change
from bongsu.logs.analysis import Analysis
from bongsu.manual.schema.diagnosis import LogQuery
from bongsu.manual.schema.document import Manual

CHANGES_SINCE = timedelta(hours=24)
"""how long before the onset a change of the cluster may have been made to be shown"""


async def analysis_of(query: LogQuery, context: LookContext, deadline_s: float) -> Analysis:
    """Analyse the log lines that a query names."""
    raise NotImplementedError


async def changes_of(manual: Manual, onset: datetime, context: LookContext) -> tuple[Change, ...]:
    """Return what the cluster itself says was changed before the onset."""
    raise NotImplementedError
