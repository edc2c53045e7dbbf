"""How the API server fails on demand: slow, hanging, forbidding, conflicting, cutting watches."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.kube.wire import Reply

if TYPE_CHECKING:
    from tests.kube.api import Asked


class RefusedError(Exception):
    """The server's no, as a Status object."""

    def __init__(self, code: int, reason: str, message: str, **details: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.details = code, reason, details

    @classmethod
    def not_found(cls, resource: str, name: str, group: str) -> RefusedError:
        kind = f"{resource}.{group}" if group else resource
        return cls(
            404, "NotFound", f'{kind} "{name}" not found', name=name, kind=resource, group=group
        )

    @classmethod
    def conflict(cls, resource: str, name: str) -> RefusedError:
        message = (
            f'Operation cannot be fulfilled on {resource} "{name}": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )
        return cls(409, "Conflict", message, name=name, kind=resource)

    def reply(self) -> Reply:
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        said = {"message": str(self), "reason": self.reason, "code": self.code}
        return Reply.of({**status, **said, "details": self.details}, self.code)


@dataclass
class Faults:
    """What is wrong with the server at the moment; read at each request."""

    delay_s: float = 0.0
    hanging: bool = False
    metrics: bool = True
    metrics_down: bool = False
    """its API is registered, but nobody answers behind it"""
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    """verb (``*`` for all) and resource"""
    conflicts: int = 0
    """how many of the next writes meet 409"""
    errors: int = 0
    """how many of the next requests for objects meet 500"""
    cut_writes: int = 0
    """how many of the next writes break off before anything was done"""
    lost_answers: int = 0
    """how many of the next writes are done, and break off before they are answered"""
    cut_watches: int = 0
    """how many of the next watches are cut after their first word"""

    async def hold_up(self) -> None:
        while self.hanging:
            await asyncio.sleep(0.02)
        await asyncio.sleep(self.delay_s)

    def drops(self, asked: Asked | None) -> bool:
        """Whether this request's connection breaks."""
        if asked is None or not _writes(asked) or self.cut_writes == 0:
            return False
        self.cut_writes -= 1
        return True

    def loses(self, asked: Asked | None) -> bool:
        """Whether this request's answer, of a write that was done, is lost."""
        if asked is None or not _writes(asked) or self.lost_answers == 0:
            return False
        self.lost_answers -= 1
        return True

    def check(self, asked: Asked) -> None:
        """Refuse the request where one of the faults says so."""
        if {(asked.verb, asked.resource), ("*", asked.resource)} & self.forbidden:
            raise _forbidden(asked)
        if asked.version.startswith("metrics") and self.metrics_down:
            message = "the server is currently unable to handle the request"
            raise RefusedError(503, "ServiceUnavailable", message)
        if self.errors > 0:
            self.errors -= 1
            raise RefusedError(
                500, "InternalError", "Internal error occurred: etcdserver: request timed out"
            )
        if self.conflicts > 0 and asked.verb in ("update", "patch"):
            self.conflicts -= 1
            raise RefusedError.conflict(asked.resource, asked.name)


def _writes(asked: Asked) -> bool:
    return asked.verb in ("create", "update", "patch", "delete")


def _forbidden(asked: Asked) -> RefusedError:
    group = asked.version.rpartition("/")[0]
    where = f' in the namespace "{asked.namespace}"' if asked.namespace else " at the cluster scope"
    kind = f"{asked.resource}.{group}" if group else asked.resource
    named = f' "{asked.name}"' if asked.name else ""
    message = (
        f"{kind}{named} is forbidden: "
        'User "system:serviceaccount:bongsu:bongsu" cannot '
        f'{asked.verb} resource "{asked.resource}" in API group "{group}"{where}'
    )
    return RefusedError(
        403, "Forbidden", message, name=asked.name, group=group, kind=asked.resource
    )
