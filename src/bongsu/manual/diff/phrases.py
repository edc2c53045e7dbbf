"""A change as a sentence: the ones that people ask about in their own words, the rest by place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from difflib import SequenceMatcher
from typing import Any, cast

from bongsu.i18n import Translator, translator
from bongsu.manual.chapters import file_of, within_file
from bongsu.manual.check.reach import as_target
from bongsu.manual.diff.changes import ABSENT, Change, plain
from bongsu.manual.problems import KeyPath
from bongsu.manual.schema.base import SeverityLevel, Text, format_duration
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.oncall import Override
from bongsu.manual.schema.response import ChecklistItem
from bongsu.manual.schema.signals import Route
from bongsu.manual.schema.team import Contact

_LONGEST = 100


def say(change: Change, lang: str) -> str:
    """Return one line that says what changed; it is never empty."""
    t = translator(lang)
    return _known(change, t) or _by_place(change, t)


def _known(change: Change, t: Translator) -> str | None:  # noqa: C901, PLR0911, PLR0912  one table of places
    match change.path:
        case ("overview", "targets", str(name)):
            return _was(change, t, t("target {name}", name=name))
        case ("overview", "severities", str(level), "recover_within"):
            return _was(change, t, t("{level}: to recover within", level=level))
        case ("overview", "incident_types", _, str(name)):
            return _entry(change, t, t("incident type {name}", name=name))
        case ("response", "severities", str(level), "escalation", str(target)):
            return _paged(change, t, level, target)
        case ("response", "severities", str(level), "repeat", *_):
            return _repeated(change, t, level)
        case ("response", "severities", str(level), "verify", "within"):
            return _was(change, t, t("{level}: to say whether it is real", level=level))
        case ("response", "checklists", str(name), "items", int(), *_):
            return _item(change, t, name)
        case ("team", "people", str(name)):
            return _entry(change, t, t("person {name}", name=_person(change, name)))
        case ("team", "people", str(name), "contacts", *_):
            return _contacts(change, t, name)
        case ("team", "roles", str(name)):
            return _entry(change, t, t("role {name}", name=name))
        case ("team", "roles", str(name), "held_by", *_):
            return _holders(change, t, name)
        case ("oncall", "rotations", str(name), "shifts", int(index), *rest):
            return _shift(change, t, (name, index, rest))
        case ("oncall", "overrides", int()):
            return _entry(change, t, _override(change, t))
        case ("signals", "routes", int()):
            return _entry(change, t, _route(change, t))
        case ("services", "services", str(name)):
            return _entry(change, t, t("service {name}", name=name))
        case ("playbooks", str(name)):
            return _entry(change, t, t("playbook {name}", name=name))
        case ("playbooks", str(name), "steps", int(index)):
            return _step(change, t, name, index)
        case ("texts", str(file)):
            return _text(change, t, file)
    return None


def _either(change: Change) -> Any:
    """Return the entry that there is: the new one, or the one that was removed."""
    return change.old if change.new is ABSENT else change.new


def _entry(change: Change, t: Translator, name: str) -> str | None:
    """Word an entry that came or went; None for one that only changed."""
    if change.old is ABSENT:
        return t("{name} added", name=name)
    if change.new is ABSENT:
        return t("{name} removed", name=name)
    return None


def _was(change: Change, t: Translator, name: str) -> str | None:
    """Word a value that changed; None for one that came or went."""
    if ABSENT in (change.old, change.new) or None in (change.old, change.new):
        return None
    new, old = _values(change, t.lang)
    return t("{name}: {new}, was {old}", name=name, new=new, old=old)


def _values(change: Change, lang: str) -> tuple[str, str]:
    """Return the new and the old value; texts that differ in the other language alone, in that."""
    both = isinstance(change.old, Text) and isinstance(change.new, Text)
    if both and change.old.in_(lang) == change.new.in_(lang):
        lang = "en" if lang == "ko" else "ko"
    return _short(change.new, lang), _short(change.old, lang)


def _short(value: Any, lang: str) -> str:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Text):
        value = value.in_(lang)
    text = value if isinstance(value, str) else _compact(plain(value))
    text = " ".join(text.split())
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"“{text}”" if isinstance(value, str) else text


def _compact(value: Any) -> str:
    """Write an entry in YAML's short form."""
    if isinstance(value, Mapping):
        filled = {k: v for k, v in value.items() if v not in (None, [], {})}
        return "{" + ", ".join(f"{k}: {_compact(v)}" for k, v in filled.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_compact, value)) + "]"
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _paged(change: Change, t: Translator, level: str, target: str) -> str:
    who = f"{_target_name(change.after, target, t.lang)} ({target})"
    new, old = _times(change.new), _times(change.old)
    if change.old is ABSENT:
        return t("{level}: {who} is paged too, after {new}", level=level, who=who, new=new)
    if change.new is ABSENT:
        return t("{level}: {who} is not paged any more", level=level, who=who)
    return t(
        "{level}: {who} is paged after {new}, was {old}", level=level, who=who, new=new, old=old
    )


def _times(value: Any) -> str:
    return ", ".join(map(format_duration, value)) if isinstance(value, list) else ""


def _target_name(manual: Manual, target: str, lang: str) -> str:
    kind, _, name = target.partition(":")
    match kind:
        case "person":
            person = manual.person(name)
            return person.name if person else name
        case "role":
            return manual.role_name(name).in_(lang)
        case _:
            return name.rpartition("/")[2]


def _repeated(change: Change, t: Translator, level: str) -> str:
    new, old = (_repeat(manual, level, t) for manual in (change.after, change.before))
    return t(
        "{level}: rounds that nobody answered: {new}, was {old}", level=level, new=new, old=old
    )


def _repeat(manual: Manual, level: str, t: Translator) -> str:
    response = manual.respond(cast("SeverityLevel", level))
    if response.repeat is None:
        return t("not repeated")
    every = format_duration(response.repeat.every)
    if response.repeat.times == "forever":
        return t("every {every} for ever", every=every)
    return t("every {every}, {times} times", every=every, times=response.repeat.times)


def _item(change: Change, t: Translator, checklist: str) -> str | None:
    item = _either(change)
    if not isinstance(item, ChecklistItem):
        return None
    name = t("checklist {name}: {text}", name=checklist, text=_short(item.text, t.lang))
    return _entry(change, t, name)


def _person(change: Change, name: str) -> str:
    person = change.after.person(name) or change.before.person(name)
    return f"{person.name} ({name})" if person else name


def _contacts(change: Change, t: Translator, name: str) -> str | None:
    new, old = (
        _listed(_contact, person.contacts) if person else "-"
        for person in (change.after.person(name), change.before.person(name))
    )
    if new == old:
        return None
    whole = t("contacts of {name}", name=_person(change, name))
    return t("{name}: {new}, was {old}", name=whole, new=new, old=old)


def _contact(contact: Contact) -> str:
    later = f" (+{format_duration(contact.after)})" if contact.after else ""
    return f"{contact.channel}:{contact.to}{later}"


def _listed(word: Callable[[Any], str], entries: list[Any]) -> str:
    return ", ".join(map(word, entries)) or "-"


def _holders(change: Change, t: Translator, role: str) -> str:
    new, old = (
        _listed(str, manual.team.roles[role].held_by) for manual in (change.after, change.before)
    )
    name = t("role {name} is held by", name=change.after.role_name(role).in_(t.lang))
    return t("{name}: {new}, was {old}", name=name, new=new, old=old)


def _shift(change: Change, t: Translator, place: tuple[str, int, list[str | int]]) -> str | None:
    rotation, index, rest = place
    name = t("rotation {name}, shift {number}", name=rotation, number=index + 1)
    if not rest:
        return _entry(change, t, f"{name} ({_compact(plain(_either(change)))})")
    if ABSENT in (change.old, change.new):
        return None
    new, old = (_holder(change, str(holder), t) for holder in (change.new, change.old))
    return t("{name}: {new}, was {old}", name=f"{name}, {rest[0]}", new=new, old=old)


def _holder(change: Change, holder: str, t: Translator) -> str:
    name = _target_name(change.after, as_target(holder), t.lang)
    return holder if name in holder else f"{name} ({holder})"


def _override(change: Change, t: Translator) -> str:
    entry: Override = _either(change)
    return t(
        "override: {person} for {rotation}/{slot}, {start} to {until}",
        person=_person(change, entry.person), rotation=entry.rotation, slot=entry.slot,
        start=f"{entry.start:%Y-%m-%d %H:%M%z}", until=f"{entry.until:%Y-%m-%d %H:%M%z}",
    )  # fmt: skip


def _route(change: Change, t: Translator) -> str:
    route: Route = _either(change)
    asked = " ".join(route.match) or "*"
    meant = ", ".join(filter(None, (route.service, route.type, route.severity))) or "-"
    return t("route {match} → {meant}", match=asked, meant=meant)


def _step(change: Change, t: Translator, playbook: str, index: int) -> str | None:
    step = _either(change)
    name = t(
        "playbook {name}, step {number} {text}",
        name=playbook, number=index + 1, text=_short(step.name, t.lang),
    )  # fmt: skip
    return _entry(change, t, name)


def _text(change: Change, t: Translator, file: str) -> str:
    entry = _entry(change, t, file)
    if entry is not None:
        return entry
    old, new = change.old.splitlines(), change.new.splitlines()
    for what, start, end, other, other_end in SequenceMatcher(None, old, new).get_opcodes():
        if what != "equal":
            before, after = " ".join(old[start:end]), " ".join(new[other:other_end])
            return t(
                "text of {file}, line {line}: {new}, was {old}", file=file, line=other + 1,
                new=_short(after, t.lang), old=_short(before, t.lang),
            )  # fmt: skip
    return t("text of {file}: only the end of its last line", file=file)


def _by_place(change: Change, t: Translator) -> str:
    """Word any change by the file and the keys that lead to it."""
    place = f"{file_of(change.path)} {_place(within_file(change.path))}".strip()
    new, old = _values(change, t.lang)
    if change.old is ABSENT or change.old is None:
        return t("{place}: added {new}", place=place, new=new)
    if change.new is ABSENT or change.new is None:
        return t("{place}: removed {old}", place=place, old=old)
    return t("{name}: {new}, was {old}", name=place, new=new, old=old)


def _place(path: KeyPath) -> str:
    words: list[str] = []
    for step in path:
        if isinstance(step, int) and words:
            words[-1] += f"[{step + 1}]"
        else:
            words.append(str(step))
    return ".".join(words)
