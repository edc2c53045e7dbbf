"""What a run is given, read by type: nothing that the manual does not allow gets any further.

Values come from forms, command lines and JSON, so numbers may be written as text; then only ASCII
digits are digits. Look-alikes are refused wherever the manual says what a value looks like.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping

from bongsu.incident.commands import RefusedError
from bongsu.incident.run_events import Value
from bongsu.manual.check.parameters import address, matches
from bongsu.manual.schema.base import shown
from bongsu.manual.schema.playbooks import Parameter, Playbook

LONGEST = 1000
"""characters of a value"""
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_FRACTION = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}", re.ASCII)
_TOO_LARGE = 10**18
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
"""control and format characters, halves of characters, ends of lines and paragraphs"""


def read(name: str, playbook: Playbook, given: Mapping[str, object]) -> dict[str, Value]:
    """Return every parameter of a playbook: as given, else its default.

    Raises:
        RefusedError: one is unknown or missing, or not as the manual wants it.
    """
    for unknown in given.keys() - playbook.parameters.keys():
        named = {"playbook": name, "parameter": shown(unknown)}
        if not playbook.parameters:
            raise RefusedError("no_parameters", **named)
        raise RefusedError("unknown_parameter", **named, known=", ".join(playbook.parameters))
    return {key: _one(key, wanted, given.get(key)) for key, wanted in playbook.parameters.items()}


def _one(name: str, wanted: Parameter, given: object) -> Value:
    found = wanted.default if given is None else given
    if found is None:
        raise RefusedError("missing_parameter", parameter=name)
    value = _typed(name, wanted, found)
    if wanted.choices is not None and value not in wanted.choices:
        choices = ", ".join(map(str, wanted.choices))
        raise _refused("parameter_choice", name, found, choices=choices)
    if isinstance(value, str):
        _written(name, wanted, value)
    elif not isinstance(value, bool):
        _within(name, wanted, value)
    return value


def _typed(name: str, wanted: Parameter, given: object) -> Value:
    if isinstance(given, str) and len(given) > LONGEST:
        raise RefusedError("parameter_too_long", parameter=name, longest=str(LONGEST))
    readers = {
        "string": _text, "address": _address, "integer": _integer, "number": _number,
        "boolean": _truth,
    }  # fmt: skip
    value = readers[wanted.type](given)
    if value is None:
        raise _refused("parameter_type", name, given, type=wanted.type)
    return value


def _text(given: object) -> str | None:
    return given if isinstance(given, str) else None


def _address(given: object) -> str | None:
    return address(given) if isinstance(given, str) else None


def _integer(given: object) -> int | None:
    if isinstance(given, str):
        return int(given) if _INTEGER.fullmatch(given) else None
    if isinstance(given, bool) or not isinstance(given, int):
        return None
    return given if abs(given) < _TOO_LARGE else None


def _number(given: object) -> int | float | None:
    if isinstance(given, str):
        return float(given) if _FRACTION.fullmatch(given) else _integer(given)
    if isinstance(given, float):
        return given if math.isfinite(given) else None
    return _integer(given)


def _truth(given: object) -> bool | None:
    if isinstance(given, str):
        return {"true": True, "false": False}.get(given)
    return given if isinstance(given, bool) else None


def _written(name: str, wanted: Parameter, value: str) -> None:
    """Look at a text's characters; what may hold anything may still hold nothing unseen."""
    if any(unicodedata.category(one) in _UNSEEN for one in value):
        raise _refused("parameter_characters", name, value)
    if wanted.pattern is None:
        if not value.strip() and wanted.choices is None:
            raise RefusedError("parameter_empty", parameter=name)
        return
    if unicodedata.normalize("NFKC", value) != value:
        raise _refused("parameter_look_alike", name, value)
    if not matches(wanted, value):
        raise _refused("parameter_pattern", name, value, pattern=wanted.pattern)


def _within(name: str, wanted: Parameter, value: float) -> None:
    low = -math.inf if wanted.minimum is None else wanted.minimum
    high = math.inf if wanted.maximum is None else wanted.maximum
    if not low <= value <= high:
        raise _refused("parameter_range", name, value, low=_bound(low), high=_bound(high))


def _bound(number: float) -> str:
    return "-" if math.isinf(number) else f"{number:g}"


def _refused(code: str, name: str, value: object, **values: str) -> RefusedError:
    return RefusedError(code, parameter=name, value=shown(value), **values)
