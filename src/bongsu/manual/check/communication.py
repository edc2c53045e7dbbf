"""communication.yaml, obligations.yaml: is there a place, a text and a yes for every notice?"""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.i18n import N_
from bongsu.manual.check.addresses import NEEDS_ADDRESS, address
from bongsu.manual.check.references import refer
from bongsu.manual.problems import KeyPath, Problem, error, warning
from bongsu.manual.schema.communication import Audience
from bongsu.manual.schema.document import Manual


def problems(manual: Manual) -> Iterator[Problem]:
    """Look at every audience and template, and at who answers for the legal clocks."""
    plan, roles = manual.communication, manual.team.roles
    for name, audience in plan.audiences.items():
        path: KeyPath = ("communication", "audiences", name)
        yield from refer((*path, "template"), "template", audience.template, plan.templates)
        yield from refer((*path, "approve"), "role", audience.approve, roles)
        yield from _destinations(manual, path, audience)
    for name, template in plan.templates.items():
        here = ("communication", "templates", name, "audience")
        yield from refer(here, "audience", template.audience, plan.audiences)
    if manual.obligations:
        role = manual.obligations.confirmed_by
        yield from refer(("obligations", "confirmed_by"), "role", role, roles)
    yield from _wordless(manual)


def _destinations(manual: Manual, path: KeyPath, audience: Audience) -> Iterator[Problem]:
    if not audience.destinations:
        yield error(
            (*path, "destinations"), N_("{key} is empty"),
            N_("write for example [slack:#incidents]"), key="destinations",
        )  # fmt: skip
    for index, destination in enumerate(audience.destinations):
        here = (*path, "destinations", index)
        if destination.to is None:
            yield from _without_address(here, audience, destination.channel)
        else:
            yield from address((*here, "to"), destination.channel, destination.to)
        if destination.channel == "status_page" and manual.team.links.status_page is None:
            yield warning(
                here, N_("team.yaml has no link to the status page"),
                N_("add status_page: https://… under links there"),
            )  # fmt: skip


def _without_address(path: KeyPath, audience: Audience, channel: str) -> Iterator[Problem]:
    """Inside, an address must be given; outside, these channels reach whoever subscribed."""
    subscribed = audience.side == "external" and channel in ("email", "sms", "kakao")
    if channel in NEEDS_ADDRESS and not subscribed:
        yield error(
            path,
            N_("{channel} needs an address"),
            N_("add to, as in {channel}:ADDRESS"),
            channel=channel,
        )


def _wordless(manual: Manual) -> Iterator[Problem]:
    for name, audience in manual.communication.audiences.items():
        if audience.every is not None and audience.template is None:
            yield warning(
                ("communication", "audiences", name),
                N_("{audience} are to hear regularly, but no template says what"),
                N_("add template"), audience=audience.name,
            )  # fmt: skip
