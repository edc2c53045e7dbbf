"""The output of a program that reads logs, and why it could not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from bongsu.actions.programs import allowed_environment, stream
from bongsu.i18n import N_

GRACE_S = 0.2
"""how long a program may take to end: it only reads, so there is nothing to tidy up"""


class Unread(Exception):  # noqa: N818  it is a state of a source rather than a fault of ours
    """A source could not be read, or not to its end: ``text`` of the catalogue, with ``values``."""

    def __init__(self, text: str, **values: str) -> None:
        super().__init__(text.format_map(values))
        self.text = text
        self.values = values


async def output_of(argv: Sequence[str], deadline_s: float) -> AsyncIterator[bytes]:
    """Give a program's standard output as it comes.

    Raises:
        Unread: it isn't there, failed, or took longer than ``deadline_s`` seconds; what it had
            printed before was given.
    """
    printed = False
    async with stream(
        argv, timeout_s=deadline_s, env=allowed_environment(), grace_s=GRACE_S
    ) as blocks:
        async for block in blocks:
            printed = True
            yield block
        came = blocks.output
    why = came.complaint.splitlines()[-1] if came.complaint else ""
    if came.ok:
        if why and not printed:
            raise Unread(N_("{program} printed nothing: {why}"), program=argv[0], why=why)
        return
    match came.ended:
        case "timed_out":
            raise Unread(N_("{program} had not finished at the deadline"), program=argv[0])
        case "not_found" | "not_allowed":
            raise Unread(N_("{program} can't be run here: {why}"), program=argv[0], why=why)
        case _:
            raise Unread(
                N_("{program} failed: {why}"), program=argv[0], why=why or str(came.exit_code)
            )
