"""A planned step as the manual's own type, and what can be said of it without doing it."""

from __future__ import annotations

from functools import lru_cache

from pydantic import TypeAdapter

from bongsu.incident.run_events import PlannedStep
from bongsu.manual.check.playbooks import names_namespace
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import KubectlStep, Step, has_undo

_ADAPTER: TypeAdapter[Step] = TypeAdapter(Step)


def step_of(planned: PlannedStep) -> Step:
    """Read a step back from the log.

    Raises:
        pydantic.ValidationError: it is no step that this release knows.
    """
    return _step(planned.spec)


@lru_cache(maxsize=512)
def _step(spec: str) -> Step:
    return _ADAPTER.validate_json(spec)


def namespace_of(step: KubectlStep, manual: Manual) -> str | None:
    """Return the namespace that is added to a step's arguments; None where kubectl's own counts."""
    service = manual.services.services.get(step.service or "")
    workload = service.workload if service else None
    return step.namespace or (workload.namespace if workload else None)


def kubectl_line(step: KubectlStep, args: list[str], manual: Manual) -> list[str]:
    """Return a step's command as one would type it."""
    namespace = namespace_of(step, manual)
    where = ["-n", namespace] if namespace and not names_namespace(args) else []
    return ["kubectl", *where, *args]


def can_be_undone(step: Step) -> bool:
    """Whether the manual names a way back."""
    return has_undo(step)
