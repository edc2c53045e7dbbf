"""The sentences for every answer about being on call, in Korean and English."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bongsu.i18n import N_, Translator, translator
from bongsu.manual.schema.document import Manual
from bongsu.oncall import reasons as r
from bongsu.oncall.findings import Code, Finding
from bongsu.oncall.shifts import Turn

SLOTS = {"primary": N_("primary"), "secondary": N_("secondary"), "escalation": N_("escalation")}
"""the seed's slots; others are shown as the manual writes them"""


def explain(turn: Turn, lang: str, manual: Manual) -> str:
    """Say who is on call and why: "DevOps-A is on call (Main, primary). Week 3 …"."""
    t = translator(lang)
    values = {
        "person": person_name(turn.person or "", manual),
        "rotation": rotation_name(turn.rotation, lang, manual),
        "slot": slot_name(turn.slot, lang),
    }
    if turn.person:
        head = t("{person} is on call ({rotation}, {slot}).", **values)
    else:
        head = t("Nobody is on call ({rotation}, {slot}).", **values)
    return f"{head} {say(turn.why, lang, manual, turn.rotation)}"


def say(why: r.Why, lang: str, manual: Manual, rotation: str = "") -> str:
    """Say one reason in a sentence or two; ``rotation`` is the one that was asked."""
    return _Teller(lang, manual).say(why, rotation)


FINDINGS: dict[Code, str] = {
    "week_over_limit": N_(
        "{person} is expected to work up to {worst} hours a week, over the limit of {week} "
        "({times}×), if {share} of the time on call is work."
    ),
    "short_rest": N_(
        "{person} rests for {worst} hours only between turns, less than {rest} ({times}×)."
    ),
    "consecutive_weeks": N_(
        "{person} is on call for two weeks or more without a week off, up to {days} days "
        "({times}×)."
    ),
    "two_slots": N_("{person} is in several slots at once: {slots}."),
    "no_backup": N_(
        "Nobody stands behind the one person on call in {slots}, up to {worst} hours ({times}×)."
    ),
    "uncovered": N_("Nobody is on call in {slots}, up to {worst} hours ({times}×)."),
    "uneven_holidays": N_(
        "{person} has {worst} hours of the holidays in {slots}, far more than the others."
    ),
}


def describe(finding: Finding, lang: str, manual: Manual) -> str:
    """Say one finding about the rotations in a sentence."""
    limits = manual.oncall.limits
    return translator(lang)(
        FINDINGS[finding.code],
        person=person_name(finding.person or "", manual),
        slots=", ".join(_place(*slot, lang, manual) for slot in finding.slots),
        times=len(finding.spans),
        worst=_hours(finding.worst),
        days=round(finding.worst / timedelta(days=1)),
        week=_hours(limits.week),
        rest=_hours(limits.rest),
        share=f"{limits.worked_share:.0%}",
    )


def person_name(person: str, manual: Manual) -> str:
    """Return a person's name; an unknown one is shown by the id."""
    known = manual.person(person)
    return known.name if known else person


def rotation_name(rotation: str, lang: str, manual: Manual) -> str:
    """Return a rotation's name; an unknown one is shown by the id."""
    known = manual.oncall.rotations.get(rotation)
    return known.name.in_(lang) if known else rotation


def slot_name(slot: str, lang: str) -> str:
    """Return a slot's name for people."""
    return translator(lang)(SLOTS[slot]) if slot in SLOTS else slot


def shift_name(why: r.InCycle, lang: str, manual: Manual, rotation: str) -> str:
    """Return the shift's label, or else "Week 3" where a shift is a week, or "Shift 3"."""
    t, spec = translator(lang), manual.oncall.rotations.get(rotation)
    if why.label:
        return why.label
    if spec and spec.every.days == 7:  # noqa: PLR2004  a week
        return t("Week {number}", number=why.position)
    return t("Shift {number}", number=why.position)


def _place(rotation: str, slot: str, lang: str, manual: Manual) -> str:
    return f"{rotation_name(rotation, lang, manual)} {slot_name(slot, lang)}"


def _hours(length: timedelta) -> str:
    return f"{length / timedelta(hours=1):.1f}".removesuffix(".0")


class _Teller:
    """Tells reasons in one language, with the names of one manual."""

    def __init__(self, lang: str, manual: Manual) -> None:
        self._t: Translator = translator(lang)
        self._lang, self._manual = lang, manual

    def say(self, why: r.Why, rotation: str) -> str:  # noqa: C901, PLR0911, PLR0912  one exhaustive match over the sum type
        t = self._t
        match why:
            case r.InCycle():
                return self._in_cycle(why, rotation)
            case r.Overridden():
                return self._overridden(why, rotation)
            case r.OnHoliday():
                return self._on_holiday(why)
            case r.OutsideHours():
                return self._outside_hours(why, rotation)
            case r.Closed():
                return t("It is outside the rotation's hours, and no other one answers then.")
            case r.NotStarted():
                return t("The rotation begins at {at}.", at=self._time(why.begins, rotation))
            case r.EmptySlot():
                shift = shift_name(why.cycle, self._lang, self._manual, rotation)
                return t("{shift} names nobody for this slot.", shift=shift)
            case r.NoHolder():
                return t("Nobody holds the role {role}.", role=self._role(why.cycle.role or ""))
            case r.NoSuchRotation():
                return t("The manual has no rotation {rotation}.", rotation=why.rotation)
            case r.NoSuchSlot():
                name = self._rotation(why.rotation)
                return t("{rotation} has no slot {slot}.", rotation=name, slot=why.slot)
            case r.Circle():
                names = " → ".join(self._rotation(name) for name in why.rotations)
                return t("The rotations point to each other in a circle: {names}.", names=names)
            case r.Named():
                return t("The manual names this person.")
            case r.HoldsRole():
                role = self._role(why.role)
                return t("Holder {place} of the role {role}.", place=why.place, role=role)
            case r.RoleVacant():
                return t("Nobody holds the role {role}.", role=self._role(why.role))
            case r.NoSuchRole():
                return t("The manual has no role {role}.", role=why.role)
            case r.NoSuchPerson():
                return t("The manual has no person {person}.", person=why.person)
            case r.NotATarget():
                return t("{ref} is no person, role or slot of a rotation.", ref=why.ref)

    def _in_cycle(self, why: r.InCycle, rotation: str) -> str:
        t = self._t
        text = t(
            "{shift}, number {position} of {length} in the cycle.",
            shift=shift_name(why, self._lang, self._manual, rotation),
            position=why.position,
            length=why.length,
        )
        if why.role is None:
            return text
        return text + " " + t("First holder of the role {role}.", role=self._role(why.role))

    def _overridden(self, why: r.Overridden, rotation: str) -> str:
        t, start, until = self._t, self._time(why.start, rotation), self._time(why.until, rotation)
        if not why.reason:
            return t("Stands in from {start} until {until}.", start=start, until=until)
        return t(
            "Stands in from {start} until {until}: {reason}",
            start=start,
            until=until,
            reason=why.reason,
        )

    def _on_holiday(self, why: r.OnHoliday) -> str:
        t = self._t
        text = t(
            "{day} is a public holiday ({holiday}), so {rotation} answers.",
            day=why.day.isoformat(),
            holiday=why.ko if self._lang == "ko" else why.en,
            rotation=self._rotation(why.rotation),
        )
        return f"{text} {self.say(why.then, why.rotation)}"

    def _outside_hours(self, why: r.OutsideHours, rotation: str) -> str:
        t = self._t
        text = t(
            "Outside the hours of {rotation}, {other} answers.",
            rotation=self._rotation(rotation),
            other=self._rotation(why.rotation),
        )
        return f"{text} {self.say(why.then, why.rotation)}"

    def _rotation(self, rotation: str) -> str:
        return rotation_name(rotation, self._lang, self._manual)

    def _role(self, role: str) -> str:
        return self._manual.role_name(role).in_(self._lang)

    def _time(self, at: datetime, rotation: str) -> str:
        """Write an instant on the clock of the rotation: ``2025-08-14 14:30 (KST)``."""
        spec = self._manual.oncall.rotations.get(rotation)
        zone = (spec.timezone if spec else None) or self._manual.overview.timezone
        return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M (%Z)")
