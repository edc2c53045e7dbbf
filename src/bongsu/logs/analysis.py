"""What an analysis of log lines says. Plain values without numpy, so that anyone may import it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Novelty = Literal["new", "spiking", "usual", "fading"]


class Variable(msgspec.Struct, frozen=True):
    """One variable part of a template, and the values that were seen most there."""

    place: int
    """which ``<*>`` of the template, from 0"""
    values: tuple[tuple[str, int], ...]
    """masked value and its count, most frequent first"""
    distinct: int
    """how many different ones, as far as they were counted"""


class Pattern(msgspec.Struct, frozen=True, omit_defaults=True):
    """One template of log records, counted in the incident's window and in the baseline."""

    template: str
    """with ``<*>`` for what varies; masked"""
    novelty: Novelty
    score: float
    """what the ranking goes by; higher is more remarkable"""
    count: int
    """records in the incident's window"""
    expected: float
    """records that the baseline's rate would have given in a window as long"""
    sample: str
    """one real record, whole with its stack trace; bounded, masked"""
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    rate: tuple[int, ...] = ()
    """counts over time in equal steps from the baseline's beginning to the window's end"""
    variables: tuple[Variable, ...] = ()
    error: bool = False
    """whether it speaks of an error by the words or level that logs use"""


class Analysis(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The patterns of some logs, the most remarkable first."""

    sources: tuple[str, ...]
    lines: int
    records: int
    """lines, with the lines of a stack trace counted as one"""
    bytes: int
    templates: int
    """how many there are in all; ``patterns`` has the top of them"""
    since: datetime | None = None
    until: datetime | None = None
    baseline_since: datetime | None = None
    patterns: tuple[Pattern, ...] = ()
    troubles: tuple[str, ...] = ()
    """what could not be read, in words"""
    notes: tuple[str, ...] = ()
    """what was assumed where the logs don't tell, in words: a time zone, a year, an order"""
