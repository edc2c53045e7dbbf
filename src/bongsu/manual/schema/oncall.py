"""oncall.yaml: rotations, overrides and the holiday calendar."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bongsu.i18n import N_
from bongsu.manual.schema.base import (
    Day,
    Duration,
    Id,
    Instant,
    LocalTime,
    Model,
    Text,
    format_duration,
    refusal,
)

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _whole_days(value: timedelta) -> timedelta:
    if value < timedelta(days=1) or value % timedelta(days=1):
        raise refusal(
            N_("{value} is no length of a shift"),
            N_("write whole days, for example 1d or 1w; `hours` says when it answers"),
            value=format_duration(value),
        )
    return value


class Handoff(Model):
    """When one shift ends and the next begins, on the clock of the rotation's time zone."""

    day: Weekday = "mon"
    """the weekday of the handoff; of no effect where shifts don't last whole weeks"""
    time: LocalTime


class Hours(Model):
    """A part of the week; ``until`` before ``from`` runs past midnight, equal means 24 hours."""

    days: list[Weekday] = Field(min_length=1)
    """the days on which it begins"""
    start: LocalTime = Field(alias="from")
    until: LocalTime


class Rotation(Model):
    """A cycle of shifts (순환표); each shift names one person (or ``role:NAME``) per slot."""

    name: Text
    timezone: str | None = None
    """the manual's time zone where it is not given"""
    start: Day
    """the day on which the first shift of the cycle began; before it nobody is on call.
    Where shifts last whole weeks and this is not the handoff's weekday, the first one is shorter"""
    handoff: Handoff
    every: Annotated[Duration, AfterValidator(_whole_days)] = Field(
        default="1w", validate_default=True
    )
    """length of one shift in whole days; a handoff keeps its local time across DST"""
    slots: list[Id] = Field(min_length=1)
    """the first is called first"""
    shifts: list[dict[str, str]] = Field(min_length=1)
    """the cycle: slot → person id or ``role:NAME``; the key ``name`` labels the shift"""
    hours: list[Hours] = Field(default_factory=list)
    """when the rotation answers at all; empty is always"""
    outside_hours: Id | None = None
    """the rotation that answers outside ``hours``"""
    on_holidays: Id | None = None
    """the rotation that answers on public holidays"""


class Override(Model):
    """Somebody stands in for a slot for a while (대체 근무); of two, the one listed last holds."""

    rotation: Id
    slot: Id
    person: Id
    start: Instant = Field(alias="from")
    until: Instant
    reason: str = ""


class ExtraHoliday(Model):
    """A day off that the calendar library does not know yet (임시공휴일)."""

    date: Day
    name: Text


class Holidays(Model):
    """The public holidays that rotations and the fairness count look at."""

    country: str = "KR"
    """an ISO 3166 code that the calendar library knows"""
    add: list[ExtraHoliday] = Field(default_factory=list)
    remove: list[Day] = Field(default_factory=list)


class LoadLimits(Model):
    """How much being on call is too much; the defaults are Korea's (근로기준법)."""

    regular_week: Duration = Field(default="40h", validate_default=True)
    """work in a week besides being on call"""
    week: Duration = Field(default="52h", validate_default=True)
    """the longest lawful week"""
    worked_share: float = Field(default=0.1, ge=0, le=1)
    """how much of the time on call the first slot is expected to work, until you have measured it;
    the slots behind it are called only when it does not answer, and count as standing by"""
    rest: Duration = Field(default="11h", validate_default=True)
    """the shortest rest between two stretches on call"""


class OnCall(Model):
    """Who answers when (24/7 On-Call)."""

    rotations: dict[Id, Rotation]
    overrides: list[Override] = Field(default_factory=list)
    holidays: Holidays = Holidays()
    limits: LoadLimits = LoadLimits()
