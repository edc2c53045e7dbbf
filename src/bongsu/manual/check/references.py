"""Names that lead from one chapter to another: do they exist, and do they go round in circles?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from bongsu.i18n import N_
from bongsu.manual.problems import KeyPath, Problem, error, instead

_UNKNOWN = {
    "role": N_("there is no role {name} in team.yaml"),
    "person": N_("there is no person {name} in team.yaml"),
    "service": N_("there is no service {name} in services.yaml"),
    "type": N_("there is no incident type {name} in manual.yaml"),
    "rotation": N_("there is no rotation {name} in oncall.yaml"),
    "slot": N_("the rotation has no slot {name}"),
    "check": N_("there is no check {name} in diagnosis.yaml"),
    "playbook": N_("there is no playbooks/{name}.yaml"),
    "parameter": N_("the playbook has no parameter {name}"),
    "template": N_("there is no template {name} in communication.yaml"),
    "audience": N_("there is no audience {name} in communication.yaml"),
}


def refer(path: KeyPath, kind: str, name: str | None, known: Collection[str]) -> Iterator[Problem]:
    """Yield a problem if ``name`` is given and not known."""
    if name is None or name in known:
        return
    mend, values = instead(name, known)
    yield error(path, _UNKNOWN[kind], mend, name=name, **values)


def refer_all(
    path: KeyPath, kind: str, names: Iterable[str], known: Collection[str]
) -> Iterator[Problem]:
    """Look at a list of names: each must be known, and stand there once."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        yield from refer((*path, index), kind, name, known)
        if name in seen:
            yield error(
                (*path, index), N_("{name} stands in this list twice"), N_("delete one"), name=name
            )
        seen.add(name)


def circles(graph: Mapping[str, Iterable[str]]) -> Iterator[list[str]]:
    """Yield circles of a graph: one for every arrow that would have to go to end them all."""
    arrows = {node: set(following) for node, following in graph.items()}
    while True:
        try:
            TopologicalSorter(arrows).prepare()
        except CycleError as found:
            circle = list(reversed(found.args[1]))  # it is given against the arrows
            yield circle
            arrows[circle[0]].discard(circle[1])
        else:
            return


def arrows(names: list[str]) -> str:
    """Write a circle for the reader: ``a → b → a``."""
    return " → ".join(names)
