"""kubectl's commands: which only read, which have a dry run, and how arguments are taken apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from bongsu.manual.schema.base import parse_duration

READING = frozenset(
    ("get", "top", "describe", "logs", "events", "version", "cluster-info", "api-resources",
     "api-versions", "explain", "diff", "auth", "wait")
)  # fmt: skip
READING_OF_ROLLOUT = frozenset(("status", "history"))
WITH_DRY_RUN = frozenset(
    ("scale", "patch", "delete", "apply", "create", "replace", "label", "annotate", "taint",
     "cordon", "uncordon", "drain", "autoscale", "expose", "run", "set")
)  # fmt: skip
"""commands that have ``--dry-run=server`` in 1.20 to 1.32, as their own help says; besides them
``rollout undo``"""
DRY_RUN = "--dry-run=server"
RESTARTED = "kubectl.kubernetes.io/restartedAt"

_WITH_VALUE = frozenset(
    ("-n", "--namespace", "--context", "--cluster", "--user", "-l", "--selector", "-o", "--output",
     "-p", "--patch", "--type", "-c", "--container", "-f", "--filename", "--field-selector",
     "--sort-by", "--replicas", "--current-replicas", "--timeout", "--to-revision", "--tail",
     "--since", "--for")
)  # fmt: skip
_ENDLESS = frozenset(("-f", "--follow", "-w", "--watch", "--follow=true", "--watch=true"))


def ours(args: Sequence[str]) -> list[str]:
    """Return kubectl's own arguments, without those behind ``--``."""
    return [*args[: [*args].index("--")]] if "--" in args else [*args]


def words(args: Sequence[str]) -> list[str]:
    """Return the command's words, without options."""
    found: list[str] = []
    skip = False
    for arg in ours(args):
        if not skip and not arg.startswith("-"):
            found.append(arg)
        skip = not skip and arg in _WITH_VALUE
    return found or [""]


def option(args: Sequence[str], name: str) -> str | None:
    """Return an option's value, written with ``=`` or as the next argument."""
    mine = ours(args)
    for index, arg in enumerate(mine):
        if arg.startswith(f"{name}="):
            return arg.partition("=")[2]
        if arg == name and index + 1 < len(mine):
            return mine[index + 1]
    return None


def only_reads(args: Sequence[str]) -> bool:
    """Say whether this changes nothing."""
    said = words(args)
    if said[0] == "rollout":
        return said[1:2] != [] and said[1] in READING_OF_ROLLOUT
    return said[0] in READING and said[1:2] not in (["dump"], ["reconcile"])


def is_endless(args: Sequence[str]) -> bool:
    """Say whether it goes on for as long as one lets it."""
    return (
        words(args)[0] in ("get", "logs", "events", "wait") and bool(_ENDLESS & set(ours(args)))
    ) or words(args)[0] == "wait"


def with_option(args: Sequence[str], new: str) -> list[str]:
    """Add an option to kubectl's own arguments; the last one given counts."""
    mine = ours(args)
    return [*mine, new, *args[len(mine) :]]


def dry(args: Sequence[str], now: datetime) -> list[str] | None:
    """Return what asks the server what it would say to this; None where it can't be asked.

    What only reads is its own dry run. ``rollout restart``, ``pause`` and ``resume`` have none, but
    are patches, which have.
    """
    said = words(args)
    if only_reads(args):
        if is_endless(args):
            return None
        return with_option(args, "--watch=false") if said[:2] == ["rollout", "status"] else [*args]
    if said[0] in WITH_DRY_RUN or said[:2] == ["rollout", "undo"]:
        return with_option([one for one in args if not one.startswith("--dry-run")], DRY_RUN)
    patch = _as_patch(said, now)
    return None if patch is None else ["patch", *said[2:], *patch, DRY_RUN]


def _as_patch(said: list[str], now: datetime) -> list[str] | None:
    match said:
        case ["rollout", "restart", _, *_]:
            note = f'{{"{RESTARTED}":"{now:%Y-%m-%dT%H:%M:%SZ}"}}'
            whole = f'{{"spec":{{"template":{{"metadata":{{"annotations":{note}}}}}}}}}'
            return ["--type=strategic", f"--patch={whole}"]
        case ["rollout", "pause", _, *_]:
            return ["--type=merge", '--patch={"spec":{"paused":true}}']
        case ["rollout", "resume", _, *_]:
            return ["--type=merge", '--patch={"spec":{"paused":null}}']
        case _:
            return None


_GO_DURATION = re.compile(r"(?:\d+h)?(?:\d+m)?(?:\d+s)?")


def own_timeout_s(args: Sequence[str]) -> float | None:
    """Return the seconds after which kubectl itself gives up, if it is told to."""
    text = option(args, "--timeout")
    if not text or not _GO_DURATION.fullmatch(text):
        return None
    return parse_duration(text).total_seconds() or None
