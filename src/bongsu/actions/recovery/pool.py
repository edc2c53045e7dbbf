"""A database's connection pool, looked at: how many connections, of how many, and what waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from bongsu.actions.looking import LookContext
from bongsu.actions.probes import mongodb, postgresql
from bongsu.incident.report import Looked
from bongsu.manual.schema.diagnosis import DatabaseProbe

Kind = Literal["mongodb", "postgresql"]
_SCHEMES: dict[str, Kind] = {
    "mongodb": "mongodb",
    "mongodb+srv": "mongodb",
    "postgresql": "postgresql",
    "postgres": "postgresql",
}
SLOW = timedelta(seconds=5)


def kind_of(env: Mapping[str, str], variable: str) -> Kind | None:
    """Return which database an address is of; None where it is none of ours, or not set."""
    return _SCHEMES.get(urlsplit(env.get(variable, "").strip()).scheme.lower())


async def look(
    env: Mapping[str, str], variable: str, over: float, now: Callable[[], datetime],
    timeout_s: float,
) -> Looked:  # fmt: skip
    """Ask the database whose address ``variable`` holds; ``over`` is the share that is too much."""
    kind = kind_of(env, variable)
    assert kind is not None
    probe = DatabaseProbe(kind=kind, dsn_env=variable, connections_over=over, slow_over=SLOW)
    context = LookContext(env=env, now=now, timeout_s=timeout_s)
    looker = mongodb.look if kind == "mongodb" else postgresql.look
    return await looker("pool", probe, context)
