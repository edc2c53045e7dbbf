"""Message templates: Jinja2 in a sandbox, and the variables that each kind of text may use.

`VARIABLES` is the one table of these names: the checker, the reference and whoever renders a
message read it. A known variable whose value is not known yet (None, or not given) reads
"확인 중" in the message, because a notice at 03:00 must not fail for want of an estimate.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bongsu.i18n import N_, Word, translator
from bongsu.manual.schema.document import Manual

Kind = Literal["alert", "initial", "update", "resolved", "other", "title", "review"]
"""A message template's kind; ``title`` is a route's, ``review`` the post-mortem's."""

_NOTICES: tuple[Kind, ...] = ("alert", "initial", "update", "resolved", "other")
_INCIDENT: tuple[Kind, ...] = (*_NOTICES, "review")


class Variable(NamedTuple):
    """A name that templates of some kinds may use."""

    name: str
    means: str
    """in English, and the key of the Korean text"""
    sample: object
    kinds: tuple[Kind, ...] = _INCIDENT


_REVIEW: tuple[Kind, ...] = ("review",)
_TITLE: tuple[Kind, ...] = ("title",)
_EVENT = {"time": "14:30", "event": "Alert triggered", "actions": "On-call notified", "actor": "-"}
_CLOCK = {"name": "recovery", "target": "30m", "actual": "45m", "met": False}
_ACTION = {
    "action": "Improve monitoring",
    "owner": "DevOps",
    "due": "2025-08-21",
    "priority": "high",
}

VARIABLES: tuple[Variable, ...] = (
    Variable("incident_number", N_("the incident's number"), "INC-20250814-01"),
    Variable("title", N_("the incident's title"), "BackendDown: korea-backend"),
    Variable("description", N_("what is known to be broken"), "API가 응답하지 않습니다"),
    Variable("severity", N_("the severity's level"), "P0", (*_INCIDENT, "title")),
    Variable("severity_name", N_("the severity's name"), "Critical"),
    Variable("type", N_("the incident type's name"), "서버 다운"),
    Variable("category", N_("the category of the incident type"), "infrastructure"),
    Variable("services", N_("the affected services' names, with commas"), "백엔드 API"),
    Variable("phase", N_("the phase in which the incident is"), "대응 중"),
    Variable("current_status", N_("what is being done now"), "원인을 분석하고 있습니다"),
    Variable("status", N_("the same as current_status"), "원인을 분석하고 있습니다"),
    Variable("user_impact", N_("what users notice"), "검색을 이용할 수 없습니다"),
    Variable("actions", N_("what was done so far"), "트래픽을 정상 서버로 돌렸습니다"),
    Variable("next_steps", N_("what will be done next"), "이전 버전으로 되돌립니다"),
    Variable("estimated_resolution", N_("when it is expected to work again"), "30분 이내"),
    Variable("eta", N_("the same as estimated_resolution"), "30분 이내"),
    Variable("cause", N_("the cause, once it is known"), "데이터베이스 연결 장애"),
    Variable("oncall_engineer", N_("who is on call for it"), "백엔드 A"),
    Variable("commander", N_("who commands the response"), "김서연"),
    Variable("role", N_("the role in which the reader is called"), "Technical Lead"),
    Variable("war_room_link", N_("where the team meets"), "https://meet.example.com/war-room"),
    Variable("status_page_link", N_("the status page"), "https://status.example.com"),
    Variable("incident_link", N_("the incident in the console"), "https://bongsu.example.com/i/1"),
    Variable("organisation", N_("the name at the head of the manual"), "Korea Public Data"),
    Variable("timestamp", N_("when the message is written"), "2025-08-14 14:45 (KST)"),
    Variable("started_at", N_("when the incident began"), "2025-08-14 14:30 (KST)"),
    Variable("recovered_at", N_("when it worked again"), "2025-08-14 15:15 (KST)"),
    Variable("resolved_at", N_("when the incident was over"), "2025-08-14 15:15 (KST)"),
    Variable("duration", N_("how long it has lasted, or lasted in all"), "45분"),
    Variable("drill", N_("whether this is a drill"), sample=False),
    Variable("date", N_("the day of the incident"), "2025-08-14", _REVIEW),
    Variable("summary", N_("what happened, in short"), "API is down", (*_REVIEW, *_TITLE)),
    Variable("timeline", N_("entries with time, event, actions, actor"), [_EVENT], _REVIEW),
    Variable("clocks", N_("entries with name, target, actual, met"), [_CLOCK], _REVIEW),
    Variable("root_cause", N_("what went wrong"), "Connections ran out", _REVIEW),
    Variable("contributing_factors", N_("why it happened"), "No alert on the pool", _REVIEW),
    Variable("users_affected", N_("how many users were affected"), "1,200", _REVIEW),
    Variable("revenue_impact", N_("what it cost"), "₩1,000,000", _REVIEW),
    Variable("sla_breach", N_("by how much the target was missed"), "15분", _REVIEW),
    Variable("went_well", N_("what went well, a list"), ["Quick detection"], _REVIEW),
    Variable("to_improve", N_("what could be improved, a list"), ["Coverage gaps"], _REVIEW),
    Variable("action_items", N_("entries with action, owner, due, priority"), [_ACTION], _REVIEW),
    Variable("lessons", N_("what was learned"), "Watch the pool", _REVIEW),
    Variable("alertname", N_("the alert's name"), "BackendDown", _TITLE),
    Variable("service", N_("the affected service's id"), "korea-backend", _TITLE),
    Variable("source", N_("the integration that sent the alert"), "alertmanager", _TITLE),
    Variable("labels", N_("the alert's labels by name"), {"instance": "10.0.0.1"}, _TITLE),
    Variable("annotations", N_("the alert's annotations by name"), {"summary": "down"}, _TITLE),
)  # fmt: skip


@cache
def samples(kind: Kind) -> dict[str, object]:
    """Return every variable that a text of this kind may use, each with a sample value."""
    return {v.name: v.sample for v in VARIABLES if kind in v.kinds}


class Labels(dict[str, str]):
    """Labels or annotations: one that an alert doesn't have is empty, as in Alertmanager."""

    def __missing__(self, name: str) -> str:
        return ""


class Fault(NamedTuple):
    """What is wrong with a template, and in which of its lines (counted from 1)."""

    line: int
    error: str = ""
    """Jinja's own words; empty where the fault is an unknown variable"""
    variable: str = ""


class RenderError(TemplateError):
    """A template can't be rendered; the message says which one and why."""


def render_template(
    manual: Manual, template: str, values: Mapping[str, object], lang: str | None = None
) -> str:
    """Write a message from one of the manual's templates.

    ``values`` are the variables of `VARIABLES`; one that is missing or None reads "확인 중" in
    ``lang`` (the manual's own language where it is not given).

    Raises:
        RenderError: the manual has no such template, or it fails with these values.
    """
    source = manual.template_text(template)
    if source is None:
        raise RenderError(f"the manual has no template {template!r}")
    kind = manual.communication.templates[template].kind
    return _render(template, source, {**_unknown(kind), **values}, lang or manual.overview.locale)


def render_text(source: str, values: Mapping[str, object], lang: str, kind: Kind = "other") -> str:
    """Write a message from a Jinja2 text, for example a route's title or the review template.

    Raises:
        RenderError: it fails with these values.
    """
    return _render(kind, source, {**_unknown(kind), **values}, lang)


def _unknown(kind: Kind) -> dict[str, object]:
    """Return every variable of a kind as it is before anything is known."""
    return {
        name: type(sample)() if isinstance(sample, (list, dict)) else None
        for name, sample in samples(kind).items()
    }


def _render(name: str, source: str, values: Mapping[str, object], lang: str) -> str:
    try:
        return _compiled(source, lang).render(_forgiving(values))
    except Exception as error:  # a template's expressions may raise whatever Python does
        raise RenderError(f"template {name!r}: {error}") from error


def _forgiving(values: Mapping[str, object]) -> dict[str, object]:
    return {k: Labels(v) if isinstance(v, Mapping) else v for k, v in values.items()}


def faults(source: str, kind: Kind) -> list[Fault]:
    """Look for everything that would keep a text of this kind from being rendered."""
    environment = _environment("en")
    try:
        tree = environment.parse(source)
        unknown = find_undeclared_variables(tree) - samples(kind).keys()
        if unknown:
            return sorted(_first_uses(tree, unknown))
        _compiled(source, "en").render(_forgiving(samples(kind)))
    except TemplateError as error:
        return [Fault(getattr(error, "lineno", None) or 1, str(error).partition("\n")[0])]
    except Exception as error:  # noqa: BLE001  a template's expressions may raise whatever Python does
        return [Fault(_line_of(error), f"{type(error).__name__}: {error}")]
    return []


def _first_uses(tree: nodes.Template, unknown: set[str]) -> list[Fault]:
    uses: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        if name.name in unknown:
            uses.setdefault(name.name, name.lineno)
    return [Fault(uses.get(name, 1), variable=name) for name in unknown]


def _line_of(error: Exception) -> int:
    """Return the template's line in the traceback, which Jinja rewrites to it."""
    line, frame = 1, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<template>":
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


@lru_cache(maxsize=1024)
def _compiled(source: str, lang: str) -> Template:
    return _environment(lang).from_string(source)


@cache
def _environment(lang: str) -> ImmutableSandboxedEnvironment:
    unknown = translator(lang)(N_("being confirmed"))
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: unknown if value is None else value,
    )
    environment.filters["josa"] = lambda value, pair: format(
        Word(unknown if value is None else value), pair
    )
    return environment
