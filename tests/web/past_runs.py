"""A history of runs, as if they had been."""

from __future__ import annotations

from datetime import timedelta

from tests.web.site import START, Site

from bongsu.store import runs
from bongsu.store.runs import Ended, RunRow


async def past_runs(
    site: Site, incident: int, number: int, *, playbook: str = "scale", outcome: str = "succeeded"
) -> None:
    """Write that a playbook ran that many times for an incident, pairs of them at one instant."""
    rows = [
        RunRow(incident, f"{playbook}-{n}", playbook, None, automatic=False, dry=False,
               asked_by="person:backend-a", asked_at=START + timedelta(minutes=n // 2))
        for n in range(number)
    ]  # fmt: skip
    async with site.pool.acquire() as conn:
        await runs.ask(conn, rows)
        await runs.end(conn, [Ended(incident, one.run, one.asked_at, outcome) for one in rows])
