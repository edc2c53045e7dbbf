"""What a message looks like in Slack: Block Kit within Slack's limits, and a text to fall back on.

A message is never refused for its length: what is too long ends in "…" and a link to the whole.
Whatever may come from an alert goes into ``plain_text``, which Slack does not parse at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from bongsu.channels import text as words
from bongsu.channels.message import Action, Message
from bongsu.channels.slack.mrkdwn import escape, link, split, to_mrkdwn
from bongsu.i18n import translator

Block = dict[str, Any]

HEADER, SECTION, FIELD, BUTTON, URL = 150, 3_000, 500, 75, 3_000
SECTIONS = 4
"""Slack takes 50 blocks, but has an unwritten limit near 13,000 characters for all of them"""
WHY = 500
_COLOURS = {"P0": "🔴", "P1": "🟠", "P2": "🟡", "P3": "🔵"}
_STYLES = {
    "ack": "primary", "confirm": "primary", "escalate": "danger", "approve": "primary",
    "refuse": "danger",
}  # fmt: skip
Answers = Literal["buttons", "links", "none"]
"""how the reader can answer: by buttons, by their own signed links, or only on the incident page"""
OPEN = "open"
"""action_id of a button that only opens a page"""


class Composed(msgspec.Struct, frozen=True):
    """A message in Slack's form."""

    blocks: list[Block]
    text: str
    """what a notification shows; rings nobody"""
    plain: str
    """everything without blocks, should Slack refuse them"""


def compose(message: Message, answers: Answers) -> Composed:
    """Write a message."""
    # A signed link belongs to one person: in a channel anybody could act in that person's name.
    shown = message if answers == "links" else _without_links(message)
    text = escape(words.fit(words.render(shown)[1], SECTION))
    if message.kind != "notice":
        return Composed(page_blocks(message, answers), text, text)
    parts, whole = _notice(message)
    blocks = [_mrkdwn_section(part) for part in parts]
    blocks += _actions(message, answers)
    if not whole:
        blocks.append(_shortened(message))
    return Composed(blocks, text, parts[0])


def _without_links(message: Message) -> Message:
    actions = tuple(msgspec.structs.replace(one, url="") for one in message.actions)
    return msgspec.structs.replace(message, actions=actions)


def page_blocks(message: Message, answers: Answers) -> list[Block]:
    """Severity and title, what is broken, since when, what to do by when, the buttons; then why."""
    what, rest = words.summary(message), words.rest(message)
    changed, demand = words.whole(message.text), words.demand(message)
    blocks = [_header(message)]
    blocks += [_plain_section(part) for part in (changed, what) if part]
    blocks.append(_facts(message))
    if demand:
        blocks.append(_mrkdwn_section(f"⏰ *{escape(words.fit(demand, FIELD))}*"))
    blocks += _actions(message, answers)
    blocks.append(_context(message))
    if rest:
        blocks.append(_plain_section(rest))
        if words.width(rest) > SECTION:
            blocks.append(_shortened(message))
    return blocks


def addressed(blocks: list[Block], to: str) -> list[Block]:
    """Say whom a message is for that went to a webhook's own channel instead."""
    return blocks if words.width(to) > FIELD else [_mrkdwn_section(f"→ {to}"), *blocks]


def _header(message: Message) -> Block:
    title = f"{_COLOURS.get(message.severity, '⚪')} {words.heading(message)}"
    return {"type": "header", "text": _plain(words.fit(title, HEADER))}


def _facts(message: Message) -> Block:
    known = (f"*{escape(k)}*\n{escape(words.fit(v, FIELD))}" for k, v in words.facts(message))
    return {"type": "section", "fields": [_mrkdwn(one) for one in known]}


def _actions(message: Message, answers: Answers) -> list[Block]:
    t = translator(message.lang)
    opening = _opening(t("Incident page"), message.links.incident, OPEN)
    buttons = [*(_answer(action, answers) for action in message.actions), opening]
    shown = [button for button in buttons if button is not None]
    return [{"type": "actions", "elements": shown}] if shown else []


def _answer(action: Action, answers: Answers) -> Block | None:
    match answers:
        case "buttons":
            button = _button(action.label, action.code)
            return {**button, "value": action.value} | _style(action)
        case "links":
            opening = _opening(action.label, action.url, f"{OPEN}-{action.code}")
            return opening | _style(action) if opening else None
        case "none":
            return None


def _opening(label: str, url: str, action_id: str) -> Block | None:
    """A button that opens a page; Slack reports its press too, under an id that asks nothing."""
    usable = url.startswith(("https://", "http://")) and len(url) <= URL
    return {**_button(label, action_id), "url": url} if usable else None


def _button(label: str, action_id: str) -> Block:
    text = _plain(words.fit(words.one_line(label), BUTTON))
    return {"type": "button", "text": text, "action_id": action_id}


def _style(action: Action) -> Block:
    style = _STYLES.get(action.code)
    return {"style": style} if style else {}


def _context(message: Message) -> Block:
    t = translator(message.lang)
    parts = [escape(words.fit(words.one_line(message.incident_number), FIELD))]
    if message.why:
        reason = words.fit(words.one_line(message.why), WHY)
        parts.append(escape(t("Why: {reason}", reason=reason)))
    others = [(k, url) for k, url in words.links(message) if url != message.links.incident]
    parts += [link(url, label) for label, url in others[:4]]
    return {"type": "context", "elements": [_mrkdwn(part) for part in parts if part]}


def _shortened(message: Message) -> Block:
    t, page = translator(message.lang), message.links.incident
    note = t("This text was shortened.")
    whole = link(page, t("The whole text is here")) if page else ""
    return {"type": "context", "elements": [_mrkdwn(f"{note} {whole}".strip())]}


def _notice(message: Message) -> tuple[list[str], bool]:
    """A notice's sections, and whether they hold the whole of it."""
    blocks = to_mrkdwn(words.render_notice(message), message.mentions) or ["…"]
    parts = list(_packed(part for block in blocks for part in split(block, SECTION - 2)))
    if len(parts) <= SECTIONS:
        return parts, True
    return [*parts[: SECTIONS - 1], parts[SECTIONS - 1] + " …"], False


def _packed(parts: Iterable[str]) -> Iterator[str]:
    """Put neighbours into one section while they fit."""
    held = ""
    for part in parts:
        joined = f"{held}\n\n{part}" if held else part
        if words.width(joined) > SECTION - 2:
            yield held
            joined = part
        held = joined
    yield held


def _mrkdwn_section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _plain_section(text: str) -> Block:
    return {"type": "section", "text": _plain(words.fit(text, SECTION))}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
