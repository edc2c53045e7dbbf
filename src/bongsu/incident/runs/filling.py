"""A step of the manual with the run's values in the place of their ``{{ names }}``.

A value is put into one argument, address or body and never makes two of it. Where the text around
it has a form of its own, the value may not change that form: it can't begin an option, add a key
to a JSON patch or leave its segment of an address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from bongsu.incident.commands import RefusedError
from bongsu.incident.run_events import Value
from bongsu.manual.check.parameters import PLACEHOLDER, address
from bongsu.manual.schema.base import Text, shown
from bongsu.manual.schema.playbooks import (
    CommandStep,
    HttpStep,
    HumanStep,
    KubectlStep,
    Step,
)

Values = Mapping[str, Value]

_ASKED = re.compile(r"\bparameters(?:\.(\w+)|\[\s*(['\"])([^'\"]+)\2\s*\])")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def filled(step: Step, values: Values) -> Step:
    """Return a step as it will be run.

    Raises:
        RefusedError: a value would be read as something else than a value there.
    """
    update: dict[str, object] = {"name": _words(step.name, values)}
    match step:
        case CommandStep():
            update |= _lists(step, ("argv", "undo", "dry_run"), values)
        case KubectlStep():
            update |= _lists(step, ("args", "undo"), values)
            if step.namespace is not None:
                update["namespace"] = argument(step.namespace, values)
        case HttpStep():
            update |= _request(step, values)
        case HumanStep():
            update["instruction"] = _words(step.instruction, values)
        case _:
            pass
    return step.model_copy(update=update)


def plain(text: str, values: Values) -> str:
    """Fill a text that only people read, or that only names something."""
    return _put(text, values, written)


def written(value: Value) -> str:
    """Return a value as it stands in an argument."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def literal(value: Value) -> str:
    """Return a value as CEL writes it."""
    return json.dumps(value, ensure_ascii=False)


def bound(condition: str, values: Values) -> str:
    """Return a condition with the values in the place of ``parameters.name``."""

    def put(found: re.Match[str]) -> str:
        name = found[1] or found[3]
        return literal(values[name]) if name in values else found[0]

    return _ASKED.sub(put, condition)


def argument(text: str, values: Values) -> str:
    """Fill one argument; it stays one, and an option only if the manual wrote one."""
    whole = _put(text, values, written)
    if whole.startswith("-") and not text.startswith("-"):
        raise RefusedError("argument_is_option", argument=shown(text), value=shown(whole))
    return _in_form(text, values, whole)


def _lists(step: Step, fields: tuple[str, ...], values: Values) -> dict[str, object]:
    lists = {name: getattr(step, name) for name in fields}
    return {
        name: [argument(item, values) for item in items]
        for name, items in lists.items()
        if items is not None
    }


def _request(step: HttpStep, values: Values) -> dict[str, object]:
    bodies = {"body": step.body, "undo_body": step.undo_body}
    return {
        "url": _address(step.url, values),
        "undo_url": None if step.undo_url is None else _address(step.undo_url, values),
        "headers": {name: _header(text, values) for name, text in step.headers.items()},
        **{
            name: None if text is None else _in_form(text, values, _put(text, values, written))
            for name, text in bodies.items()
        },
    }


def _header(text: str, values: Values) -> str:
    whole = _put(text, values, written)
    if whole.startswith("env:") and whole != text:
        raise RefusedError("header_names_variable", value=shown(whole))
    return whole


def _address(text: str, values: Values) -> str:
    """Fill an address; a text is percent-encoded, so that it can't leave its place in it."""
    for name in PLACEHOLDER.findall(text):
        if values.get(name) in (".", ".."):
            raise RefusedError("parameter_characters", parameter=name, value=str(values[name]))
    return _put(text, values, _encoded)


def _encoded(value: Value) -> str:
    # An IPv6 address has colons, which an address of the web needs as they are.
    if not isinstance(value, str) or address(value) == value:
        return written(value)
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in value.encode())


def _words(text: Text, values: Values) -> Text:
    return Text(ko=plain(text.ko, values), en=plain(text.en, values))


def _put(text: str, values: Values, how: Callable[[Value], str]) -> str:
    def put(found: re.Match[str]) -> str:
        if found[1] not in values:
            known = ", ".join(values) or "-"
            raise RefusedError("unknown_parameter", playbook="-", parameter=found[1], known=known)
        return how(values[found[1]])

    return PLACEHOLDER.sub(put, text)


def _in_form(text: str, values: Values, whole: str) -> str:
    """Return ``whole`` unless its JSON says something else than the manual's with the values."""
    names = dict.fromkeys(n for n in PLACEHOLDER.findall(text) if isinstance(values[n], str))
    marks = {f"\ue000{number}\ue001": str(values[name]) for number, name in enumerate(names)}
    mark_of = dict(zip(names, marks, strict=True))
    marked = PLACEHOLDER.sub(lambda m: mark_of.get(m[1]) or written(values[m[1]]), text)
    meant = _json(marked)
    if names and isinstance(meant, dict | list) and _json(whole) != _restored(meant, marks):
        raise RefusedError("argument_changes_form", argument=shown(text), value=shown(whole))
    return whole


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _restored(meant: Any, marks: Mapping[str, str]) -> Any:
    match meant:
        case str():
            for mark, value in marks.items():
                meant = meant.replace(mark, value)
            return meant
        case dict():
            return {_restored(k, marks): _restored(v, marks) for k, v in meant.items()}
        case list():
            return [_restored(one, marks) for one in meant]
        case _:
            return meant
