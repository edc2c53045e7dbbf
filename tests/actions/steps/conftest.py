"""Steps of a small manual, done for real: programs, kubectl against a cluster, HTTP."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from tests.actions.limits import limited
from tests.incident.manuals import manual
from tests.kube.cluster import NAMESPACE, Cluster, running_cluster
from tests.waiting import PATIENCE

from bongsu.actions.looking import LookContext
from bongsu.actions.steps import StepContext, StepOutcome, perform
from bongsu.actions.steps import kubectl as product
from bongsu.actions.steps.kubectl import rollout, scaling, sets
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import Step

STEP: TypeAdapter[Step] = TypeAdapter(Step)
PYTHON = sys.executable


@dataclass
class Seen:
    """What was streamed to whoever watches."""

    blocks: list[tuple[str, bytes]] = field(default_factory=list)

    def take(self, stream: str, block: bytes) -> None:
        self.blocks.append((stream, block))

    @property
    def text(self) -> str:
        return b"".join(block for _, block in self.blocks).decode()


@dataclass
class Bench:
    """A place to do steps; ``seen`` is what they printed."""

    manual: Manual
    env: Mapping[str, str]
    seen: Seen = field(default_factory=Seen)

    @property
    def context(self) -> StepContext:
        look = LookContext(
            env=self.env, now=lambda: datetime.now(UTC), timeout_s=5.0, lang="en"
        )  # fmt: skip
        return StepContext(look, self.manual, self.seen.take)

    async def do(
        self, kind: str, *, undo: bool = False, dry: bool = False, **written: Any
    ) -> StepOutcome:
        return await perform(step(kind, **written), undo=undo, dry=dry, context=self.context)

    def checking(self, **checks: dict[str, Any]) -> Bench:
        """The same with these checks in the manual."""
        whole = {name: {"name": name, **one} for name, one in checks.items()}
        return replace(self, manual=manual(diagnosis={"checks": whole}, **_SERVICES))


_SERVICES: dict[str, Any] = {
    "services": {
        "services": {
            "korea-backend": {"workload": {"namespace": NAMESPACE, "deployment": "korea-backend"}}
        }
    }
}


def step(kind: str, **written: Any) -> Step:
    """A step as the manual writes it; its time is over only where a test says when."""
    return STEP.validate_python({"kind": kind, "name": "The step", "timeout": "100s", **written})


def says(came: StepOutcome, lang: str = "en") -> str:
    return came.says.says(lang)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give kubectl also a minute where a person in an emergency would not wait so long."""
    monkeypatch.setattr(product, "SETTLE_S", PATIENCE)
    monkeypatch.setattr(rollout, "FOR_THE_REASON_S", PATIENCE)
    monkeypatch.setattr(scaling, "LONGEST_S", PATIENCE)
    monkeypatch.setattr(scaling, "WHY_S", PATIENCE)
    monkeypatch.setattr(sets, "LOOK_S", PATIENCE)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Do steps on this machine."""
    import os

    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KOREA_TOKEN": "t0p-secret-value"}
    return Bench(manual(**_SERVICES), env)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Run two revisions of korea-backend, three healthy pods."""
    with running_cluster(tmp_path) as running:
        running.deploy("korea-backend", image="backend:1", replicas=3)
        running.deploy("korea-backend", image="backend:2")
        running.configure("api-config", circuit_breaker="false", other="kept")
        yield running


Kubectl = Callable[..., Awaitable[StepOutcome]]


@pytest.fixture
def kube(cluster: Cluster, bench: Bench) -> Bench:
    """Do steps on the cluster."""
    cluster.forget()
    return replace(bench, env=cluster.env)


@pytest.fixture
def kubectl(kube: Bench) -> Kubectl:
    """Do a kubectl step with these arguments."""

    async def doing(*args: str, **written: Any) -> StepOutcome:
        return await kube.do("kubectl", args=[*args], service="korea-backend", **written)

    return doing


TooSlow = Callable[[str], Awaitable[StepOutcome]]


@pytest.fixture
def too_slow(kubectl: Kubectl, cluster: Cluster) -> TooSlow:
    """Watch a rollout that does not end until kubectl's own time is over."""

    async def watching(target: str) -> StepOutcome:
        return await limited(
            lambda limit_s: kubectl("rollout", "status", target, f"--timeout={limit_s}s"),
            lambda _: any(one.verb == "watch" for one in cluster.requests),
        )

    return watching
