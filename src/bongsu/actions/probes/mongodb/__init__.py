"""``mongodb``: connections, slow operations, queues and the replica set, from its own commands.

`reading` has what the answers mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from typing import TYPE_CHECKING, Any

from bongsu.actions.looking import LookContext, unknown
from bongsu.actions.probes.database import address, not_asked
from bongsu.actions.probes.mongodb import reading
from bongsu.actions.probes.outcome import bounded, found, looked, place_of, said, seconds, typed
from bongsu.actions.probes.outcome import without_password as shown
from bongsu.actions.probes.reaching import (
    CUT_OFF,
    NAME_UNKNOWN,
    NO_ANSWER,
    REFUSED,
    Trouble,
    trouble_of,
)
from bongsu.incident.alert import Remark
from bongsu.incident.report import Evidence, Finding, Looked
from bongsu.manual.schema.diagnosis import DatabaseProbe

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient

PORT = 27017
SELECTION_SHARE = 0.8
"""of the look's time goes to finding a server, so that the client still says why it found none"""
CLOSE_WITHIN_S = 1.0
"""seconds that a look which is given up waits for its client to be closed"""
NOT_ALLOWED, LOGIN_FAILED = 13, 18
NO_REPLICATION = (76, 94)
"""codes: not running with replication; the set was never initiated"""
WORDS: tuple[tuple[str, Trouble], ...] = (
    ("refused", REFUSED),
    (f"errno {errno.ECONNREFUSED}", REFUSED),
    ("closed", CUT_OFF),
    ("reset by peer", CUT_OFF),
    ("name or service not known", NAME_UNKNOWN),
    ("does not exist", NAME_UNKNOWN),
    ("timed out", NO_ANSWER),
    ("no servers found yet", NO_ANSWER),
)
"""The client has only words for why it found no server."""


async def look(check: str, probe: DatabaseProbe, context: LookContext) -> Looked:
    """Ask whatever member answers; a set without a primary still has those."""
    from pymongo.errors import PyMongoError  # noqa: PLC0415  only this kind needs it

    known = address(probe, context)
    if isinstance(known, Remark):
        return unknown(check, known)
    dsn, parts = known
    command = typed(["mongosh", shown(dsn), "--eval", "db.serverStatus()"])
    place = place_of(parts, PORT)
    try:
        async with asyncio.timeout(context.timeout_s):
            return await _looked(check, probe, dsn, context.timeout_s, command)
    except (PyMongoError, OSError, TimeoutError, ValueError) as error:
        evidence = Evidence(command, bounded(str(error)))
        if finding := _unreachable(error, place, context.timeout_s):
            return looked(check, [finding], evidence)
        return unknown(check, not_asked(error), evidence)


def _unreachable(error: BaseException, place: str, wait_s: float) -> Finding | None:
    from pymongo.errors import ConnectionFailure, OperationFailure  # noqa: PLC0415

    known = trouble_of(error)
    if isinstance(error, OperationFailure):
        return None
    trouble, detail = known or (None, "")
    if isinstance(error, ConnectionFailure):
        words = str(error).lower()
        trouble = next((kind for word, kind in WORDS if word in words), trouble or CUT_OFF)
        detail = bounded(str(error), 200)
    if trouble is None:
        return None
    says = said(trouble.text, place=place, wait=seconds(wait_s), detail=detail)
    return found(f"mongodb_{trouble.code}", "unhealthy", says, weight=0.9, subject=place)


async def _looked(
    check: str, probe: DatabaseProbe, dsn: str, timeout_s: float, command: str
) -> Looked:
    from pymongo import AsyncMongoClient  # noqa: PLC0415

    wait_ms = int(timeout_s * 1000 * SELECTION_SHARE)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        dsn, serverSelectionTimeoutMS=wait_ms, connectTimeoutMS=wait_ms, socketTimeoutMS=wait_ms,
        appname="bongsu diagnose", retryReads=False, maxPoolSize=2,
    )  # fmt: skip
    try:
        answers = await _ask(client, probe)
    finally:
        closing = asyncio.create_task(_closed(client))
        try:
            await asyncio.shield(closing)
        finally:  # also where this look is given up: what is half closed goes on connecting
            await asyncio.wait({closing}, timeout=CLOSE_WITHIN_S)
    return looked(check, reading.findings(answers, probe), reading.evidence(answers, command))


async def _closed(client: AsyncMongoClient[dict[str, Any]]) -> None:
    with contextlib.suppress(Exception):  # it is done with, whatever state it is in
        await client.close()


async def _ask(client: AsyncMongoClient[dict[str, Any]], probe: DatabaseProbe) -> reading.Answers:
    """Read serverStatus, which must work, and what a user may be kept from.

    Raises:
        PyMongoError: serverStatus does not work.
    """
    not_seen: dict[str, str] = {}
    status = await _run(client, {"serverStatus": 1, "repl": 0, "metrics": 0, "tcmalloc": 0})
    slow_s = max(int(probe.slow_over.total_seconds()), 1)
    operations = await _optional(
        client, not_seen, {"currentOp": 1, "active": True, "secs_running": {"$gte": slow_s}}
    )
    members = await _optional(client, not_seen, {"replSetGetStatus": 1})
    found_slow = [] if operations is None else list(operations.get("inprog", []))
    return reading.Answers(status, found_slow, members, not_seen)


async def _optional(
    client: AsyncMongoClient[dict[str, Any]], not_seen: dict[str, str], command: dict[str, Any]
) -> dict[str, Any] | None:
    """Run what may be refused: not allowed is noted, and no replication is no trouble."""
    from pymongo.errors import OperationFailure  # noqa: PLC0415

    try:
        return await _run(client, command)
    except OperationFailure as error:
        if error.code not in NO_REPLICATION:
            not_seen[next(iter(command))] = str(error)
        return None


async def _run(client: AsyncMongoClient[dict[str, Any]], command: dict[str, Any]) -> dict[str, Any]:
    from pymongo import ReadPreference  # noqa: PLC0415

    answer: dict[str, Any] = await client.get_database("admin").command(
        command, read_preference=ReadPreference.NEAREST
    )
    return answer
