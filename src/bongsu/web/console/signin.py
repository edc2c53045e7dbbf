"""Signing in with a password or a one-time link, and out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bongsu.i18n import N_
from bongsu.web.access import csrf
from bongsu.web.access.door import Signed, SignInRefusedError, current_actor
from bongsu.web.console.gate import Fields, PageError, Visit, own_path, signed
from bongsu.web.console.shell import Frame
from bongsu.web.services import services


async def show(request: Request) -> Response:
    """Ask for the name and the password; who is signed in already goes on."""
    wanted = own_path(request.query_params.get("next", "/"))
    if await current_actor(request) is not None:
        return RedirectResponse(wanted, 303)
    return _asked(request, wanted)


async def sign_in(request: Request) -> Response:
    """Try the name and the password."""
    fields = await _own_form(request)
    wanted = own_path(fields["next"] or "/")
    try:
        signed_in = await services(request).access.sign_in(
            request, fields["login"], fields.secret("password")
        )
    except SignInRefusedError as refused:
        lang = Frame(request, services(request), None).t.lang
        status = 429 if refused.retry_after else 401
        return _asked(request, wanted, fields["login"], refused.show(lang), status)
    return _welcomed(request, signed_in, wanted)


async def show_link(request: Request) -> Response:
    """Show whom a one-time link signs in; a mail scanner that looks does not use it up."""
    at = services(request)
    owner = await at.access.link_owner(request.path_params["token"])
    frame = Frame(request, at, None)
    if owner is None:
        return frame.page("sign_in_link.html", {"name": "", "token": ""}, 410)
    token = request.path_params["token"]
    return frame.page("sign_in_link.html", {"name": owner[1], "token": token})


async def use_link(request: Request) -> Response:
    """Use it."""
    await _own_form(request)
    at = services(request)
    try:
        signed_in = await at.access.sign_in_by_link(request, request.path_params["token"])
    except SignInRefusedError:
        return Frame(request, at, None).page("sign_in_link.html", {"name": "", "token": ""}, 410)
    return _welcomed(request, signed_in, "/")


@signed()
async def sign_out(visit: Visit) -> Response:
    """End this session."""
    await visit.form()
    response = RedirectResponse("/sign-in", 303)
    await visit.at.access.sign_out(visit.actor, response)
    return response


async def _own_form(request: Request) -> Fields:
    if not csrf.same_origin(request):
        raise PageError(403, N_("Another site can't sign you in."))
    return Fields(await request.form(max_files=0, max_fields=10))


def _asked(
    request: Request, wanted: str, login: str = "", error: str = "", status: int = 200
) -> Response:
    values = {"next": wanted, "login": login, "error": error}
    return Frame(request, services(request), None).page("sign_in.html", values, status)


def _welcomed(request: Request, signed_in: Signed, wanted: str) -> Response:
    response = RedirectResponse(wanted, 303)
    services(request).access.remember(response, signed_in)
    return response
