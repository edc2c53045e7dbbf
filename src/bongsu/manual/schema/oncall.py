"""oncall.yaml: rotations, overrides and the holiday calendar."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Literal

from pydantic import Field

from bongsu.manual.schema.base import Duration, Id, Model, Text

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Handoff(Model):
    """When one shift ends and the next begins, on the clock of the rotation's time zone."""

    day: Weekday = "mon"
    time: time


class Hours(Model):
    """A part of the week; ``until`` before ``from`` runs past midnight, equal means all day."""

    days: list[Weekday]
    start: time = Field(alias="from")
    until: time


class Rotation(Model):
    """A cycle of shifts (순환표); each shift names one person (or ``role:NAME``) per slot."""

    name: Text
    timezone: str | None = None
    """the manual's time zone where it is not given"""
    start: date
    """the day on which the first shift of the cycle began"""
    handoff: Handoff
    every: Duration = Field(default="1w", validate_default=True)
    """length of one shift in whole days; a handoff keeps its local time across DST"""
    slots: list[Id]
    shifts: list[dict[str, str]]
    """the cycle: slot → person id or ``role:NAME``; the key ``name`` labels the shift"""
    hours: list[Hours] = Field(default_factory=list)
    """when the rotation answers at all; empty is always"""
    outside_hours: Id | None = None
    """the rotation that answers outside ``hours``"""
    on_holidays: Id | None = None
    """the rotation that answers on public holidays"""


class Override(Model):
    """Somebody stands in for a slot for a while (대체 근무)."""

    rotation: Id
    slot: Id
    person: Id
    start: datetime = Field(alias="from")
    until: datetime
    reason: str = ""


class ExtraHoliday(Model):
    """A day off that the calendar library does not know yet (임시공휴일)."""

    date: date
    name: Text


class Holidays(Model):
    """The public holidays that rotations and the fairness count look at."""

    country: str = "KR"
    add: list[ExtraHoliday] = Field(default_factory=list)
    remove: list[date] = Field(default_factory=list)


class OnCall(Model):
    """Who answers when (24/7 On-Call)."""

    rotations: dict[Id, Rotation]
    overrides: list[Override] = Field(default_factory=list)
    holidays: Holidays = Holidays()
