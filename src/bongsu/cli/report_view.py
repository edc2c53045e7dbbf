"""A diagnosis on a terminal: the verdict first, then what it rests on, then what to do."""

from __future__ import annotations

from collections.abc import Iterable

from rich.padding import Padding
from rich.text import Text

from bongsu.cli.printing import Json, columns, console, moment, name_of, print_lines, t, zone
from bongsu.i18n import N_

VERDICTS = {
    "unhealthy": ("✗", "bold red", N_("unhealthy")),
    "degraded": ("!", "bold yellow", N_("degraded")),
    "unknown": ("?", "magenta", N_("not looked at")),
    "healthy": ("✓", "green", N_("healthy")),
}
NOVELTIES = {"new": "bold red", "spiking": "bold yellow"}
OUTPUT_LINES = 4
MOST_PATTERNS = 5
MOST_CHANGES = 5
MOST_LEANING = 8
IN_SHORT = 3
"""findings that are shown where it is to be brief"""
BAR = 5


def print_report(view: Json) -> None:
    """Print a report in the API's form."""
    _print_verdict(view)
    _print_findings(view["findings"])
    _print_affected(view["affected"])
    _print_changes(view["changes"])
    for logs in view["logs"]:
        _print_logs(logs)
    _print_not_checked(view["not_checked"])
    _print_next(view["next_actions"])


def print_in_short(view: Json) -> None:
    """Print the verdict, the gravest findings, the likeliest cause, the playbooks called for."""
    _heading(N_("Last diagnosis"))
    _print_verdict(view)
    for one in view["findings"][:IN_SHORT]:
        console.print(_finding(one))
    if len(view["findings"]) > IN_SHORT:
        more = len(view["findings"]) - IN_SHORT
        console.print(Text("    " + t("and {count} more", count=more), "dim"))
    _print_changes(view["changes"][:1])
    _print_called_for(view)
    console.print(Text("  " + t(N_("All of it: bongsu show --report")), "dim"))


def _print_called_for(view: Json) -> None:
    for name in filter(None, (one["playbook"] for one in view["next_actions"])):
        rehearse = f"$ bongsu playbook run {name} --incident {view['incident']} --dry-run"
        console.print(Text("  ▸ " + t("playbook {name}", name=name), "bold"))
        console.print(Padding(Text(rehearse), (0, 0, 0, 4), expand=False))


def _print_verdict(view: Json) -> None:
    counts = {
        verdict: sum(one["verdict"] == verdict for one in view["checks"]) for verdict in VERDICTS
    }
    found = any(one["verdict"] in ("unhealthy", "degraded") for one in view["findings"])
    worst = "degraded" if found else "healthy"
    worst = next((verdict for verdict in VERDICTS if counts[verdict]), worst)
    if found and worst in ("unknown", "healthy"):
        worst = "degraded"
    sign, style, _ = VERDICTS[worst]
    headline = NOTHING_SEEN if counts["unknown"] == len(view["checks"]) else HEADLINES[worst]
    console.print(Text(f"{sign} {t(headline)}", style))
    parts = [f"{t(VERDICTS[name][2])} {count}" for name, count in counts.items() if count]
    taken = f"{moment(view['taken_at'], seconds=True)} ({zone(view['taken_at'])})"
    took = t("{seconds} s of {deadline} s", seconds=f"{view['took_seconds']:.1f}",
             deadline=f"{view['deadline_seconds']:g}")  # fmt: skip
    console.print(Text(f"  {' · '.join(parts)} · {took} · {taken}", "dim"))
    _print_proposal(view["proposal"])


HEADLINES = {
    "unhealthy": N_("Something is broken."),
    "degraded": N_("Something is not as it should be."),
    "unknown": N_("Nothing bad was seen, but not everything could be looked at."),
    "healthy": N_("Everything that was looked at is healthy."),
}
NOTHING_SEEN = N_("Nothing could be looked at.")


def _print_proposal(proposal: Json) -> None:
    if not (proposal["severity"] or proposal["type"]):
        return
    what: list[str] = [proposal["severity"] or "", name_of(proposal["type"], "")]
    text = Text.assemble(
        "  ", (t(N_("By the manual:")), "bold"), " ", (" ".join(filter(None, what)), "bold"),
        (f"  ({proposal['why']})", "dim"),
    )  # fmt: skip
    console.print(text)


def _heading(text: str) -> None:
    console.print()
    console.print(Text(t(text), "bold"))


def _print_findings(findings: list[Json]) -> None:
    if not findings:
        return
    _heading(N_("What was found"))
    for one in findings:
        console.print(_finding(one))
        _print_evidence(one["evidence"])


def _finding(one: Json) -> Text:
    sign, style, _ = VERDICTS[one["verdict"]]
    return Text.assemble("  ", (f"{sign} ", style), (_check(one), "bold"), f"  {one['text']}")


def _check(finding: Json) -> str:
    """Return the name of a finding's check; a server of an earlier release tells only its id."""
    return str(finding.get("check_name", finding["check"]))


def _print_evidence(evidence: Json) -> None:
    """Print a finding's evidence: numbers, the beginning of the output, the command."""
    lines = [line for line in evidence.get("output", "").splitlines() if line.strip()]
    numbers = evidence.get("numbers", {})
    shown = ["  ".join(f"{name}={value:g}" for name, value in numbers.items())] if numbers else []
    shown += lines[:OUTPUT_LINES]
    if len(lines) > OUTPUT_LINES:
        shown.append("…")
    if command := evidence.get("command"):
        shown.append(f"$ {command}")
    for line in shown:
        console.print(Padding(Text(line, "dim"), (0, 0, 0, 6), expand=False))


def _print_affected(affected: list[Json]) -> None:
    if not affected:
        return
    _heading(N_("Which services are affected"))
    lines = columns()
    own = [one for one in affected if not one["through"]]
    leaning = [one for one in affected if one["through"]]
    for one in (*own, *leaning[:MOST_LEANING]):
        sign, style, word = VERDICTS[one["verdict"]]
        chain = " → ".join(["", *(lower["name"] for lower in one["through"])]).strip()
        lines.add_row("", Text(sign, style), one["service"]["name"], Text(t(word), style), chain)
    print_lines(lines)
    if len(leaning) > MOST_LEANING:
        more = len(leaning) - MOST_LEANING
        console.print(Text("    " + t("and {count} more that lean on them", count=more), "dim"))


def _print_changes(changes: list[Json]) -> None:
    if not changes:
        return
    _heading(N_("What was changed before"))
    lines = columns()
    for one in changes[:MOST_CHANGES]:
        full = round(one["score"] * BAR)
        picture = Text("▮" * full + "▯" * (BAR - full), "cyan")
        why = Text("; ".join(one["reasons"]), "dim")
        lines.add_row("", picture, moment(one["at"]), one["subject"], Text(one["text"]), why)
    print_lines(lines)


def _print_logs(logs: Json) -> None:
    analysis = logs["analysis"]
    patterns = analysis.get("patterns", [])
    if not patterns:
        return
    _heading(N_("Log patterns"))
    sources = ", ".join(analysis["sources"])
    read = t("{name}: {records} records from {sources}", name=logs["name"],
             records=f"{analysis['records']:,}", sources=sources)  # fmt: skip
    console.print(Text(f"  {read}", "dim"))
    lines = columns()
    for one in patterns[:MOST_PATTERNS]:
        novelty = str(one["novelty"])
        style = NOVELTIES.get(novelty, "dim")
        count = f"{one['count']:,}"
        lines.add_row("", Text(t(novelty), style), count, Text(one["template"]))
    print_lines(lines)


def _print_not_checked(not_checked: list[Json]) -> None:
    """Print what could not be looked at, by why."""
    if not not_checked:
        return
    _heading(N_("Not looked at, and why"))
    by_why: dict[str, list[str]] = {}
    for one in not_checked:
        by_why.setdefault(one["why"], []).append(one["name"])
    for why, names in by_why.items():
        console.print(Text.assemble("  ", ("? ", "magenta"), ", ".join(names)))
        console.print(Padding(Text(why, "dim"), (0, 0, 0, 6), expand=False))


def _print_next(actions: list[Json]) -> None:
    if not actions:
        return
    _heading(N_("What to do next"))
    for place, one in enumerate(actions, 1):
        tail = ""
        if one["playbook"]:
            tail = t("playbook {name}", name=one["playbook"])
        because = ", ".join(one["because"])
        console.print(
            Text.assemble(
                f"  {place}. ", (one["text"], "bold"), f"  {tail}" if tail else "",
                (f"  ({because})" if because else "", "dim"),
            )
        )  # fmt: skip
        if one["command"]:
            console.print(Padding(Text(f"$ {one['command']}"), (0, 0, 0, 6), expand=False))


def print_comparison(view: Json) -> None:
    """Print what a report says otherwise than a former one."""
    _heading(N_("Since the former report"))
    console.print(Text(f"  {moment(view['before'])} → {moment(view['after'])}", "dim"))
    _print_moved(N_("better"), "green", view["better"])
    _print_moved(N_("worse"), "bold red", view["worse"])
    _print_moved(N_("only seen once"), "magenta", view["unseen"])
    _print_only(N_("new"), "bold red", view["new"])
    _print_only(N_("gone"), "green", view["gone"])
    for one in view["numbers"]:
        name = f"{_check(one)}: {one['number']}"
        console.print(f"  {name} {one['before']:g} → {one['after']:g}", markup=False)
    if view["severity"]:
        before, after = (level or "-" for level in view["severity"])
        console.print(Text("  " + t(N_("severity")) + f" {before} → {after}", "bold"))
    kinds = ("better", "worse", "unseen", "new", "gone", "numbers", "severity")
    if not any(view[kind] for kind in kinds):
        console.print(Text("  " + t(N_("Nothing is different."))))


def _print_moved(word: str, style: str, moved: Iterable[Json]) -> None:
    for one in moved:
        before, after = (t(VERDICTS[one[when]][2]) for when in ("before", "after"))
        console.print(Text.assemble("  ", (t(word), style), f"  {one['name']}: {before} → {after}"))


def _print_only(word: str, style: str, findings: Iterable[Json]) -> None:
    for one in findings:
        console.print(Text.assemble("  ", (t(word), style), f"  {_check(one)}: {one['text']}"))
