"""The procedure (장애 대응 절차): detection, escalation, diagnosis, recovery, phase by phase."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from bongsu.i18n import N_
from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Block, Chapter, Checks, Heading, Prose
from bongsu.manual.render.chapters import diagnosis, escalation, playbooks, signals
from bongsu.manual.render.edition import Edition
from bongsu.manual.schema.response import Checklist, PhaseGuide, PhaseName

_UNNAMED = N_("Further")


def chapter(edition: Edition) -> Chapter:
    """The phases as the manual frames them, each with all that happens in it."""
    return Chapter("procedure", edition.t("Response procedure"), tuple(_blocks(edition)))


def _blocks(edition: Edition) -> Iterator[Block]:
    guides = list(edition.manual.response.phases)
    for number, guide in enumerate(guides, start=1):
        title = edition.t("Phase {n}: {name}", n=number, name=edition.text(guide.name))
        yield Heading(f"{title} ({_frame(edition, guide)})", 3, f"phase-{number}")
        yield from _within(edition, set(guide.phases))
    left = set(get_args(PhaseName)) - {phase for guide in guides for phase in guide.phases}
    rest = list(_within(edition, left))
    if rest:
        yield Heading(edition.t(_UNNAMED), 3, "phase-other")
        yield from rest


def _frame(edition: Edition, guide: PhaseGuide) -> str:
    start = edition.duration(guide.start) if guide.start else "0"
    return f"{start}–{edition.duration(guide.until)}"


def _within(edition: Edition, phases: set[PhaseName]) -> Iterator[Block]:
    """What happens in these phases; each part of the procedure is in one of them."""
    if "detected" in phases:
        yield from signals.blocks(edition)
        yield from escalation.blocks(edition)
    for name, checklist in edition.manual.response.checklists.items():
        if checklist.phase in phases:
            yield from _checklist(edition, name, checklist)
    if "responding" in phases:
        yield from diagnosis.blocks(edition)
    if "recovering" in phases:
        yield from playbooks.index(edition)


def _checklist(edition: Edition, name: str, checklist: Checklist) -> Iterator[Block]:
    t = edition.t
    yield Heading(edition.text(checklist.name), 4, f"checklist-{name}")
    terms = [t("Severities: {which}", which=edition.severities(checklist.severities))]
    if checklist.within:
        terms.append(t("within {wait}", wait=edition.duration(checklist.within)))
    yield Prose(" · ".join(terms))
    yield Checks(
        tuple(
            (
                edition.text(item.text) + (f" — {edition.role(item.role)}" if item.role else ""),
                inline.command(item.command) if item.command else None,
            )
            for item in checklist.items
        )
    )
