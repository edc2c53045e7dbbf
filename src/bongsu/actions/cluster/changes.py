"""What was changed in the cluster: rollouts, sizes, ConfigMaps and Secrets.

Each thing is asked by itself, all at once, so that what a service account may not list (Secrets,
often) doesn't hide the rest. Nothing is ranked here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

from bongsu.actions.cluster import configs, revisions, sizes
from bongsu.actions.cluster.kubectl import Asked, ask
from bongsu.actions.cluster.objects import Event, Workload
from bongsu.actions.looking import LookContext, unknown
from bongsu.actions.probes.outcome import said
from bongsu.i18n import N_
from bongsu.incident.alert import Remark
from bongsu.incident.report import Change, Looked
from bongsu.manual.schema.services import Workload as Place

T = TypeVar("T")
Unseen = Callable[[Looked], None]
CHECK = "changes"
"""how ids begin of what could not be seen, as ``changes.secrets``"""


class _Items(msgspec.Struct):
    items: list[msgspec.Raw] = []


async def changes(
    workloads: Mapping[str, Place], context: LookContext, *, since: datetime, unseen: Unseen
) -> list[Change]:
    """Return what was changed since then in the workloads' namespaces, latest first.

    ``unseen`` is told what could not be asked, and why; the rest is returned all the same. Of a
    Secret only the name and the time are ever read.
    """
    namespaces = sorted({place.namespace for place in workloads.values()})
    found = await asyncio.gather(
        *(_Namespace(name, workloads, context, unseen).changes(since) for name in namespaces)
    )
    return sorted((one for some in found for one in some), key=lambda one: one.at, reverse=True)


class _Namespace:
    """What is asked of one namespace."""

    def __init__(
        self, name: str, workloads: Mapping[str, Place], context: LookContext, unseen: Unseen
    ) -> None:
        self._name = name
        self._places = {
            service: place for service, place in workloads.items() if place.namespace == name
        }
        self._context = context
        self._unseen = unseen

    async def changes(self, since: datetime) -> list[Change]:
        sets, deployments, events, maps, secrets = await asyncio.gather(
            self._ask("replicasets", "-o", "json"),
            self._ask("deployments", "-o", "json"),
            self._ask("events", "-o", "json"),
            self._ask("configmaps", "-o", f"go-template={configs.TEMPLATE}"),
            self._ask("secrets", "-o", f"go-template={configs.TEMPLATE}"),
        )
        known_sets = self._read("replicasets", sets, Workload)
        known = self._read("deployments", deployments, Workload)
        told = self._read("events", events, Event)
        users = configs.users(known, self._service)
        found = [
            *revisions.changes(known, known_sets, told, sets.command, self._service),
            *sizes.changes(known_sets, told, events.command, self._service),
            *self._configs("ConfigMap", "configmaps", maps, users),
            *self._configs("Secret", "secrets", secrets, users),
        ]
        return [one for one in found if one.at >= since]

    async def _ask(self, kind: str, *how: str) -> Asked:
        return await ask(["get", kind, "-n", self._name, *how], self._context)

    def _read(self, kind: str, asked: Asked, of: type[T]) -> list[T]:
        if asked.why is not None:
            self._tell(kind, asked.why, asked)
            return []
        try:
            items = msgspec.json.decode(asked.output.out, type=_Items).items
            return [msgspec.json.decode(one, type=of) for one in items]
        except msgspec.DecodeError as error:
            text = N_("kubectl's answer can't be read: {why}")
            self._tell(kind, said(text, why=error), asked)
            return []

    def _configs(
        self, kind: str, plural: str, asked: Asked, users: Mapping[tuple[str, str], str | None]
    ) -> list[Change]:
        if asked.why is not None:
            self._tell(plural, asked.why, asked)
            return []
        command = asked.command.split(" -o ")[0]
        return configs.changes(kind, asked.output.text, command, users)

    def _tell(self, kind: str, why: Remark, asked: Asked) -> None:
        self._unseen(unknown(f"{CHECK}.{kind}", why, asked.evidence()))

    def _service(self, deployment: str, labels: Mapping[str, str]) -> str | None:
        """Return whose service it is, by the manual's deployment or selector."""
        for service, place in self._places.items():
            if place.deployment == deployment:
                return service
        for service, place in self._places.items():
            if place.deployment is None and place.selector and _fits(place.selector, labels):
                return service
        return None


def _fits(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether a selector of ``name=value`` terms chooses these labels; others choose nothing."""
    terms = [term.strip().replace("==", "=").partition("=") for term in selector.split(",")]
    return all(sep and labels.get(name) == value for name, sep, value in terms)
