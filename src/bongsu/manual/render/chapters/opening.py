"""Overview (장애 대응 개요) and classification (장애 분류 체계)."""

from __future__ import annotations

from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Bullets, Chapter, Heading, Table
from bongsu.manual.render.edition import CATEGORIES, Edition
from bongsu.manual.schema.base import SEVERITY_LEVELS


def overview(edition: Edition) -> Chapter:
    """The principles and the targets."""
    t, head = edition.t, edition.manual.overview
    return Chapter(
        "overview",
        t("Overview of the response"),
        (
            Heading(t("Principles"), 3, "principles"),
            Bullets(tuple(edition.text(p) for p in head.principles), ordered=True),
            Heading(t("Targets"), 3, "targets"),
            _targets(edition),
        ),
    )


def _targets(edition: Edition) -> Table:
    t, targets = edition.t, edition.manual.overview.targets
    rows = (
        (t("Detection"), t("from the onset of the fault to an open incident"), targets.detection),
        (t("First response"), t("until the first person has answered"), targets.first_response),
        (t("Response"), t("until a team is at work"), targets.response),
        (t("Communication"), t("until the first notice"), targets.communication),
        (t("Recovery"), t("until the service works again"), targets.recovery),
    )
    return Table(
        (t("Target"), t("What is measured"), t("Within")),
        tuple((inline.strong(name), what, edition.duration(limit)) for name, what, limit in rows),
    )


def classification(edition: Edition) -> Chapter:
    """The severities and the types of incidents."""
    t = edition.t
    return Chapter(
        "classification",
        t("Classification of incidents"),
        (
            Heading(t("Severities"), 3, "severities"),
            _severities(edition),
            Heading(t("Types of incidents"), 3, "incident-types"),
            _types(edition),
        ),
    )


def _severities(edition: Edition) -> Table:
    t, severities = edition.t, edition.manual.overview.severities
    return Table(
        (t("Level"), t("Name"), t("Definition"), t("Examples"), t("To be recovered within")),
        tuple(
            (
                inline.strong(level),
                edition.text(severity.name),
                edition.text(severity.means),
                edition.texts(severity.examples),
                edition.duration(severity.recover_within),
            )
            for level in SEVERITY_LEVELS
            if (severity := severities.get(level))
        ),
    )


def _types(edition: Edition) -> Table:
    t = edition.t
    return Table(
        (t("Type"), t("Category"), t("Id"), t("Usual severity")),
        tuple(
            (
                edition.text(kind.name),
                t(CATEGORIES[category]),
                inline.code(name),
                kind.default_severity or inline.NONE,
            )
            for category, types in edition.manual.overview.incident_types.items()
            for name, kind in types.items()
        ),
    )
