"""``bongsu diagnose``: the first report, from this machine or from the server.

A service, or nothing, is looked at from here by the manual, without a server; an incident is the
server's, which keeps the report. Exit 0: all healthy; 1: something was found, or could not be
looked at; 2: it could not be run.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bongsu.cli import MISUSED, language, means
from bongsu.cli.connection import FAILED, call, data_folder, fail, local_server, login_file
from bongsu.cli.printing import AsJson, Json, print_json
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from bongsu.incident.report import Report
    from bongsu.manual.schema.document import Manual

FOUND = 1
"""Exit code: something was found, or could not be looked at."""
WAIT = 15
"""seconds that one request to the server may wait for its report"""
BEFORE = "before"
_NUMBER = re.compile(r"#?\d+|#?[A-Z][\w-]*-[\w-]+")

t = translator(language())
app = typer.Typer(add_completion=False)


@app.command(help=means("diagnose"))
def diagnose(
    which: Annotated[
        str | None,
        typer.Argument(
            metavar="[SERVICE|INCIDENT]",
            help=t(N_("a service of the manual, or an incident's number; none looks at all")),
            show_default=False,
        ),
    ] = None,
    *,
    manual: Annotated[
        Path | None,
        typer.Option("--manual", "-m", envvar="BONGSU_MANUAL", help=t(N_("the manual's folder"))),
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option(help=t(N_("when the report comes, instead of the manual's: 30s"))),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|before",
            help=t(N_("say what changed since a report kept by --json, or the incident's last")),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at everything at once, and say what was found."""
    folder = manual or (Path() if Path("manual.yaml").is_file() else None)
    incident = which is not None and _NUMBER.fullmatch(which)
    if folder is not None and not incident:
        raise typer.Exit(_of_here(loaded(folder), which, deadline, compare, as_json=as_json))
    if deadline is not None:
        fail(t(N_("--deadline needs --manual; the server keeps to the manual's")), MISUSED)
    with _could_not_be_run():
        ask = _of_incident if incident else _of_server
        view = ask(which, compare, as_json=as_json)  # type: ignore[arg-type]  # a number is no None
    raise typer.Exit(_code(view))


@contextmanager
def _could_not_be_run() -> Iterator[None]:
    """Let no server that is missing or refuses pass for something that was found."""
    try:
        yield
    except SystemExit as ended:
        raise SystemExit(MISUSED if ended.code == FAILED else ended.code) from None


def _of_here(
    manual: Manual, service: str | None, deadline: str | None, former: str | None, *, as_json: bool
) -> int:
    """Look from this machine; ends the process itself where something can't be waited for."""
    import msgspec

    from bongsu.cli.diagnosing import run
    from bongsu.incident.diagnosis import compare

    if service is not None and service not in manual.services.services:
        _no_service(service, manual)
    before = _kept(former) if former else None
    report, ended = run(manual, service, _seconds(deadline))
    view = _worded(report, manual)
    if before is not None and as_json:
        print(msgspec.json.format(msgspec.json.encode(compare(before, report)), indent=2).decode())
    elif as_json:
        print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        _print(view)
        if before is not None:
            _print_comparison(before, report, manual)
    if not ended:
        # What ignores its end, such as a name server that never answers, must not hold us up.
        sys.stdout.flush()
        os._exit(_code(view))
    return _code(view)


def _worded(report: Report, manual: Manual) -> Json:
    """Return a report in the words of the terminal's language, in the API's form."""
    import msgspec

    from bongsu.web.api.report_views import Shown

    made: Json = msgspec.json.decode(msgspec.json.encode(Shown(manual, t).report(report)))
    return made


def _print(view: Json) -> None:
    from bongsu.cli.report_view import print_report

    print_report(view)


def _print_comparison(before: Report, after: Report, manual: Manual) -> None:
    import msgspec

    from bongsu.cli.report_view import print_comparison
    from bongsu.incident.diagnosis import compare
    from bongsu.web.api.report_views import Shown

    view = Shown(manual, t).compared(compare(before, after))
    print_comparison(msgspec.json.decode(msgspec.json.encode(view)))


def _of_server(service: str | None, former: str | None, *, as_json: bool) -> Json:
    """Let the server look, where nobody has said which manual is meant."""
    known = os.environ.get("BONGSU_URL") or login_file().exists() or local_server(data_folder())
    if not known:
        text = N_("Say which manual is meant: --manual FOLDER, or start a server: bongsu serve")
        fail(t(text), MISUSED)
    if former is not None:
        fail(t(N_("--compare needs --manual, or an incident")), MISUSED)
    view: Json = call("POST", "/diagnose", body={"service": service} if service else {})
    _show(view, as_json=as_json)
    return view


def _of_incident(which: str, former: str | None, *, as_json: bool) -> Json:
    """Have the server diagnose an incident, and keep the report."""
    from bongsu.cli.looking import address

    place = f"/incidents/{address(which)}/reports"
    if former not in (None, BEFORE) and not str(former).isdigit():
        text = N_("An incident's report is compared with --compare before, or a report's id")
        fail(t(text), MISUSED)
    last = former
    if former == BEFORE:
        kept = call("GET", place, limit=1)["reports"]
        last = str(kept[0]["id"]) if kept else None
    elif last is not None:
        call("GET", f"{place}/{last}")  # one that isn't there is refused before anything is run
    view = _made(place)
    made = call("GET", f"{place}/{view['id']}/compare", with_=last) if last else None
    _show(made if as_json and made else view, as_json=as_json)
    if made and not as_json:
        from bongsu.cli.report_view import print_comparison

        print_comparison(made)
    return view


def _made(place: str) -> Json:
    """Return a new report of an incident, when it is there."""
    made: Json = call("POST", place, wait=WAIT)
    while "checks" not in made:
        made = call("POST", place, wait=WAIT)
    return made


def _show(view: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
    else:
        _print(view)


def _code(view: Json) -> int:
    """Return 0 only where everything was seen, and healthy."""
    bad = any(one["verdict"] in ("unhealthy", "degraded") for one in view["findings"])
    seen = bool(view["checks"]) and all(one["verdict"] == "healthy" for one in view["checks"])
    return 0 if seen and not bad and not view["not_checked"] else FOUND


def _kept(path: str) -> Report:
    """Read a report that was kept by ``--json``."""
    import msgspec

    from bongsu.incident.report import Report

    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError) as error:
        text = N_("{file} is no report that bongsu diagnose --json kept: {error}")
        fail(t(text, file=path, error=error), MISUSED)


def _seconds(text: str | None) -> float | None:
    from bongsu.manual.schema.base import parse_duration

    if text is None:
        return None
    try:
        found = parse_duration(text).total_seconds()
    except ValueError:
        told = N_("{option}: {value} is no length of time; write it as 15m, 1h or 1h30m")
        fail(t(told, option="--deadline", value=text), MISUSED)
    if found <= 0:
        fail(t(N_("--deadline must be longer than 0s")), MISUSED)
    return found


def loaded(folder: Path) -> Manual:
    """Load a manual, or end with its problems."""
    from bongsu.manual.load import load
    from bongsu.manual.problems import ManualError, UnreadableManual

    try:
        return load(folder)
    except UnreadableManual as failure:
        fail(failure.show(language()), MISUSED)
    except ManualError as failure:
        for problem in failure.problems:
            text = problem._replace(file=str(folder / problem.file)).show(language())
            print(text, file=sys.stderr)
        raise typer.Exit(MISUSED) from failure


def _no_service(name: str, manual: Manual) -> NoReturn:
    from bongsu.manual.problems import instead

    mend, values = instead(name, manual.services.services)
    text = t("the manual has no service {name}", name=name)
    fail(f"{text}; {t(mend, **values)}", MISUSED)
