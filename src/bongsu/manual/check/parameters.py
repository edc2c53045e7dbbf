"""A playbook's parameters: do their defaults fit, and is each placeholder one of them?

A step uses a parameter as ``{{ name }}`` inside an argument, an address or a body; nothing else
of a run reaches a command. ``{{ incident }}``, the incident's number, is always there.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping

from bongsu.i18n import N_
from bongsu.manual.check.references import refer
from bongsu.manual.problems import KeyPath, Problem, error, warning
from bongsu.manual.schema.base import Model, shown
from bongsu.manual.schema.playbooks import Parameter, Playbook

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_][\w.-]*)\s*\}\}")
INCIDENT = "incident"
"""what every playbook may fill in without a parameter of this name: the incident's number"""
_ASKED = re.compile(r"\bparameters(?:\.(\w+)|\[['\"]([^'\"]+)['\"]\])")


def problems(path: KeyPath, playbook: Playbook) -> Iterator[Problem]:
    """Look at the parameters of one playbook and at what its steps do with them."""
    for name, parameter in playbook.parameters.items():
        yield from _parameter((*path, "parameters", name), parameter)
    if INCIDENT in playbook.parameters:
        yield error(
            (*path, "parameters", INCIDENT),
            N_("{{{{ {name} }}}} is the incident's number already, without a parameter"),
            N_("delete it, or give it another name"), name=INCIDENT,
        )  # fmt: skip
    used: set[str] = set()
    for here, text in _texts(path, playbook):
        for name in PLACEHOLDER.findall(text):
            used.add(name)
            yield from refer(here, "parameter", name, (*playbook.parameters, INCIDENT))
        used.update(name for pair in _ASKED.findall(text) for name in pair)
    for name in playbook.parameters.keys() - used - {INCIDENT}:
        yield warning(
            (*path, "parameters", name), N_("no step uses the parameter {name}"),
            N_("write {{{{ {name} }}}} where it belongs, or delete it"), name=name,
        )  # fmt: skip


def _texts(path: KeyPath, entry: object) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(entry, str):
        yield path, entry
    elif isinstance(entry, Model):
        for name in type(entry).model_fields:
            yield from _texts((*path, name), getattr(entry, name))
    elif isinstance(entry, Mapping):
        for key, item in entry.items():
            yield from _texts((*path, str(key)), item)
    elif isinstance(entry, list):
        for index, item in enumerate(entry):
            yield from _texts((*path, index), item)


def filled(text: str | None) -> str | None:
    """Return a text as it looks once its placeholders are filled, for checks of its form."""
    return text and PLACEHOLDER.sub("x", text)


def filled_later(given: object) -> bool:
    """Say whether a value is only known when the playbook runs."""
    return isinstance(given, str) and PLACEHOLDER.search(given) is not None


def _parameter(path: KeyPath, parameter: Parameter) -> Iterator[Problem]:
    if parameter.pattern is not None:
        try:
            re.compile(parameter.pattern)
        except re.error as failure:
            yield error(
                (*path, "pattern"), N_("this is not a regular expression ({error})"),
                N_("write for example [a-z0-9-]+"), error=str(failure),
            )  # fmt: skip
            return
    if parameter.default is not None:
        yield from value((*path, "default"), parameter, parameter.default)


def value(path: KeyPath, parameter: Parameter, given: object) -> Iterator[Problem]:
    """Yield a problem if a value can't be given to a parameter."""
    fault = unfit(parameter, given)
    if fault:
        yield error(path, fault, N_("write a value that the parameter allows"), value=shown(given))


def unfit(parameter: Parameter, value: object) -> str | None:
    """Return why a value can't be given to a parameter, a text with ``{value}``; None if it can."""
    if not _typed(parameter, value):
        return N_("{value} is not of the parameter's type")
    if parameter.choices is not None and value not in parameter.choices:
        return N_("{value} is none of the parameter's choices")
    if not matches(parameter, str(value)):
        return N_("{value} doesn't match the parameter's pattern")
    if isinstance(value, (int, float)) and not _within(parameter, value):
        return N_("{value} lies outside the parameter's bounds")
    return None


def matches(parameter: Parameter, text: str) -> bool:
    r"""Say whether the whole text matches the parameter's pattern, if it has one.

    ``\d`` and ``\w`` mean ASCII ones: a digit of another script is no digit to what is run.
    """
    return parameter.pattern is None or bool(re.fullmatch(parameter.pattern, text, re.ASCII))


def address(text: str) -> str | None:
    """Return an IPv4 or IPv6 address in its usual form; None if the text is none.

    One with a zone (``fe80::1%eth0``) is refused, because anything may stand behind the percent
    sign; so is ``0.0.0.0`` and its like, which some programs take for "every address".
    """
    try:
        known = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if "%" in text or known.is_unspecified or not text.isascii() else str(known)


def _typed(parameter: Parameter, value: object) -> bool:
    match parameter.type:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "address":
            return isinstance(value, str) and address(value) is not None


def _within(parameter: Parameter, value: float) -> bool:
    low = parameter.minimum is None or value >= parameter.minimum
    return low and (parameter.maximum is None or value <= parameter.maximum)
