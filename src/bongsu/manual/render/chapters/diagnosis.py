"""The first report (상황 분석): what is looked at, and what findings mean."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Block, Heading, Prose, Table
from bongsu.manual.render.edition import Edition
from bongsu.manual.schema import diagnosis as d


def blocks(edition: Edition) -> Iterator[Block]:
    """Checks by group, log queries, and rules."""
    t, diagnosis = edition.t, edition.manual.diagnosis
    if not (diagnosis.checks or diagnosis.logs or diagnosis.rules):
        return
    yield Heading(t("Diagnosis"), 4, "diagnosis")
    wait = edition.duration(diagnosis.deadline)
    yield Prose(
        t(
            "The first report comes within {wait}, and says what could not be seen by then.",
            wait=wait,
        )
    )
    for group, names in _groups(diagnosis).items():
        yield Heading((group and inline.code(group)) or t("Further checks"), 5, f"checks-{group}")
        yield _checks(edition, names)
    if diagnosis.logs:
        yield Heading(t("Log analysis"), 4, "log-analysis")
        yield _logs(edition)
    if diagnosis.rules:
        yield Heading(t("What findings mean"), 4, "findings")
        yield _rules(edition)


def _groups(diagnosis: d.Diagnosis) -> dict[str, list[str]]:
    """Every group with its checks, and under "" the checks of no group."""
    grouped = {name for names in diagnosis.groups.values() for name in names}
    rest = [name for name in diagnosis.checks if name not in grouped]
    groups = {group: list(names) for group, names in diagnosis.groups.items()}
    return {**groups, "": rest} if rest else groups


def _checks(edition: Edition, names: list[str]) -> Table:
    t, checks = edition.t, edition.manual.diagnosis.checks
    return Table(
        (t("Check"), t("Id"), t("What is looked at"), t("Service")),
        tuple(
            (
                edition.text(check.name),
                inline.code(name),
                _probe(edition, check.probe),
                edition.service(check.service),
            )
            for name in names
            if (check := checks.get(name))
        ),
    )


def _probe(edition: Edition, probe: d.Probe) -> str:
    match probe:
        case d.HttpProbe():
            return inline.code(f"GET {probe.url}")
        case d.KubectlProbe():
            return inline.code(inline.command(["kubectl", *probe.args]))
        case d.PrometheusProbe():
            wanted = edition.t("healthy while {condition}", condition=inline.code(probe.healthy))
            return f"{inline.code(probe.query)} — {wanted}"
        case d.DatabaseProbe():
            share = f"{probe.connections_over:.0%}"
            return edition.t(
                "connections (up to {share}), replication, slow operations, locks", share=share
            )
        case d.NetworkProbe():
            port = f":{probe.port}" if probe.port else ""
            return f"{probe.kind.upper()} {inline.code(probe.host + port)}"
        case d.CommandProbe():
            return inline.code(inline.command(probe.argv))


def _logs(edition: Edition) -> Table:
    t = edition.t
    return Table(
        (t("Logs"), t("Source"), t("Looking back"), t("Compared with"), t("Lines shown")),
        tuple(
            (
                edition.text(query.name),
                inline.code(query.source),
                edition.duration(query.since),
                edition.duration(query.baseline),
                t("top {n}", n=query.top),
            )
            for query in edition.manual.diagnosis.logs.values()
        ),
    )


def _rules(edition: Edition) -> Table:
    t = edition.t
    return Table(
        (t("If this holds"), t("Severity"), t("Type"), t("To do next"), t("Playbooks")),
        tuple(
            (
                inline.code(rule.when),
                rule.severity or inline.NONE,
                edition.incident_type(rule.type),
                edition.texts(rule.next),
                inline.listing(_playbook(edition, name) for name in rule.playbooks),
            )
            for rule in edition.manual.diagnosis.rules
        ),
    )


def _playbook(edition: Edition, name: str) -> str:
    known = edition.manual.playbooks.get(name)
    return edition.text(known.name) if known else inline.plain(name)
