"""The way in by its addresses: who may send what, what is answered, that bad input harms nobody."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import threading
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import httpx
import pytest
from tests.signals.conftest import NOW, Served, WayIn, iso, posted, summaries
from tests.waiting import PATIENCE, until

from bongsu.signals.formats import pagerduty
from bongsu.store.alert_writer import OverloadedError
from bongsu.store.integrations import KeysUnknownError, issue_key, list_keys, revoke
from bongsu.web import ingest_http

EVENT = {
    "event_action": "trigger",
    "payload": {"summary": "Disk full", "source": "db-1", "severity": "critical"},
}
WEBHOOK = {"version": "4", "alerts": [{**posted(), "status": "firing"}]}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"bongsu:{key}".encode()).decode()}


# ── the ways in ──────────────────────────────────────────────────────────────────────────


async def test_prometheus_names_bongsu_as_its_alertmanager(entrance: WayIn) -> None:
    key = entrance.key["prometheus"]
    ways: list[tuple[str, dict[str, str]]] = [
        ("/api/v2/alerts", bearer(key)),
        ("/api/v2/alerts", basic(key)),
        (f"/in/{key}/api/v2/alerts", {}),
    ]
    for i, (path, headers) in enumerate(ways):
        answer = await entrance.client.post(path, json=[posted(f"A{i}")], headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")
    assert summaries(await entrance.alerts()) == [(f"A{i}", "firing") for i in range(3)]
    assert await entrance.outcomes() == ["accepted"] * 3


async def test_an_alertmanager_posts_its_webhook(entrance: WayIn) -> None:
    path = f"/in/{entrance.key['alertmanager']}/alertmanager"
    answer = await entrance.client.post(path, json=WEBHOOK)
    assert (answer.status_code, answer.json()["kept"]) == (200, 1)
    assert summaries(entrance.changed) == [("BackendDown", "firing")]


async def test_a_script_posts_plain_json_and_learns_the_key(entrance: WayIn) -> None:
    path = f"/in/{entrance.key['generic']}/signal"
    key = (await entrance.client.post(path, json={"title": "Disk full"})).json()["keys"][0]
    await entrance.client.post(path, json={"title": "x", "key": key, "status": "resolved"})
    assert summaries(entrance.changed) == [("Disk full", "firing"), ("x", "resolved")]
    assert entrance.changed[1].id == entrance.changed[0].id


async def test_pagerduty_events_are_answered_as_pagerduty_answers(entrance: WayIn) -> None:
    event = {**EVENT, "routing_key": entrance.key["pagerduty"]}
    answer = await entrance.client.post("/v2/enqueue", json=event)
    assert answer.status_code == 202
    body = answer.json()
    assert body == {
        "status": "success", "message": "Event processed", "dedup_key": body["dedup_key"],
    }  # fmt: skip
    for action in ("acknowledge", "resolve"):
        later = {**event, "event_action": action, "dedup_key": body["dedup_key"]}
        assert (await entrance.client.post("/v2/enqueue", json=later)).status_code == 202
    assert [one.status for one in entrance.changed] == ["firing", "acknowledged", "resolved"]


async def test_a_change_event_is_kept_and_pages_nobody(entrance: WayIn) -> None:
    sent = {"routing_key": entrance.key["pagerduty"], "payload": {"summary": "Deployed"}}
    answer = await entrance.client.post("/v2/change/enqueue", json=sent)
    assert (answer.status_code, answer.json()["status"]) == (202, "success")
    assert await entrance.pool.fetchval("SELECT summary FROM changes") == "Deployed"
    assert entrance.changed == []


async def test_an_answer_comes_only_when_the_alert_can_be_read_by_others(entrance: WayIn) -> None:
    key = entrance.key["prometheus"]
    for i in range(20):
        await entrance.client.post("/api/v2/alerts", json=[posted(f"A{i}")], headers=bearer(key))
        assert await entrance.pool.fetchval("SELECT count(*) FROM alerts") == i + 1


# ── keys ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", ["", "0" * 32, "nonsense", "0" * 9_999, "한글" * 16])
async def test_an_unknown_key_is_answered_401_and_sends_nothing(entrance: WayIn, key: str) -> None:
    answer = await entrance.client.post(f"/in/{key}/signal", json={"title": "x"})
    assert answer.status_code in (401, 404)
    assert answer.headers["content-type"] == "application/problem+json"
    answer = await entrance.client.post("/v2/enqueue", json={**EVENT, "routing_key": key})
    assert (answer.status_code, answer.json()["status"]) == (400, "invalid event")
    assert await entrance.alerts() == []


async def test_a_key_may_send_only_what_the_manual_lets_its_integration_send(
    entrance: WayIn,
) -> None:
    answer = await entrance.client.post(f"/in/{entrance.key['generic']}/alertmanager", json=WEBHOOK)
    assert answer.status_code == 403
    assert "generic" in answer.json()["detail"]
    event = {**EVENT, "routing_key": entrance.key["generic"]}
    assert (await entrance.client.post("/v2/enqueue", json=event)).status_code == 400


async def test_an_integration_that_left_the_manual_may_send_nothing(entrance: WayIn) -> None:
    async with entrance.pool.acquire() as conn:
        key = await issue_key(conn, "gone")
    answer = await entrance.client.post(f"/in/{key}/signal", json={"title": "x"})
    assert answer.status_code == 403


async def test_a_new_key_is_good_at_once_and_a_revoked_one_soon_no_more(
    entrance: WayIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bongsu.store.integrations.MISS_AFTER", 0.0)
    monkeypatch.setattr("bongsu.store.integrations.STALE_AFTER", 0.0)
    async with entrance.pool.acquire() as conn:
        assert await entrance.keys.resolve("0" * 32) is None
        key = await issue_key(conn, "generic")
        assert await entrance.keys.resolve(key) == "generic"
        assert await revoke(conn, "generic") == 2

        async def refused() -> bool:
            return await entrance.keys.resolve(key) is None

        await until(refused)
        newest = (await list_keys(conn, "generic"))[-1]
        assert newest.hint == key[-4:]
        assert newest.revoked_at is not None
        hashes = await conn.fetch("SELECT hash FROM integration_keys")
    assert all(key.encode() not in row["hash"] for row in hashes)


async def test_without_the_database_known_keys_stay_good_and_nobody_is_told_theirs_is_wrong(
    entrance: WayIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bongsu.store.integrations.MISS_AFTER", 0.0)
    key = entrance.key["generic"]
    assert await entrance.keys.resolve(key) == "generic"

    async def fail(*_: object, **__: object) -> None:
        raise asyncpg.ConnectionDoesNotExistError

    monkeypatch.setattr(type(entrance.pool), "fetch", fail)
    assert await entrance.keys.resolve(key) == "generic"
    with pytest.raises(KeysUnknownError):
        await entrance.keys.resolve("f" * 32)
    answer = await entrance.client.post(f"/in/{'f' * 32}/signal", json={"title": "x"})
    assert answer.status_code == 503


# ── bad input ────────────────────────────────────────────────────────────────────────────

BAD = {
    "malformed": (b'{"title":', ""),
    "empty": (b"", ""),
    "wrong type": (b'{"title": 7}', "title"),
    "unknown status": (b'{"title": "x", "status": "bad"}', "status"),
    "not UTF-8": (b'{"title": "\xff"}', ""),
    "NUL": (b'{"title": "a\\u0000b"}', ""),
    "raw NUL": (b'{"title": "a\x00b"}', ""),
    "lone surrogate": (b'{"title": "\\ud800"}', ""),
    "100,000 labels": (
        json.dumps({"title": "x", "labels": {f"l{i}": "v" for i in range(100_000)}}).encode(),
        "labels",
    ),
    "long label": (json.dumps({"title": "x", "labels": {"a": "b" * 99_999}}).encode(), "labels"),
    "deep": (b'{"title":"x","labels":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, "labels.*"),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_a_clear_400_and_disturbs_nothing(entrance: WayIn, name: str) -> None:
    path = f"/in/{entrance.key['generic']}/signal"
    body, field = BAD[name]
    good = [entrance.client.post(path, json={"title": f"good {i}"}) for i in range(5)]
    answer, *others = await asyncio.gather(entrance.client.post(path, content=body), *good)
    assert answer.status_code == 400
    said = answer.json()
    assert said["errors"][0]["field"] == field
    assert said["errors"][0]["message"]
    assert said["errors"][0]["mend"]
    assert [other.status_code for other in others] == [200] * 5
    assert len(await entrance.alerts()) == 5


async def test_the_valid_alerts_of_a_bad_batch_are_kept_and_the_answer_is_400(
    entrance: WayIn,
) -> None:
    batch = [posted("A"), {"labels": {}}, posted("B")]
    answer = await entrance.client.post(
        "/api/v2/alerts", json=batch, headers=bearer(entrance.key["prometheus"])
    )
    assert answer.status_code == 400
    assert "[1].labels" in answer.json()
    assert {one.summary for one in await entrance.alerts()} == {"A", "B"}
    assert await entrance.outcomes() == ["partial"]


async def test_a_refused_signal_is_kept_to_be_looked_at(entrance: WayIn) -> None:
    await entrance.client.post(f"/in/{entrance.key['generic']}/signal", content=b'{"titel":1}')

    async def kept() -> asyncpg.Record | None:
        return await entrance.pool.fetchrow("SELECT * FROM signals")

    row = await until(kept)
    assert (row["outcome"], row["integration"], row["raw"]) == (
        "refused", "generic", b'{"titel":1}',
    )  # fmt: skip
    assert json.loads(row["refusals"])[0]["field"] == "title"


async def test_a_clock_ten_years_off_costs_no_alert(entrance: WayIn) -> None:
    for i, off in enumerate((timedelta(days=3653), timedelta(days=-3653))):
        alert = posted(f"A{i}", starts=NOW + off, ends=NOW + off + timedelta(minutes=4))
        answer = await entrance.client.post(
            "/api/v2/alerts", json=[alert], headers=bearer(entrance.key["prometheus"])
        )
        assert answer.status_code == 200
    for one in await entrance.alerts():
        assert (one.status, one.starts_at, one.ends_at) == (
            "firing", NOW, NOW + timedelta(minutes=5),
        )  # fmt: skip
        assert one.remark is not None


async def test_an_encoded_body_is_refused(entrance: WayIn) -> None:
    answer = await entrance.client.post(
        f"/in/{entrance.key['generic']}/signal",
        content=gzip.compress(b'{"title":"x"}'),
        headers={"Content-Encoding": "gzip"},
    )
    assert answer.status_code == 415


async def test_errors_are_in_the_manuals_language_unless_another_is_asked_for(
    entrance: WayIn,
) -> None:
    path = f"/in/{entrance.key['generic']}/signal"
    korean = await entrance.client.post(path, content=b"{")
    english = await entrance.client.post(
        path, content=b"{", headers={"Accept-Language": "en-US,en;q=0.9,ko;q=0.1"}
    )
    assert korean.json()["title"] == "신호를 받지 않았어요."
    assert english.json()["title"] == "The signal was not accepted."


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/in/{key}/signal", 405),
        ("PUT", "/in/{key}/signal", 405),
        ("POST", "/in/{key}/other", 404),
        ("POST", "/in/{key}", 404),
        ("GET", "/v2/enqueue", 405),
        ("POST", "/api/v2/silences", 405),
        ("DELETE", "/api/v2/silence/x", 405),
        ("POST", "/-/healthy", 405),
        ("POST", "/elsewhere", 404),
    ],
)
async def test_wrong_addresses_and_methods_say_so(
    entrance: WayIn, method: str, path: str, status: int
) -> None:
    answer = await entrance.client.request(
        method, path.format(key=entrance.key["generic"]), content=b"{}"
    )
    assert answer.status_code == status
    assert answer.json()["status"] == status


async def test_overload_is_answered_503_because_alertmanager_never_repeats_after_429(
    entrance: WayIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OverloadedError("full")

    monkeypatch.setattr(entrance.writer, "write_rows", full)
    answer = await entrance.client.post(
        f"/in/{entrance.key['alertmanager']}/alertmanager", json=WEBHOOK
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_too_many_bodies_at_once_are_answered_503(
    entrance: WayIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance.app._bodies, "most", 10)
    path = f"/in/{entrance.key['generic']}/signal"
    answer = await entrance.client.post(path, content=in_pieces())
    assert answer.status_code == 503


async def in_pieces() -> AsyncIterator[bytes]:
    yield b'{"title":'
    yield b'"in several pieces"}'


async def test_bodies_of_unknown_senders_take_no_space_from_known_ones(
    entrance: WayIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance.app._bodies, "most", 100)
    started, ended = asyncio.Event(), asyncio.Event()

    async def held() -> AsyncIterator[bytes]:
        yield b" " * 90
        started.set()
        await ended.wait()

    stranger = asyncio.create_task(entrance.client.post("/v2/enqueue", content=held()))
    await started.wait()
    path = f"/in/{entrance.key['generic']}/signal"
    assert (await entrance.client.post(path, content=in_pieces())).status_code == 200
    monkeypatch.setattr(entrance.app._strangers, "most", 100)
    answer = await entrance.client.post("/v2/enqueue", content=in_pieces())
    assert answer.status_code == 503
    ended.set()
    assert (await stranger).status_code == 400


@pytest.mark.parametrize("path", ["/signal", "/v2/enqueue", "/v2/change/enqueue"])
async def test_a_body_that_comes_byte_by_byte_is_given_up_in_the_end(
    entrance: WayIn, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(ingest_http, "LONGEST", 0.3)

    async def drops() -> AsyncIterator[bytes]:
        for _ in range(60):
            yield b" "
            await asyncio.sleep(0.05)

    if path == "/signal":
        path = f"/in/{entrance.key['generic']}{path}"
    answer = await entrance.client.post(path, content=drops(), headers={"accept-language": "en"})
    assert (answer.status_code, answer.headers["connection"]) == (408, "close")
    assert "not complete" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v2/enqueue", "/v2/change/enqueue"])
async def test_a_pagerduty_event_may_have_512_kb(entrance: WayIn, path: str) -> None:
    for size, status in ((400_000, 202), (2**19, 413)):
        payload = {**EVENT["payload"], "custom_details": {"text": "x" * size}}  # type: ignore[dict-item]
        event = {**EVENT, "routing_key": entrance.key["pagerduty"], "payload": payload}
        assert (await entrance.client.post(path, json=event)).status_code == status


@pytest.mark.parametrize("path", ["/v2/enqueue", "/v2/change/enqueue"])
async def test_of_an_unknown_senders_event_only_the_key_is_looked_at(
    entrance: WayIn, path: str
) -> None:
    event = {"routing_key": "0" * 32, "payload": 3}
    answer = await entrance.client.post(path, json=event)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error.partition(":")[0]) == (400, "routing_key")


@pytest.mark.parametrize(("path", "name"), [
    ("/v2/enqueue", "parse"), ("/v2/change/enqueue", "parse_change"),
])  # fmt: skip
async def test_a_large_event_is_parsed_where_nobody_waits_for_it(
    entrance: WayIn, monkeypatch: pytest.MonkeyPatch, path: str, name: str
) -> None:
    threads: list[threading.Thread] = []
    parse = getattr(pagerduty, name)

    def watched(*given: object) -> object:
        threads.append(threading.current_thread())
        return parse(*given)

    monkeypatch.setattr(pagerduty, name, watched)
    payload = {**EVENT["payload"], "custom_details": {"text": "x" * 300_000}}  # type: ignore[dict-item]
    event = {**EVENT, "routing_key": entrance.key["pagerduty"], "payload": payload}
    assert (await entrance.client.post(path, json=event)).status_code == 202
    assert threads
    assert threading.main_thread() not in threads


# ── a real socket ────────────────────────────────────────────────────────────────────────


async def test_a_body_of_10_mb_is_refused_before_it_is_sent(served: Served) -> None:
    path = f"/in/{served.entrance.key['generic']}/signal"
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 413 " in head
    assert b"connection: close" in head.lower()
    writer.close()


async def test_an_endless_body_is_cut_off(served: Served) -> None:
    path = f"/in/{served.entrance.key['generic']}/signal"
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    answered = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    for _ in range(12):
        if answered.done():
            break
        writer.write(chunk)
        await asyncio.wait(
            {asyncio.create_task(writer.drain()), answered}, return_when="FIRST_COMPLETED"
        )
        await asyncio.sleep(0.01)
    assert b" 413 " in await answered
    writer.close()


async def test_a_large_batch_and_many_small_ones_all_arrive(served: Served) -> None:
    key = served.entrance.key["prometheus"]
    url = f"{served.url}/in/{key}/api/v2/alerts"
    large = [posted("Big", instance=str(i)) for i in range(3_000)]
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        small = [client.post(url, json=[posted(f"A{i}")]) for i in range(50)]
        answers = await asyncio.gather(client.post(url, json=large), *small)
    assert {answer.status_code for answer in answers} == {200}
    assert await served.entrance.pool.fetchval("SELECT count(*) FROM alerts") == 3_050


async def test_a_sender_that_hangs_up_halfway_harms_nobody(served: Served) -> None:
    key = served.entrance.key["generic"]
    for _ in range(5):
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(
            f"POST /in/{key}/signal HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{{".encode()
        )
        await writer.drain()
        writer.close()
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        answer = await client.post(f"{served.url}/in/{key}/signal", json={"title": "x"})
    assert answer.status_code == 200


# ── what Alertmanager's tools ask ────────────────────────────────────────────────────────


async def test_health_needs_no_key_and_readiness_follows_the_database(entrance: WayIn) -> None:
    assert (await entrance.client.get("/-/healthy")).status_code == 200

    async def ready() -> bool:
        return (await entrance.client.get("/-/ready")).status_code == 200

    await until(ready)
    await entrance.writer.close()
    assert (await entrance.client.get("/-/ready")).status_code == 503


async def test_active_alerts_are_listed_and_filtered(entrance: WayIn) -> None:
    headers = bearer(entrance.key["prometheus"])
    sent = [posted("A", NOW), posted("Watchdog", NOW), posted("C", NOW, NOW)]
    await entrance.client.post("/api/v2/alerts", json=sent, headers=headers)
    listed = (await entrance.client.get("/api/v2/alerts", headers=headers)).json()
    by_name = {one["labels"]["alertname"]: one for one in listed}
    assert by_name.keys() == {"A", "Watchdog"}
    assert by_name["A"]["startsAt"] == iso(NOW)
    assert by_name["A"]["status"] == {"state": "active", "silencedBy": [], "inhibitedBy": []}
    assert by_name["Watchdog"]["status"]["state"] == "suppressed"
    (silence,) = (await entrance.client.get("/api/v2/silences", headers=headers)).json()
    assert by_name["Watchdog"]["status"]["silencedBy"] == [silence["id"]]
    assert silence["status"]["state"] == "active"
    for query, names in (("filter=alertname%3D%22A%22", {"A"}), ("silenced=false", {"A"})):
        found = await entrance.client.get(f"/api/v2/alerts?{query}", headers=headers)
        assert {one["labels"]["alertname"] for one in found.json()} == names
    assert (
        await entrance.client.get("/api/v2/alerts?filter=x", headers=headers)
    ).status_code == 400
    assert (await entrance.client.get("/api/v2/alerts")).status_code == 401
