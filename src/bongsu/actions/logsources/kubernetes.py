"""Pods' logs through kubectl."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from bongsu.actions.logsources.programs import output_of
from bongsu.actions.logsources.source import Source

REQUESTS = 50
"""pods and containers that kubectl may ask for at once; its own default is 5"""

_GOES_ON = re.compile(
    rb"^\[[^\]\n]*\] [0-9T:.+-]+Z? (?=[ \t]|Caused by: |Traceback \(|\.\.\. [0-9]+ more)",
    re.MULTILINE,
)


def arguments(source: Source, since_s: int) -> list[str]:
    """Return what is run to read so many seconds; ``NAMESPACE/KIND/NAME`` names one thing."""
    namespace, _, what = source.query.partition("/")
    chosen = [what] if "/" in what and "=" not in what else ["--selector", what]
    many = [] if len(chosen) == 1 else [f"--max-log-requests={REQUESTS}", "--ignore-errors"]
    return [
        *("kubectl", "logs", "--namespace", namespace, *chosen),
        *(
            "--all-containers",
            "--prefix",
            "--timestamps",
            f"--since={since_s}s",
            "--tail=-1",
            *many,
        ),
    ]


async def pieces(source: Source, since_s: int, deadline_s: float) -> AsyncIterator[bytes]:
    """Give the pods' lines, each with its pod and time; a stack trace's lines go without."""
    left = b""
    async for piece in output_of(arguments(source, since_s), deadline_s):
        lines, feed, left = (left + piece).rpartition(b"\n")
        if feed:
            # With a prefix, a stack trace's lines don't look as if they went on.
            yield _GOES_ON.sub(b"", lines + feed)
    if left:
        yield _GOES_ON.sub(b"", left)
