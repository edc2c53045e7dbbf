"""One's own profile: language, colours, password, and where one is signed in."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from bongsu.i18n import N_, translator
from bongsu.store import access as accounts
from bongsu.store import sessions
from bongsu.web.access.door import SignInRefusedError
from bongsu.web.access.passwords import PasswordRefusedError
from bongsu.web.console.gate import Visit, own_path, signed
from bongsu.web.console.shell import THEME_COOKIE, THEMES

YEAR = 365 * 24 * 3600


@signed()
async def show(visit: Visit) -> Response:
    """Show it."""
    return await _shown(visit)


async def _shown(visit: Visit, said: str = "", error: str = "", status: int = 200) -> Response:
    async with visit.at.reading() as conn:
        known = await sessions.password_of(conn, visit.actor.person)
        found = await sessions.of_account(conn, visit.actor.person, visit.now)
    values = {
        "said": said, "error": error, "has_password": known is not None, "sessions": found,
        "this": visit.actor.key,
    }  # fmt: skip
    return visit.page("profile.html", values, status)


@signed()
async def choose_language(visit: Visit) -> Response:
    """Keep the language, for every device."""
    fields = await visit.form()
    if fields["lang"] in ("ko", "en"):
        async with visit.at.pool.acquire() as conn:
            await accounts.change_account(conn, visit.actor.person, lang=fields["lang"])
    return RedirectResponse(own_path(fields["back"] or "/profile"), 303)


@signed()
async def choose_theme(visit: Visit) -> Response:
    """Keep the colours, for this browser."""
    fields = await visit.form()
    response = RedirectResponse(own_path(fields["back"] or "/profile"), 303)
    if fields["theme"] in THEMES:
        response.set_cookie(THEME_COOKIE, fields["theme"], max_age=YEAR, samesite="lax")
    return response


@signed()
async def change_password(visit: Visit) -> Response:
    """Change the password; the other sessions end."""
    fields, lang = await visit.form(), visit.t.lang
    if fields.secret("new") != fields.secret("again"):
        error = visit.t(N_("The two new passwords differ."))
        return await _shown(visit, error=error, status=422)
    try:
        await visit.at.access.change_password(
            visit.request, visit.actor, fields.secret("old"), fields.secret("new")
        )
    except (SignInRefusedError, PasswordRefusedError) as refused:
        return await _shown(visit, error=refused.show(lang), status=422)
    return await _shown(visit, said=translator(lang)(N_("The password is changed.")))


@signed()
async def sign_out_everywhere(visit: Visit) -> Response:
    """End all of one's own sessions."""
    await visit.form()
    response = RedirectResponse("/sign-in", 303)
    await visit.at.access.sign_out_everywhere(visit.actor, response)
    return response
