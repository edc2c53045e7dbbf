"""``bongsu manual …`` and ``bongsu init``: write, check, compare and print a manual."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn, TypeVar

import typer

from bongsu.cli import language
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bongsu.manual.problems import ManualError, Problem
    from bongsu.manual.schema.document import Manual

PROBLEMS, UNREADABLE = 1, 2
"""Exit codes: the manual was read and has problems; it can't be read."""

T = TypeVar("T")
t = translator(language())
app = typer.Typer(
    no_args_is_help=True, add_completion=False, help=t(N_("Check, print and compare manuals"))
)

Folder = Annotated[Path, typer.Argument(help=t(N_("the manual's folder")), show_default=False)]
Lang = Annotated[
    Literal["ko", "en"] | None, typer.Option(help=t(N_("language of what is printed")))
]
AsJson = Annotated[bool, typer.Option("--json", help=t(N_("print JSON")))]


@app.command(help=t(N_("Start a new manual in a folder")))
def init(folder: Folder, lang: Lang = None) -> None:
    """Write a small manual that works, with comments that teach."""
    from bongsu.manual.problems import UnreadableManual
    from bongsu.manual.scaffold import begin

    lang = _spoken(lang)
    say = translator(lang)
    try:
        written = begin(folder, lang)
    except UnreadableManual as refusal:
        _refuse(refusal.show(lang))
    for path in written:
        if not path.parent.name.startswith("."):
            print(f"  {path}")
    told = N_("A new manual is in {folder}. Change it, and look whether it works:")
    print(say(told, folder=folder))
    print(f"  bongsu manual check {folder}")


@app.command(help=t(N_("Say by file and line what would not work, and what to write instead")))
def check(
    folder: Folder,
    lang: Lang = None,
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option(help=t(N_("let warnings fail, too")))] = False,
) -> None:
    """Exit 0 if it works, 1 with problems, 2 if it can't be read."""
    from bongsu.manual.check import check as check_manual
    from bongsu.manual.load import read
    from bongsu.manual.problems import ManualError

    lang = _spoken(lang)
    sha = ""
    try:
        manual, places = _opened(lambda: read(folder), lang, as_json=as_json)
        sha, found = manual.sha, check_manual(manual, places)
    except ManualError as failure:
        found = failure.problems
    _print_problems(folder, found, lang, sha if as_json else None)
    errors = sum(problem.level == "error" for problem in found)
    if not as_json:
        print(_verdict(errors, len(found) - errors, lang))
    if errors or (strict and found):
        raise typer.Exit(PROBLEMS)


def _verdict(errors: int, warnings: int, lang: str) -> str:
    say = translator(lang)
    if errors:
        told = N_("{errors} errors, {warnings} warnings")
        return say(told, errors=errors, warnings=warnings)
    if warnings:
        return say(N_("The manual works; {warnings} warnings"), warnings=warnings)
    return say(N_("The manual works."))


@app.command(help=t(N_("Print the JSON Schema of a chapter, for editors")))
def schema(
    chapter: Annotated[
        str | None,
        typer.Argument(help=t(N_("a file's stem, for example team or playbook; none prints all"))),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help=t(N_("write one file a chapter into this folder")))
    ] = None,
) -> None:
    """Print one schema, or all of them by chapter."""
    import json

    from bongsu.manual.jsonschema import schemas
    from bongsu.manual.problems import instead

    known = schemas()
    if chapter is not None and chapter not in known:
        mend, values = instead(chapter, known)
        _refuse(t("there is no chapter {name}", name=chapter) + ", " + t(mend, **values))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    for name in [chapter] if chapter else known:
        if out is not None:
            text = json.dumps(known[name], ensure_ascii=False, indent=1)
            (out / f"{name}.json").write_text(f"{text}\n", "utf-8")
    if out is None:
        print(json.dumps(known[chapter] if chapter else known, ensure_ascii=False, indent=1))


@app.command(help=t(N_("Say in words what changes between two manuals")))
def diff(
    old: Annotated[Path, typer.Argument(help=t(N_("the folder of the former manual")))],
    new: Annotated[Path, typer.Argument(help=t(N_("the folder of the new manual")))],
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Print one line a change; nothing else where they are equal."""
    import json

    from bongsu.manual.diff import diff as compare

    lang = _spoken(lang)
    lines = compare(_loaded(old, lang), _loaded(new, lang), lang)
    if as_json:
        print(json.dumps(lines, ensure_ascii=False))
        return
    for line in lines:
        print(line)
    if not lines:
        print(translator(lang)(N_("Nothing changes.")))


@app.command(help=t(N_("Print the manual that a person reads")))
def render(
    folder: Folder,
    lang: Lang = None,
    form: Annotated[
        Literal["md", "html"], typer.Option("--format", help=t(N_("Markdown or HTML")))
    ] = "md",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help=t(N_("write to this file")))
    ] = None,
) -> None:
    """Print it in one language, with the organisation, the ladders and the rotation drawn."""
    from bongsu.manual.render import render as rendered

    lang = _spoken(lang)
    text = rendered(_loaded(folder, lang), lang, form)
    if out is None:
        print(text)
    else:
        out.write_text(text, "utf-8")


@app.command(help=t(N_("List the names that templates and conditions may use")))
def variables(lang: Lang = None) -> None:
    """Print every variable with its meaning and where it may stand."""
    from bongsu.manual import conditions, templates

    say = translator(_spoken(lang))
    for title, rows in (
        (N_("In templates, by kind:"), [(v.name, v.means, v.kinds) for v in templates.VARIABLES]),
        (
            N_("In conditions, by place:"),
            [(v.name, v.means, v.scopes) for v in conditions.VARIABLES],
        ),
    ):
        print(say(title))
        for name, means, places in rows:
            print(f"  {name:<22}{say(means)}  [{', '.join(places)}]")


def _spoken(lang: Literal["ko", "en"] | None) -> Literal["ko", "en"]:
    return lang or ("ko" if language() == "ko" else "en")


def _loaded(folder: Path, lang: str) -> Manual:
    """Load a manual, or end with its problems."""
    from bongsu.manual.load import load
    from bongsu.manual.problems import ManualError

    try:
        return _opened(lambda: load(folder), lang)
    except ManualError as failure:
        _fail(folder, failure, lang)


def _opened(open_: Callable[[], T], lang: str, *, as_json: bool = False) -> T:
    """Open a manual, or end because there is none."""
    import json

    from bongsu.manual.problems import UnreadableManual

    try:
        return open_()
    except UnreadableManual as failure:
        if as_json:
            print(json.dumps({"error": failure.show(lang)}, ensure_ascii=False))
        _refuse(failure.show(lang))


def _fail(folder: Path, failure: ManualError, lang: str) -> NoReturn:
    _print_problems(folder, failure.problems, lang, None)
    raise typer.Exit(PROBLEMS)


def _refuse(text: str) -> NoReturn:
    typer.echo(f"bongsu: {text}", err=True)
    raise typer.Exit(UNREADABLE)


def _print_problems(folder: Path, found: Iterable[Problem], lang: str, sha: str | None) -> None:
    """Print problems, as JSON if ``sha`` is given; files are named as seen from here."""
    import json

    if sha is not None:
        rows = [_row(problem, lang) for problem in found]
        print(json.dumps({"sha": sha, "problems": rows}, ensure_ascii=False, indent=1))
        return
    for problem in found:
        print(problem._replace(file=str(folder / problem.file)).show(lang))


def _row(problem: Problem, lang: str) -> dict[str, object]:
    return {
        "file": problem.file,
        "line": problem.line or None,
        "column": problem.column or None,
        "path": ".".join(map(str, problem.path)),
        "level": problem.level,
        "message": problem.say(lang),
    }
