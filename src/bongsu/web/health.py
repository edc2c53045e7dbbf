"""Whether the process is up, whether it can work, and its numbers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import msgspec
from starlette.responses import Response

from bongsu import __version__
from bongsu.store import lateness, reading
from bongsu.store.database import AWAY
from bongsu.web import metrics
from bongsu.web.services import Services, services

if TYPE_CHECKING:
    from starlette.requests import Request

PATIENCE = 2.0
"""seconds that the database has to answer"""
MOST_LATE = 10.0
"""seconds that work may be overdue before this process is not ready"""
_OVERDUE = {
    "decision": "decisions are overdue",
    "alert": "alerts wait to become incidents, overdue",
    "effect": "deliveries are overdue",
}
_AWAY = (asyncpg.PostgresError, *AWAY)


async def healthz(request: Request) -> Response:
    """200 while the process runs and its database answers, else 503."""
    return await _checked(services(request), ready=False)


async def readyz(request: Request) -> Response:
    """200 while alerts, decisions and deliveries are seen to in time as well, else 503."""
    return await _checked(services(request), ready=True)


async def _checked(at: Services, *, ready: bool) -> Response:
    trouble = await _trouble(at, ready=ready)
    body = {"status": "trouble" if trouble else "ok", "version": __version__}
    if trouble:
        body["trouble"] = trouble
    content = msgspec.json.encode(body)
    status, headers = 503 if trouble else 200, {"cache-control": "no-store"}
    return Response(content, status, headers, "application/json")


async def _trouble(at: Services, *, ready: bool) -> str:
    try:
        async with asyncio.timeout(PATIENCE), at.pool.acquire() as conn:
            earliest = await lateness.earliest(conn)
    except _AWAY:
        return "the database does not answer"
    what, late = max(earliest.late(at.engine.clock.now()).items(), key=lambda one: one[1])
    if ready and late > MOST_LATE:
        return f"{_OVERDUE[what]} by {late:.0f} s"
    return ""


async def prometheus(request: Request) -> Response:
    """Answer ``GET /metrics``; with the database away, only what this process counted itself."""
    at = services(request)
    lines = [*at.counters.lines()]
    try:
        async with asyncio.timeout(PATIENCE), at.pool.acquire() as conn:
            open_ = await reading.open_by_severity(conn)
            earliest = await lateness.earliest(conn)
        lines += metrics.state_lines(open_, earliest, at.engine.clock.now())
        up = 1.0
    except _AWAY:
        up = 0.0
    lines += metrics.numbers(
        "bongsu_database_up", "gauge", "Whether the database answers.", {(): up}
    )
    for source in at.more_metrics:
        lines += source()
    return Response("\n".join(lines) + "\n", media_type=metrics.MEDIA_TYPE)
