"""``bongsu logs …``: what is new in logs, and the templates of their lines."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bongsu.cli import MISUSED, language
from bongsu.cli.logs_templates import templates
from bongsu.cli.printing import AsJson
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bongsu.actions.logsources import Source
    from bongsu.logs.analyser import Analyser
    from bongsu.logs.analysis import Analysis
    from bongsu.logs.decoding import Data

    OnBytes = Callable[[int], None]

PARTLY = 1
"""Exit code: what could be read was analysed, but there was more"""
STDIN = "-"
PEEKED = 8192
"""bytes of an input that are looked at to tell text from anything else"""
PATIENCE_S = 3600.0
"""how long sources may take; a person who waits no longer presses Ctrl-C"""

t = translator(language())
app = typer.Typer(
    no_args_is_help=True, add_completion=False, help=t(N_("Find what is new or spiking in logs"))
)
app.command(help=t(N_("Print the templates of a log's lines")))(templates)

Files = Annotated[
    list[str] | None,
    typer.Argument(help=t(N_("log files, also .gz and .zst; - is what comes by a pipe"))),
]
SourceNames = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        help=t(
            N_("k8s:NAMESPACE/SELECTOR, loki:QUERY, journal:UNIT or file:PATH; may be repeated")
        ),
    ),
]


@app.command(
    help=t(N_("Rank what is new or spiking in the latest minutes, against the time before"))
)
def analyze(
    files: Files = None,
    *,
    source: SourceNames = None,
    since: Annotated[str, typer.Option(help=t(N_("length of the incident's window")))] = "15m",
    baseline: Annotated[
        str, typer.Option(help=t(N_("length of the time before, to compare with")))
    ] = "1h",
    top: Annotated[int, typer.Option(min=1, max=1000, help=t(N_("how many to show")))] = 10,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help=t(N_("print what grep -i error | sort | uniq -c | sort -nr | head prints")),
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Exit 0; 1 where not all could be read; 2 where an input can't be understood at all."""
    inputs = _inputs(files, source)
    if exact:
        _print_exact(inputs, source, top, as_json=as_json)
        return
    lengths = _duration("--since", since), _duration("--baseline", baseline)
    _analyse(inputs, _sources(source), lengths, top, as_json=as_json)


def _inputs(files: list[str] | None, source: list[str] | None) -> list[str]:
    """Return the files to read; a pipe where nothing else is named."""
    if not files and not source:
        if sys.stdin is None or sys.stdin.isatty():
            _refuse(t(N_("name a log file, or a source with --source; - reads from a pipe")))
        return [STDIN]
    for name in files or []:
        if name != STDIN:
            _check_file(Path(name))
    return files or []


def _check_file(path: Path) -> None:
    if path.is_dir():
        _refuse(t("{name} is a folder; name the files in it", name=str(path)))
    if not path.exists():
        _refuse(t("there is no file {name}", name=str(path)))
    if path.is_file() and not path.stat().st_size:
        _refuse(t(N_("{name} is empty"), name=str(path)))


def _duration(option: str, text: str) -> timedelta:
    from bongsu.manual.schema.base import parse_duration

    try:
        length = parse_duration(text)
    except ValueError:
        length = timedelta()
    if length < timedelta(seconds=1):
        told = N_("{option}: {value} is no length of time; write it as 15m, 1h or 1h30m")
        _refuse(t(told, option=option, value=text))
    return length


def _sources(names: list[str] | None) -> list[Source]:
    from bongsu.actions.logsources import BadSource, parse

    try:
        return [parse(name) for name in names or []]
    except BadSource as error:
        _refuse(t(error.text, **error.values))


def _analyse(
    inputs: list[str],
    sources: list[Source],
    lengths: tuple[timedelta, timedelta],
    top: int,
    *,
    as_json: bool,
) -> None:
    from bongsu.engine.clock import SystemClock
    from bongsu.logs.analyser import Analyser
    from bongsu.logs.files import UnreadableLog

    now = SystemClock().now()
    since, baseline = lengths
    analyser = Analyser(
        now=now,
        since=since,
        baseline=baseline,
        top=top,
        zone=now.astimezone().tzinfo or now.tzinfo,  # type: ignore[arg-type]
        live=not inputs,
        lang=language(),
    )
    with _progress(inputs) as tell:
        for name in inputs:
            try:
                _feed(analyser, name, tell)
            except UnreadableLog as error:
                analyser.trouble(t(error.text, **error.values))
        _read_sources(analyser, sources, now, since + baseline, tell)
    _print(analyser, as_json=as_json)


def _feed(analyser: Analyser, name: str, tell: OnBytes) -> None:
    shown = t(N_("standard input")) if name == STDIN else name
    for number, block in enumerate(_blocks(name, tell)):
        if not number and b"\0" in bytes(block[:PEEKED]):
            told = N_(
                "{name} is binary, or text in UTF-16; iconv -f UTF-16 -t UTF-8 makes it readable"
            )
            _refuse(t(told, name=shown))
        analyser.feed(shown, block)


def _blocks(name: str, tell: OnBytes) -> Iterator[Data]:
    from bongsu.logs.files import blocks, stream

    return stream(sys.stdin.buffer, tell) if name == STDIN else blocks(Path(name), tell)


def _read_sources(
    analyser: Analyser, sources: list[Source], now: datetime, length: timedelta, tell: OnBytes
) -> None:
    if not sources:
        return
    import asyncio

    from bongsu.actions.logsources.gathering import read

    asyncio.run(
        read(
            sources,
            analyser,
            now=now,
            length=length,
            deadline_s=PATIENCE_S,
            lang=language(),
            on_bytes=tell,
        )
    )


def _print(analyser: Analyser, *, as_json: bool) -> None:
    found = analyser.analysis()
    if found.records:
        _show(found, as_json=as_json)
    for trouble in found.troubles:
        text = t(N_("not read: {what}"), what=trouble)
        print(f"bongsu logs: {text}", file=sys.stderr)
    if not found.records:
        _refuse(t(N_("there is not one line to analyse")))
    if found.troubles:
        raise typer.Exit(PARTLY)


def _show(found: Analysis, *, as_json: bool) -> None:
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode(), flush=True)
        return
    from bongsu.cli.logs_view import show

    show(found)


@contextmanager
def _progress(inputs: list[str]) -> Iterator[OnBytes]:
    """Show on a terminal how much was read, how fast, and how much is left."""
    if not sys.stderr.isatty():
        yield lambda _count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    files = [Path(name) for name in inputs if name != STDIN]
    known = len(files) == len(inputs) and bool(files) and all(path.is_file() for path in files)
    total = sum(path.stat().st_size for path in files) if known else None
    columns = BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda count: progress.advance(task, count)


def _print_exact(inputs: list[str], source: list[str] | None, top: int, *, as_json: bool) -> None:
    from bongsu.logs.exact import most_frequent
    from bongsu.logs.files import UnreadableLog

    if source:
        _refuse(t(N_("--exact reads files and pipes only; pipe the source's output into it")))
    try:
        found = most_frequent([None if name == STDIN else Path(name) for name in inputs], top)
    except UnreadableLog as error:
        _refuse(t(error.text, **error.values))
    if as_json:
        from bongsu.cli.printing import print_json
        from bongsu.logs.decoding import Decoder

        decoder = Decoder()
        texts = [bytes(decoder.utf8(line)).decode(errors="replace") for _, line in found]
        print_json([{"count": n, "line": x} for (n, _), x in zip(found, texts, strict=True)])
        return
    sys.stdout.buffer.write(b"".join(b"%7d %b\n" % pair for pair in found))


def _refuse(why: str) -> NoReturn:
    print(f"bongsu logs: {why}", file=sys.stderr)
    raise typer.Exit(MISUSED)
