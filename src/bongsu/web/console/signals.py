"""What came in and what became of it; who may send, and how to connect a sender."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import RedirectResponse, Response

from bongsu.i18n import N_
from bongsu.signals.refusal import Refusal
from bongsu.store import integrations as keys
from bongsu.store import reading
from bongsu.store import signals as store
from bongsu.web.api import lists
from bongsu.web.console.gate import PageError, Visit, signed
from bongsu.web.console.views.snippets import snippets

PER_PAGE = 30
SHOWN_CHARACTERS = 2_000


@signed()
async def show(visit: Visit) -> Response:
    """Show it."""
    return visit.page("signals.html", await _values(visit))


async def _values(visit: Visit, issued: tuple[str, str] = ("", "")) -> dict[str, Any]:
    query = visit.request.query_params
    outcome = next(
        (o for o in ("accepted", "partial", "refused") if o == query.get("outcome")), None
    )
    before = query.get("before", "")
    below = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None  # noqa: PLR2004  fits into a bigint
    async with visit.at.reading() as conn:
        found = await store.recent(conn, outcome=outcome, before=below, limit=PER_PAGE + 1)
        unrouted = await reading.without_incident(conn, PER_PAGE)
        known = await keys.list_keys(conn) if visit.actor.may("admin") else []
    return {
        "signals": [_signal(visit, one) for one in found[:PER_PAGE]], "outcome": outcome or "",
        "next": found[PER_PAGE - 1].id if len(found) > PER_PAGE else 0,
        "unrouted": [lists.alert(one) for one in unrouted],
        "integrations": list(_integrations(visit, known, issued)), "issued": issued,
    }  # fmt: skip


def _signal(visit: Visit, kept: store.KeptSignal) -> dict[str, Any]:
    refusals = _refusals(kept.refusals)
    lang = visit.t.lang
    name = visit.manual.signals.integrations.get(kept.integration or "")
    return {
        "id": kept.id, "at": kept.received_at, "format": kept.format, "outcome": kept.outcome,
        "size": kept.size, "refusals": [(r.field, r.says(lang), r.advises(lang)) for r in refusals],
        "sender": name.name.in_(lang) if name else kept.integration or visit.t(N_("unknown key")),
        "begins": kept.raw.decode("utf-8", "replace")[:SHOWN_CHARACTERS],
    }  # fmt: skip


def _refusals(text: str | None) -> list[Refusal]:
    if not text:
        return []
    try:
        return msgspec.json.decode(text, type=list[Refusal])
    except msgspec.MsgspecError:  # written by another release
        return [Refusal(text)]


def _integrations(visit: Visit, known: list[keys.IntegrationKey], issued: tuple[str, str]) -> Any:
    for name, spec in visit.manual.signals.integrations.items():
        key = issued[1] if issued[0] == name else ""
        yield {
            "id": name, "name": spec.name.in_(visit.t.lang), "formats": ", ".join(spec.formats),
            "keys": [one for one in known if one.integration == name], "key": key,
            "snippets": snippets(visit.at.base_url, spec.formats, key, visit.t),
        }  # fmt: skip


@signed("admin")
async def issue(visit: Visit) -> Response:
    """Issue a key; it is shown this once."""
    fields = await visit.form()
    name = fields["integration"]
    if name not in visit.manual.signals.integrations:
        raise PageError(404, N_("The manual knows no sender {integration}."), integration=name[:64])
    async with visit.at.pool.acquire() as conn:
        key = await keys.issue_key(conn, name)
    return visit.page("signals.html", await _values(visit, (name, key)), 201)


@signed("admin")
async def revoke(visit: Visit) -> Response:
    """Revoke a key; it is refused within seconds."""
    fields = await visit.form()
    async with visit.at.pool.acquire() as conn:
        await keys.revoke(conn, fields["integration"], visit.request.path_params["key"])
    return RedirectResponse("/signals#senders", 303)
