"""``kubectl logs``: lines with their times, chosen by the query as the kubelet does it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from tests.kube.faults import RefusedError
from tests.kube.storage import Object
from tests.kube.wire import Answer, Blocks, Reply, Request

Line = tuple[datetime, str]


class PodLogs:
    """The lines of each pod's container, oldest first."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str, bool], list[Line]] = {}

    def add(self, pod: str, line: str, at: datetime, container: str, *, previous: bool) -> None:
        """Add a line; ``previous``: of the container before its last restart."""
        self._lines.setdefault((pod, container, previous), []).append((at, line))

    def answer(self, pod: Object, request: Request, now: datetime) -> Answer:
        name = pod["metadata"]["name"]
        container = request.asked("container") or pod["spec"]["containers"][0]["name"]
        previous = request.asked("previous") == "true"
        _check_started(pod, container, previous=previous)
        lines = self._lines.setdefault((name, container, previous), [])
        chosen = _chosen(lines, request, now)
        stamped = request.asked("timestamps") == "true"
        if request.asked("follow") == "true":
            return Blocks(_followed(lines, chosen, stamped=stamped), "text/plain")
        body = b"".join(_written(line, stamped=stamped) for line in chosen)
        limit = int(request.asked("limitBytes", "0")) or len(body)
        return Reply(200, body[:limit], "text/plain")


def _check_started(pod: Object, container: str, *, previous: bool) -> None:
    name = pod["metadata"]["name"]
    for status in pod["status"].get("containerStatuses", []):
        if status["name"] != container:
            continue
        if previous and not status["lastState"]:
            message = f'previous terminated container "{container}" in pod "{name}" not found'
            raise RefusedError(400, "BadRequest", message)
        waiting = status["state"].get("waiting")
        if waiting and not status["lastState"]:
            message = f'container "{container}" in pod "{name}" is waiting to start: '
            raise RefusedError(400, "BadRequest", message + waiting["reason"])


def _chosen(lines: list[Line], request: Request, now: datetime) -> list[Line]:
    chosen = list(lines)
    if seconds := request.asked("sinceSeconds"):
        since = now - timedelta(seconds=int(seconds))
        chosen = [line for line in chosen if line[0] >= since]
    if time := request.asked("sinceTime"):
        chosen = [line for line in chosen if line[0] >= datetime.fromisoformat(time)]
    tail = request.asked("tailLines")
    return chosen if not tail else chosen[max(0, len(chosen) - int(tail)) :]


def _written(line: Line, *, stamped: bool) -> bytes:
    at, text = line
    before = at.strftime("%Y-%m-%dT%H:%M:%S.%f000Z ") if stamped else ""
    return f"{before}{text}\n".encode()


async def _followed(
    lines: list[Line], chosen: list[Line], *, stamped: bool
) -> AsyncIterator[bytes]:
    sent = len(lines)
    for line in chosen:
        yield _written(line, stamped=stamped)
    while True:
        while sent < len(lines):
            yield _written(lines[sent], stamped=stamped)
            sent += 1
        await asyncio.sleep(0.02)
