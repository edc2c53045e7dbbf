"""``redis``: clients, memory, slow operations and replication, from INFO and SLOWLOG.

`reading` has what the answers mean.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from bongsu.actions.looking import LookContext, unknown
from bongsu.actions.probes.database import address, not_asked
from bongsu.actions.probes.outcome import bounded, found, looked, place_of, said, typed
from bongsu.actions.probes.outcome import without_password as shown
from bongsu.actions.probes.reaching import unreachable
from bongsu.actions.probes.redis import reading
from bongsu.i18n import N_
from bongsu.incident.alert import Remark
from bongsu.incident.report import Evidence, Finding, Looked
from bongsu.manual.schema.diagnosis import DatabaseProbe

if TYPE_CHECKING:
    from redis.asyncio import Redis

PORT = 6379
SLOWEST = 32
"""entries of the slow log that are read"""
REFUSALS = (
    ("max number of clients", "redis_clients_exhausted",
     N_("it takes no more clients ({error}): exhausted")),
    ("loading the dataset", "redis_loading", N_("it is still loading its data: {error}")),
    ("BUSY", "redis_busy", N_("a script keeps it from answering: {error}")),
)  # fmt: skip
"""what an answer says, and what that means"""


async def look(check: str, probe: DatabaseProbe, context: LookContext) -> Looked:
    """Connect once and read; that it takes no more clients is itself the finding."""
    from redis.exceptions import RedisError  # noqa: PLC0415  only this kind needs it

    known = address(probe, context)
    if isinstance(known, Remark):
        return unknown(check, known)
    dsn, parts = known
    command = typed(["redis-cli", "-u", shown(dsn), "INFO"])
    try:
        async with asyncio.timeout(context.timeout_s):
            return await _looked(check, probe, dsn, command)
    except (RedisError, OSError, TimeoutError, ValueError) as error:
        evidence = Evidence(command, bounded(str(error)))
        finding = _refused(error) or unreachable(
            "redis", _plain(error), place_of(parts, PORT), context.timeout_s
        )
        if finding is not None:
            return looked(check, [finding], evidence)
        return unknown(check, not_asked(error), evidence)


def _refused(error: BaseException) -> Finding | None:
    """Return the finding in Redis' own refusal; None where it is about our credentials."""
    said_by_it = str(error)
    for words, code, text in REFUSALS:
        if words.lower() in said_by_it.lower():
            says = said(text, error=bounded(said_by_it, 300))
            return found(code, "unhealthy", says, weight=1.0)
    return None


def _plain(error: BaseException) -> BaseException:
    """Return the client's own kinds of a time that is over and a cut connection as Python's."""
    from redis import exceptions  # noqa: PLC0415

    if isinstance(error, exceptions.TimeoutError):
        return TimeoutError()
    if isinstance(error, exceptions.AuthenticationError | exceptions.ResponseError):
        return error
    closed = isinstance(error, exceptions.ConnectionError) and not error.__cause__
    return ConnectionResetError() if closed and "closed" in str(error).lower() else error


async def _looked(check: str, probe: DatabaseProbe, dsn: str, command: str) -> Looked:
    from redis.asyncio import Redis  # noqa: PLC0415
    from redis.asyncio.retry import Retry  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415

    once = Retry(NoBackoff(), 0)
    client: Redis = Redis.from_url(
        dsn, protocol=2, decode_responses=True, encoding_errors="replace",
        single_connection_client=True, retry=once, client_name="bongsu-diagnose",
    )  # fmt: skip
    try:
        answers = await _ask(client)
    finally:
        with contextlib.suppress(Exception):  # it is done with, whatever state it is in
            await client.aclose()
    state = reading.Answers(answers, probe)
    return looked(check, state.findings(), state.evidence(command))


async def _ask(client: Redis) -> reading.Read:
    """Read INFO, which must work, and what a user may be kept from."""
    info: dict[str, Any] = await client.info("everything")
    not_seen: dict[str, str] = {}
    slow = await _optional(not_seen, "SLOWLOG", client.slowlog_get(SLOWEST))
    now = await _optional(not_seen, "TIME", client.time())
    limit = info.get("maxclients") or await _optional(
        not_seen, "CONFIG", client.config_get("maxclients")
    )
    if "min_slaves_good_slaves" in info:
        wanted = await _optional(not_seen, "CONFIG", client.config_get("min-replicas-to-write"))
        info["min_slaves_to_write"] = (wanted or {}).get("min-replicas-to-write", 0)
    most = int(limit.get("maxclients", 0)) if isinstance(limit, dict) else int(limit or 0)
    return reading.Read(info, slow or [], now[0] if now else None, most, not_seen)


async def _optional(not_seen: dict[str, str], name: str, asked: Any) -> Any:
    from redis.exceptions import ResponseError  # noqa: PLC0415

    try:
        return await asked
    except ResponseError as error:
        not_seen[name] = str(error)
        return None
