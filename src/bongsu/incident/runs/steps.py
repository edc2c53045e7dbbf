"""A planned step as the manual's own type, and what can be said of it without doing it."""

from __future__ import annotations

from functools import lru_cache

from pydantic import TypeAdapter

from bongsu.incident.run_events import PlannedStep
from bongsu.manual.schema.playbooks import Step, has_undo

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


def can_be_undone(step: Step) -> bool:
    """Whether the manual names a way back."""
    return has_undo(step)
