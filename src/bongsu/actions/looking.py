"""What a look at something is given, whatever it looks at; `bongsu.actions.lookers` has who looks.

A looker is ``async (check, probe, context) -> Looked``: ``check`` is the check's id, ``probe`` the
manual's. It never raises for what it finds and never takes a failure to look for health: it
answers ``unknown`` with why. Whoever runs it fills in ``took_s``, ``group`` and ``service`` and
the findings' ``check`` and ``service``; it is cancelled when its time is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bongsu.incident.alert import Remark
from bongsu.incident.report import Evidence, Looked
from bongsu.manual.schema.services import Workload

PROMETHEUS_URL = "BONGSU_PROMETHEUS_URL"
"""the environment variable that says where Prometheus is queried"""


@dataclass(frozen=True)
class LookContext:
    """What every look is given."""

    env: Mapping[str, str] = field(repr=False)
    """the environment: connection strings, KUBECONFIG, addresses"""
    now: Callable[[], datetime]
    """the time of day, UTC"""
    timeout_s: float
    """seconds that this one look may take; a little before them it should give up by itself"""
    workloads: Mapping[str, Workload] = field(default_factory=dict)
    """where each service lives in Kubernetes, by the service's id"""
    lang: str = "ko"
    """of the few texts that come as words, such as what was wrong with logs"""


def unknown(check: str, why: Remark, evidence: Evidence | None = None) -> Looked:
    """Say that it could not be looked at, and why."""
    return Looked(
        check=check, verdict="unknown", took_s=0.0, why=why, evidence=evidence or Evidence()
    )
