"""From a signal to an incident: who sends, and what an alert means."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Block, Heading, Prose, Table
from bongsu.manual.render.edition import Edition
from bongsu.manual.schema.signals import Route


def blocks(edition: Edition) -> Iterator[Block]:
    """Senders, routes, severity words, silences and heartbeats."""
    t, signals = edition.t, edition.manual.signals
    yield Heading(t("Signals and what they mean"), 4, "signals")
    yield _integrations(edition)
    yield Prose(t("The first row that fits decides what an alert means."))
    yield _routes(edition)
    yield Prose(
        t("An alert that fires again within {wait} of the end reopens its incident.",
          wait=edition.duration(signals.reopen_within))
    )  # fmt: skip
    if signals.severity_words:
        yield _words(edition)
    if signals.silences:
        yield _silences(edition)
    if signals.heartbeats:
        yield _heartbeats(edition)


def _integrations(edition: Edition) -> Table:
    t = edition.t
    return Table(
        (t("Sender"), t("Id"), t("Formats")),
        tuple(
            (edition.text(sender.name), inline.code(name), ", ".join(sender.formats))
            for name, sender in edition.manual.signals.integrations.items()
        ),
    )


def _routes(edition: Edition) -> Table:
    t, signals = edition.t, edition.manual.signals
    default = signals.default
    rows = [_route(edition, route) for route in signals.routes]
    rows.append((
        t("everything else"),
        edition.incident_type(default.type),
        default.severity,
        _service(edition, default.service),
        _labels(edition, default.group_by),
    ))  # fmt: skip
    head = (t("Condition"), t("Type"), t("Severity"), t("Service"), t("One incident per"))
    return Table(head, tuple(rows))


def _route(edition: Edition, route: Route) -> tuple[str, ...]:
    t, group = edition.t, route.group_by
    return (
        inline.listing(map(inline.code, route.match), " ") if route.match else t("everything else"),
        edition.incident_type(route.type),
        route.severity or t("the sender's word"),
        _service(edition, route.service),
        _labels(edition, edition.manual.signals.default.group_by if group is None else group),
    )


def _service(edition: Edition, service: str | None) -> str:
    return edition.service(service) if service else edition.t("the alert's label")


def _labels(edition: Edition, labels: list[str]) -> str:
    match labels:
        case []:
            return edition.t("all that fits this row")
        case ["..."]:
            return edition.t("each alert")
    return inline.listing(map(inline.code, labels))


def _words(edition: Edition) -> Table:
    t = edition.t
    return Table(
        (t("The sender's word"), t("Severity")),
        tuple(
            (inline.code(word), edition.severity(level))
            for word, level in edition.manual.signals.severity_words.items()
        ),
    )


def _silences(edition: Edition) -> Table:
    t = edition.t
    return Table(
        (t("Silenced"), t("From"), t("Until"), t("Reason")),
        tuple(
            (
                inline.listing(map(inline.code, silence.match), " "),
                f"{silence.start:%Y-%m-%d %H:%M %z}",
                f"{silence.until:%Y-%m-%d %H:%M %z}",
                edition.text(silence.reason),
            )
            for silence in edition.manual.signals.silences
        ),
    )


def _heartbeats(edition: Edition) -> Table:
    t = edition.t
    return Table(
        (t("Heartbeat"), t("Comes every"), t("Grace period"), t("Severity")),
        tuple(
            (
                edition.text(beat.name),
                edition.duration(beat.every),
                edition.duration(beat.grace),
                edition.severity(beat.severity),
            )
            for beat in edition.manual.signals.heartbeats.values()
        ),
    )
