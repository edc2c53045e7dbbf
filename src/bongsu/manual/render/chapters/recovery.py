"""The recovery strategy (복구 전략): order, services, and what must pass before it is over."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Block, Bullets, Chapter, Heading, Prose, Table
from bongsu.manual.render.edition import Edition
from bongsu.manual.schema import verification as v


def chapter(edition: Edition) -> Chapter:
    """In which order, and when it is over."""
    return Chapter("recovery", edition.t("Recovery strategy"), tuple(_blocks(edition)))


def _blocks(edition: Edition) -> Iterator[Block]:
    t, verification = edition.t, edition.manual.verification
    yield Heading(t("Recovery order"), 3, "recovery-order")
    yield Bullets(tuple(_order(edition)), ordered=True)
    yield Heading(t("Services"), 3, "services")
    yield _services(edition)
    yield Heading(t("Recovery verification"), 3, "verification")
    for title, anchor, checks in (
        (t("Smoke tests"), "smoke", verification.smoke),
        (t("Performance tests"), "performance", verification.performance),
        (t("Monitoring checks"), "monitoring", verification.monitoring),
    ):
        if checks:
            yield Heading(title, 4, f"verification-{anchor}")
            yield _checks(edition, checks)
    yield Prose(
        t("Then the service is watched for {wait}; a relapse in this time reopens the incident.",
          wait=edition.duration(verification.watch))
    )  # fmt: skip


def _order(edition: Edition) -> Iterator[str]:
    for _, tier in sorted(edition.manual.services.recovery_order.items()):
        what = edition.texts(tier.what) if tier.what else ""
        yield inline.strong(edition.text(tier.name)) + (f": {what}" if what else "")


def _services(edition: Edition) -> Table:
    t = edition.t
    services = sorted(edition.manual.services.services.items(), key=lambda item: item[1].tier)
    return Table(
        (
            t("Service"),
            t("Id"),
            t("Recovered as"),
            t("Looked after by"),
            t("Leans on"),
            t("Health"),
        ),
        tuple(
            (
                edition.text(service.name),
                inline.code(name),
                str(service.tier),
                edition.role(service.owner),
                inline.listing(map(edition.service, service.depends_on)),
                inline.link(service.health.url) if service.health else inline.NONE,
            )
            for name, service in services
        ),
    )


def _checks(edition: Edition, checks: dict[str, v.VerificationCheck]) -> Table:
    t = edition.t
    return Table(
        (t("Check"), t("How it is tested"), t("Success criterion"), t("Severities"), t("Required")),
        tuple(
            (
                edition.text(check.name),
                _test(edition, check.test),
                f"{edition.text(check.criterion)} — {inline.code(check.passes)}",
                edition.severities(check.severities),
                _required(edition, check),
            )
            for check in checks.values()
        ),
    )


def _required(edition: Edition, check: v.VerificationCheck) -> str:
    levels = [level for level in check.severities if level in check.required]
    if levels and levels != check.severities:
        return edition.severities(levels)
    return edition.t("yes") if levels else edition.t("no")


def _test(edition: Edition, test: v.Test) -> str:
    t = edition.t
    match test:
        case v.CommandTest():
            return inline.code(inline.command(test.argv))
        case v.QueryTest():
            return inline.code(test.query)
        case v.ProbeTest():
            return f"{inline.code(f'GET {test.url}')} × {test.times}"
        case v.QuietTest():
            levels = edition.severities(test.severities)
            wait = edition.duration(test.duration)
            return t("no alert of {levels} for {wait}", levels=levels, wait=wait)
