"""What doing a step is given, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bongsu.actions.looking import LookContext
from bongsu.actions.output import Stream
from bongsu.actions.probes.outcome import said
from bongsu.incident.alert import Remark
from bongsu.incident.report import Verdict
from bongsu.manual.schema.document import Manual

Outcome = Literal["done", "failed", "refused", "unknown"]
"""``refused``: nothing was changed; ``unknown``: nobody can tell whether it was done"""
OnOutput = Callable[[Stream, bytes], None]


def _nowhere(_stream: Stream, _block: bytes) -> None:
    """Keep nothing of what is printed."""


@dataclass(frozen=True)
class StepContext:
    """What doing a step is given."""

    look: LookContext
    """environment, clock, language; its ``timeout_s`` counts for nothing, the step's own does"""
    manual: Manual = field(repr=False)
    """of the run: its checks and the workloads of its services"""
    on_output: OnOutput = _nowhere
    """given what the step prints, as it comes: masked, readable, at most about 64 KiB in all"""


@dataclass(frozen=True)
class StepOutcome:
    """What came of one attempt at a step, or at taking it back."""

    outcome: Outcome
    says: Remark
    exit_code: int | None = None
    took_s: float = 0.0
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """what the step's checks said, by their ids"""


def done(text: str, **values: object) -> StepOutcome:
    """It did what it is for."""
    return StepOutcome("done", said(text, **values))


def failed(text: str, **values: object) -> StepOutcome:
    """It did not; part of it may be done."""
    return StepOutcome("failed", said(text, **values))


def refused(text: str, **values: object) -> StepOutcome:
    """It was not begun."""
    return StepOutcome("refused", said(text, **values))
