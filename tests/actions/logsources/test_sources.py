"""Logs from Kubernetes (real kubectl), Loki's HTTP API, the journal and files, in one analysis."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.actions.limits import gone, limited
from tests.kube.cluster import NAMESPACE, Cluster, running_cluster
from tests.waiting import PATIENCE

from bongsu.actions.logsources import BadSource, Source, analyse, loki, parse

HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
DEADLINES_S = (6, 20, 60)
"""within one of them Python has started, read what there is and analysed it"""
USUAL, NEW = "INFO served order 17 in 3 ms", "ERROR pool exhausted after 30 s"


async def found_in(*sources, now=None, deadline_s=PATIENCE, lang="en"):
    return await analyse(
        [parse(source) for source in sources],
        since=QUARTER,
        baseline=HOUR,
        top=5,
        now=now or datetime.now(UTC),
        deadline_s=deadline_s,
        lang=lang,
    )


def written(now):
    """Lines of the last hour with their times: one a minute, and something new at the end."""
    lines = [(now - timedelta(minutes=k), USUAL) for k in range(60, 0, -1)]
    return lines + [(now - timedelta(seconds=60 - k), NEW) for k in range(20)]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("k8s:korea-prod/app=web,tier!=db", Source("k8s", "korea-prod/app=web,tier!=db")),
        ('loki:{app="web"} |= "x"', Source("loki", '{app="web"} |= "x"')),
        ('loki+http://l:3100/p/#{app="web"}', Source("loki", '{app="web"}', "http://l:3100/p")),
        ("journal:nginx.service", Source("journal", "nginx.service")),
        ("file:/var/log/x:y", Source("file", "/var/log/x:y")),
    ],
)
def test_a_source_is_read_from_its_name(text, source):
    assert parse(text) == source


@pytest.mark.parametrize(
    "text",
    [
        "",
        "web.log",
        "s3:x",
        "k8s:",
        "k8s:web",
        "k8s:/app=x",
        "k8s:a/",
        "k8s:-n/x",
        "k8s:a/-f",
        "loki:",
        "loki+http://host",
        "journal: ",
        "journal:--vacuum",
        "file:",
    ],
)
def test_a_name_that_is_no_source_is_refused(text):
    with pytest.raises(BadSource):
        parse(text)


def test_a_source_s_name_keeps_no_password():
    name = parse("loki+https://me:secret@host:3100/x#{a=1}").name
    assert name == "loki+https://host:3100/x#{a=1}"


# ── Kubernetes ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def cluster(tmp_path, monkeypatch) -> Iterator[Cluster]:
    with running_cluster(tmp_path) as running:
        running.deploy("korea-backend", image="backend:1.4.1", replicas=2)
        for name, value in running.env.items():
            monkeypatch.setenv(name, value)
        yield running


def log(cluster, *, trace=()):
    for pod in cluster.pods("korea-backend"):
        name = pod["metadata"]["name"]
        for at, text in written(cluster.now()):
            lines = [text, *trace] if text == NEW else [text]
            cluster.log(name, *lines, ago_s=(cluster.now() - at).total_seconds())


async def test_pods_logs_are_read_through_kubectl(cluster):
    log(cluster)
    found = await found_in(f"k8s:{NAMESPACE}/app=korea-backend", now=cluster.now())
    assert (found.troubles, found.records) == ((), 160)
    assert (found.patterns[0].novelty, found.patterns[0].count) == ("new", 40)
    assert "pool exhausted" in found.patterns[0].template


async def test_a_stack_trace_in_a_pod_is_one_record(cluster):
    trace = ["  java.lang.IllegalStateException: none left", "\tat pool.take(Pool.java:3)"]
    log(cluster, trace=trace)
    found = await found_in(f"k8s:{NAMESPACE}/app=korea-backend", now=cluster.now())
    assert (found.records, found.patterns[0].count) == (160, 40)
    assert found.patterns[0].sample.splitlines()[1:] == trace


async def test_a_selector_that_finds_no_pods_is_said_in_words(cluster):
    source = f"k8s:{NAMESPACE}/app=nobody"
    found = await found_in(source, now=cluster.now())
    assert found.records == 0
    assert found.troubles[0].startswith(f"{source}: kubectl printed nothing: No resources found")


async def test_kubectl_that_fails_is_said_in_words(cluster, monkeypatch, tmp_path):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gone"))
    found = await found_in(f"k8s:{NAMESPACE}/app=korea-backend", now=cluster.now())
    assert ": kubectl failed: " in found.troubles[0]


# ── Loki ─────────────────────────────────────────────────────────────────────────────────


@contextmanager
def loki_of(entries, *, status=200, pages=None):
    """Answer query_range as Loki documents it: by time, ``end`` exclusive, ``limit`` lines."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlsplit(self.path)
            asked = {key: value[0] for key, value in parse_qs(url.query).items()}
            requests.append((url.path, asked))
            chosen = [e for e in entries if int(asked["start"]) <= e[0] < int(asked["end"])]
            body = self.body(sorted(chosen, key=lambda e: e[0])[: int(asked["limit"])])
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def body(self, chosen):
            if status != 200:
                return b"parse error at line 1, col 1: syntax error"
            streams = [
                {
                    "stream": {"pod": pod},
                    "values": [[str(at), line] for at, line, p in chosen if p == pod],
                }
                for pod in {p for _, _, p in chosen}
            ]
            data = {"resultType": "streams", "result": streams, "stats": {}}
            return json.dumps({"status": "success", "data": data}).encode()

        def log_message(self, *_args):
            pass

    requests: list[tuple[str, dict[str, str]]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def nanoseconds(at):
    return int(at.timestamp()) * 10**9


async def test_loki_is_asked_by_its_http_api(monkeypatch):
    now = datetime.now(UTC)
    entries = [
        (nanoseconds(at) + k, text, f"pod-{k % 2}") for k, (at, text) in enumerate(written(now))
    ]
    with loki_of(entries) as (url, requests):
        monkeypatch.setenv("BONGSU_LOKI_URL", url + "/")
        found = await found_in('loki:{app="web"}', now=now)
    assert (found.troubles, found.records) == ((), 80)
    assert (found.patterns[0].novelty, found.patterns[0].count) == ("new", 20)
    assert [path for path, _ in requests] == ["/loki/api/v1/query_range"]
    assert requests[0][1]["query"] == '{app="web"}'
    assert requests[0][1]["direction"] == "forward"


async def test_every_line_of_many_pages_comes_once(monkeypatch):
    monkeypatch.setattr(loki, "PAGE", 10)
    # Several lines of the same nanosecond lie across the end of a page.
    entries = [(1000 * 10**9 + k // 4, f"line {k}", "pod") for k in range(95)]
    with loki_of(entries) as (url, requests):
        pieces = [piece async for piece in loki.pieces(Source("loki", "{}", url), 900, 1100, 60.0)]
    lines = b"".join(pieces).splitlines()
    assert [line.partition(b"Z ")[2].decode() for line in lines] == [line for _, line, _ in entries]
    assert len(requests) > 9


async def test_loki_that_refuses_is_quoted(monkeypatch):
    with loki_of([], status=400) as (url, _):
        found = await found_in(f"loki+{url}#{{app=")
    assert "Loki answered 400: parse error" in found.troubles[0]


async def test_where_loki_is_must_be_known(monkeypatch):
    monkeypatch.delenv("BONGSU_LOKI_URL", raising=False)
    found = await found_in("loki:{a=1}", lang="ko")
    assert "BONGSU_LOKI_URL을 설정하세요" in found.troubles[0]


async def test_a_password_that_breaks_lokis_address_is_not_shown(monkeypatch):
    monkeypatch.setenv("BONGSU_LOKI_URL", "http://app:hun/ter@127.0.0.1:1")
    found = await found_in("loki:{a=1}")
    assert "BONGSU_LOKI_URL holds no address" in found.troubles[0]
    assert "hun" not in repr(found)


# ── the journal, files, and everything together ──────────────────────────────────────────

JOURNALCTL = """#!{python}
import sys
from datetime import datetime, timedelta
assert "--unit=web.service" in sys.argv and "--output=short-iso-precise" in sys.argv, sys.argv
since = next(float(a.removeprefix("--since=@")) for a in sys.argv if a.startswith("--since=@"))
for k in range(75):
    at = datetime.fromtimestamp(since).astimezone() + timedelta(minutes=k)
    text = "{new}" if k > 70 else "{usual}"
    print(f"{{at:%Y-%m-%dT%H:%M:%S.%f%z}} host web[1]: {{text}}")
"""


@pytest.fixture
def journalctl(tmp_path, monkeypatch):
    """Stand in for systemd's program, with its documented options and output."""
    program = tmp_path / "bin" / "journalctl"
    program.parent.mkdir()
    program.write_text(JOURNALCTL.format(python=sys.executable, new=NEW, usual=USUAL))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program


async def test_a_unit_s_journal_is_read(journalctl):
    found = await found_in("journal:web.service")
    assert (found.troubles, found.records) == ((), 75)
    assert (found.patterns[0].novelty, found.patterns[0].count) == ("new", 4)


async def test_a_program_that_isn_t_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = await found_in("journal:web.service")
    assert "journalctl can't be run here" in found.troubles[0]


async def test_what_can_t_be_read_does_not_stop_the_others(journalctl, monkeypatch, tmp_path):
    monkeypatch.delenv("BONGSU_LOKI_URL", raising=False)
    found = await found_in("journal:web.service", "loki:{a=1}", "file:/nowhere.log")
    assert found.records == 75
    assert sorted(trouble.partition(":")[0] for trouble in found.troubles) == ["file", "loki"]


async def test_at_the_deadline_there_is_what_came_so_far(journalctl, tmp_path):
    body = journalctl.read_text() + "\nimport time\nsys.stdout.flush()\ntime.sleep(600)\n"
    journalctl.write_text(body)
    found = await limited(
        lambda limit_s: found_in("journal:web.service", deadline_s=limit_s),
        lambda found: found.records,
        DEADLINES_S,
    )
    assert found.records == 75
    assert "deadline" in found.troubles[0]


async def test_nothing_is_left_running_after_the_deadline(journalctl, tmp_path):
    mark = tmp_path / "pid"
    journalctl.write_text(
        f"#!{sys.executable}\nimport os, pathlib, time\n"
        f"pathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\ntime.sleep(600)\n"
    )
    found = await limited(
        lambda limit_s: found_in("journal:web.service", deadline_s=limit_s),
        lambda _: mark.exists() and mark.read_text(),
        DEADLINES_S,
    )
    assert found.troubles
    assert await gone(mark), "the program still runs"


def test_the_server_s_side_imports_no_numpy():
    program = "import sys, bongsu.actions.logsources; print('numpy' in sys.modules)"
    came = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert came.stdout == b"False\n"
