"""The communication plan (커뮤니케이션 계획): audiences, message templates, legal duties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from bongsu.i18n import N_
from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Block, Chapter, Code, Heading, Note, Prose, Table
from bongsu.manual.render.edition import Edition
from bongsu.manual.schema.communication import Audience, Destination
from bongsu.manual.schema.obligations import Obligation, Obligations

_KINDS = {
    "initial": N_("first notice"),
    "update": N_("update message"),
    "resolved": N_("recovery notice"),
    "alert": N_("alert message"),
    "other": N_("other message"),
}


def chapter(edition: Edition) -> Chapter:
    """Who is told, in which words, and who must be told by law."""
    return Chapter("communication", edition.t("Communication plan"), tuple(_blocks(edition)))


def _blocks(edition: Edition) -> Iterator[Block]:
    t = edition.t
    yield Heading(t("Internal communication"), 3, "internal-communication")
    yield _audiences(edition, "internal")
    yield Heading(t("External communication"), 3, "external-communication")
    yield _audiences(edition, "external")
    yield Heading(t("Message templates"), 3, "templates")
    yield from _templates(edition)
    if edition.manual.obligations:
        yield Heading(t("Legal duties to report"), 3, "obligations")
        yield from _obligations(edition, edition.manual.obligations)


def _audiences(edition: Edition, side: Literal["internal", "external"]) -> Table:
    t = edition.t
    return Table(
        (t("Audience"), t("Channels"), t("How often"), t("Only if"), t("Template"), t("Approval")),
        tuple(
            (
                inline.strong(edition.text(audience.name)),
                inline.listing(_destination(edition, place) for place in audience.destinations),
                _pace(edition, audience),
                inline.code(audience.when) if audience.when else inline.NONE,
                edition.template(audience.template),
                edition.role(audience.approve),
            )
            for audience in edition.manual.communication.audiences.values()
            if audience.side == side
        ),
    )


def _destination(edition: Edition, place: Destination) -> str:
    if not place.to:
        return edition.channel(place.channel)
    return f"{edition.channel(place.channel)} {inline.link(place.to)}"


def _pace(edition: Edition, audience: Audience) -> str:
    t = edition.t
    if audience.every is None:
        return inline.NONE
    if audience.every == "real_time":
        return t("in real time")
    return t("every {time}", time=edition.duration(audience.every))


def _templates(edition: Edition) -> Iterator[Block]:
    t, manual = edition.t, edition.manual
    for name, template in manual.communication.templates.items():
        yield Heading(edition.text(template.name), 4, f"template-{name}")
        terms = [inline.code(name), t(_KINDS[template.kind])]
        if template.audience:
            terms.append(edition.audience(template.audience))
        yield Prose(" · ".join(terms))
        yield Code(manual.texts.get(template.file, "").rstrip("\n"), "markdown")


def _obligations(edition: Edition, obligations: Obligations) -> Iterator[Block]:
    t = edition.t
    yield Note(
        t("This is no legal advice. Every entry has to be confirmed by a person ({role}).",
          role=edition.role(obligations.confirmed_by))
    )  # fmt: skip
    head = (
        t("Duty"), t("Law"), t("Counts from"), t("Within"), t("To whom"),
        t("Question to answer"), t("Version"),
    )  # fmt: skip
    yield Table(head, tuple(_duty(edition, duty) for duty in obligations.duties.values()))


def _duty(edition: Edition, duty: Obligation) -> tuple[str, ...]:
    t = edition.t
    question, trigger = [edition.text(duty.question)], [edition.text(duty.trigger)]
    if duty.when:
        question.append(t("asked only if {condition}", condition=inline.code(duty.when)))
    if duty.repeats:
        trigger.append(t("each time anew"))
    return (
        inline.strong(edition.text(duty.name)),
        inline.plain(duty.law),
        inline.listing(trigger, " — "),
        _legal_time(edition, duty),
        edition.text(duty.to),
        inline.listing(question, " — "),
        _version(edition, duty),
    )


def _version(edition: Edition, duty: Obligation) -> str:
    parts = [inline.plain(duty.version)]
    if duty.source:
        parts.append(inline.plain(duty.source))
    if duty.unconfirmed:
        unconfirmed = edition.t("unconfirmed")
        parts.append(f"{inline.strong(unconfirmed)}: {edition.text(duty.unconfirmed)}")
    return inline.listing(parts, " — ")


_HOURS_UP_TO = 96 * 3600


def _legal_time(edition: Edition, duty: Obligation) -> str:
    """Say a time as the law does: 72 hours are not 3 days to a person who counts them."""
    if duty.within is None:
        return edition.t("without delay")
    short = duty.within.total_seconds() <= _HOURS_UP_TO
    return edition.duration(duty.within, largest=3_600 if short else 86_400)
