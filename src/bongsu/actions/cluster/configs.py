"""ConfigMaps and Secrets: when they were written, and by what. Their contents are never asked for.

kubectl hides who wrote when from JSON since 1.21, but not from a template, which it fills in by
itself, so that no value of a Secret reaches us.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from bongsu.actions.cluster.objects import PodSpec, Workload
from bongsu.actions.cluster.revisions import ServiceOf
from bongsu.actions.probes.outcome import bounded, said
from bongsu.i18n import N_
from bongsu.incident.report import Change, Evidence

TEMPLATE = (
    "{{range .items}}{{.metadata.name}}{{'\\t'}}{{.metadata.creationTimestamp}}"
    "{{range .metadata.managedFields}}{{'\\t'}}{{.time}}|{{.operation}}|{{.manager}}{{end}}"
    "{{'\\n'}}{{end}}"
).replace("'", '"')
"""one line each: name, when it was made, then who wrote when"""
_OF_THE_CLUSTER = ("kube-root-ca.crt", "openshift-service-ca.crt")
_OF_HELM = "sh.helm.release.v1."
_SAYS = {
    "ConfigMap": (N_("ConfigMap {name} was made"), N_("ConfigMap {name} was changed by {manager}")),
    "Secret": (N_("Secret {name} was made"), N_("Secret {name} was changed by {manager}")),
}

Users = Mapping[tuple[str, str], str | None]
"""by kind and name: the service whose pods are configured from it"""


def users(deployments: Iterable[Workload], service_of: ServiceOf) -> Users:
    """Return which service uses which ConfigMap and Secret."""
    used: dict[tuple[str, str], str | None] = {}
    for deployment in deployments:
        labels = deployment.spec.template.metadata.labels or {}
        for reference in _references(deployment.spec.template.spec):
            used.setdefault(reference, service_of(deployment.metadata.name, labels))
    return used


def changes(kind: str, lines: str, command: str, used_by: Users) -> list[Change]:
    """Return when each was last written, or made; those of the cluster's own are left out."""
    return [
        change
        for line in lines.splitlines()
        if (change := _change(kind, line, command, used_by)) is not None
    ]


def _references(spec: PodSpec) -> Iterator[tuple[str, str]]:
    for container in spec.containers:
        for source in [*container.env_from, *(env.value_from for env in container.env)]:
            if source is None:
                continue
            for one in (source.config_map_ref, source.config_map_key_ref):
                yield from [("ConfigMap", one.name)] if one else []
            for one in (source.secret_ref, source.secret_key_ref):
                yield from [("Secret", one.name)] if one else []
    for volume in spec.volumes:
        yield from [("ConfigMap", volume.config_map.name)] if volume.config_map else []
        yield from [("Secret", volume.secret.secret_name)] if volume.secret else []


def _change(kind: str, line: str, command: str, used_by: Users) -> Change | None:
    name, *rest = line.split("\t")
    if not rest or name in _OF_THE_CLUSTER or name.startswith(_OF_HELM):
        return None
    made = _time(rest[0])
    written = [_written(one) for one in rest[1:]]
    times = [(at, manager) for at, manager in written if at is not None]
    at, manager = max(times, default=(made, ""))
    if at is None:
        return None
    was_made, was_changed = _SAYS[kind]
    is_new = made is not None and at <= made
    says = said(was_made, name=name) if is_new else said(was_changed, name=name, manager=manager)
    return Change(
        at=at,
        kind="config",
        subject=f"{kind.lower()}/{name}",
        says=says,
        service=used_by.get((kind, name)),
        source="kubernetes",
        evidence=Evidence(command, bounded(line.replace("\t", "  "), 600)),
    )


def _written(one: str) -> tuple[datetime | None, str]:
    at, _, rest = one.partition("|")
    return _time(at), rest.partition("|")[2] or "-"


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
