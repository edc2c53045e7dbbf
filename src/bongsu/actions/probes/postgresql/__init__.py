"""``postgresql``: connections, slow statements, locks and replication, from its own statistics.

`statements` has what is asked, `reading` what the answers mean.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bongsu.actions.looking import LookContext, unknown
from bongsu.actions.probes.database import address, not_asked
from bongsu.actions.probes.outcome import (
    bounded,
    found,
    looked,
    place_of,
    said,
    typed,
    without_password,
)
from bongsu.actions.probes.postgresql import reading, statements
from bongsu.actions.probes.reaching import unreachable
from bongsu.i18n import N_
from bongsu.incident.alert import Remark
from bongsu.incident.report import Evidence, Finding, Looked
from bongsu.manual.schema.diagnosis import DatabaseProbe

if TYPE_CHECKING:
    import asyncpg

PORT = 5432


async def look(check: str, probe: DatabaseProbe, context: LookContext) -> Looked:
    """Connect once and read; that it takes no more connections is itself the finding."""
    import asyncpg  # noqa: PLC0415  only this kind needs it

    known = address(probe, context)
    if isinstance(known, Remark):
        return unknown(check, known)
    dsn, parts = known
    command = typed(["psql", without_password(dsn), "-c", "TABLE pg_stat_activity"])
    try:
        async with asyncio.timeout(context.timeout_s):
            return await _looked(check, probe, dsn, context.timeout_s, command)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        evidence = Evidence(command, bounded(str(error)))
        finding = _refused(error) or unreachable(
            "postgresql", error, place_of(parts, PORT), context.timeout_s
        )
        if finding is not None:
            return looked(check, [finding], evidence)
        return unknown(check, not_asked(error), evidence)


def _refused(error: BaseException) -> Finding | None:
    """Return the finding in PostgreSQL's own refusal; None where it is about our credentials."""
    import asyncpg  # noqa: PLC0415

    match error:
        case asyncpg.TooManyConnectionsError():
            text = N_("it takes no more connections ({error}): exhausted")
            code, weight = "postgresql_connections_exhausted", 1.0
        case asyncpg.CannotConnectNowError():
            text = N_("it takes no connections now: {error}")
            code, weight = "postgresql_not_accepting", 1.0
        case asyncpg.PostgresConnectionError() | asyncpg.ConnectionDoesNotExistError():
            text = N_("it broke the connection off: {error}")
            code, weight = "postgresql_cut_off", 0.9
        case _:
            return None
    return found(code, "unhealthy", said(text, error=bounded(str(error), 300)), weight=weight)


async def _looked(
    check: str, probe: DatabaseProbe, dsn: str, timeout_s: float, command: str
) -> Looked:
    import asyncpg  # noqa: PLC0415

    connection = await asyncpg.connect(
        dsn, timeout=timeout_s, command_timeout=timeout_s, statement_cache_size=0,
        server_settings={"application_name": statements.OURSELVES},
    )  # fmt: skip
    try:
        answers = await _ask(connection)
    finally:
        connection.terminate()
    state = reading.Answers(answers, probe)
    return looked(check, state.findings(), state.evidence(command))


async def _ask(connection: asyncpg.Connection[Any]) -> statements.Rows:
    """Read all views; one that this user may not read, or this server lacks, is noted as such."""
    import asyncpg  # noqa: PLC0415

    answers: statements.Rows = {}
    replica = await connection.fetchval("SELECT pg_is_in_recovery()")
    await connection.execute("SET default_transaction_read_only = on")
    for name, statement in statements.of(replica=replica).items():
        try:
            answers[name] = [dict(row) for row in await connection.fetch(statement)]
        except asyncpg.SyntaxOrAccessError as error:
            answers[name] = str(error)
    return answers
