"""A cluster with one deployment of two pods."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kube.cluster import Cluster, running_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path) as running:
        running.deploy("korea-backend", image="backend:1", replicas=2, cause="the first")
        yield running
