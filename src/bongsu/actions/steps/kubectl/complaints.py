"""What kubectl says, to what came of it: each complaint with its mend, and the traps of exit 0."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from bongsu.actions.output import Output
from bongsu.actions.probes.outcome import seconds
from bongsu.actions.steps.command import with_code
from bongsu.actions.steps.kubectl.verbs import only_reads, words
from bongsu.actions.steps.outcome import StepOutcome, done, failed, refused
from bongsu.i18n import N_

DEADLINE = re.compile(r"exceeded its progress deadline")
NOT_IN_TIME = re.compile(r"timed out waiting")
NO_REVISION = re.compile(r"unable to find (?:specified )?revision|no rollout history found")
NONE_BEFORE = re.compile(r"no last revision to roll back to")
ON_DELETE = re.compile(r"rollout status is only available for RollingUpdate")
BROKEN_OFF = re.compile(
    r"EOF|connection reset|broken pipe|context deadline exceeded|Client\.Timeout"
    r"|request canceled|i/o timeout|http2: |\(Timeout\)|\(ServerTimeout\)|unexpected error"
)
"""the request may have been done"""
NEVER_SENT = re.compile(r"dial tcp|no objects passed to| was refused|no such host|\bGet \"")
TRANSIENT = re.compile(
    rf"{BROKEN_OFF.pattern}|{NEVER_SENT.pattern}|watch closed|Unable to connect"
    r"|\(ServiceUnavailable\)|\(InternalError\)|TLS handshake timeout|unable to handle the request"
)
"""asking again may help"""

NOT_KNOWN = N_("the connection broke off, and whether the change was made is not known: {line}")


class Complaint(NamedTuple):
    """One way in which kubectl fails."""

    pattern: re.Pattern[str]
    text: str
    """of the catalogue, with ``{line}``: what it said"""


COMPLAINTS = [
    Complaint(re.compile(pattern), text)
    for pattern, text in (
        (
            r"\(Forbidden\)|is forbidden",
            N_("the cluster doesn't allow it; give Bongsu's account this right: {line}"),
        ),
        (
            r"\(Unauthorized\)|must be logged in|provide credentials",
            N_("the cluster doesn't know us; renew what KUBECONFIG names: {line}"),
        ),
        (
            r"\(Conflict\)|object has been modified",
            N_("somebody else changed it meanwhile; look at it before this is done again: {line}"),
        ),
        (
            r"Expected (?:replicas|resource version)",
            N_("it is not as the step expects; look at it before this is done again: {line}"),
        ),
        (
            r"paused deployment|is paused",
            N_("its rollout is paused; resume it first with kubectl rollout resume: {line}"),
        ),
        (DEADLINE.pattern, N_("the rollout is stuck: {line}")),
        (NOT_IN_TIME.pattern, N_("it was not complete in time: {line}")),
        (NO_REVISION.pattern, N_("there is no such revision: {line}")),
        (NONE_BEFORE.pattern, N_("there is no revision before this one: {line}")),
        (
            ON_DELETE.pattern,
            N_(
                "its update strategy is OnDelete: each pod stays as it was until somebody deletes "
                "it. Delete them one after another and look at each: {line}"
            ),
        ),
        (
            r"\(NotFound\)|not found$",
            N_("the cluster has no such thing; look at name and namespace: {line}"),
        ),
        (r"\(Invalid\)|is invalid", N_("the cluster refuses the change as invalid: {line}")),
        (
            r"localhost:8080 was refused|no configuration has been provided",
            N_("kubectl knows no cluster; set KUBECONFIG: {line}"),
        ),
        (
            r"command terminated with (?:non-zero )?exit code",
            N_("the command in the container failed: {line}"),
        ),
        (
            r"was refused|Unable to connect|no such host|no route to host",
            N_("the cluster's API server can't be reached: {line}"),
        ),
        (
            r"deadline exceeded|[Tt]imeout|timed out",
            N_("the cluster's API server did not answer in time: {line}"),
        ),
        (
            r"\(ServiceUnavailable\)|\(InternalError\)|unable to handle the request",
            N_("the cluster's API server is in trouble itself: {line}"),
        ),
    )
]
"""the first that fits counts"""

TRAPS = [
    Complaint(
        re.compile(r"skipped rollback"),
        N_("nothing was rolled back; choose another revision: {line}"),
    ),
    Complaint(
        re.compile(r"^No resources found", re.MULTILINE),
        N_("nothing was changed, because nothing fits; look at name and selector: {line}"),
    ),
]
"""what a changing command says with exit 0 that is no success"""
INCOMPLETE = Complaint(
    re.compile(r"(?:\A|\n)[Ww]aiting for [^\n]*\s*\Z"),
    N_("the rollout is not complete: {line}"),
)
"""the last line is what counts: how the end is said differs from kind to kind"""


def judged(args: Sequence[str], output: Output, line: str, timeout_s: float) -> StepOutcome:
    """Say what came of kubectl; ``line`` is what it said last, masked."""
    came = _came(args, output, line, timeout_s)
    return with_code(came, output.exit_code)


def _came(args: Sequence[str], output: Output, line: str, timeout_s: float) -> StepOutcome:
    reads = only_reads(args)
    match output.ended:
        case "not_found" | "not_allowed":
            return refused(N_("kubectl can't be run: {why}"), why=line)
        case "timed_out":
            text = N_("kubectl did not end within {wait} and was ended")
            return _cut_off(failed(text, wait=seconds(timeout_s)), reads=reads)
        case "signalled":
            return _cut_off(failed(N_("kubectl was ended by somebody else")), reads=reads)
        case _:
            pass
    if output.exit_code != 0:
        return _complaint(output, line, reads=reads)
    if trap := _trap(args, output):
        return failed(trap.text, line=line)
    return done("{line}" if line != "-" else N_("kubectl had nothing to change"), line=line)


def _complaint(output: Output, line: str, *, reads: bool) -> StepOutcome:
    told = output.complaint
    if not reads and BROKEN_OFF.search(told) and not NEVER_SENT.search(told):
        return StepOutcome("unknown", failed(NOT_KNOWN, line=line).says)
    for one in COMPLAINTS:
        if one.pattern.search(told):
            return failed(one.text, line=line)
    text = N_("kubectl failed with exit code {code}: {line}")
    return failed(text, code=output.exit_code, line=line)


def _cut_off(came: StepOutcome, *, reads: bool) -> StepOutcome:
    """Leave open what a changing command did before it was cut off."""
    return came if reads else StepOutcome("unknown", came.says)


def _trap(args: Sequence[str], output: Output) -> Complaint | None:
    if words(args)[:2] == ["rollout", "status"]:
        return INCOMPLETE if INCOMPLETE.pattern.search(output.text) else None
    said = f"{output.text}\n{output.complaint}"
    if only_reads(args) or "--ignore-not-found" in args:
        return None
    return next((one for one in TRAPS if one.pattern.search(said)), None)
