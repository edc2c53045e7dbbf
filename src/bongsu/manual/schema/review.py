"""review.yaml: when a review is due, and the improvements that are being tracked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bongsu.manual.schema.base import Day, Duration, Id, Model, SeverityLevel, Text


class ActionItem(Model):
    """One improvement with an owner and a date (개선 과제)."""

    item: Text
    status: Literal["planned", "scheduled", "in_progress", "done"]
    owner: str
    due: Day
    priority: Literal["high", "medium", "low"] = "medium"


class Review(Model):
    """The rules of the post-mortem (사후 분석)."""

    required_for: list[SeverityLevel] = Field(default=["P0", "P1"])
    within: Duration = Field(default="5d", validate_default=True)
    template: str = "postmortem.md"
    improvements: dict[
        Literal["preventive_measures", "process_improvements"], dict[Id, ActionItem]
    ] = Field(default_factory=dict)
