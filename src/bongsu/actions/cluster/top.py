"""``kubectl top``: who uses most. It prints a table only, so the table is read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bongsu.actions.cluster.kubectl import Asked
from bongsu.actions.looking import unknown
from bongsu.actions.probes.outcome import found, looked, said
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Finding, Looked

_LINES_SHOWN = 15
_CPU = re.compile(r"^(\d+)(m|n|u)?$")
_MEMORY = re.compile(r"^(\d+)(Ki|Mi|Gi|Ti)?$")
_MILLI = {"m": 1.0, "u": 0.001, "n": 0.000001, None: 1000.0}
_MEBI = {"Ki": 1 / 1024, "Mi": 1.0, "Gi": 1024.0, "Ti": 1024.0 * 1024, None: 1 / (1024 * 1024)}


@dataclass(frozen=True)
class Usage:
    """What one pod or node uses."""

    name: str
    millicores: float
    mebibytes: float


def read_top(check: str, asked: Asked) -> Looked:
    """Name who uses most, by CPU or memory as the manual sorts; no rows at all is ``unknown``."""
    rows = usages(asked.output.text)
    if not rows:
        return unknown(check, said(N_("nothing has metrics yet")), asked.evidence())
    shown = "\n".join(asked.output.text.splitlines()[: _LINES_SHOWN + 1])
    by_memory = any("memory" in arg for arg in asked.args)
    return looked(check, [_most(rows, by_memory=by_memory)], asked.evidence(shown))


def usages(table: str) -> list[Usage]:
    """Read the rows of a table of ``kubectl top``; ``--containers`` and ``-A`` add columns."""
    lines = table.splitlines()
    head = lines[0].split() if lines else []
    if not {"NAME", "CPU(cores)", "MEMORY(bytes)"} <= {*head, *(["NAME"] if "POD" in head else [])}:
        return []
    name = head.index("POD" if "POD" in head else "NAME")
    cpu, memory = head.index("CPU(cores)"), head.index("MEMORY(bytes)")
    read = [_usage(cells, name, cpu, memory) for line in lines[1:] if (cells := line.split())]
    return [one for one in read if one is not None]


def _usage(cells: list[str], name: int, cpu: int, memory: int) -> Usage | None:
    if len(cells) <= max(name, cpu, memory):
        return None
    used_cpu, used_memory = _CPU.match(cells[cpu]), _MEMORY.match(cells[memory])
    if used_cpu is None or used_memory is None:
        return None  # <unknown>: a node whose kubelet doesn't answer
    return Usage(
        cells[name],
        float(used_cpu[1]) * _MILLI[used_cpu[2]],
        float(used_memory[1]) * _MEBI[used_memory[2]],
    )


def _most(rows: list[Usage], *, by_memory: bool) -> Finding:
    """Name the largest user; how much is too much is not for ``top`` to say."""
    if by_memory:
        most = max(rows, key=lambda one: one.mebibytes)
        text = N_("{name} uses most memory: {used} of {total} MiB that all use together")
        used, total = most.mebibytes, sum(one.mebibytes for one in rows)
    else:
        most = max(rows, key=lambda one: one.millicores)
        text = N_("{name} uses most CPU: {used} of {total} millicores that all use together")
        used, total = most.millicores, sum(one.millicores for one in rows)
    numbers = {"cpu_millicores": most.millicores, "memory_mebibytes": most.mebibytes}
    share = used / total if total else 0.0
    return found(
        "top_memory" if by_memory else "top_cpu",
        "healthy",
        said(text, name=most.name, used=round(used), total=round(total)),
        weight=round(0.2 * share, 3),
        subject=most.name,
        evidence=Evidence(numbers={**numbers, "share": round(share, 3)}),
    )
