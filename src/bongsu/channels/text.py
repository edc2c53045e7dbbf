"""The words of a message, shared by all channels: what a page says from the top, and safe text.

Everything inserted here may come from an alert, so from anybody who can make a monitored system
say something: `clean` and `one_line` stand between it and headers, terminals and JSON.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from bongsu.channels.message import ActionCode, Message
from bongsu.i18n import N_, translator
from bongsu.incident.literal import clean
from bongsu.incident.reasons import PHASES

SUMMARY = 300
"""characters of a description that stand above the deadline; the whole of it comes last"""
SUBJECT = 160
LONGEST = 20_000
"""characters of a text that is said at all; the incident page has the rest"""
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")

_DRILL = N_("DRILL")
_APPROVAL = N_("Approval wanted")
_ACTIONS: dict[ActionCode, str] = {
    "ack": N_("Acknowledge"),
    "confirm": N_("It is real"),
    "dismiss": N_("False alarm"),
    "resolve": N_("Resolve"),
    "escalate": N_("Escalate"),
    "approve": N_("Approve"),
    "refuse": N_("Refuse"),
}


def one_line(text: str) -> str:
    """Return cleaned text on one line, its white space collapsed."""
    return " ".join(clean(text[:LONGEST]).split())


def whole(text: str) -> str:
    """Return cleaned text of any number of lines, as long as it is said at all."""
    return fit(clean(text[: LONGEST + 1]).strip(), LONGEST)


def width(text: str) -> int:
    """Count as Slack and most limits do, in UTF-16 units: an emoji counts two."""
    return len(text) + sum(character > "\uffff" for character in text)


def fit(text: str, limit: int, more: str = "…") -> str:
    """Shorten to ``limit`` UTF-16 units, ``more`` included, rather at a blank or a line's end."""
    if width(text) <= limit:
        return text
    kept = _prefix(text, limit - width(more))
    blank = max(kept.rfind(" "), kept.rfind("\n"))
    if blank > len(kept) * 0.8:
        kept = kept[:blank]
    return kept.rstrip(" \n\u200d\ufe0f") + more


def _prefix(text: str, limit: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += 1 + (character > "\uffff")
        if used > limit:
            return text[:index]
    return text


def moment(at: datetime, timezone: str) -> str:
    """Write a time as people here read it: ``2025-08-14 14:30 (KST)``; an unknown zone is UTC."""
    local = at.astimezone(_zone(timezone))
    return f"{local:%Y-%m-%d %H:%M} ({local.tzname()})"


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # a page must not fail for the name of a zone
        return UTC


def action_label(code: ActionCode, lang: str) -> str:
    """Return what the button of an action says."""
    return translator(lang)(_ACTIONS[code])


def phase_name(code: str, lang: str) -> str:
    """Return a phase's name; a code of a later release stays as it is."""
    known = PHASES.get(code)
    return translator(lang)(known) if known else code


def severity_label(message: Message) -> str:
    """``P0 Critical``."""
    return one_line(f"{message.severity} {message.severity_name}")


def heading(message: Message) -> str:
    """``[승인 요청] [P0 Critical] 데이터베이스 장애``: what a lock screen shows."""
    t = translator(message.lang)
    asks = any(action.code == "approve" for action in message.actions)
    return f"[{t(_APPROVAL)}] {_title(message)}" if asks else _title(message)


def _title(message: Message) -> str:
    return f"{_drill(message)}[{severity_label(message)}] {one_line(message.title)}"


def _drill(message: Message) -> str:
    t = translator(message.lang)
    return f"[{t(_DRILL)}] " if message.drill else ""


def subject(message: Message) -> str:
    """One line, the same for all messages of an incident, so that mail keeps them together."""
    if message.subject:
        return fit(_drill(message) + one_line(message.subject), SUBJECT)
    number = f" ({one_line(message.incident_number)})"
    return fit(_title(message), SUBJECT - width(number)) + number


def broken(message: Message) -> str:
    """What is broken: the service and the type of incident, as far as they are known."""
    known = (one_line(name) for name in (message.service_name, message.type_name or message.type))
    return " · ".join(name for name in known if name)


def demand(message: Message) -> str:
    """What the reader must do by when; empty where nothing is asked."""
    if message.answer_by is None:
        return ""
    t, by = translator(message.lang), moment(message.answer_by, message.timezone)
    if message.person is None:
        return t("Acknowledge by {time}; then the next person is called.", time=by)
    name = one_line(message.person.name)
    if any(action.code == "approve" for action in message.actions):
        return t(
            "{person}, approve or refuse by {time}; without an answer it is not done.",
            person=name, time=by,
        )  # fmt: skip
    if message.role:
        return t(
            "{person}, take the role {role} by {time}; then the next person is called.",
            person=name, role=one_line(message.role), time=by,
        )  # fmt: skip
    return t(
        "{person}, acknowledge by {time}; then the next person is called.", person=name, time=by
    )


def facts(message: Message) -> list[tuple[str, str]]:
    """Label and value of what is known, most important first."""
    t = translator(message.lang)
    known = [
        (t("What is broken"), broken(message)),
        (t("Since"), moment(message.started_at, message.timezone)),
        (t("Phase"), phase_name(message.phase, message.lang)),
    ]
    return [(label, value) for label, value in known if value]


def links(message: Message) -> list[tuple[str, str]]:
    """Label and address of where the message leads, the incident first."""
    t, where = translator(message.lang), message.links
    known = [
        (t("Incident page"), where.incident),
        (t("War room"), where.war_room),
        (t("Status page"), where.status_page),
        *where.others,
    ]
    return [(fit(one_line(label), 75), one_line(address)) for label, address in known if address]


def summary(message: Message) -> str:
    """The description as it stands above the deadline; empty where it only repeats the title."""
    text = whole(message.description)
    return "" if one_line(text) == one_line(message.title) else fit(text, SUMMARY)


def render(message: Message) -> tuple[str, str]:
    """Return subject and plain text of any message."""
    if message.kind == "notice":
        return subject(message), _ESCAPED.sub(r"\1", render_notice(message))
    return render_page(message)


def render_page(message: Message) -> tuple[str, str]:
    """Return subject and plain text of a page or of its update, with everything to act on.

    From the top: severity and title, what is broken, since when, what to do by when, the links
    to do it with. The whole of a long description comes last, so that it hides nothing.
    """
    t = translator(message.lang)
    parts = [heading(message), whole(message.text), summary(message), _fact_lines(message)]
    parts += [demand(message), _link_lines(message)]
    if message.why:
        parts.append(t("Why: {reason}", reason=one_line(message.why)))
    parts += [one_line(message.incident_number), rest(message)]
    return subject(message), "\n\n".join(part for part in parts if part)


def render_notice(message: Message) -> str:
    """Return a notice as its template was rendered, marked if it belongs to a drill."""
    text, drill = whole(message.text), _drill(message).strip()
    return f"{drill}\n\n{text}" if drill else text


def _fact_lines(message: Message) -> str:
    return "\n".join(f"{label}: {value}" for label, value in facts(message))


def _link_lines(message: Message) -> str:
    answers = [(action.label, action.url) for action in message.actions if action.url]
    return "\n".join(f"{label}: {address}" for label, address in [*answers, *links(message)])


def rest(message: Message) -> str:
    """The whole description, where `summary` is only its beginning."""
    text = whole(message.description)
    return text if width(text) > SUMMARY else ""
