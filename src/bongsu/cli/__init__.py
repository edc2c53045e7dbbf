"""The ``bongsu`` command: one module a command, imported only when it is called.

The table below is the whole of it, so that ``bongsu --help`` answers without loading anything.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from bongsu.i18n import N_, translator

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", N_("See it work: break a small service and watch the incident to its end")),
    "serve": ("serve", N_("Run Bongsu: signals, pages, console and API in one process")),
    "worker": ("worker", N_("Run one more worker on the same database")),
    "init": ("manual", N_("Start a new manual in a folder")),
    "manual": ("manual", N_("Check, print and compare manuals")),
    "declare": ("responder", N_("Open an incident")),
    "list": ("responder", N_("List incidents")),
    "show": ("responder", N_("Show one incident, and what the manual says to do next")),
    "ack": ("responder", N_("Answer a page")),
    "confirm": ("responder", N_("Say that it is real")),
    "dismiss": ("responder", N_("Say that it is a false alarm")),
    "escalate": ("responder", N_("Call the next ones now")),
    "assign": ("responder", N_("Give a role to a person")),
    "severity": ("responder", N_("Raise or lower the severity")),
    "note": ("responder", N_("Write something on the timeline")),
    "recovered": ("responder", N_("Say that the service works again")),
    "resolve": ("responder", N_("Close an incident")),
    "timeline": ("responder", N_("Show everything that happened")),
    "oncall": ("oncall", N_("Show who is on call, and why")),
    "login": ("login", N_("Keep the server's address and your token for the commands above")),
    "account": ("account", N_("Manage people's access and tokens")),
    "integration": ("integration", N_("Issue and revoke senders' keys")),
    "audit": ("audit", N_("Prove that no incident's log was altered")),
}
WITH_SUBCOMMANDS = frozenset({"manual", "account", "integration", "oncall"})


def language() -> str:
    """Return the language of this terminal: ``BONGSU_LANG``, else the locale's, else Korean."""
    for name in ("BONGSU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value[:2] in ("ko", "en"):
            return value[:2]
    return "ko"


def main() -> None:
    """Run the command that the first argument names."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        print(overview())
    elif arguments[0] in ("--version", "-V", "version"):
        print(version())
    elif arguments[0] in COMMANDS:
        _run(arguments)
    else:
        _refuse(arguments[0])


def overview() -> str:
    """Return the list of commands for a person."""
    t = translator(language())
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {t(means)}" for name, (_, means) in COMMANDS.items()]
    usage = t(N_("Usage: bongsu COMMAND [OPTIONS]   (bongsu COMMAND --help says more)"))
    title = t(N_("Bongsu runs your incident manual."))
    return "\n".join([title, "", usage, "", *lines])


def version() -> str:
    """Return the installed version."""
    from importlib.metadata import version as installed  # noqa: PLC0415  only for --version

    return f"bongsu {installed('bongsu')}"


def _run(arguments: list[str]) -> None:
    """Hand over to a module's typer app; one command of several keeps its name."""
    name = arguments[0]
    app = import_module(f"bongsu.cli.{COMMANDS[name][0]}").app
    rest = arguments[1:] if name in WITH_SUBCOMMANDS or len(app.registered_commands) == 1 else arguments
    prog = f"bongsu {name}" if rest is not arguments else "bongsu"
    app(args=rest, prog_name=prog)


def _refuse(name: str) -> None:
    from difflib import get_close_matches  # noqa: PLC0415  only for a mistyped command

    t = translator(language())
    near = get_close_matches(name, COMMANDS, 1)
    hint = t("did you mean {near}?", near=near[0]) if near else t(N_("see bongsu --help"))
    print(t("bongsu: there is no command {name}; {hint}", name=name, hint=hint), file=sys.stderr)
    sys.exit(2)
