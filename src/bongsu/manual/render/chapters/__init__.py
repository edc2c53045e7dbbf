"""The chapters of the printed manual, one module each, in the order in which they are read."""

from __future__ import annotations

from bongsu.manual.render.blocks import Chapter
from bongsu.manual.render.chapters import (
    communication,
    opening,
    organisation,
    playbooks,
    procedure,
    recovery,
    reference,
    review,
)
from bongsu.manual.render.edition import Edition


def chapters(edition: Edition) -> tuple[Chapter, ...]:
    """Return every chapter of the manual."""
    return (
        opening.overview(edition),
        opening.classification(edition),
        organisation.chapter(edition),
        procedure.chapter(edition),
        playbooks.chapter(edition),
        communication.chapter(edition),
        recovery.chapter(edition),
        review.chapter(edition),
        reference.chapter(edition),
        reference.history(edition),
    )
