"""The manual in one language: its names, durations and references in the words of a reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from bongsu.i18n import N_, Translator, translator
from bongsu.manual.render import inline
from bongsu.manual.schema.base import SEVERITY_LEVELS, Lang, SeverityLevel, Text
from bongsu.manual.schema.document import Manual

_UNITS = (
    (604_800, N_("{n} week"), N_("{n} weeks")),
    (86_400, N_("{n} day"), N_("{n} days")),
    (3_600, N_("{n} hour"), N_("{n} hours")),
    (60, N_("{n} minute"), N_("{n} minutes")),
    (1, N_("{n} second"), N_("{n} seconds")),
)

_SLOTS = {
    "primary": N_("Primary on-call"),
    "secondary": N_("Secondary on-call"),
    "escalation": N_("Escalation"),
}

_CHANNELS = {
    "slack": "Slack",
    "email": N_("Email"),
    "sms": "SMS",
    "kakao": N_("KakaoTalk"),
    "call": N_("Phone call"),
    "in_app": N_("In-app"),
    "status_page": N_("Status page"),
    "twitter": "Twitter",
    "facebook": "Facebook",
    "press": N_("Press"),
    "terminal": N_("Terminal"),
    "webhook": N_("Webhook"),
}

CATEGORIES = {
    "infrastructure": N_("Infrastructure"),
    "application": N_("Application"),
    "security": N_("Security"),
    "external": N_("External"),
}


@dataclass(frozen=True)
class Edition:
    """A manual and the language in which it is printed; all its answers are inline Markdown."""

    manual: Manual
    lang: Lang

    @property
    def t(self) -> Translator:
        """The fixed texts of this language."""
        return translator(self.lang)

    def text(self, text: Text | None) -> str:
        """A text of the manual."""
        return inline.markdown(text.in_(self.lang)) if text else ""

    def texts(self, texts: Iterable[Text], between: str = ", ") -> str:
        """Several texts in one cell."""
        return inline.listing((self.text(text) for text in texts), between)

    def duration(self, value: timedelta, *, largest: int = 604_800) -> str:
        """A length of time in words: ``1 hour 30 minutes``, ``1시간 30분``.

        ``largest`` is the largest unit to use, in seconds; weeks only where they come out even.
        """
        left, parts = int(value.total_seconds()), []
        for seconds, one, many in _UNITS:
            if seconds > largest or (seconds == _UNITS[0][0] and left % seconds):
                continue
            count, left = divmod(left, seconds)
            if count:
                parts.append(self.t(one if count == 1 else many, n=count))
        return " ".join(parts) or self.t("{n} minutes", n=0)

    def moment(self, value: timedelta) -> str:
        """A time counted from a beginning: ``at once``, ``after 3 minutes``."""
        return self.t("after {wait}", wait=self.duration(value)) if value else self.t("at once")

    def severity(self, level: SeverityLevel) -> str:
        """``P0 Critical``."""
        return f"{level} {self.text(self.manual.overview.severities[level].name)}"

    def severities(self, levels: Iterable[SeverityLevel]) -> str:
        """``P0, P1``; all of them are said in a word."""
        chosen = list(levels)
        return (
            self.t("all severities") if set(chosen) == set(SEVERITY_LEVELS) else ", ".join(chosen)
        )

    def role(self, role: str | None) -> str:
        """A role's name."""
        known = self.manual.team.roles.get(role or "")
        return self.text(known.name) if known else inline.plain(role or inline.NONE)

    def person(self, person: str) -> str:
        """A person's name; one whom the manual doesn't know is shown by id."""
        known = self.manual.person(person)
        return inline.plain(known.name if known else person)

    def holder(self, name: str) -> str:
        """Whoever a rotation's slot names: a person, or ``role:NAME``."""
        role = name.removeprefix("role:")
        return self.role(role) if role != name else self.person(name)

    def slot(self, slot: str) -> str:
        """A slot of a rotation; the usual ones have a word of their own."""
        known = _SLOTS.get(slot)
        return self.t(known) if known else inline.plain(slot)

    def target(self, target: str) -> str:
        """Whom a page goes to."""
        kind, _, name = target.partition(":")
        if kind != "rotation":
            return self.role(name) if kind == "role" else self.person(name)
        rotation, _, slot = name.partition("/")
        rotations = self.manual.oncall.rotations
        known = rotations.get(rotation)
        if known is None:
            return inline.plain(name)
        always = {shift.get(slot) for shift in known.shifts}
        held = f" ({self.holder(always.pop() or slot)})" if len(always) == 1 else ""
        of = f"{self.text(known.name)} · " if len(rotations) > 1 else ""
        return f"{of}{self.slot(slot)}{held}"

    def service(self, service: str | None) -> str:
        """A service's name."""
        known = self.manual.services.services.get(service or "")
        return self.text(known.name) if known else inline.plain(service or inline.NONE)

    def incident_type(self, name: str | None) -> str:
        """An incident type's name."""
        known = self.manual.incident_type(name) if name else None
        return self.text(known[1].name) if known else inline.plain(name or inline.NONE)

    def audience(self, audience: str) -> str:
        """An audience's name."""
        known = self.manual.communication.audiences.get(audience)
        return self.text(known.name) if known else inline.plain(audience)

    def template(self, template: str | None) -> str:
        """A message template's name."""
        known = self.manual.communication.templates.get(template or "")
        return self.text(known.name) if known else inline.plain(template or inline.NONE)

    def check(self, check: str) -> str:
        """A diagnosis check's name."""
        known = self.manual.diagnosis.checks.get(check)
        return self.text(known.name) if known else inline.plain(check)

    def channel(self, channel: str) -> str:
        """A channel's name."""
        return self.t(_CHANNELS.get(channel, channel))
