"""The seed's own manual, a rollout that breaks the API, and everything real that is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.actions.probes.conftest import listening, never_answers
from tests.actions.probes.redis_servers import Server, running_redis
from tests.actions.probes.test_http_probe import answering
from tests.kube.cluster import Cluster, running_cluster
from tests.kube.remote_exec import Executed
from tests.waiting import PATIENCE

from bongsu.actions.diagnosis import diagnose, left_behind
from bongsu.actions.looking import LookContext
from bongsu.incident.diagnosis import Facts, compare
from bongsu.incident.report import Report
from bongsu.manual.load import load
from bongsu.manual.schema.diagnosis import Check
from bongsu.manual.schema.document import Manual

SEED = load(Path(__file__).parents[2] / "manuals" / "korea-public-data")
FACTS = Facts(incident="INC-1", service="korea-backend")


def at(port: int) -> Manual:
    """Return the seed's manual with the addresses of the world outside on this machine."""
    url = f"http://localhost:{port}/"
    outside: dict[str, dict[str, Any]] = {
        "api_health": {"url": url}, "open_data_portal": {"url": url},
        "dns": {"host": "localhost"}, "tls": {"kind": "tcp", "host": "localhost", "port": port},
    }  # fmt: skip
    own, services = SEED.diagnosis, dict(SEED.services.services)
    checks = {name: _moved(one, outside.get(name, {})) for name, one in own.checks.items()}
    # Its address is that of the check api_health, which has moved.
    services["korea-backend"] = services["korea-backend"].model_copy(update={"health": None})
    return SEED.model_copy(
        update={
            "diagnosis": own.model_copy(update={"checks": checks}),
            "services": SEED.services.model_copy(update={"services": services}),
        }
    )


def _moved(check: Check, change: dict[str, Any]) -> Check:
    """Return the check with another address, and so much time that only a deadline ends it."""
    probe = check.probe.model_copy(update=change)
    return check.model_copy(update={"probe": probe, "timeout": timedelta(hours=1)})


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with running_cluster(tmp_path) as running:
        running.deploy("korea-backend", image="backend:1.4.1", replicas=3)
        running.answer_exec(lambda _pod, _command: Executed())
        for name, value in running.env.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Server]:
    with running_redis(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def context(cluster: Cluster, redis_server: Server) -> LookContext:
    env = {**cluster.env, "REDIS_URL": redis_server.url}
    return LookContext(env=env, now=cluster.now, timeout_s=PATIENCE, lang="en")


async def taken(status: str, cluster: Cluster, context: LookContext) -> Report:
    async with listening(answering(status)) as port:
        facts = Facts(incident="INC-1", service="korea-backend", started_at=cluster.now())
        report = await diagnose(at(port), facts=facts, context=context, deadline_s=PATIENCE)
        assert await left_behind(PATIENCE)
    return report


def verdicts(report: Report) -> dict[str, str]:
    return {one.check: one.verdict for one in report.checks}


async def test_a_rollout_that_breaks_the_api_is_named_with_what_changed_and_what_to_do(
    cluster: Cluster, context: LookContext
):
    before = await taken("200 OK", cluster, context)
    cluster.pass_time(minutes=30)
    cluster.failed_rollout("korea-backend", "backend:1.5.0")
    cluster.pass_time(minutes=11)
    after = await taken("503 Service Unavailable", cluster, context)

    unseen = {"error_rate", "response_time", "mongodb", "cpu"}
    assert {name for name, one in verdicts(before).items() if one == "unknown"} >= unseen
    assert not {"unhealthy", "degraded"} & set(verdicts(before).values()), before.findings
    assert verdicts(after)["api_health"] == verdicts(after)["rollout"] == "unhealthy"
    assert (after.proposal.severity, after.proposal.type) == ("P0", "deployment_failure")
    playbooks = [one.playbook for one in after.next_actions if one.playbook]
    assert playbooks[0] == "emergency_rollback"
    assert after.changes[0].subject == "deployment/korea-backend"
    assert after.changes[0].at > cluster.now() - timedelta(minutes=15)
    affected = {one.service: one.through for one in after.affected}
    assert affected["korea-backend"] == ()
    assert affected["login"] == ("korea-backend",)
    compared = compare(before, after)
    assert {"api_health", "rollout"} <= {one.check for one in compared.worse}


async def test_a_hanging_cluster_and_hanging_addresses_cost_only_the_deadline(
    cluster: Cluster, context: LookContext
):
    cluster.hang()
    async with listening(never_answers) as port:
        hung = replace(context, env={**context.env, "REDIS_URL": f"redis://localhost:{port}/0"})
        for deadline_s in (1.0, 5.0, 25.0):
            report = await diagnose(at(port), facts=FACTS, context=hung, deadline_s=deadline_s)
            assert await left_behind(PATIENCE)
            assert deadline_s <= report.took_s < PATIENCE  # what hangs would do so for an hour
            if answered(report) == {"dns", "tls"}:
                break  # else a busy machine did not even get to these within the deadline
    assert answered(report) == {"dns", "tls"}
    assert report.proposal.severity is None


def answered(report: Report) -> set[str]:
    return {name for name, one in verdicts(report).items() if one != "unknown"}
