"""Runs one command: its help and its errors in the terminal's language, and its exit code."""

from __future__ import annotations

import gettext
import os
import re
import sys
from pathlib import Path
from typing import Any

from bongsu import i18n
from bongsu.cli import INTERRUPTED, MISUSED, language
from bongsu.i18n import N_, translator

# Typer looks its own words up when it is imported, so before that it must know where.
os.environ["LANGUAGE"] = language()
gettext.bindtextdomain("bongsu", str(Path(i18n.__file__).with_name("locale")))
gettext.textdomain("bongsu")

import typer  # noqa: E402  as said above
from typer.core import TyperCommand, TyperGroup, TyperOption  # noqa: E402
from typer.main import get_command  # noqa: E402

TYPERS_OWN = (
    N_("Arguments"), N_("Options"), N_("Commands"), N_("[default: {}]"), N_("[env var: {}]"),
    N_("[required]"), N_("(dynamic)"), N_("default: {default}"), N_("env var: {var}"),
    N_("required"), N_("Missing command."), N_("No such command {name!r}."),
)  # fmt: skip
"""what Typer says by gettext; named here so that the catalogue has it"""
EXTRA = re.compile(r"unexpected extra argument.*? \((.*)\)")

WRONG_VALUES = {
    "int_parsing": N_("{value} is no whole number"),
    "int_from_float": N_("{value} is no whole number"),
    "float_parsing": N_("{value} is no number"),
    "greater_than_equal": N_("{value} is too small; the least is {ge}"),
    "less_than_equal": N_("{value} is too large; the most is {le}"),
}
"""pydantic's names of what is wrong with a value, which Typer says in English only"""

t = translator(language())


def _usage(usage: str) -> str:
    """Put into words what Typer says in English only."""
    return usage.replace("Usage:", t(N_("Usage:")), 1)


def _helpful(option: Any) -> Any:
    if isinstance(option, TyperOption):
        option.help = t(N_("Show this help and exit"))
    return option


class Command(TyperCommand):
    """A command that speaks the terminal's language."""

    def get_usage(self, ctx: Any) -> str:
        """Return the line that shows how it is called."""
        return _usage(super().get_usage(ctx))

    def get_help_option(self, ctx: Any) -> Any:
        """Return ``--help``."""
        return _helpful(super().get_help_option(ctx))


class Group(TyperGroup):
    """Commands that speak the terminal's language."""

    def get_usage(self, ctx: Any) -> str:
        """Return the line that shows how they are called."""
        return _usage(super().get_usage(ctx))

    def get_help_option(self, ctx: Any) -> Any:
        """Return ``--help``."""
        return _helpful(super().get_help_option(ctx))


def run(app: typer.Typer, arguments: list[str], prog: str) -> int:
    """Run a command; returns 0, or 1 when it was refused, 2 when misused, 130 after Ctrl-C."""
    command = get_command(_speaking(app))
    try:
        code = command.main(args=arguments, prog_name=prog, standalone_mode=False)
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:
        return _misused(error, prog)
    return code if isinstance(code, int) else 0


def _speaking(app: typer.Typer) -> typer.Typer:
    app.info.cls = Group
    for command in app.registered_commands:
        command.cls = Command
    for group in app.registered_groups:
        group.cls = Group
        if group.typer_instance is not None:
            _speaking(group.typer_instance)
    return app


def _misused(error: Any, prog: str) -> int:
    """Say what was wrong with the arguments, and where the right ones are listed."""
    ctx = getattr(error, "ctx", None)
    place = ctx.command_path if ctx is not None else prog
    if ctx is not None and type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message())
        return MISUSED
    print(f"{place}: {_words(error)}", file=sys.stderr)
    print(t("{command} --help says more", command=place), file=sys.stderr)
    return MISUSED


def _words(error: Any) -> str:
    """Put one of click's errors into words."""
    name = _parameter(error)
    match type(error).__name__:
        case "MissingParameter":
            return t("{name} is missing", name=name)
        case "NoSuchOption":
            near = ", ".join(getattr(error, "possibilities", None) or [])
            hint = "; " + t("did you mean {near}?", near=near) if near else ""
            return t("there is no option {name}", name=error.option_name) + hint
        case "BadOptionUsage":
            needs = "requires" in error.message
            text = N_("{name} needs a value") if needs else N_("{name} takes no value")
            return t(text, name=error.option_name)
        case "BadParameter" if name:
            return f"{name}: {_wrong_value(error)}"
        case "UsageError" if found := EXTRA.search(error.message):
            return t("that is too much: {extra}", extra=found[1])
        case _:
            return _with_hint(str(error.format_message()))


def _with_hint(said: str) -> str:
    """Put the hint into words that Typer appends in English only."""
    what, hint, near = said.partition(" Did you mean ")
    return f"{what} {t('did you mean {near}?', near=near.rstrip('?'))}" if hint else said


def _wrong_value(error: Any) -> str:
    """Put into words why a value is not what it should be."""
    cause = error.__cause__
    found: dict[str, Any] = cause.errors()[0] if hasattr(cause, "errors") else {}
    value, why = found.get("input"), found.get("ctx", {})
    if text := WRONG_VALUES.get(found.get("type", "")):
        return t(text, value=value, **why)
    _, among, known = str(why.get("error", "")).partition(" is not one of ")
    if among:
        return t("{value} is none of {known}", value=value, known=known.rstrip("."))
    return str(error.message)


def _parameter(error: Any) -> str:
    """Return the option or argument that is to blame, as the help shows it."""
    param = getattr(error, "param", None)
    if param is None:
        return ""
    is_option = param.param_type_name == "option"
    return str(param.opts[0] if is_option else param.metavar or param.name.upper())
