"""An analysis of logs as a person reads it."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from bongsu.cli import language
from bongsu.cli.printing import columns, console, print_lines, table
from bongsu.i18n import N_, translator
from bongsu.logs.analysis import Analysis, Pattern

BARS = "▁▂▃▄▅▆▇█"
SAMPLE_LINES = 12
NOVELTIES = {
    "new": N_("new"),
    "spiking": N_("spiking"),
    "usual": N_("usual"),
    "fading": N_("fading"),
}
STYLES = {"new": "bold red", "spiking": "bold yellow", "usual": "", "fading": "dim"}

t = translator(language())


def show(found: Analysis) -> None:
    """Print what was read, the patterns as a table, and below it a record of each."""
    _print_head(found)
    rows = table(
        "#",
        N_("what"),
        N_("count"),
        N_("expected"),
        N_("over time"),
        N_("first seen"),
        N_("pattern"),
    )
    for place, pattern in enumerate(found.patterns, 1):
        rows.add_row(*_row(place, pattern))
    print_lines(rows)
    for place, pattern in enumerate(found.patterns, 1):
        _print_details(place, pattern)
    for note in found.notes:
        console.print(Text(note, "dim"))


def bars(counts: tuple[int, ...]) -> str:
    """Return a small picture of counts over time; nothing is a dot."""
    most = max(counts, default=0)
    return "".join(BARS[(n * len(BARS) - 1) // most] if n else "·" for n in counts)


def _print_head(found: Analysis) -> None:
    told = N_("{lines} lines, {records} records, {templates} templates from {sources}")
    console.print(
        Text(
            t(
                told,
                lines=f"{found.lines:,}",
                records=f"{found.records:,}",
                templates=f"{found.templates:,}",
                sources=", ".join(found.sources),
            )
        )
    )
    if found.since and found.until:
        before = _time(found.baseline_since) if found.baseline_since else t(N_("nothing"))
        told = N_("window {since} to {until} ({zone}), against {before} to {since}")
        zone = found.until.astimezone().tzname() or ""
        times = {"since": _time(found.since), "until": _time(found.until)}
        console.print(Text(t(told, before=before, zone=zone, **times)))
    console.print()


def _row(place: int, pattern: Pattern) -> list[Text]:
    style = STYLES[pattern.novelty]
    cells = [
        (str(place), ""),
        (t(NOVELTIES[pattern.novelty]), style),
        (f"{pattern.count:,}", ""),
        (f"{pattern.expected:,.1f}", "dim"),
        (bars(pattern.rate), style),
        (_time(pattern.first_seen) if pattern.first_seen else "-", ""),
        (pattern.template, "red" if pattern.error else ""),
    ]
    return [Text(text, how) for text, how in cells]


def _print_details(place: int, pattern: Pattern) -> None:
    lines = columns()
    sample = pattern.sample.splitlines()
    if len(sample) > SAMPLE_LINES:
        left = t(N_("… {count} more lines (--json has them)"), count=len(sample) - SAMPLE_LINES)
        sample = [*sample[:SAMPLE_LINES], left]
    lines.add_row(Text(f"{place}."), Text("\n".join(sample)))
    for variable in pattern.variables:
        named = ", ".join(f"{value} ×{count}" for value, count in variable.values)
        more = ", …" if variable.distinct > len(variable.values) else ""
        lines.add_row("", Text(f"<*>{variable.place + 1}: {named}{more}", "dim"))
    console.print()
    print_lines(lines)


def _time(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
