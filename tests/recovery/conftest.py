"""The first user's playbooks, run by the engine: real kubectl, real programs, a real application.

The manual is the bundled one; only its addresses are those of this machine. The cluster is the
stand-in of `tests.kube`, the application is examples/admin-hooks.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import yaml
from fastapi import FastAPI, Response
from tests.actions.probes.conftest import listening
from tests.actions.probes.mongod import Mongod
from tests.engine.desk import Desk, alert
from tests.engine.house import House
from tests.kube.cluster import NAMESPACE, Cluster, running_cluster
from tests.manual.conftest import SEED
from tests.waiting import until_true_blocking

from bongsu.engine.hands import SystemHands
from bongsu.engine.policy import compile_policy
from bongsu.incident import events as e
from bongsu.incident.runs import asking
from bongsu.incident.runs.flow import waiting_for
from bongsu.incident.runs.state import Run
from bongsu.incident.runs.steps import step_of
from bongsu.manual.load import load
from bongsu.manual.schema.playbooks import HumanStep, WaitStep
from bongsu.store import runs
from bongsu.store.database import Pool

EXAMPLE = SEED.parents[1] / "examples" / "admin-hooks" / "service.py"
TOKEN = "Bearer open-sesame"
ROLES = (SEED.parents[1] / "docs" / "how-to" / "kubernetes.md").read_text("utf-8")


def example() -> Any:
    """Import the example as its reader would."""
    spec = importlib.util.spec_from_file_location("admin_hooks", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Application:
    """The user's application, and what its monitoring says."""

    app: FastAPI
    health: int = 200
    backup: int = 200
    cpu: float = 0.2
    url: str = ""
    asked: list[str] = field(default_factory=list)

    @property
    def state(self) -> Any:
        return self.app.state.service

    def install(self) -> None:
        @self.app.get("/probe")
        def probe() -> Response:
            return Response(status_code=self.health)

        @self.app.get("/backup-health")
        def backup() -> Response:
            return Response(status_code=self.backup)

        @self.app.api_route("/api/v1/query", methods=["GET", "POST"])
        def query() -> dict[str, Any]:
            result = [{"metric": {}, "value": [1755149400, str(self.cpu)]}]
            return {"status": "success", "data": {"resultType": "vector", "result": result}}


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    monkeypatch.setenv("OPS_TOKEN", TOKEN.removeprefix("Bearer "))
    one = Application(example().build())
    one.install()
    config = uvicorn.Config(one.app, host="127.0.0.1", port=0, log_level="critical", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until_true_blocking(lambda: server.started or not thread.is_alive())
    assert server.started
    port = server.servers[0].sockets[0].getsockname()[1]
    one.url = f"http://127.0.0.1:{port}"
    yield one
    server.should_exit = True
    thread.join()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path) as running:
        running.deploy("korea-backend", image="backend:1", replicas=3, cause="the first")
        yield running


@dataclass
class Site:
    """The first user's whole place: cluster, application, database, engine."""

    cluster: Cluster
    application: Application
    house: House
    evidence: Path
    env: dict[str, str]
    incident: int = 0
    said_yes: list[str] = field(default_factory=list)
    """the roles that were asked"""

    async def begin(self, playbook: str, *, dry: bool = False, **parameters: Any) -> str:
        """Open an incident if there is none, and ask for a playbook; returns the run's name."""
        if not self.incident:
            await self.house.desk.receive(alert("Down"))
            self.incident = int(
                await self.house.desk.pool.fetchval("SELECT max(id) FROM incidents")
            )
        written = await self._act(
            lambda policy, one, _: asking.ask(policy.manual, one, playbook, parameters, dry=dry)
        )
        return str(list(written.runs)[-1])

    async def finish(self, name: str) -> Run:
        """Do what is due, say yes, tick off and let time pass, until the run is over."""
        for _ in range(100):
            await self.house.do_pending()
            run = await self.house.run(self.incident, name)
            if run.over:
                return run
            await self._go_on(run)
        raise AssertionError(f"not over: {run}")

    async def run(self, playbook: str, **parameters: Any) -> Run:
        """Run a playbook to its end."""
        return await self.finish(await self.begin(playbook, **parameters))

    async def take_back(self, run: Run) -> Run:
        """Have a person take back a run that is over."""
        await self._act(lambda _, one, __: asking.take_back(one, run.id))
        await self.house.do_pending()
        return await self.house.run(self.incident, run.id)

    async def output(self, run: Run) -> str:
        """Return all that its steps printed."""
        async with self.house.desk.pool.acquire() as conn:
            return "\n".join(one.body for one in await runs.outputs(conn, self.incident, run.id))

    async def called(self) -> list[str]:
        """Why people were called, in order."""
        log = await self.house.desk.log(self.incident)
        return [one.body.why.code for one in log if isinstance(one.body, e.Paged)]

    async def notices(self) -> list[e.NoticeDue]:
        """The notices of playbooks."""
        log = await self.house.desk.log(self.incident)
        found = [one.body for one in log if isinstance(one.body, e.NoticeDue)]
        return [one for one in found if one.why.code == "playbook_notice"]

    async def _go_on(self, run: Run) -> None:
        clock = self.house.desk.clock
        if waits := waiting_for(run):
            (number, role), *_ = waits.items()
            self.said_yes.append(role)
            manual = self.house.desk.engine.policy.manual
            person = manual.team.roles[role].held_by[0]
            await self._act(
                lambda policy, one, now: asking.approve(
                    policy.manual, one, run.id, number, person, yes=True, now=now
                )
            )
            return
        step = step_of(run.asked.steps[run.step])
        if run.begun is not None and isinstance(step, HumanStep):
            await self._act(
                lambda _, one, __: asking.answer(one, run.id, run.step, "pm", said="done")
            )
            return
        clock.forward(seconds=step.duration.total_seconds() if isinstance(step, WaitStep) else 6)
        await self.house.desk.look()

    async def _act(self, what: Any) -> Any:
        return await self.house.desk.engine.act(self.incident, "person:pm", what)


def granted() -> set[tuple[str, str]]:
    """What the roles of docs/how-to/kubernetes.md allow: resource and verb."""
    roles = [yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", ROLES, re.DOTALL)]
    return {
        (resource, verb)
        for role in roles
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def outcomes(run: Run) -> dict[str, str]:
    """What came of each step, by its English name."""
    return {
        step_of(run.asked.steps[number]).name.en: came.outcome for number, came in run.done.items()
    }


def undone(run: Run) -> list[str]:
    """The steps that were taken back."""
    return [
        step_of(run.asked.steps[number]).name.en
        for number, came in run.undone.items()
        if came.outcome == "done"
    ]


def patches(cluster: Cluster) -> list[str]:
    """What was written to the cluster."""
    return [one.what for one in cluster.mutations]


@pytest.fixture
async def mongodb() -> AsyncIterator[str]:
    """A database whose pool is nearly empty."""
    async with listening(Mongod({}, {}).serve) as port:
        yield f"mongodb://127.0.0.1:{port}/?directConnection=true"


@pytest.fixture
async def site(  # noqa: PLR0917  fixtures
    pool: Pool, database_url: str, cluster: Cluster, application: Application, mongodb: str,
    tmp_path: Path,
) -> AsyncIterator[Site]:  # fmt: skip
    evidence = tmp_path / "evidence"
    manual = tmp_path / "manual"
    shutil.copytree(SEED, manual)
    here = {
        "https://api.korea-public-data.com/health": f"{application.url}/probe",
        "http://backend.korea-prod.svc:8080": application.url,
        "/backup/": f"{evidence}/",
    }
    for path in manual.rglob("*.yaml"):
        text = path.read_text("utf-8")
        for there, mine in here.items():
            text = text.replace(there, mine)
        path.write_text(text, "utf-8")
    env = {
        **cluster.env,
        "BONGSU_PROMETHEUS_URL": application.url,
        "MONGODB_URL": mongodb,
        "KOREA_OPS_TOKEN": TOKEN,
        "EXTERNAL_API_BACKUP_HEALTH": f"{application.url}/backup-health",
    }
    desk = Desk(pool, database_url, compile_policy(load(manual)))
    house = House(desk, SystemHands(desk.clock, env))  # type: ignore[arg-type]
    cluster.forget()
    yield Site(cluster, application, house, evidence, env)
    await house.close()
    asked = {("/".join(filter(None, (one.resource, one.below))), one.verb)
             for one in cluster.requests}  # fmt: skip
    assert asked <= granted(), "the documented roles are enough for every recovery"


__all__ = ["NAMESPACE", "Application", "Site", "outcomes", "patches", "undone"]
