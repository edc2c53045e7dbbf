from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tests.actions.probes.conftest import context, listening, never_answers
from tests.actions.probes.postgres_servers import (
    MAX_CONNECTIONS,
    RESERVED,
    Pair,
    execute,
    running_pair,
)
from tests.waiting import PATIENCE, until

from bongsu.actions.probes import postgresql
from bongsu.actions.probes.postgresql.statements import OURSELVES
from bongsu.incident.report import Finding, Looked
from bongsu.manual.schema.diagnosis import DatabaseProbe


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with running_pair() as running:
        yield running


async def look(url: str, timeout_s: float = PATIENCE, **more: Any) -> Looked:
    probe = DatabaseProbe(kind="postgresql", dsn_env="DATABASE_URL", **more)
    return await postgresql.look("database", probe, context({"DATABASE_URL": url}, timeout_s))


def by_code(looked: Looked) -> dict[str, Finding]:
    return {one.code: one for one in looked.findings}


@asynccontextmanager
async def sessions(url: str, count: int, name: str) -> AsyncIterator[list[asyncpg.Connection]]:
    """Hold connections open, as an application without a pool does; no former look's is left."""
    async with AsyncExitStack() as stack:
        held = []
        for _ in range(count):
            one = await until(lambda: _session(url, name))
            stack.push_async_callback(one.close, timeout=PATIENCE)
            held.append(one)
        gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1)"
        await until(lambda: held[0].fetchval(gone, OURSELVES))
        yield held


async def _session(url: str, name: str) -> asyncpg.Connection | None:
    """Connect, unless a look that has just ended still holds the last place."""
    try:
        return await asyncpg.connect(url, user="app", server_settings={"application_name": name})
    except asyncpg.TooManyConnectionsError:
        return None


async def test_a_database_at_rest_is_healthy_and_gives_its_numbers(pair: Pair):
    looked = await look(pair.primary)
    assert looked.verdict == "healthy", looked.findings
    assert looked.evidence.numbers["limit"] == MAX_CONNECTIONS - RESERVED
    assert looked.evidence.numbers["replicas"] == 1


async def test_a_replica_that_streams_is_healthy(pair: Pair):
    assert (await look(pair.replica)).verdict == "healthy"


async def test_exhausted_connections_are_named_with_who_holds_them(pair: Pair):
    count = MAX_CONNECTIONS - RESERVED - 1
    async with sessions(pair.primary, count, "checkout"):
        near = await look(pair.primary)
        async with sessions(pair.primary, 1, "checkout"):
            full = await look(pair.primary)
    assert by_code(near)["postgresql_connections_high"].verdict == "degraded"
    finding = by_code(full)["postgresql_connections_exhausted"]
    assert full.verdict == "unhealthy"
    assert f"all {count + 1} connections are in use" in finding.says.says("en")
    assert "checkout  app  idle" in finding.evidence.output


async def test_being_refused_for_too_many_connections_is_itself_the_finding(pair: Pair):
    async with sessions(pair.primary, MAX_CONNECTIONS - RESERVED, "checkout"):
        looked = await look(f"{pair.primary}&user=app".replace("postgres:@", "app:@"))
    assert looked.verdict == "unhealthy"
    assert [one.code for one in looked.findings] == ["postgresql_connections_exhausted"]


async def test_a_slow_statement_is_shown_with_its_secrets_masked(pair: Pair):
    async with sessions(pair.primary, 1, "reports") as (one,):
        statement = "SELECT pg_sleep(600), 'password=hunter2secret'"
        running = asyncio.create_task(one.execute(statement))
        looked = await _until(
            pair.primary, lambda codes: "postgresql_slow_query" in codes,
            slow_over=timedelta(seconds=0.2),
        )  # fmt: skip
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    finding = by_code(looked)["postgresql_slow_query"]
    assert finding.verdict == "degraded"
    assert "pg_sleep(600)" in finding.says.says("en")
    assert "reports" in finding.evidence.output
    assert "hunter2secret" not in repr(looked)


async def test_a_lock_wait_names_who_blocks_whom(pair: Pair):
    update = "UPDATE stock SET left_ = left_ - 1 WHERE id = 1"
    async with sessions(pair.primary, 3, "orders") as (holder, *waiting):
        await holder.execute("BEGIN")
        await holder.execute(update)
        pid = await holder.fetchval("SELECT pg_backend_pid()")
        tasks = [asyncio.create_task(one.execute(update)) for one in waiting]
        looked = await _until(pair.primary, _both_wait, slow_over=timedelta(seconds=0.5))
        await holder.execute("ROLLBACK")
        await asyncio.gather(*tasks)
    finding = by_code(looked)["postgresql_lock_wait"]
    assert finding.subject == f"pid/{pid}"
    assert f"pid {pid} (idle in transaction, orders) blocks" in finding.says.says("en")
    assert f"for pid {pid}: {update}" in finding.evidence.output
    assert finding.evidence.numbers["waiting"] == 2
    assert "postgresql_slow_query" not in by_code(looked), "they wait; they are not slow themselves"


def _both_wait(codes: dict[str, Finding]) -> bool:
    """Whether both have waited for so long that it is told, which is longer than ``slow_over``."""
    told = codes.get("postgresql_lock_wait")
    return told is not None and told.evidence.numbers["waiting"] == 2


async def test_broken_replication_is_named_from_both_sides(pair: Pair):
    former = await _primary_of(pair.replica)
    await _point_replica(pair.replica, "host=/nowhere")
    try:
        there = await _until(pair.replica, lambda codes: "postgresql_replication_broken" in codes)
        here = await _until(pair.primary, lambda codes: "postgresql_replica_gone" in codes)
    finally:
        await _point_replica(pair.replica, former)
    assert there.verdict == "unhealthy"
    assert "slot replica1" in by_code(here)["postgresql_replica_gone"].says.says("en")


async def test_a_missing_synchronous_replica_is_grave(pair: Pair):
    setting = "ALTER SYSTEM SET synchronous_standby_names = 'elsewhere'"
    await execute(pair.primary, setting, "SELECT pg_reload_conf()")
    try:
        looked = await _until(
            pair.primary, lambda codes: "postgresql_synchronous_replica_missing" in codes
        )
    finally:
        reset = "ALTER SYSTEM RESET synchronous_standby_names"
        await execute(pair.primary, reset, "SELECT pg_reload_conf()")
    assert looked.verdict == "unhealthy"


async def _until(url: str, holds: Callable[[dict[str, Finding]], bool], **more: Any) -> Looked:
    return await until(lambda: look(url, **more), lambda one: holds(by_code(one)), every=0.1)


async def _primary_of(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SHOW primary_conninfo"))
    finally:
        await connection.close()


async def _point_replica(url: str, primary: str) -> None:
    quoted = primary.replace("'", "''")
    setting = f"ALTER SYSTEM SET primary_conninfo = '{quoted}'"
    await execute(url, setting, "SELECT pg_reload_conf()")


async def test_what_a_user_may_not_read_keeps_it_from_being_healthy(pair: Pair):
    await execute(pair.primary, "REVOKE SELECT ON pg_replication_slots FROM PUBLIC")
    try:
        looked = await look(pair.primary.replace("postgres:@", "app:@"))
    finally:
        await execute(pair.primary, "GRANT SELECT ON pg_replication_slots TO PUBLIC")
    assert looked.verdict == "unknown"
    assert looked.why is not None
    assert "slots" in looked.why.says("en")


@pytest.mark.parametrize("user", ["nobody_here:@", "postgres:@"])
async def test_a_wrong_user_or_database_is_unknown_not_unhealthy(pair: Pair, user: str):
    url = pair.primary.replace("postgres:@", user).replace("@/postgres", "@/no_such_database")
    looked = await look(url)
    assert (looked.verdict, looked.findings) == ("unknown", ())
    assert looked.why is not None


def refuses(code: str, message: str) -> Any:
    """Answer the start-up message with an ErrorResponse, as PostgreSQL's protocol has it."""
    fields = f"SFATAL\0VFATAL\0C{code}\0M{message}\0\0".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(b"E" + struct.pack("!i", len(fields) + 4) + fields)
        await writer.drain()

    return serve


@pytest.mark.parametrize(
    ("code", "message", "verdict", "finding"),
    [
        ("57P03", "the database system is starting up", "unhealthy", "postgresql_not_accepting"),
        ("53300", "too many connections for role", "unhealthy", "postgresql_connections_exhausted"),
        ("28P01", "password authentication failed", "unknown", None),
    ],
)
async def test_refusals_of_the_server_are_told_from_wrong_credentials(
    code: str, message: str, verdict: str, finding: str | None
):
    async with listening(refuses(code, message)) as port:
        looked = await look(f"postgresql://app:hunter2secret@127.0.0.1:{port}/x?sslmode=disable")
    assert looked.verdict == verdict
    assert [one.code for one in looked.findings] == ([finding] if finding else [])
    assert "hunter2secret" not in repr(looked)


async def test_a_closed_port_and_a_silent_server_are_unhealthy(closed_port: int):
    refused = await look(f"postgresql://app@127.0.0.1:{closed_port}/x")
    async with listening(never_answers) as port:
        silent = await look(f"postgresql://app@127.0.0.1:{port}/x", timeout_s=0.4)
    assert by_code(refused)["postgresql_refused"].verdict == "unhealthy"
    assert by_code(silent)["postgresql_no_answer"].verdict == "unhealthy"


@pytest.mark.parametrize("url", ["", "postgresql://[::1", "not an address"])
async def test_an_address_that_is_missing_or_none_is_unknown(url: str):
    looked = await look(url)
    assert looked.verdict == "unknown"
