"""A cluster with one deployment, and looks at it through real kubectl."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from tests.kube.cluster import NAMESPACE, Cluster, running_cluster
from tests.waiting import PATIENCE

from bongsu.actions.cluster import look
from bongsu.actions.looking import LookContext
from bongsu.incident.report import Looked
from bongsu.manual.schema.diagnosis import KubectlProbe

Look = Callable[..., Awaitable[Looked]]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Run three healthy pods of korea-backend."""
    with running_cluster(tmp_path) as running:
        running.deploy("korea-backend", image="backend:1.4.1", replicas=3)
        yield running


@pytest.fixture
def context(cluster: Cluster) -> LookContext:
    return LookContext(env=cluster.env, now=cluster.now, timeout_s=PATIENCE)


@pytest.fixture
def looks(context: LookContext) -> Look:
    """Look by kubectl with these arguments, in the deployment's namespace."""

    async def looking(*args: str, within: LookContext = context) -> Looked:
        verb, *rest = args
        probe = KubectlProbe(kind="kubectl", args=[verb, "-n", NAMESPACE, *rest])
        return await look("the_check", probe, within)

    return looking
