"""Who looks, by the kind of the manual's probe."""

from __future__ import annotations

from typing import assert_never

from bongsu.actions import cluster
from bongsu.actions.looking import LookContext
from bongsu.actions.probes import command, http, mongodb, network, postgresql, prometheus, redis
from bongsu.incident.report import Looked
from bongsu.manual.schema.diagnosis import (
    CommandProbe,
    DatabaseProbe,
    HttpProbe,
    KubectlProbe,
    NetworkProbe,
    Probe,
    PrometheusProbe,
)

DATABASES = {"postgresql": postgresql.look, "mongodb": mongodb.look, "redis": redis.look}


async def look(check: str, probe: Probe, context: LookContext) -> Looked:
    """Look once; see `bongsu.actions.looking` for what a looker owes."""
    match probe:
        case HttpProbe():
            return await http.look(check, probe, context)
        case KubectlProbe():
            return await cluster.look(check, probe, context)
        case PrometheusProbe():
            return await prometheus.look(check, probe, context)
        case DatabaseProbe():
            return await DATABASES[probe.kind](check, probe, context)
        case NetworkProbe():
            return await network.look(check, probe, context)
        case CommandProbe():
            return await command.look(check, probe, context)
        case _:
            assert_never(probe)
