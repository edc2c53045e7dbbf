"""What becomes of signals in the database: what is new, repeats or ends, and that none is lost."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta, timezone

import asyncpg
import pytest
from tests.signals.conftest import NOW
from tests.waiting import PATIENCE, until

from bongsu.incident.alert import Alert, AlertStatus, ChangedAlert
from bongsu.store import alert_queue, alert_writer, alerts, signals
from bongsu.store.alert_writer import AlertWriter, OverloadedError, UnavailableError
from bongsu.store.database import Pool
from bongsu.store.signals import Signal

MINUTE = timedelta(minutes=1)
WAITS_FOR_A_LOCK = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def alert(
    key: str = "k", status: AlertStatus = "firing", summary: str = "down", **fields: object
) -> Alert:
    return Alert(
        key=key, status=status, labels={"alertname": key}, labels_json='{"alertname":"x"}',
        summary=summary, **fields,  # type: ignore[arg-type]  # whatever the test is about
    )  # fmt: skip


def signal(at: datetime = NOW, raw: bytes = b"{}") -> Signal:
    return Signal(at, "prometheus", "prometheus", raw)


class Kept:
    """A writer and what it said had changed."""

    def __init__(self, pool: Pool, url: str) -> None:
        self.pool = pool
        self.changed: list[ChangedAlert] = []
        self.writer = AlertWriter(functools.partial(asyncpg.connect, url), self.changed.extend)

    async def send(self, *sent: Alert, at: datetime = NOW) -> list[tuple[str, str, int]]:
        """Write alerts as one signal; return what changed: key, status and generation."""
        before = len(self.changed)
        await self.writer.write(signal(at), sent)
        return [(one.key, one.status, one.generation) for one in self.changed[before:]]

    async def one(self, key: str = "k") -> ChangedAlert:
        async with self.pool.acquire() as conn:
            (found,) = await alerts.find(conn, [alerts.alert_id("prometheus", key)])
        return found

    async def settle(self, incident: int | None = 7) -> None:
        """Triage everything that waits into one incident."""
        async with self.pool.acquire() as conn, conn.transaction():
            rows = await alerts.lock_pending(conn, await alerts.pending(conn, NOW + 9 * MINUTE, 99))
            owners = {(r.integration, r.key): incident for r in rows if incident is not None}
            await alerts.settle(conn, rows, owners)


@pytest.fixture
async def kept(pool: Pool, database_url: str) -> AsyncIterator[Kept]:
    made = Kept(pool, database_url)
    await made.writer.start()
    yield made
    await made.writer.close()


# ── what changes, and what only repeats ──────────────────────────────────────────────────


async def test_a_new_alert_changes_and_a_repeat_only_counts(kept: Kept) -> None:
    assert await kept.send(alert()) == [("k", "firing", 1)]
    assert await kept.send(alert(summary="still down"), at=NOW + MINUTE) == []
    found = await kept.one()
    assert (found.count, found.first_seen, found.last_seen) == (2, NOW, NOW + MINUTE)
    assert found.summary == "still down"


async def test_an_alert_resolves_once_and_fires_again_as_a_new_generation(kept: Kept) -> None:
    await kept.send(alert(starts_at=NOW - MINUTE))
    assert await kept.send(alert(status="resolved", ends_at=NOW)) == [("k", "resolved", 1)]
    assert await kept.send(alert(status="resolved", ends_at=NOW + MINUTE)) == []
    assert (await kept.one()).ends_at == NOW
    assert await kept.send(alert(starts_at=NOW + MINUTE)) == [("k", "firing", 2)]
    found = await kept.one()
    assert (found.starts_at, found.first_seen, found.ends_at) == (NOW + MINUTE, NOW, None)


async def test_a_resolve_without_texts_leaves_the_texts(kept: Kept) -> None:
    await kept.send(alert(summary="Disk full"))
    await kept.send(alert(status="resolved", summary=""))
    assert (await kept.one()).summary == "Disk full"


async def test_an_acknowledged_alert_stays_so_while_it_is_sent_again(kept: Kept) -> None:
    await kept.send(alert())
    assert await kept.send(alert(status="acknowledged")) == [("k", "acknowledged", 1)]
    assert await kept.send(alert()) == []
    assert (await kept.one()).status == "acknowledged"
    assert await kept.send(alert(status="resolved")) == [("k", "resolved", 1)]
    assert await kept.send(alert(status="acknowledged")) == []
    assert (await kept.one()).status == "resolved"


@pytest.mark.parametrize("status", ["acknowledged", "resolved"])
async def test_an_orphan_is_kept_and_a_later_firing_is_its_first(
    kept: Kept, status: AlertStatus
) -> None:
    assert await kept.send(alert(status=status)) == [("k", status, 0)]
    assert await kept.send(alert()) == [("k", "firing", 1)]


async def test_integrations_do_not_share_alerts(kept: Kept) -> None:
    await kept.send(alert())
    await kept.writer.write(Signal(NOW, "generic", "generic", b"{}"), [alert()])
    assert [(one.integration, one.generation) for one in kept.changed] == [
        ("prometheus", 1), ("generic", 1),
    ]  # fmt: skip


async def test_everything_about_an_alert_is_read_back_as_it_was_sent(kept: Kept) -> None:
    sent = alert(
        key="k\x1f'\"\\ €", summary="a\x1fb", description="long", severity_word="critical",
        annotations={"ko": "서버 다운", "x": "\x1f"}, source_url="https://x",
        starts_at=NOW - MINUTE, ends_at=NOW + MINUTE,
    )  # fmt: skip
    await kept.send(sent)
    (told,) = kept.changed
    found = await kept.one(sent.key)
    assert found.key == "k '\"\\ €"
    assert found.summary == "a b"
    for field in (
        "annotations",
        "description",
        "severity_word",
        "source_url",
        "starts_at",
        "ends_at",
    ):
        assert getattr(found, field) == getattr(sent, field) == getattr(told, field)


# ── many at once ─────────────────────────────────────────────────────────────────────────


async def test_one_signal_may_say_the_same_twice_or_contradict_itself(kept: Kept) -> None:
    assert await kept.send(alert(), alert(summary="later")) == [("k", "firing", 1)]
    found = await kept.one()
    assert (found.count, found.summary) == (2, "later")
    told = await kept.send(alert(status="resolved"), alert(), alert(status="resolved"))
    assert told == [("k", "resolved", 1), ("k", "firing", 2), ("k", "resolved", 2)]


async def test_signals_about_one_alert_are_written_in_the_order_of_their_arrival(
    kept: Kept,
) -> None:
    statuses: list[AlertStatus] = ["firing", "resolved"] * 50
    await asyncio.gather(*(kept.writer.write(signal(), [alert(status=s)]) for s in statuses))
    assert [one.status for one in kept.changed] == statuses
    assert (await kept.one()).generation == 50


async def test_a_burst_is_written_whole_by_few_statements(kept: Kept) -> None:
    sent = [kept.writer.write(signal(), [alert(f"k{i}")]) for i in range(2_000)]
    await asyncio.gather(*sent)
    assert await kept.pool.fetchval("SELECT count(*) FROM alerts") == 2_000
    assert await kept.pool.fetchval("SELECT count(*) FROM signals") == 2_000
    statements = await kept.pool.fetchval("SELECT count(DISTINCT changed_in) FROM alerts")
    assert statements <= 10


async def test_a_signal_of_many_alerts_is_split_and_answered_as_a_whole(kept: Kept) -> None:
    await kept.send(*(alert(f"k{i}") for i in range(3_500)))
    assert len(kept.changed) == 3_500
    assert await kept.pool.fetchval("SELECT count(*) FROM signals") == 1


async def test_two_replicas_that_write_the_same_alerts_never_deadlock(
    kept: Kept, pool: Pool, database_url: str
) -> None:
    other = Kept(pool, database_url)
    await other.writer.start()
    keys = [f"k{i}" for i in range(300)]

    async def storm(one: Kept, order: Sequence[str]) -> None:
        for status in ("firing", "resolved") * 5:
            await one.send(*(alert(key, status) for key in order))

    await asyncio.gather(storm(kept, keys), storm(other, keys[::-1]))
    await other.writer.close()
    assert (await kept.one("k7")).count == 20
    begun = [
        one for one in kept.changed + other.changed if one.key == "k7" and one.status == "firing"
    ]
    assert [one.generation for one in sorted(begun, key=lambda one: one.generation)] == list(
        range(1, len(begun) + 1)
    )


# ── triage, expiry, housekeeping ─────────────────────────────────────────────────────────


async def test_a_change_stays_pending_until_it_is_settled(kept: Kept, pool: Pool) -> None:
    await kept.send(alert("a"), alert("b"))
    async with pool.acquire() as conn:
        assert {one.key for one in await alerts.pending(conn, NOW, 10)} == {"a", "b"}
        assert await alerts.pending(conn, NOW - MINUTE, 10) == []
    await kept.settle()
    async with pool.acquire() as conn:
        assert await alerts.pending(conn, NOW + MINUTE, 10) == []
        assert await alerts.count_firing(conn, 7) == 2
        assert {one.key for one in await alerts.alerts_of_incident(conn, 7)} == {"a", "b"}
    found = await kept.one("a")
    assert (found.incident_id, found.counted, found.triaged_generation) == (7, True, 1)
    await kept.send(alert("a", "resolved"))
    async with pool.acquire() as conn:
        (left,) = await alerts.pending(conn, NOW, 10)
    assert (left.key, left.status, left.counted, left.incident_id) == ("a", "resolved", True, 7)


async def test_only_one_of_two_triages_gets_an_alert(kept: Kept, pool: Pool) -> None:
    await kept.send(alert())
    async with pool.acquire() as one, pool.acquire() as other:
        async with one.transaction():
            mine = await alerts.lock_pending(one, kept.changed)
            waiting = asyncio.create_task(alerts.lock_pending(other, kept.changed))
            await until(lambda: pool.fetchval(WAITS_FOR_A_LOCK))
            assert not waiting.done()
            await alerts.settle(one, mine, {})
        assert (len(mine), await waiting) == (1, [])


async def test_an_alert_that_is_not_sent_again_ends(kept: Kept, pool: Pool) -> None:
    await kept.send(alert("ends", ends_at=NOW + 4 * MINUTE), alert("stays"))
    await kept.settle()
    async with pool.acquire() as conn:
        assert await alerts.expire(conn, NOW + 3 * MINUTE) == []
    await kept.send(alert("ends", ends_at=NOW + 6 * MINUTE), at=NOW + 2 * MINUTE)
    async with pool.acquire() as conn:
        assert await alerts.expire(conn, NOW + 5 * MINUTE) == []
        (ended,) = await alerts.expire(conn, NOW + 7 * MINUTE)
        assert (ended.key, ended.status, ended.counted) == ("ends", "resolved", True)
        assert [one.key for one in await alerts.pending(conn, NOW + 7 * MINUTE, 9)] == ["ends"]
        assert await alerts.expire(conn, NOW + 9 * MINUTE) == []
        assert [one.key for one in await alerts.list_active(conn)] == ["stays"]
    assert await kept.send(alert("ends", ends_at=NOW + 20 * MINUTE)) == [("ends", "firing", 2)]


async def test_old_resolved_alerts_and_signals_are_forgotten(kept: Kept, pool: Pool) -> None:
    await kept.send(alert("old"), alert("open"))
    await kept.send(alert("old", "resolved"))
    async with pool.acquire() as conn:
        assert await alerts.prune(conn, NOW + MINUTE) == 0  # its end has not been triaged yet
        await kept.settle()
        assert await alerts.prune(conn, NOW + MINUTE) == 1
        assert [one.key for one in await alerts.list_active(conn)] == ["open"]
        await signals.prune_signals(conn, NOW + MINUTE)
        assert await signals.recent(conn) == []


# ── what goes wrong ──────────────────────────────────────────────────────────────────────


async def test_a_signal_that_the_database_refuses_does_not_take_others_with_it(kept: Kept) -> None:
    bad = Signal(NOW, "prometheus", "prometheus", b"{}", "partial", "\0")
    sent: list[Callable[[], Awaitable[None]]] = [
        functools.partial(kept.writer.write, bad if i == 7 else signal(), [alert(f"k{i}")])
        for i in range(20)
    ]
    results = await asyncio.gather(*(send() for send in sent), return_exceptions=True)
    assert [i for i, result in enumerate(results) if result is not None] == [7]
    assert isinstance(results[7], alert_writer.UnstorableError)
    assert len(kept.changed) == 19


async def test_signals_wait_for_a_connection_that_was_lost(kept: Kept, pool: Pool) -> None:
    await kept.send(alert("before"))
    await pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() AND query LIKE '%INSERT INTO alerts%'"
    )
    assert await kept.send(alert("after")) == [("after", "firing", 1)]


class Broken:
    """A statement whose driver fails as nobody foresaw."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def fetch(self, *_: object, **__: object) -> list[asyncpg.Record]:
        raise self.error


UNFORESEEN = [
    asyncio.IncompleteReadError(b"", 4),
    asyncpg.InternalClientError("got result for unknown protocol state 3"),
    AttributeError("nobody thought of this"),
]


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
async def test_an_unforeseen_failure_costs_no_signal_and_no_connection(
    kept: Kept, error: Exception
) -> None:
    await kept.send(alert("before"))
    for lane in kept.writer._lanes:
        lane.statement = Broken(error)  # type: ignore[assignment]
    async with asyncio.timeout(PATIENCE):
        for key in ("a", "b", "c"):
            assert await kept.send(alert(key)) == [(key, "firing", 1)]
    assert kept.writer.ready


async def test_a_connection_that_fails_to_open_as_nobody_foresaw_is_opened_again(
    pool: Pool, database_url: str
) -> None:
    failures = [EOFError(), AttributeError(), asyncpg.InternalClientError()]

    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        if failures:
            raise failures.pop()
        return await asyncpg.connect(database_url)

    writer = AlertWriter(connect, list)
    await writer.start()
    async with asyncio.timeout(PATIENCE):
        await writer.write(signal(), [alert()])
    assert await pool.fetchval("SELECT count(*) FROM alerts") == 1
    await writer.close()


async def test_a_writer_whose_lanes_are_gone_is_not_ready_and_says_so_at_once(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kept.send(alert("before"))
    monkeypatch.setattr(alert_writer, "PATIENCE", -1.0)
    for task in kept.writer._tasks:
        task.cancel()
    await asyncio.gather(*kept.writer._tasks, return_exceptions=True)
    assert not kept.writer.ready
    with pytest.raises(UnavailableError):
        await kept.send(alert("after"))


@pytest.mark.parametrize(
    "at",
    [
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=12))),
    ],
)
async def test_a_time_that_no_reader_could_hold_is_kept_as_the_nearest_that_one_can(
    kept: Kept, at: datetime
) -> None:
    await kept.send(alert(starts_at=at, ends_at=at))
    found = await kept.one()
    assert found.starts_at.year == at.year
    assert found.ends_at == found.starts_at


async def test_without_a_database_a_signal_fails_after_a_while_and_later_ones_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alert_writer, "PATIENCE", 0.1)

    async def refuse() -> asyncpg.Connection[asyncpg.Record]:
        raise ConnectionRefusedError

    writer = AlertWriter(refuse, list)
    await writer.start()
    with pytest.raises(UnavailableError):
        await writer.write(signal(), [alert()])
    with pytest.raises(UnavailableError):
        await writer.write(signal(), [alert()])
    assert not writer.ready
    await writer.close()


async def test_more_than_can_wait_is_refused_at_once(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_queue, "MOST_ROWS", 3)
    accepted = [kept.writer.write(signal(), [alert(f"k{i}")]) for i in range(3)]
    with pytest.raises(OverloadedError):
        await kept.writer.write(signal(), [alert("k3")])
    await asyncio.gather(*accepted)
    await kept.send(alert("k4"))


async def test_closing_writes_what_waits(kept: Kept) -> None:
    sent = [kept.writer.write(signal(), [alert(f"k{i}")]) for i in range(500)]
    await kept.writer.close()
    await asyncio.gather(*sent)
    with pytest.raises(UnavailableError):
        await kept.writer.write(signal(), [alert()])
    assert await kept.pool.fetchval("SELECT count(*) FROM alerts") == 500


async def test_a_callback_that_fails_does_not_unmake_what_was_kept(
    pool: Pool, database_url: str
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError

    writer = AlertWriter(functools.partial(asyncpg.connect, database_url), fail)
    await writer.start()
    await writer.write(signal(), [alert()])
    await writer.close()
    async with pool.acquire() as conn:
        assert len(await alerts.pending(conn, NOW, 9)) == 1


async def test_refused_signals_are_kept_within_bounds(kept: Kept, pool: Pool) -> None:
    refused = Signal(NOW, None, "generic", b"x" * 99_999, "refused", "[]")
    for _ in range(200):
        kept.writer.keep_refused(refused)

    async def written() -> bool:
        return bool(await pool.fetchval("SELECT count(*) >= 50 FROM signals"))

    await until(written)
    async with pool.acquire() as conn:
        found = await signals.recent(conn, outcome="refused", limit=500)
    assert 50 <= len(found) <= 60
    assert (len(found[0].raw), found[0].size) == (signals.KEPT_BYTES, 99_999)
