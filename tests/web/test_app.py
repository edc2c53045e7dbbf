"""How the faces of a process are put together: safety, compression, assets, health, numbers."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta

import pytest
from starlette.responses import HTMLResponse, PlainTextResponse
from tests.web.site import BASE, SECRET, Site

from bongsu.channels.registry import Channels
from bongsu.engine.messages import Writer
from bongsu.web import static
from bongsu.web.app import create_app
from bongsu.web.health import MOST_LATE


async def test_every_answer_keeps_the_browser_safe(site: Site):
    client = site.client()
    for path in ("/healthz", "/go/x", "/assets/none.css", "/api/v1/incidents", "/nothing"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["strict-transport-security"]
        policy = dict(
            part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
        )
        assert policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["default-src"] == "'none'"


async def test_without_https_nothing_is_promised_about_it(site):
    site.app = create_app(site.engine, writer=Writer("http://127.0.0.1:8000", SECRET), channels={})
    answer = await site.client().get("/healthz")
    assert "strict-transport-security" not in answer.headers
    assert site.app.services.access.cookie == "bongsu"


async def test_a_secret_answer_is_kept_by_no_cache(site):
    api = site.as_("admin")
    for path in ("/incidents", "/tokens", "/session"):
        answer = await api.http.get(f"/api/v1{path}")
        assert answer.headers["cache-control"] == "no-store"


async def test_a_long_answer_is_compressed(site):
    answer = await site.client(site.tokens["viewer"]).get("/api/v1/manual")
    assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.skipif(not static.manifest(), reason="the front end has not been built")
async def test_an_asset_asked_for_by_its_hash_is_kept_for_ever(site):
    client = site.client()
    named = await client.get(static.asset("app.css"))
    assert named.status_code == 200
    assert named.headers["cache-control"] == static.FOR_EVER
    for address in ("/assets/app.css", "/assets/app.css?v=000000000000"):
        assert (await client.get(address)).headers["cache-control"] == "no-cache"
    font = next(name for name in static.manifest() if name.endswith(".woff2"))
    assert (await client.get(f"/assets/{font}")).headers["cache-control"] == static.FOR_EVER


@pytest.mark.parametrize(
    "path", ["../app.py", "%2e%2e/app.py", "/etc/passwd", "..%2f..%2fapp.py", "%00"]
)
async def test_nothing_but_assets_is_served_as_one(site, path):
    assert (await site.client().get(f"/assets/{path}")).status_code == 404


async def test_health_says_ok_while_the_database_answers(site):
    answer = await site.client().get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


async def test_a_process_whose_decisions_are_overdue_is_alive_but_not_ready(site):
    await site.as_("responder").declared()
    assert (await site.client().get("/readyz")).status_code == 200
    site.clock.forward(timedelta(minutes=3, seconds=MOST_LATE + 1))
    late = await site.client().get("/readyz")
    assert late.status_code == 503
    assert "overdue" in late.json()["trouble"]
    assert (await site.client().get("/healthz")).status_code == 200
    metrics = (await site.client().get("/metrics")).text
    assert 'bongsu_overdue_seconds{work="decision"} 11' in metrics


AN_ALERT = """
INSERT INTO alerts (id, last_seen, count, changed_in, generation, first_seen, starts_at,
                    status, integration, key, summary, labels, details, pending)
VALUES (gen_random_uuid(), now(), 1, 1, 1, now(), now(), 'firing', 'prometheus', 'a', 'a',
        '{}', '{}', false)
"""


@pytest.mark.parametrize(
    ("left", "work"),
    [
        ("UPDATE effects SET look_at = $1, done_at = NULL", "deliveries"),
        ("UPDATE alerts SET look_at = $1, pending = true", "alerts"),
    ],
)
async def test_a_process_that_leaves_work_behind_is_not_ready(site, left, work):
    await site.as_("responder").declared()
    async with site.pool.acquire() as conn:
        await conn.execute(AN_ALERT)
    assert (await site.client().get("/readyz")).status_code == 200
    async with site.pool.acquire() as conn:
        done = await conn.execute(left, site.clock.now() - timedelta(seconds=MOST_LATE + 1))
        assert done != "UPDATE 0"
    late = await site.client().get("/readyz")
    assert late.status_code == 503
    assert late.json()["trouble"].startswith(work)


async def test_the_numbers_are_what_prometheus_reads(site):
    api = site.as_("responder")
    await api.declared()
    await api.declared(severity="P2")
    await api.declared(drill=True)
    text = (await site.client().get("/metrics")).text
    assert 'bongsu_incidents_open{severity="P0"} 1' in text
    assert 'bongsu_incidents_open{severity="P2"} 1' in text
    assert 'bongsu_incidents_opened_total{severity="P0"} 2' in text
    assert "bongsu_pages_total 3" in text
    sample = re.compile(r'(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="[^"]*"\})? [0-9.e+-]+)')
    assert all(sample.fullmatch(line) for line in text.splitlines())


async def test_signals_come_before_everything_and_the_console_after(site):
    def ingest(rest):
        async def signals(scope, receive, send):
            own = scope["type"] == "http" and scope["path"].startswith("/in/")
            await (PlainTextResponse("taken") if own else rest)(scope, receive, send)

        return signals

    site.app = create_app(
        site.engine, writer=Writer(BASE, SECRET), channels=Channels(), ingest=ingest,
        console=HTMLResponse("<h1>console</h1>"), more_metrics=[lambda: ["mine 1"]],
    )  # fmt: skip
    client = site.client()
    assert (await client.post("/in/key/signal")).text == "taken"
    assert (await client.get("/incidents/1")).text == "<h1>console</h1>"
    assert (await client.get("/healthz")).json()["status"] == "ok"
    assert (await client.get("/metrics")).text.endswith("mine 1\n")


async def test_the_api_describes_itself(site):
    found = (await site.client().get("/api/v1/openapi.json")).json()
    assert found["openapi"].startswith("3.1")
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert "Problem" in str(operation["responses"]["default"])
            if path != "/session":
                assert operation["x-required-role"]
    names = set(re.findall(r"#/components/schemas/(\w+)", str(found)))
    assert names <= set(found["components"]["schemas"])


def test_starting_does_not_wait_for_the_api():
    loaded = (
        "import sys, bongsu.web.app; sys.exit('fastapi' in sys.modules or 'argon2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0
