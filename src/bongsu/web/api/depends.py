"""What routes ask for by annotation: the process's services, who is asking, in which language."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request

from bongsu.i18n import N_, Translator
from bongsu.store import reading
from bongsu.store.access import Role
from bongsu.web.access import csrf
from bongsu.web.access.actor import Actor
from bongsu.web.access.door import current_actor
from bongsu.web.problems import ProblemError
from bongsu.web.services import Services
from bongsu.web.services import services as services_of

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def _services(request: Request) -> Services:
    return services_of(request)


async def _translator(request: Request) -> Translator:
    return services_of(request).translator(request, await current_actor(request))


class Needs:
    """Asks for somebody who may do at least what ``role`` may."""

    def __init__(self, role: Role) -> None:
        self.role: Role = role

    async def __call__(self, request: Request) -> Actor:
        """Return who is asking.

        Raises:
            ProblemError: nobody is signed in, the write was not meant, or they may not do it.
        """
        actor = await current_actor(request)
        if actor is None:
            raise _unknown(request)
        if request.method not in SAFE and not services_of(request).access.meant(
            actor, request.headers.get(csrf.HEADER, "")
        ):
            text = N_(
                "a write with a session needs the header {header}; GET /api/v1/session has it"
            )
            raise ProblemError("csrf", text, header="X-CSRF-Token")
        if not actor.may(self.role):
            text = N_("this needs the role {needed}; {name} is {role}")
            values = {"needed": self.role, "role": actor.role}
            raise ProblemError("forbidden", text, name=actor.name, **values).adding(**values)
        return actor


def _unknown(request: Request) -> ProblemError:
    if "authorization" in request.headers:
        text = N_("the token is unknown, expired or revoked, or its account is disabled")
        challenge = 'Bearer realm="bongsu", error="invalid_token"'
    else:
        text = N_("send a token as 'Authorization: Bearer bgs_…', or sign in")
        challenge = 'Bearer realm="bongsu"'
    return ProblemError("sign_in_needed", text).heading("www-authenticate", challenge)


S = Annotated[Services, Depends(_services)]
T = Annotated[Translator, Depends(_translator)]
Viewer = Annotated[Actor, Depends(Needs("viewer"))]
Responder = Annotated[Actor, Depends(Needs("responder"))]
Commander = Annotated[Actor, Depends(Needs("commander"))]
Admin = Annotated[Actor, Depends(Needs("admin"))]


async def _incident(
    at: S,
    incident: Annotated[
        str,
        Path(
            max_length=64,
            pattern=r"^[0-9A-Za-z-]+$",
            description="The id (`42`) or the number (`INC-20250814-143000-42`).",
        ),
    ],
) -> int:
    async with at.reading() as conn:
        found = await reading.incident_id(conn, incident)
    if found is None:
        raise ProblemError("not_found", N_("there is no incident {incident}"), incident=incident)
    return found


Found = Annotated[int, Depends(_incident)]
"""the id of the incident that the path names; ask for it after who is asking"""
