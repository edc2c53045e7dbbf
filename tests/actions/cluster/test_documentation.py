"""The page on Kubernetes names every finding, and grants what is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from bongsu.actions.cluster import nodes, pods, workloads
from bongsu.actions.cluster.trouble import Trouble

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "kubernetes.md").read_text()


def troubles() -> list[Trouble]:
    named = [one for module in (pods, nodes, workloads) for one in vars(module).values()]
    several = [one for group in named if isinstance(group, dict) for one in group.values()]
    return [one for one in [*named, *several] if isinstance(one, Trouble)]


def test_every_code_is_in_the_table_with_its_verdict():
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `")]
    said = {code: row[2] for row in rows for code in re.findall(r"`(\w+)`", row[1])}
    for one in troubles():
        assert one.verdict in said[one.code], one.code
    assert len(troubles()) > 20


async def test_the_role_grants_what_the_report_asks_for(cluster, context):
    from bongsu.actions.cluster import changes
    from bongsu.manual.schema.services import Workload

    role = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    granted = {
        (resource, verb)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    places = {"api": Workload(namespace="korea-prod", deployment="korea-backend")}
    await changes(places, context, since=cluster.now(), unseen=lambda _one: None)
    assert {(one.resource, one.verb) for one in cluster.requests} <= granted
