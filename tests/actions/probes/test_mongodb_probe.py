from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from tests.actions.probes.conftest import context, cuts_off, listening, never_answers
from tests.actions.probes.mongod import OK, STATUS, UNAUTHORIZED, Mongod
from tests.waiting import PATIENCE

from bongsu.actions.probes import mongodb
from bongsu.incident.report import Finding, Looked
from bongsu.manual.schema.diagnosis import DatabaseProbe

PROBE = DatabaseProbe(kind="mongodb", dsn_env="MONGODB_URL", connections_over=0.8)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SELECTION_S = 8.0
"""The client goes on trying for nearly all of this, and one try must get as far as its error."""


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Pymongo leaves the sockets of failed connections to the garbage collector, which warns."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def at(url: str, timeout_s: float = PATIENCE) -> Looked:
    return await mongodb.look("mongodb", PROBE, context({"MONGODB_URL": url}, timeout_s))


async def look(hello: dict[str, Any] | None = None, **answers: Any) -> Looked:
    server = Mongod(answers, hello or {})
    async with listening(server.serve) as port:
        return await at(f"mongodb://127.0.0.1:{port}/?directConnection=true")


def by_code(looked: Looked) -> dict[str, Finding]:
    return {one.code: one for one in looked.findings}


def status(current: int, available: int, queued: int = 0) -> dict[str, Any]:
    connections = {"current": current, "available": available}
    lock = {"currentQueue": {"total": queued}}
    return {**STATUS, "connections": connections, "globalLock": lock}


def member(name: str, state: int, behind_s: float = 0, **more: Any) -> dict[str, Any]:
    words = {1: "PRIMARY", 2: "SECONDARY", 3: "RECOVERING", 8: "(not reachable/healthy)"}
    at_ = NOW - timedelta(seconds=behind_s)
    return {"name": name, "state": state, "stateStr": words[state], "health": 1.0,
            "optimeDate": at_, **more}  # fmt: skip


def replica_set(*members: dict[str, Any]) -> dict[str, Any]:
    return {"set": "rs0", "members": [*members], **OK}


async def test_a_server_at_rest_is_healthy_and_needs_no_replica_set():
    looked = await look()
    assert looked.verdict == "healthy", looked
    assert looked.evidence.numbers["connections"] == 20
    assert looked.evidence.numbers["limit"] == 100


async def test_connections_are_held_against_the_limit():
    high = await look(serverStatus=status(90, 10))
    full = await look(serverStatus=status(100, 0))
    assert by_code(high)["mongodb_connections_high"].verdict == "degraded"
    assert by_code(full)["mongodb_connections_exhausted"].verdict == "unhealthy"


async def test_slow_operations_are_shown_without_the_servers_own():
    slow = {
        "opid": 77,
        "op": "query",
        "ns": "shop.orders",
        "secs_running": 42,
        "waitingForLock": True,
        "command": {"find": "orders", "filter": {"token": "x"}},
    }
    own = {"opid": 1, "op": "getmore", "ns": "local.oplog.rs", "secs_running": 9000}
    looked = await look(currentOp={"inprog": [own, slow], **OK})
    finding = by_code(looked)["mongodb_slow_operations"]
    assert finding.subject == "opid/77"
    assert "shop.orders" in finding.says.says("en")
    assert finding.evidence.numbers == {"count": 1, "longest_s": 42, "waiting": 1}
    assert "waits for a lock" in finding.evidence.output


async def test_a_long_queue_is_degraded():
    looked = await look(serverStatus=status(20, 80, queued=350))
    assert by_code(looked)["mongodb_queue"].evidence.numbers == {"queued": 350}


async def test_a_healthy_replica_set_is_healthy():
    members = replica_set(member("a:27017", 1), member("b:27017", 2, behind_s=2))
    assert (await look(replSetGetStatus=members)).verdict == "healthy"


async def test_a_set_without_a_primary_is_found_from_a_secondary():
    hello = {"setName": "rs0", "ismaster": False, "isWritablePrimary": False, "secondary": True}
    members = replica_set(member("a:27017", 2), member("b:27017", 8, health=0.0))
    looked = await look(hello, replSetGetStatus=members)
    assert looked.verdict == "unhealthy"
    assert by_code(looked)["mongodb_no_primary"].verdict == "unhealthy"
    assert by_code(looked)["mongodb_member_down"].subject == "member/b:27017"


async def test_a_member_that_lags_is_named():
    members = replica_set(member("a:27017", 1), member("b:27017", 2, behind_s=95))
    finding = by_code(await look(replSetGetStatus=members))["mongodb_replication_lag"]
    assert finding.says.says("en") == "member/b:27017 is 1 min 35 s behind"


async def test_what_a_user_may_not_read_keeps_it_from_being_healthy():
    looked = await look(currentOp=UNAUTHORIZED)
    assert looked.verdict == "unknown"
    assert looked.why is not None
    assert "currentOp" in looked.why.says("en")


async def test_a_user_who_may_read_nothing_has_not_looked():
    looked = await look(serverStatus=UNAUTHORIZED)
    assert (looked.verdict, looked.findings) == ("unknown", ())


async def test_a_closed_port_a_cut_and_a_silent_server_are_unhealthy(closed_port: int):
    async with listening(cuts_off) as cutting, listening(never_answers) as hanging:
        refused, cut, silent = await asyncio.gather(
            at(f"mongodb://127.0.0.1:{closed_port}/", SELECTION_S),
            at(f"mongodb://127.0.0.1:{cutting}/", SELECTION_S),
            at(f"mongodb://127.0.0.1:{hanging}/", 0.6),
        )
    assert by_code(refused).keys() == {"mongodb_refused"}
    assert by_code(cut).keys() == {"mongodb_cut_off"}
    assert by_code(silent).keys() == {"mongodb_no_answer"}


@pytest.mark.parametrize("url", ["", "http://127.0.0.1", "mongodb://"])
async def test_an_address_that_is_missing_or_none_is_unknown(url: str):
    assert (await at(url)).verdict == "unknown"


async def test_no_password_is_shown(closed_port: int):
    looked = await at(f"mongodb://app:hunter2secret@127.0.0.1:{closed_port}/shop", 0.6)
    assert "hunter2secret" not in repr(looked)


async def test_a_look_that_is_given_up_while_it_closes_leaves_no_client_behind(
    monkeypatch: pytest.MonkeyPatch,
):
    closing, closed = asyncio.Event(), list[bool]()
    close = AsyncMongoClient.close

    async def slowly(client: Any) -> None:
        closing.set()
        await asyncio.sleep(0)
        await close(client)
        closed.append(True)

    monkeypatch.setattr(AsyncMongoClient, "close", slowly)
    async with listening(Mongod({}, {}).serve) as port:
        looking = asyncio.create_task(at(f"mongodb://127.0.0.1:{port}/?directConnection=true"))
        await closing.wait()
        looking.cancel()
        await asyncio.wait({looking})
    assert looking.cancelled()
    assert closed
