"""Any event that a log might ever hold, made from the types of the bodies themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st
from tests.incident.world import START

from bongsu.incident import events as e
from bongsu.incident import run_events as r

KINDS: tuple[type[e.Body], ...] = get_args(e.AnyBody)

# Names that meet each other now and then, so that events of one log concern the same things.
FAMILIAR: dict[str, tuple[str, ...]] = {
    "page": ("p0.1", "p1.1", "p2.1"),
    "person": ("backend-a", "pm", "senior-dev", "ghost"),
    "former": ("pm", "P1"),
    "ladder": ("oncall", "verify", "asked", "role:incident_commander", "role:technical_lead"),
    "role": ("incident_commander", "technical_lead", "communications_lead"),
    "roles": ("incident_commander", "technical_lead", "communications_lead"),
    "delivery": ("p0.1/0/1", "p1.1/0/1", "p1.1/1/1", "n1.0/0/1"),
    "ref": ("p0.1", "p1.1", "n1.0"),
    "notice": ("n1.0", "n2.0"),
    "checklist": ("first_look", "ghost"),
    "type": ("server_down", "data_breach"),
    "clock": ("response", "recovery"),
    "run": ("r1", "r2"),
    "playbook": ("high_cpu_usage", "ghost"),
}
SPECS = (
    {"kind": "command", "argv": ["true"], "undo": ["true"], "approve": "technical_lead"},
    {"kind": "wait", "duration": "1m", "when": "checks.ghost == 'healthy'"},
    {"kind": "human", "instruction": "look"},
    {"kind": "command", "argv": ["true"], "undo": ["true"], "retry": {"times": 2, "wait": "5s"}},
    {"kind": "check", "checks": ["api"], "required": False},
)
STEPS = [
    r.PlannedStep(msgspec.json.encode({"name": "x", **spec}).decode(), {"ko": "단계"}, "x")
    for spec in SPECS
]

texts = st.text(st.characters(codec="utf-8"), max_size=20)
times = st.integers(-86_400, 86_400 * 30).map(lambda seconds: START + timedelta(seconds=seconds))
far_times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  the strategy adds the zone
reasons = st.builds(e.Reason, texts, st.dictionaries(texts, texts, max_size=3))


def bodies(*kinds: type[e.Body]) -> st.SearchStrategy[Any]:
    """Any body of these kinds, or of every kind."""
    return st.one_of([_body(kind) for kind in kinds or KINDS])


def logs(max_size: int = 25) -> st.SearchStrategy[list[e.Event]]:
    """Any bodies in any order, numbered as a log is."""
    entries = st.tuples(times, st.sampled_from(("system", "person:pm", "integration:x")), bodies())
    return st.lists(entries, max_size=max_size).map(
        lambda found: [e.Event(n, *entry) for n, entry in enumerate(found, start=1)]
    )


def _body(kind: type[e.Body]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    fields = {f.name: _value(f.name, hints[f.name]) for f in msgspec.structs.fields(kind)}
    return st.fixed_dictionaries(fields).map(lambda values: kind(**values))


def _value(name: str, kind: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911  one line a type
    if get_origin(kind) in (Union, UnionType):
        return st.one_of([_value(name, one) for one in get_args(kind)])
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if get_origin(kind) is list:
        return st.lists(_value(name, get_args(kind)[0]), max_size=3)
    if get_origin(kind) is dict:
        return st.dictionaries(texts, _value(name, get_args(kind)[1]), max_size=3)
    if kind is r.PlannedStep:
        return st.sampled_from(STEPS)
    if name == "step":
        return st.integers(-3, 4)
    if name == "round":
        return st.integers(-3, 3) | st.integers(-3, 100_000)
    return {
        str: st.sampled_from(FAMILIAR[name]) | texts if name in FAMILIAR else texts,
        int: st.integers(0, 3) | st.integers(-(2**53), 2**53),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        datetime: times | far_times,
        NoneType: st.none(),
        e.Reason: reasons,
    }[kind]
