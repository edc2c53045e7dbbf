"""Conditions in CEL, and the variables that each place of the manual may ask about.

`VARIABLES` is the one table of these names; whoever evaluates a condition provides all of its
scope. Durations are CEL durations, so that units are written: ``lasted > duration('30m')``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import timedelta
from functools import cache, lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bongsu.i18n import N_

if TYPE_CHECKING:
    from cel.cel import Program

Scope = Literal[
    "incident", "playbook", "findings", "metric", "exit", "junit", "load", "http", "quiet"
]
"""Where a condition stands, as far as its variables differ."""

_ALL: tuple[Scope, ...] = ("incident", "playbook", "findings")
_CHECKED: tuple[Scope, ...] = ("playbook", "findings")
_PROGRAM: tuple[Scope, ...] = ("exit", "junit", "load")
_LOAD: tuple[Scope, ...] = ("load", "http")


class Variable(NamedTuple):
    """A name that conditions of some scopes may use."""

    name: str
    means: str
    """in English, and the key of the Korean text"""
    sample: object
    scopes: tuple[Scope, ...]


VARIABLES: tuple[Variable, ...] = (
    Variable("severity", N_("the severity's level: 'P0' to 'P3'"), "P0", _ALL),
    Variable("type", N_("the incident type's id, '' while it is unknown"), "server_down", _ALL),
    Variable("category", N_("the category of the incident type"), "infrastructure", _ALL),
    Variable("service", N_("the affected service's id, '' while it is unknown"), "api", _ALL),
    Variable("tier", N_("the affected service's tier, 0 while it is unknown"), 1, _ALL),
    Variable("phase", N_("the phase: 'detected', 'verified', 'responding' …"), "detected", _ALL),
    Variable("title", N_("the incident's title"), "BackendDown", _ALL),
    Variable("drill", N_("whether this is a drill"), sample=False, scopes=_ALL),
    Variable("labels", N_("the labels that all of its alerts share, by name"), {}, _ALL),
    Variable("alerts", N_("how many alerts joined the incident"), 3, _ALL),
    Variable("firing", N_("how many of its alerts fire now"), 2, _ALL),
    Variable("lasted", N_("how long since it began"), timedelta(minutes=31), _ALL),
    Variable("users_affected", N_("share of the users affected, 0.0 to 1.0"), 0.6, _ALL),
    Variable("persons_affected", N_("number of persons affected"), 1200, _ALL),
    Variable("checks", N_("verdict by check: healthy, degraded, unhealthy, unknown"), {}, _CHECKED),
    Variable("unhealthy", N_("the checks that are unhealthy"), ["api"], _CHECKED),
    Variable("degraded", N_("the checks that are degraded"), ["database"], _CHECKED),
    Variable("new_log_patterns", N_("how many kinds of log lines are new"), 2, _CHECKED),
    Variable("parameters", N_("the parameters of this run, by name"), {}, ("playbook",)),
    Variable("value", N_("the query's value"), 0.05, ("metric",)),
    Variable("exit_code", N_("the program's exit code"), 0, _PROGRAM),
    Variable("took", N_("how long it took"), timedelta(seconds=1.5), _PROGRAM),
    Variable("tests", N_("how many tests ran"), 10, ("junit",)),
    Variable("failures", N_("how many of them failed"), 0, ("junit",)),
    Variable("skipped", N_("how many tests were skipped"), 0, ("junit",)),
    Variable("pass_rate", N_("share of them that passed, 0.0 to 1.0"), 1.0, ("junit",)),
    Variable("p95", N_("95th percentile of the response time"), timedelta(seconds=0.4), _LOAD),
    Variable("p99", N_("99th percentile of the response time"), timedelta(seconds=0.9), _LOAD),
    Variable("error_rate", N_("share of requests that failed, 0.0 to 1.0"), 0.001, _LOAD),
    Variable("requests", N_("number of requests"), 1000, _LOAD),
    Variable("quiet", N_("how long none of them has fired"), timedelta(minutes=16), ("quiet",)),
    Variable("count", N_("how many of these alerts fired in the time"), 0, ("quiet",)),
)  # fmt: skip

_LONGEST = 1000
"""Characters: far more than a readable condition has, and few enough for the parser's stack."""


@cache
def samples(scope: Scope) -> dict[str, object]:
    """Return every variable that a condition of this scope may use, each with a sample value."""
    return {v.name: v.sample for v in VARIABLES if scope in v.scopes}


class ConditionError(ValueError):
    """A condition can't be read or answered; ``reason`` says why, the message also which one."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text}: {reason}")
        self.reason = reason


class Condition:
    """A compiled condition; making one again from the same text costs nothing.

    Raises:
        ConditionError: the text is not CEL.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._program = _compiled(text)

    def __repr__(self) -> str:
        return f"Condition({self.text!r})"

    @property
    def variables(self) -> frozenset[str]:
        """The names that it asks for, without those that it binds itself: ``xs.exists(x, …)``."""
        return frozenset(self._program.variables()) - frozenset(_BOUND.findall(self.text))

    def holds(self, values: Mapping[str, object]) -> bool:
        """Say whether it is true of these values.

        Raises:
            ConditionError: a variable or a key is missing, types don't fit, or the answer is no
                truth value. A key that may be absent is asked for first: ``has(labels.team)``.
        """
        try:
            answer = self._program.execute(dict(values))
        except Exception as error:  # the extension raises many kinds for the same cause
            raise ConditionError(self.text, _gist(error)) from error
        if not isinstance(answer, bool):
            raise ConditionError(self.text, f"the answer is {answer!r}, neither true nor false")
        return answer


_BOUND = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*(\w+)\s*,")


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Program:
    if len(text) > _LONGEST:
        raise ConditionError(f"{text[:40]}…", f"more than {_LONGEST} characters")
    try:
        return _cel().compile(text)  # type: ignore[no-any-return]
    except ValueError as error:
        raise ConditionError(text, _gist(error)) from error


def _gist(error: Exception) -> str:
    """Return the point of the extension's message, which goes on with advice."""
    if isinstance(error, LookupError):
        return f"there is no key {error}"
    line = str(error).partition("ERROR: <input>:")[2] or str(error)
    return line.partition("\n")[0].partition(" expecting {")[0].partition(". C")[0]


_LOADING = Lock()
"""verifications compile their criteria in threads: none may see it half loaded"""


def _cel() -> Any:
    """Return the CEL extension.

    It is taken from its package without that package's ``__init__``, which imports a command
    line with a terminal toolkit and so costs ten times the extension's own time
    (docs/decisions/0002-cel.md).
    """
    with _LOADING:
        return sys.modules.get("cel.cel") or _loaded()


def _loaded() -> Any:
    package = find_spec("cel")
    assert package is not None
    spec = PathFinder.find_spec("cel.cel", package.submodule_search_locations)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["cel.cel"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
