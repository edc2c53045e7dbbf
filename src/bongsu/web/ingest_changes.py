"""Where change events come in: the plain form, feature flags and deployments by webhook.

They are kept for diagnosis; they never page and never open an incident. Like signals, they are
answered in the 200s only when they are durable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from bongsu.incident.changes import ChangeEvent, masked, placed
from bongsu.manual.schema.signals import SignalFormat
from bongsu.signals.formats import changes as plain
from bongsu.signals.formats import flags
from bongsu.signals.formats.changes import ParsedChanges
from bongsu.store import changes as store
from bongsu.store.database import AWAY
from bongsu.web.ingest_http import Answer, RefusedError, problem
from bongsu.web.ingest_refusals import no_database

if TYPE_CHECKING:
    from bongsu.manual.schema.document import Manual
    from bongsu.store.database import Pool

NO_DATABASE = (asyncpg.PostgresError, *AWAY)
Parse = Callable[[bytes, datetime], ParsedChanges]

FORMS: dict[str, tuple[str, Parse]] = {
    "/v1/changes": ("plain", plain.parse),
    "/changes": ("plain", plain.parse),
    "/changes/launchdarkly": ("launchdarkly", flags.launchdarkly),
    "/changes/unleash": ("unleash", flags.unleash),
    "/changes/github": ("github", flags.github),
}
"""below ``/in/KEY``, or with the key in ``Authorization``: the form's name and who reads it"""
ALLOWED: tuple[SignalFormat, ...] = ("changes", "generic")
"""a key of either may tell changes: a script that sends signals often deploys as well"""


async def keep(
    pool: Pool, manual: Manual, told_by: str, now: datetime, events: Sequence[ChangeEvent]
) -> int:
    """Make changes durable, each with its service where that can be seen; return the new ones.

    Raises:
        RefusedError: the database does not answer.
    """
    services = manual.services.services
    found = [placed(masked(event), services) for event in events]
    try:
        async with pool.acquire(timeout=2) as conn:
            return await store.add(conn, now, told_by, found)
    except NO_DATABASE:
        raise RefusedError(no_database()) from None


def answer(parsed: ParsedChanges, new: int, lang: str) -> Answer:
    """Say what was kept, how much of it was new, and what was refused."""
    if parsed.refused:
        return problem(parsed.refused, lang, kept=len(parsed.changes))
    body = {"kept": len(parsed.changes), "new": new}
    return Answer(202, msgspec.json.encode(body))
