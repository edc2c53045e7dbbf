"""What a cluster knows, kept as it is: the logs of every container, and the objects around them.

Nothing is masked: this is evidence. The folder is for its owner alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from bongsu.actions.cluster.kubectl import PLUGINS_NEED, kubectl
from bongsu.actions.cluster.objects import Part
from bongsu.actions.evidence.custody import EvidenceError
from bongsu.actions.evidence.folder import Folder
from bongsu.actions.evidence.tools import version
from bongsu.actions.output import Output
from bongsu.actions.programs import MIB, allowed_environment, run, stream
from bongsu.i18n import N_

_T = TypeVar("_T")
ANSWER = 64 * MIB
NONE_KEPT = re.compile(
    r"previous terminated container .* not found|is waiting to start|ContainerCreating"
    r"|not found.*previous|container .* is terminated"
)
"""there is no such log, which is no failure to keep it"""


class _Container(Part, frozen=True):
    name: str = ""


class _PodSpec(Part, frozen=True, rename="camel"):
    containers: list[_Container] = msgspec.field(default_factory=list)
    init_containers: list[_Container] = msgspec.field(default_factory=list)
    ephemeral_containers: list[_Container] = msgspec.field(default_factory=list)

    def names(self) -> list[str]:
        every = [*self.init_containers, *self.containers, *self.ephemeral_containers]
        return [one.name for one in every]


class _Named(Part, frozen=True):
    name: str = ""


class _Pod(Part, frozen=True):
    metadata: _Named = _Named()
    spec: _PodSpec = _PodSpec()


class _Pods(Part, frozen=True):
    items: list[_Pod] = msgspec.field(default_factory=list)


class _Labels(Part, frozen=True, rename="camel"):
    match_labels: dict[str, str] = msgspec.field(default_factory=dict)


class _Chooses(Part, frozen=True):
    selector: _Labels = _Labels()


class _Workload(Part, frozen=True):
    spec: _Chooses = _Chooses()


@dataclass
class Collected:
    """What was kept and what was not."""

    files: list[Path] = field(default_factory=list)
    none: list[str] = field(default_factory=list)
    """logs that do not exist"""
    failed: dict[str, str] = field(default_factory=dict)
    """what could not be kept, and why"""


@dataclass(frozen=True)
class Cluster:
    """kubectl for one namespace."""

    namespace: str
    env: Mapping[str, str]
    timeout_s: float

    def argv(self, *args: str) -> list[str]:
        """Return the whole command."""
        return [*kubectl(self.env, self.timeout_s), "-n", self.namespace, *args]

    @property
    def passed_on(self) -> dict[str, str]:
        """Return the environment that kubectl sees."""
        return allowed_environment(PLUGINS_NEED, source=self.env)


async def collect(folder: Folder, cluster: Cluster, workload: str | None) -> Collected:
    """Keep the logs of all containers, previous ones too, and the objects around them.

    Args:
        folder: where to.
        cluster: where from.
        workload: such as ``deployment/korea-backend``; None takes every pod of the namespace.

    Raises:
        EvidenceError: the cluster can't be asked, or the evidence is sealed.
    """
    tools = {"kubectl": await version("kubectl", cluster.env)}
    keeper = _Keeper(folder, cluster, tools)
    label = workload or cluster.namespace
    chosen: Sequence[str] = ()
    if workload is not None:
        body = await keeper.thing(label, "get", workload)
        labels = _read(body, _Workload).spec.selector.match_labels
        if not labels:
            text = N_("{workload} says by no labels which pods are its own")
            raise EvidenceError(text, workload=workload)
        chosen = ("-l", ",".join(f"{name}={value}" for name, value in labels.items()))
    await keeper.thing(f"{label}-replicasets", "get", "replicasets", *chosen)
    await keeper.thing(f"{label}-events", "get", "events")
    body = await keeper.thing(f"{label}-pods", "get", "pods", *chosen)
    for pod in _read(body, _Pods).items:
        for container in pod.spec.names():
            await keeper.log(pod.metadata.name, container, previous=False)
            await keeper.log(pod.metadata.name, container, previous=True)
    return keeper.kept


def _read(body: bytes, type_: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.DecodeError as error:
        text = N_("the cluster's answer can't be read: {error}")
        raise EvidenceError(text, error=error) from error


@dataclass
class _Keeper:
    """Keeps one thing after the other, and says so in the chain of custody."""

    folder: Folder
    cluster: Cluster
    tools: Mapping[str, str]
    kept: Collected = field(default_factory=Collected)

    async def thing(self, name: str, *args: str) -> bytes:
        """Keep an object or a list as JSON, and return it."""
        output = await run(
            self.cluster.argv(*args, "-o", "json"), timeout_s=self.cluster.timeout_s,
            env=self.cluster.passed_on, limit=ANSWER,
        )  # fmt: skip
        if not output.ok or output.truncated:
            why = output.complaint.splitlines()[-1:] or ["no answer in time"]
            raise EvidenceError("kubectl {args}: {why}", args=" ".join(args), why=why[0])
        place = self._new("cluster", f"{name.replace('/', '-')}.json")
        if place is not None:
            place.write_bytes(output.out)
            self._note(place, " ".join(args))
        return output.out

    async def log(self, pod: str, container: str, *, previous: bool) -> None:
        """Keep what one container has written, or what the one before it had."""
        place = self._new("logs", pod, f"{container}{'.previous' if previous else ''}.log")
        if place is None:
            return
        args = ["logs", pod, f"--container={container}", "--timestamps"]
        args += ["--previous"] if previous else []
        output = await self._streamed(args, place)
        if output.ok:
            self._note(place, " ".join(args))
            return
        if NONE_KEPT.search(output.complaint) and not place.stat().st_size:
            place.unlink()
            self.kept.none.append(f"{pod}/{container}{' (previous)' if previous else ''}")
            return
        why = (output.complaint.splitlines() or [f"kubectl {output.ended}"])[-1]
        self._note(place, " ".join(args), incomplete=why)
        self.kept.failed[f"{pod}/{container}"] = why

    async def _streamed(self, args: Sequence[str], place: Path) -> Output:
        argv, env = self.cluster.argv(*args), self.cluster.passed_on
        with place.open("xb") as file:
            async with stream(argv, timeout_s=self.cluster.timeout_s, env=env) as blocks:
                async for block in blocks:
                    file.write(block)
        return blocks.output

    def _new(self, *parts: str) -> Path | None:
        """Return where it goes; None if it was kept before."""
        try:
            return self.folder.place(*parts)
        except EvidenceError:
            if self.folder.is_sealed:
                raise
            return None

    def _note(self, place: Path, args: str, **more: str) -> None:
        place.chmod(0o600)
        details = {**self.folder.known(place), "command": f"kubectl {args}", **more}
        self.folder.note("collected", details, **self.tools)
        self.kept.files.append(place)
