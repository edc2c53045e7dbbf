"""What must hold of runs once every kill is over, read from what their steps wrote."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from tests.resilience.runs import REPEATED, STEPS, Askers, Mark


@dataclass
class RunVerdict:
    """Each list names what is wrong; all must be empty."""

    unended: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    """steps with an effect that began more often than they may"""
    skipped: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    """steps that did not keep their turn"""
    overlapping: list[str] = field(default_factory=list)
    """two at once on one tower, or in one run"""
    wrong_end: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    torn: int = 0
    """steps that were ended in the middle"""
    repeated: int = 0
    """beginnings of idempotent steps after the first"""


def judge(askers: Askers, marks: Sequence[Mark]) -> RunVerdict:
    """Compare what was asked for with what was done."""
    verdict = RunVerdict()
    of_run: dict[str, list[Mark]] = defaultdict(list)
    for mark in marks:
        of_run[mark.tag].append(mark)
    for asked in askers.asked:
        run = askers.ended.get(asked.tag)
        if run is None:
            verdict.unended.append(asked.tag)
            continue
        verdict.outcomes[run.outcome or "-"] += 1
        expected = ("undone", "stopped") if asked.fails else ("succeeded",)
        if run.outcome not in expected:
            verdict.wrong_end.append(f"{asked}: {run.outcome} {run.why}")
        own = of_run[asked.tag]
        _begun(verdict, askers, asked.tag, own)
        _ended(verdict, asked.tag, run.outcome or "-", own)
        _turns(verdict, asked.tag, own)
        _at_once(verdict, asked.tag, own)
    for tower in ("north", "south"):
        _one_run_at_a_time(verdict, tower, [m for m in marks if m.tower == tower])
    verdict.torn = len({m.token for m in marks}) - sum(m.what == "end" for m in marks)
    return verdict


def _begun(verdict: RunVerdict, askers: Askers, tag: str, own: Iterable[Mark]) -> None:
    times = Counter((m.step, m.direction) for m in own if m.what == "begin")
    for (step, direction), count in times.items():
        more = count - 1 - askers.again[tag, step, direction]
        if step == REPEATED and direction == "do":
            verdict.repeated += count - 1
        elif more > 0:
            verdict.twice.append(f"{tag} {step} {direction}: {count} times")


def _ended(verdict: RunVerdict, tag: str, outcome: str, own: Iterable[Mark]) -> None:
    """All steps of a run have ended; of one that was taken back, all that can be were."""
    ended = {(m.step, m.direction) for m in own if m.what == "end"}
    wanted = {(n, "do") for n in range(STEPS)}
    if outcome == "undone":
        wanted |= {(n, "undo") for n in range(STEPS) if n != REPEATED}
    verdict.skipped += [f"{tag} {n} {direction}" for n, direction in sorted(wanted - ended)]


def _turns(verdict: RunVerdict, tag: str, own: Iterable[Mark]) -> None:
    forwards = [m.step for m in own if m.direction == "do"]
    directions = [direction for direction, _ in groupby(m.direction for m in own)]
    backwards = [m.step for m in own if m.direction == "undo"]
    if (
        forwards != sorted(forwards)
        or backwards != sorted(backwards, reverse=True)
        or directions not in ([], ["do"], ["do", "undo"])
    ):
        verdict.misplaced.append(f"{tag}: {forwards} {backwards}")


def _at_once(verdict: RunVerdict, tag: str, own: Sequence[Mark]) -> None:
    """Whatever ends, it ends before anything else of its run begins."""
    for at, mark in enumerate(own):
        if mark.what == "end" and own[at - 1].token != mark.token:
            verdict.overlapping.append(f"{tag}: {own[at - 1]} within {mark}")


def _one_run_at_a_time(verdict: RunVerdict, tower: str, marks: Iterable[Mark]) -> None:
    turns = [tag for tag, _ in groupby(m.tag for m in marks)]
    verdict.overlapping += [
        f"{tower}: {tag} {n} times" for tag, n in Counter(turns).items() if n > 1
    ]
