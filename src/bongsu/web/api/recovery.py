"""In which order what is broken is brought back."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from bongsu.i18n import Translator
from bongsu.incident.recovery_order import Broken, recovery_order
from bongsu.manual.schema.document import Manual
from bongsu.store import reading
from bongsu.web.api.depends import S, T, Viewer
from bongsu.web.api.json import answer, documents
from bongsu.web.api.views import Named

router = APIRouter(tags=["incidents"])


class PlaceView(msgspec.Struct, frozen=True):
    """A broken service in its turn; `safety` says that a threat to safety puts it first."""

    place: int
    tier: int
    tier_name: str
    service: Named
    incidents: list[str]
    safety: bool


class RecoveryOrder(msgspec.Struct, frozen=True):
    """What is broken now, in the manual's order of recovery (복구 우선순위)."""

    places: list[PlaceView]


def in_order(manual: Manual, broken: Iterable[Broken], t: Translator) -> list[PlaceView]:
    """Return what is broken in the manual's order, in words."""
    tiers, services = manual.services.recovery_order, manual.services.services
    return [
        PlaceView(
            number, one.tier, tiers[one.tier].name.in_(t.lang) if one.tier in tiers else "",
            Named(one.service, services[one.service].name.in_(t.lang)
                  if one.service in services else one.service),
            list(one.incidents), one.safety,
        )
        for number, one in enumerate(recovery_order(manual, broken), start=1)
    ]  # fmt: skip


@router.get(
    "/recovery-order", summary="What is brought back first", responses=documents(RecoveryOrder)
)
async def order(at: S, who: Viewer, t: T) -> Response:
    """Safety first, then the manual's tiers; of open incidents that are not mended yet."""
    async with at.reading() as conn:
        broken = await reading.broken(conn)
    return answer(RecoveryOrder(in_order(at.policy.manual, broken, t)))
