"""Every kubectl check of the first user's manual works as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.kube.remote_exec import Executed

from bongsu.actions.cluster import look
from bongsu.manual.load import load
from bongsu.manual.schema.diagnosis import KubectlProbe

MANUAL = Path(__file__).parents[3] / "manuals" / "korea-public-data"
PROBES = {
    name: check.probe
    for name, check in load(MANUAL).diagnosis.checks.items()
    if isinstance(check.probe, KubectlProbe)
}


@pytest.mark.parametrize("name", PROBES)
async def test_it_is_healthy_on_a_healthy_cluster(cluster, context, name):
    looked = await look(name, PROBES[name], context)
    assert (looked.verdict, looked.why) == ("healthy", None)


@pytest.mark.parametrize("name", PROBES)
async def test_it_is_unknown_without_an_api_server(cluster, context, name):
    cluster.down()
    looked = await look(name, PROBES[name], context)
    assert looked.verdict == "unknown"
    assert looked.why is not None
    assert "can't be reached" in looked.why.says("en")


async def test_each_of_the_seeds_connections_is_told_by_itself(cluster, context):
    refused = Executed(err="refused", exit_code=1)
    cluster.answer_exec(lambda _pod, argv: refused if "redis" in str(argv) else Executed())
    reached = {
        name: (await look(name, probe, context)).verdict
        for name, probe in PROBES.items()
        if name.startswith("reach_")
    }
    assert reached.pop("reach_redis") == "unhealthy"
    assert set(reached.values()) == {"healthy"}
