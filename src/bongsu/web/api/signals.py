"""What came in: recent signals and what was refused of them, active alerts, integration keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from bongsu.i18n import N_
from bongsu.store import integrations as keys
from bongsu.store import reading
from bongsu.store import signals as store
from bongsu.store.integrations import IntegrationKey
from bongsu.web.api import lists, requests
from bongsu.web.api.accounts import Id
from bongsu.web.api.depends import Admin, S, T, Viewer
from bongsu.web.api.json import answer, documents
from bongsu.web.problems import ProblemError

router = APIRouter(tags=["signals"])
Integration = Annotated[str, Path(max_length=63, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]


class SignalView(msgspec.Struct, frozen=True):
    """One inbound message: its first bytes as text, and what was refused of it."""

    id: int
    received_at: datetime
    integration: str | None
    format: str
    outcome: str
    size: int
    refusals: msgspec.Raw
    begins: str


class SignalList(msgspec.Struct, frozen=True):
    """Signals, newest first; `next` is the `before` of the following page."""

    signals: list[SignalView]
    next: int | None


class IntegrationView(msgspec.Struct, frozen=True):
    """A sender that the manual knows, and its keys without their secrets."""

    integration: str
    name: str
    formats: Sequence[str]
    keys: list[IntegrationKey]


class IntegrationList(msgspec.Struct, frozen=True):
    """Every sender that the manual knows, or that has a key."""

    integrations: list[IntegrationView]


class NewKey(msgspec.Struct, frozen=True):
    """An integration key, shown this once."""

    integration: str
    key: str


class Revoked(msgspec.Struct, frozen=True):
    """How many keys are no good any more."""

    revoked: int


@router.get("/signals", summary="Recent signals", responses=documents(SignalList))
async def list_signals(
    at: S, who: Viewer,
    outcome: Literal["accepted", "partial", "refused"] | None = None,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    limit: requests.Limit = 50,
) -> Response:  # fmt: skip
    """As they came, and what became of them; `outcome=refused` for what could not be kept."""
    async with at.reading() as conn:
        found = await store.recent(conn, outcome=outcome, before=before, limit=limit + 1)
    following = found[limit - 1].id if len(found) > limit else None
    return answer(SignalList([_signal(one) for one in found[:limit]], following))


def _signal(kept: store.KeptSignal) -> SignalView:
    refusals = msgspec.Raw((kept.refusals or "[]").encode())
    begins = kept.raw.decode("utf-8", "replace")
    return SignalView(
        kept.id, kept.received_at, kept.integration, kept.format, kept.outcome, kept.size, refusals,
        begins,
    )  # fmt: skip


@router.get(
    "/alerts/unrouted",
    summary="Active alerts without an incident",
    responses=documents(lists.AlertList),
)
async def unrouted(at: S, who: Viewer, limit: requests.Limit = 50) -> Response:
    """Alerts that no incident is about, silenced ones for the most part; the newest first."""
    async with at.reading() as conn:
        found = await reading.without_incident(conn, limit)
    return answer(lists.AlertList([lists.alert(one) for one in found], None))


@router.get("/integrations", summary="Senders and their keys", responses=documents(IntegrationList))
async def list_integrations(at: S, who: Admin, t: T) -> Response:
    """Keys are shown by their last four characters."""
    async with at.reading() as conn:
        known = await keys.list_keys(conn)
    of_manual = at.policy.manual.signals.integrations
    names = sorted({*of_manual, *(key.integration for key in known)})
    return answer(IntegrationList([_integration(name, of_manual, known, t.lang) for name in names]))


def _integration(
    name: str, of_manual: dict[str, Any], known: Sequence[IntegrationKey], lang: str
) -> IntegrationView:
    spec = of_manual.get(name)
    own = [key for key in known if key.integration == name]
    shown, formats = (spec.name.in_(lang), spec.formats) if spec else (name, ())
    return IntegrationView(name, shown, formats, own)


@router.post(
    "/integrations/{integration}/keys", status_code=201, summary="Issue an integration key",
    responses=documents(NewKey, "Shown this once.", 201),
)  # fmt: skip
async def issue_key(at: S, who: Admin, integration: Integration) -> Response:
    """Only senders that the manual names may send."""
    known = at.policy.manual.signals.integrations
    if integration not in known:
        text = N_("the manual knows no integration {integration}; write one of {known}")
        raise ProblemError("not_found", text, integration=integration, known=", ".join(known))
    async with at.pool.acquire() as conn:
        return answer(NewKey(integration, await keys.issue_key(conn, integration)), 201)


@router.delete(
    "/integrations/{integration}/keys/{key}", summary="Revoke an integration key",
    responses=documents(Revoked),
)  # fmt: skip
async def revoke_key(at: S, who: Admin, integration: Integration, key: Id) -> Response:
    """It is refused within seconds, on every replica."""
    async with at.pool.acquire() as conn:
        revoked = await keys.revoke(conn, integration, key)
    if not revoked:
        raise ProblemError("not_found", N_("there is no key {id} in force"), id=key)
    return answer(Revoked(revoked))
