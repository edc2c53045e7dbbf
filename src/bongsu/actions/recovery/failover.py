"""Failover of an external API: to its backup if that one answers, and back to what was before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from bongsu.actions.probes.reaching import tls_context
from bongsu.actions.recovery.cluster import Cluster, Json
from bongsu.actions.recovery.former import Former, changed, kept, restore, value_of
from bongsu.actions.saying import SaidError
from bongsu.i18n import N_


class FailoverError(SaidError):
    """Nothing was switched."""


class Switch(NamedTuple):
    """The key of a ConfigMap that says which service is asked."""

    target: str
    """such as ``configmap/api-config``"""
    key: str
    value: str
    """what it is while the backup is used"""


async def over(cluster: Cluster, switch: Switch, backup: str, timeout_s: float) -> Former:
    """Ask the backup's health address first; only then switch to it.

    Raises:
        FailoverError: the backup isn't well.
        ClusterError: the switch can't be changed.
    """
    await _is_well(backup, cluster.env, timeout_s)

    def change(thing: Json) -> tuple[Former, Json]:
        former = Former(switch.key, value_of(thing, switch.key))
        if former.value == switch.value:
            return former, {}
        # Both in one patch: what a crash leaves behind is switched and remembered, or neither.
        return former, {**kept(thing, former), "data": {switch.key: switch.value}}

    return await changed(cluster, switch.target, change)


async def back(cluster: Cluster, switch: Switch) -> Former:
    """Put back what was before; where nothing was switched, nothing is to be put back.

    Raises:
        ClusterError: the backup is used and nothing is remembered, or it can't be changed.
    """
    thing = await cluster.read("get", switch.target)
    now = Former(switch.key, value_of(thing, switch.key))
    return now if now.value != switch.value else await restore(cluster, switch.target, switch.key)


async def _is_well(address: str, env: Mapping[str, str], timeout_s: float) -> None:
    import httpx  # noqa: PLC0415  slow to import

    place = urlsplit(address).hostname or "-"
    try:
        async with (
            asyncio.timeout(timeout_s),
            httpx.AsyncClient(verify=tls_context(env), timeout=timeout_s) as client,
        ):
            answer = await client.get(address)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ValueError) as error:
        text = N_("the backup {place} does not answer: {error}")
        raise FailoverError(text, place=place, error=repr(error)) from error
    if not answer.is_success:
        text = N_("the backup {place} answers with status {status}")
        raise FailoverError(text, place=place, status=answer.status_code)
