"""Durations that make no sense, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise

from bongsu.i18n import N_
from bongsu.manual.problems import KeyPath, Problem, error, warning
from bongsu.manual.schema.base import SEVERITY_LEVELS, Model, format_duration
from bongsu.manual.schema.document import Manual

_MAY_BE_ZERO = frozenset(
    {"after", "from", "at_latest", "grace", "until", "reopen_within", "watch", "wait"}
)


def problems(manual: Manual) -> Iterator[Problem]:
    """Look for durations of zero, and for grave severities with longer times than slight ones."""
    for path, key in _zeros((), manual):
        yield error(path, N_("{key} can't be 0s"), N_("write a time, for example 5m"), key=key)
    yield from _recovery_grows(manual)
    yield from _four_severities(manual)


def _zeros(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, timedelta):
        key = str(path[-1])
        if not value and key not in _MAY_BE_ZERO:
            yield path, key
    elif isinstance(value, Model):
        for name, field in type(value).model_fields.items():
            yield from _zeros((*path, field.alias or name), getattr(value, name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _zeros((*path, str(key)), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _zeros((*path, index), item)


def _recovery_grows(manual: Manual) -> Iterator[Problem]:
    levels = [level for level in SEVERITY_LEVELS if level in manual.overview.severities]
    for graver, slighter in pairwise(levels):
        within = manual.overview.severities[graver].recover_within
        if within > manual.overview.severities[slighter].recover_within:
            yield warning(
                ("overview", "severities", graver, "recover_within"),
                N_("{graver} may take {within}, longer than the slighter {slighter}"),
                N_("give the graver severity the shorter time"),
                graver=graver, slighter=slighter, within=format_duration(within),
            )  # fmt: skip


def _four_severities(manual: Manual) -> Iterator[Problem]:
    for chapter, defined in (
        ("overview", manual.overview.severities),
        ("response", manual.response.severities),
    ):
        for level in SEVERITY_LEVELS:
            if level not in defined:
                yield error(
                    (chapter, "severities"), N_("{level} is missing"),
                    N_("define all four severities, P0 to P3"), level=level,
                )  # fmt: skip
