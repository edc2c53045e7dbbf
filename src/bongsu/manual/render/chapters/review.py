"""The review (사후 분석): when it is due, its template, and what is being improved."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.i18n import N_
from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Block, Chapter, Code, Heading, Prose, Table
from bongsu.manual.render.edition import Edition
from bongsu.manual.schema.review import ActionItem

_STATUS = {
    "planned": N_("planned"),
    "scheduled": N_("scheduled"),
    "in_progress": N_("in progress"),
    "done": N_("done"),
}
_PRIORITY = {"high": N_("high"), "medium": N_("medium"), "low": N_("low")}
_TRACKS = {
    "preventive_measures": N_("Preventive measures"),
    "process_improvements": N_("Process improvements"),
}


def chapter(edition: Edition) -> Chapter:
    """The post-mortem and its follow-ups."""
    return Chapter("review", edition.t("Post-mortem review"), tuple(_blocks(edition)))


def _blocks(edition: Edition) -> Iterator[Block]:
    t, review = edition.t, edition.manual.review
    yield Prose(
        t("A review is due within {wait} after an incident of {levels}.",
          wait=edition.duration(review.within), levels=", ".join(review.required_for))
    )  # fmt: skip
    template = edition.manual.texts.get(review.template)
    if template:
        yield Heading(t("Review template"), 3, "review-template")
        yield Code(template.rstrip("\n"), "markdown")
    if review.improvements:
        yield Heading(t("Improvements being tracked"), 3, "improvements")
    for track, items in review.improvements.items():
        yield Heading(t(_TRACKS[track]), 4, f"improvements-{track}")
        yield _items(edition, items)


def _items(edition: Edition, items: dict[str, ActionItem]) -> Table:
    t = edition.t
    return Table(
        (t("Improvement"), t("Status"), t("Owner"), t("Due"), t("Priority")),
        tuple(
            (
                edition.text(item.item),
                t(_STATUS[item.status]),
                inline.plain(item.owner),
                str(item.due),
                t(_PRIORITY[item.priority]),
            )
            for item in items.values()
        ),
    )
