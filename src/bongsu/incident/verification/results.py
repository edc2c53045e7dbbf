"""What a program left behind, read by the manual's word for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal, NamedTuple

from bongsu.incident.body import Reason
from bongsu.incident.verification import artillery, junit, k6, locust
from bongsu.incident.verification.measured import Measured, Unreadable
from bongsu.manual.schema.verification import CommandTest

Kind = Literal["exit", "junit", "k6", "artillery", "locust"]

_READERS: dict[str, Callable[[str], Measured]] = {
    "k6": k6.read, "artillery": artillery.read, "locust": locust.read,
}  # fmt: skip
_ITS_OWN_VERDICT = {"junit": {0, 1}, "k6": {0}, "artillery": {0}, "locust": {0, 1}}
"""exit codes by which each says only what its result says as well"""
_LIMITS_MISSED = {"k6": 99, "artillery": 1}
"""exit codes by which each says that limits were missed which its script has: k6's thresholds,
artillery's ``ensure`` and ``expect``"""


class Ran(NamedTuple):
    """A program that ran to its end."""

    exit_code: int
    took_s: float
    result: bytes = b""
    """its result file, or what it printed to its standard output"""
    whole: bool = True
    """False where the middle of it was left out"""


def read(test: CommandTest, ran: Ran) -> Measured:
    """Return what a test program measured.

    Raises:
        Unreadable: there is no result, or none that can be read.
    """
    took = timedelta(seconds=ran.took_s)
    ended = {"exit_code": ran.exit_code, "took": took}
    if test.result == "exit":
        return Measured(ended)
    if not ran.whole:
        raise Unreadable("result_cut_off")
    try:
        found = _result(test.result, ran.result)
    except Unreadable as unreadable:
        raise _explained(unreadable, ran) from None
    return Measured({**ended, **found.values}, _flaw(test.result, found, ran.exit_code))


def _result(kind: Kind, result: bytes) -> Measured:
    if kind == "junit":
        return junit.read(result)
    return _READERS[kind](result.decode("utf-8-sig", errors="replace"))


def _explained(unreadable: Unreadable, ran: Ran) -> Unreadable:
    """A program that failed before it could test anything says so by its exit code."""
    if unreadable.why.code == "result_empty" and ran.exit_code:
        return Unreadable("ended_without_result", code=ran.exit_code)
    return unreadable


def _flaw(kind: Kind, found: Measured, exit_code: int) -> Reason | None:
    """A program that failed otherwise than its result says was broken off, or failed itself."""
    if found.flaw is not None:
        return found.flaw
    if _LIMITS_MISSED.get(kind) == exit_code:
        return Reason("limits_missed", {"code": str(exit_code)})
    known = exit_code in _ITS_OWN_VERDICT[kind]
    if known and not (kind == "junit" and exit_code and not found.values["failures"]):
        return None
    return Reason("ended_badly", {"code": str(exit_code)})
