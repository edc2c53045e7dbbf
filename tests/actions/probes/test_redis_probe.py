from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from tests.actions.probes.conftest import context, cuts_off, listening, never_answers
from tests.actions.probes.redis_servers import Server, running_redis
from tests.waiting import PATIENCE, until, until_true_blocking

from bongsu.actions.probes import redis as probe_of_redis
from bongsu.actions.probes.redis.reading import Answers, Read
from bongsu.incident.report import Finding, Looked
from bongsu.manual.schema.diagnosis import DatabaseProbe

PROBE = DatabaseProbe(kind="redis", dsn_env="REDIS_URL", connections_over=0.8)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_redis(tmp_path / "redis") as running:
        yield running


async def look(url: str, timeout_s: float = PATIENCE) -> Looked:
    return await probe_of_redis.look("redis", PROBE, context({"REDIS_URL": url}, timeout_s))


def by_code(looked: Looked) -> dict[str, Finding]:
    return {one.code: one for one in looked.findings}


async def test_a_server_at_rest_is_healthy_and_gives_its_numbers(server: Server):
    looked = await look(server.url)
    assert looked.verdict == "healthy", looked
    assert looked.evidence.numbers["limit"] == 10_000
    assert looked.evidence.numbers["clients"] == 1
    assert "role:master" in looked.evidence.output


async def test_many_clients_are_degraded_and_no_place_left_is_exhaustion(server: Server):
    with server.client() as admin:
        admin.config_set("maxclients", 10)
        held = [server.client() for _ in range(8)]
        for one in held:
            one.ping()
        nearly = await look(server.url)
        _are_connected(admin, 9)
        held.append(server.client())
        held[-1].ping()
        full = await look(server.url)
        for one in held:
            one.close()
    assert by_code(nearly)["redis_connections_exhausted"].verdict == "unhealthy"
    assert (full.verdict, full.findings[0].code) == ("unhealthy", "redis_clients_exhausted")
    assert "max number of clients reached" in full.findings[0].says.says("en")


def _are_connected(admin: redis.Redis, clients: int) -> None:
    """Wait until those that have gone are gone for the server, too."""
    until_true_blocking(lambda: admin.info("clients")["connected_clients"] == clients)


async def test_a_share_above_the_manuals_is_degraded(server: Server):
    with server.client() as admin:
        admin.config_set("maxclients", 10)
        held = [server.client() for _ in range(7)]
        for one in held:
            one.ping()
        looked = await look(server.url)
        for one in held:
            one.close()
    assert by_code(looked)["redis_connections_high"].says.says("en") == (
        "9 of 10 connections are in use (90%)"
    )


async def test_turned_away_clients_are_worth_knowing_but_no_trouble_now(server: Server):
    with server.client() as admin:
        admin.config_set("maxclients", 1)
        with pytest.raises(redis.ConnectionError):
            server.client().ping()
        admin.config_set("maxclients", 100)
    looked = await look(server.url)
    assert looked.verdict == "healthy"
    assert by_code(looked)["redis_rejected_connections"].evidence.numbers == {"rejected": 1}


@pytest.mark.parametrize(
    ("policy", "code"), [("noeviction", "redis_memory_full"), ("allkeys-lru", None)]
)
async def test_full_memory_is_grave_only_where_nothing_may_be_evicted(
    server: Server, policy: str, code: str | None
):
    with server.client() as admin:
        used = admin.info("memory")["used_memory"]
        admin.config_set("maxmemory-policy", policy)
        admin.config_set("maxmemory", used + 400_000)
        with pytest.raises(redis.ResponseError) if code else _fine():
            for number in range(1000):
                admin.set(f"key:{number}", "x" * 1000)
    looked = await look(server.url)
    found = {"redis_memory_full", "redis_memory_high"} & by_code(looked).keys()
    assert found == ({code} if code else set())
    assert looked.verdict == ("unhealthy" if code else "healthy")


class _fine:  # noqa: N801  used as a function
    def __enter__(self):
        return None

    def __exit__(self, *_error: object):
        return None


async def test_slow_operations_are_shown_without_their_secrets(server: Server):
    with server.client() as admin:
        script = "local t=redis.call('TIME') local e=t[1]*1e6+t[2]+250000 repeat t=redis.call('TIME') until t[1]*1e6+t[2]>e return 1"  # noqa: E501
        await asyncio.to_thread(admin.eval, script, 0, "password=hunter2secret")
    looked = await look(server.url)
    finding = by_code(looked)["redis_slow_operations"]
    assert finding.verdict == "degraded"
    assert finding.evidence.numbers["longest_s"] >= 0.25
    assert "EVAL" in finding.evidence.output
    assert "hunter2secret" not in repr(looked)


async def test_a_replication_link_that_is_down_is_named(tmp_path: Path, server: Server):
    with running_redis(tmp_path / "replica", "--replicaof", f"127.0.0.1 {server.port}") as replica:
        up = await until(lambda: look(replica.url), lambda one: one.verdict == "healthy")
        server.process.kill()
        server.process.wait()
        down = await until(lambda: look(replica.url), lambda one: one.verdict == "unhealthy")
    assert "role:slave" in up.evidence.output
    finding = by_code(down)["redis_replication_link_down"]
    assert finding.subject == f"127.0.0.1:{server.port}"


async def test_missing_replicas_that_writes_depend_on_are_grave(server: Server):
    with server.client() as admin:
        admin.config_set("min-replicas-to-write", 1)
    looked = await look(server.url)
    assert by_code(looked)["redis_replicas_missing"].verdict == "unhealthy"


async def test_a_server_that_loads_its_data_is_named():
    async def loads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            writer.write(b"-LOADING Redis is loading the dataset in memory\r\n")
            await writer.drain()

    async with listening(loads) as port:
        looked = await look(f"redis://127.0.0.1:{port}/0")
    assert (looked.verdict, looked.findings[0].code) == ("unhealthy", "redis_loading")


async def test_wrong_credentials_are_unknown_not_unhealthy(tmp_path: Path):
    with running_redis(tmp_path / "locked", "--requirepass", "the-right-one") as locked:
        without = await look(locked.url)
        wrong = await look(f"redis://:hunter2secret@127.0.0.1:{locked.port}/0")
        right = await look(f"redis://:the-right-one@127.0.0.1:{locked.port}/0")
    assert [one.verdict for one in (without, wrong, right)] == ["unknown", "unknown", "healthy"]
    assert "hunter2secret" not in repr(wrong)
    assert "the-right-one" not in repr(right)


async def test_what_a_user_may_not_read_keeps_it_from_being_healthy(server: Server):
    with server.client() as admin:
        admin.execute_command("ACL", "SETUSER", "watcher", "on", ">pw", "+info", "+ping", "+client")
    looked = await look(f"redis://watcher:pw@127.0.0.1:{server.port}/0")
    assert looked.verdict == "unknown"
    assert looked.why is not None
    assert "SLOWLOG" in looked.why.says("en")


async def test_a_closed_port_a_cut_and_a_silent_server_are_unhealthy(closed_port: int):
    refused = await look(f"redis://127.0.0.1:{closed_port}/0")
    async with listening(cuts_off) as port:
        cut = await look(f"redis://127.0.0.1:{port}/0")
    async with listening(never_answers) as port:
        silent = await look(f"redis://127.0.0.1:{port}/0", timeout_s=0.4)
    assert by_code(refused)["redis_refused"].verdict == "unhealthy"
    assert by_code(cut)["redis_cut_off"].verdict == "unhealthy"
    assert by_code(silent)["redis_no_answer"].verdict == "unhealthy"


@pytest.mark.parametrize("url", ["", "http://127.0.0.1", "redis://[::1"])
async def test_an_address_that_is_missing_or_none_is_unknown(url: str):
    assert (await look(url)).verdict == "unknown"


def test_memory_without_a_limit_is_held_against_the_machines():
    info = {"used_memory": 950, "total_system_memory": 1000, "maxmemory": 0}
    (finding,) = Answers(Read(info, [], None, 100, {}), PROBE).findings()
    assert finding.code == "redis_memory_high"
    assert "95%" in finding.says.says("en")


def test_an_old_entry_of_the_slow_log_says_nothing_of_now():
    slow = [{"start_time": 1000, "duration": 900_000, "command": "KEYS *"}]
    assert list(Answers(Read({}, slow, 1000 + 901, 100, {}), PROBE).findings()) == []
    assert len(list(Answers(Read({}, slow, 1000 + 899, 100, {}), PROBE).findings())) == 1
