"""The ``bongsu`` command: one module a command, imported only when it is called.

The table below is the whole of it, so that ``bongsu --help`` answers without loading anything.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from bongsu.i18n import N_, translator

GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    N_("Try and run"): {
        "demo": (
            "demo",
            N_("See it work: break a small service and watch the incident to its end"),
        ),
        "serve": ("serve", N_("Run Bongsu: signals, pages, console and API in one process")),
        "worker": ("worker", N_("Run one more worker on the same database")),
    },
    N_("Write the manual"): {
        "init": ("manual", N_("Start a new manual in a folder")),
        "manual": ("manual", N_("Check, print and compare manuals")),
    },
    N_("Look"): {
        "list": ("looking", N_("List incidents, open ones first")),
        "show": ("looking", N_("Show one incident, and what the manual says to do next")),
        "timeline": ("looking", N_("Show everything that happened")),
        "oncall": ("oncall", N_("Show who is on call, and why")),
        "change": ("change", N_("Tell what was changed, and see what was told")),
        "diagnose": ("diagnose", N_("Look at everything now, and say what was found")),
        "logs": ("logs", N_("Find what is new or spiking in logs")),
    },
    N_("Respond"): {
        "declare": ("responder", N_("Open an incident; the manual's escalation starts at once")),
        "ack": ("responder", N_("Answer a page: escalation stops")),
        "unack": ("responder", N_("Take the answer back: escalation starts anew")),
        "confirm": ("responder", N_("Say that it is real")),
        "dismiss": ("responder", N_("Say that it is a false alarm")),
        "escalate": ("responder", N_("Call the next ones now, or exactly one target")),
        "snooze": ("responder", N_("Call nobody for a while")),
        "unsnooze": ("responder", N_("End the snooze now")),
        "assign": ("responder", N_("Give a role to a person, or take it yourself")),
        "release": ("responder", N_("Open a role again: the manual's calls for it start anew")),
        "severity": ("responder", N_("Raise or lower the severity")),
        "type": ("responder", N_("Say what kind of incident it is")),
        "tick": ("responder", N_("Tick an item of a checklist")),
        "note": ("responder", N_("Write something on the timeline")),
        "recovery": ("responder", N_("Say that the recovery begins")),
        "recovered": ("responder", N_("Say that the service works again; from here it is watched")),
        "verify": ("verifying", N_("Run the checks of the recovery, and say what came of each")),
        "resolve": ("responder", N_("Close an incident")),
        "reopen": ("responder", N_("Say that it is not over after all")),
        "review": ("responder", N_("Say that the review is done")),
        "merge": ("responder", N_("Let it go on in another incident")),
        "playbook": ("playbook", N_("List, run, approve and take back playbooks")),
    },
    N_("Recover and isolate"): {
        "tool": ("tool", N_("What playbooks call beside kubectl: pools, backups, failover")),
        "address": ("address", N_("Cut an attacker's address off, and let it in again")),
        "evidence": ("evidence", N_("Keep logs and traffic, seal them, prove them unaltered")),
    },
    N_("Administer"): {
        "login": ("login", N_("Keep a server's address and your token for the commands above")),
        "account": ("account", N_("Manage people's access and tokens")),
        "integration": ("integration", N_("Issue and revoke senders' keys")),
        "audit": ("audit", N_("Prove that no incident's log was altered")),
    },
}
COMMANDS = {name: one for group in GROUPS.values() for name, one in group.items()}
"""name → the module that has it, and what it does"""
WITH_SUBCOMMANDS = frozenset(
    {
        "manual",
        "account",
        "integration",
        "oncall",
        "logs",
        "change",
        "playbook",
        "tool",
        "address",
        "evidence",
    }
)

MISUSED, INTERRUPTED, NO_READER = 2, 130, 141
"""Exit codes: not understood; ended by Ctrl-C; whoever read the output has gone (128 + SIGPIPE)."""


def language() -> str:
    """Return the language of this terminal: ``BONGSU_LANG``, else the locale's, else Korean."""
    for name in ("BONGSU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value[:2] in ("ko", "en"):
            return value[:2]
    return "ko"


def means(name: str) -> str:
    """Return what a command does, in the terminal's language."""
    return translator(language())(COMMANDS[name][1])


def main() -> None:
    """Run the command that the first argument names, and end with its exit code."""
    try:
        code = _run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would be written, and refused, once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = NO_READER
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        print(overview())
        return 0
    if arguments[0] in ("--version", "-V", "version"):
        print(version())
        return 0
    return _call(arguments) if arguments[0] in COMMANDS else _refuse(arguments[0])


def overview() -> str:
    """Return the list of commands for a person."""
    t = translator(language())
    width = max(map(len, COMMANDS))
    lines = [
        t(N_("Bongsu runs your incident manual.")),
        "",
        t(N_("Usage: bongsu COMMAND [OPTIONS]   (bongsu COMMAND --help says more)")),
    ]
    for heading, commands in GROUPS.items():
        lines += ["", t(heading)]
        lines += [f"  {name:<{width}}  {t(means)}" for name, (_, means) in commands.items()]
    return "\n".join(lines)


def version() -> str:
    """Return the installed version."""
    from importlib.metadata import version as installed

    return f"bongsu {installed('bongsu')}"


def _call(arguments: list[str]) -> int:
    """Hand over to a module's commands; one command of several keeps its name."""
    name = arguments[0]
    app = import_module(f"bongsu.cli.{COMMANDS[name][0]}").app
    from bongsu.cli.running import run

    if name in WITH_SUBCOMMANDS or len(app.registered_commands) == 1:
        return run(app, arguments[1:], f"bongsu {name}")
    return run(app, arguments, "bongsu")


def _refuse(name: str) -> int:
    from difflib import get_close_matches

    t = translator(language())
    near = get_close_matches(name, COMMANDS, 1)
    hint = t("did you mean {near}?", near=near[0]) if near else t(N_("see bongsu --help"))
    print(t("bongsu: there is no command {name}; {hint}", name=name, hint=hint), file=sys.stderr)
    return MISUSED
