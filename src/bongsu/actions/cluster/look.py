"""A look at the cluster by kubectl: asked as the manual says, read by what it asked for."""

from __future__ import annotations

from bongsu.actions.cluster.kubectl import COMMAND_FAILED, Asked, ask
from bongsu.actions.cluster.reading import read
from bongsu.actions.cluster.top import read_top
from bongsu.actions.looking import LookContext, unknown
from bongsu.actions.probes.outcome import bounded, found, looked, said
from bongsu.actions.secrecy import hide
from bongsu.i18n import N_
from bongsu.incident.report import Looked
from bongsu.manual.schema.diagnosis import KubectlProbe

READING = frozenset(
    ("get", "top", "exec", "describe", "logs", "events", "version", "cluster-info", "api-resources")
)
"""kubectl's commands that change nothing; ``rollout`` does, but for these:"""
READING_OF_ROLLOUT = frozenset(("status", "history"))
_WITH_VALUE = frozenset(
    ("-n", "--namespace", "--context", "--cluster", "--user", "--kubeconfig", "-s", "--server")
)
"""options that may stand before the command, with a value behind them"""
_NOT_RUN = frozenset((126, 127))


async def look(check: str, probe: KubectlProbe, context: LookContext) -> Looked:
    """Ask and read; what could not be asked is ``unknown``, with why."""
    words = _words(probe.args)
    if not _only_reads(words):
        text = N_("a check may only read, and kubectl {verb} is no reading command")
        return unknown(check, said(text, verb=" ".join(words[:2])))
    asked = await ask(_complete(probe.args, words), context)
    match words[0]:
        case "get" if _is_json(asked.args) and (asked.output.ok or _missing(asked)):
            return _got(check, asked, context)
        case "top" if asked.why is None:
            return read_top(check, asked)
        case "exec":
            return _executed(check, asked)
    if asked.why is not None:
        return unknown(check, asked.why, asked.evidence())
    return looked(check, [], asked.evidence(asked.output.text))


def _got(check: str, asked: Asked, context: LookContext) -> Looked:
    if _missing(asked):
        says = said(N_("the cluster has no such thing: {line}"), line=asked.line)
        return looked(check, [found("kubernetes_missing", "unhealthy", says)], asked.evidence())
    if asked.why is not None:
        return unknown(check, asked.why, asked.evidence())
    return read(check, asked, context.now())


def _executed(check: str, asked: Asked) -> Looked:
    """Tell a command that failed in its container from one that could not be run there."""
    complaint = asked.output.complaint
    shown = "\n".join(filter(None, [asked.output.text.strip(), complaint]))
    code = asked.output.exit_code
    if COMMAND_FAILED.search(complaint) and code not in _NOT_RUN:
        # Who prints no end of line has kubectl's own sentence behind his.
        before = COMMAND_FAILED.sub("", complaint).strip()
        line = bounded(hide(before.rpartition("\n")[2] or "-", asked.env), 200)
        says = said(
            N_("in the container it ends with exit code {code}: {line}"), code=code, line=line
        )
        return looked(check, [found("exec_failed", "unhealthy", says)], asked.evidence(shown))
    if code in _NOT_RUN:
        text = N_("the container can't run the command: {line}")
        return unknown(check, said(text, line=asked.line), asked.evidence(shown))
    if asked.why is not None:
        return unknown(check, asked.why, asked.evidence(shown))
    return looked(check, [], asked.evidence(shown))


def _words(args: list[str]) -> list[str]:
    """Return the command's words without the options before and between them."""
    words: list[str] = []
    skip = False
    for arg in args:
        if arg == "--":
            break
        if not skip and not arg.startswith("-"):
            words.append(arg)
        skip = arg in _WITH_VALUE
    return words or [""]


def _only_reads(words: list[str]) -> bool:
    if words[0] == "rollout":
        return words[1:2] != [] and words[1] in READING_OF_ROLLOUT
    return words[0] in READING


def _complete(args: list[str], words: list[str]) -> list[str]:
    """Add what the manual needn't say.

    JSON, for a table has no reasons in it; and no waiting for a pod to run a command in.
    """
    if words[0] == "exec":
        after = args.index("exec") + 1
        return [*args[:after], "--pod-running-timeout=1s", *args[after:]]
    asks = any(arg.startswith(("-o", "--output", "--raw")) for arg in args)
    return [*args, "-o", "json"] if words[0] == "get" and not asks else args


def _is_json(args: tuple[str, ...]) -> bool:
    return "json" in args or "-ojson" in args or "-o=json" in args or "--output=json" in args


def _missing(asked: Asked) -> bool:
    return asked.output.exit_code == 1 and "(NotFound)" in asked.output.complaint
