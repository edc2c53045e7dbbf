"""Turns whatever went wrong into a problem that names the place and the mend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bongsu.engine.engine import UnknownIncidentError
from bongsu.i18n import N_, Translator
from bongsu.incident.commands import RefusedError
from bongsu.incident.reasons import explain
from bongsu.store.access import AccessRefusedError
from bongsu.store.database import AWAY
from bongsu.web.access.door import SignInRefusedError, current_actor
from bongsu.web.access.passwords import PasswordRefusedError
from bongsu.web.problems import ProblemError, problem
from bongsu.web.services import services

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = structlog.get_logger(__name__)

_WORDS = {
    "missing": N_("is missing"),
    "extra_forbidden": N_("is not known here; leave it out or check its spelling"),
    "string_type": N_("must be a text"),
    "string_too_short": N_("needs at least {min_length} characters"),
    "string_too_long": N_("has more than {max_length} characters"),
    "string_pattern_mismatch": N_("must have the form {pattern}"),
    "string_unicode": N_("is not valid Unicode"),
    "int_type": N_("must be a whole number"),
    "int_parsing": N_("must be a whole number"),
    "int_parsing_size": N_("is too large"),
    "int_from_float": N_("must be a whole number"),
    "bool_type": N_("must be true or false"),
    "bool_parsing": N_("must be true or false"),
    "literal_error": N_("must be one of {expected}"),
    "enum": N_("must be one of {expected}"),
    "greater_than_equal": N_("must be at least {ge}"),
    "less_than_equal": N_("must be at most {le}"),
    "model_type": N_("must be an object"),
    "model_attributes_type": N_("must be a JSON object"),
    "dict_type": N_("must be an object"),
    "list_type": N_("must be a list"),
    "too_short": N_("needs at least {min_length} entries"),
    "too_long": N_("has more than {max_length} entries"),
    "timezone_aware": N_("needs its offset from UTC, as in 2025-08-14T14:30:00+09:00"),
    "json_invalid": N_("is not JSON: {error}"),
}
_ACCESS = {
    "no_account": "not_found",
    "no_token": "not_found",
    "bad_login": "invalid",
    "bad_name": "invalid",
    "expired": "invalid",
}
_TIMES = N_("must be a point in time, for example 2025-08-14T14:30:00+09:00")
_OTHERS = N_("is not right: {message}")


def install(app: FastAPI) -> None:
    """Answer every exception with a problem."""
    for kind, answer in _ANSWERS.items():
        app.add_exception_handler(kind, answer)


async def _translator(request: Request) -> Translator:
    try:
        actor = await current_actor(request)
    except AWAY:
        actor = None
    return services(request).translator(request, actor)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.response(await _translator(request))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    t = await _translator(request)
    detail = explain(error.reason, services(request).policy.manual, t)
    reason = {"code": error.reason.code, "values": error.reason.values}
    return problem("refused", detail, t, extra={"reason": reason})


async def _unknown_incident(request: Request, error: Exception) -> Response:
    assert isinstance(error, UnknownIncidentError)
    t = await _translator(request)
    text = t(N_("there is no incident {incident}"), incident=error.incident_id)
    return problem("not_found", text, t)


async def _access(request: Request, error: Exception) -> Response:
    assert isinstance(error, AccessRefusedError)
    t = await _translator(request)
    code = _ACCESS.get(error.code, "conflict")
    return problem(code, error.show(t.lang), t, extra={"reason": {"code": error.code}})


async def _sign_in(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInRefusedError)
    t = await _translator(request)
    if error.retry_after:
        headers = {"retry-after": str(error.retry_after)}
        return problem("too_many_attempts", error.show(t.lang), t, headers=headers)
    return problem("sign_in_refused", error.show(t.lang), t)


async def _password(request: Request, error: Exception) -> Response:
    assert isinstance(error, PasswordRefusedError)
    t = await _translator(request)
    wrong = [{"in": "body", "field": "new", "detail": error.show(t.lang)}]
    return problem("invalid", error.show(t.lang), t, extra={"errors": wrong})


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    t = await _translator(request)
    errors = [_place(one, t) for one in error.errors()]
    malformed = any(one["type"] == "json_invalid" for one in error.errors())
    detail = "; ".join(f"{one['field'] or one['in']}: {one['detail']}" for one in errors[:5])
    return problem("malformed" if malformed else "invalid", detail, t, extra={"errors": errors})


def _place(error: dict[str, Any], t: Translator) -> dict[str, str]:
    location: Sequence[str | int] = error["loc"]
    where, path = str(location[0]), location[1:]
    if error["type"] == "json_invalid":
        path = ()
    field = ".".join(map(str, path))
    return {"in": where, "field": field, "detail": wording(error, t)}


def wording(error: dict[str, Any], t: Translator) -> str:
    """Return one of pydantic's errors in words."""
    context = {**error.get("ctx", {})}
    if error["type"] == "refused":
        return f"{t(context['what'], **context)}; {t(context['mend'], **context)}"
    known = _WORDS.get(error["type"])
    if known is None and error["type"].startswith(("datetime", "date_", "time")):
        known = _TIMES
    if known is None:
        return t(_OTHERS, message=error["msg"])
    if "expected" in context:
        context["expected"] = str(context["expected"]).replace(" or ", ", ")
    return t(known, **context)


async def _http(request: Request, error: Exception) -> Response:
    """What routing itself refuses."""
    assert isinstance(error, HTTPException)
    t = await _translator(request)
    match error.status_code:
        case 404:
            return problem("not_found", t(N_("nothing is at this address")), t)
        case 405:
            text = t("{method} is not possible here", method=request.method)
            allow = {"allow": ", ".join(sorted(_methods(request)))}
            return problem("method_not_allowed", text, t, headers=allow)
        case _:
            return problem("malformed", t(N_("the body can't be read")), t)


def _methods(request: Request) -> set[str]:
    """Return what is possible at an address; routing itself only knows its first route."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    known = (route for route in request.app.state.routes if route.path_regex.match(path))
    return {method for route in known for method in route.methods}


async def _away(request: Request, error: Exception) -> Response:
    log.warning("request.database_away", path=request.url.path, error=repr(error))
    t = services(request).translator(request)
    text = t(N_("the database does not answer; try again in a moment"))
    return problem("unavailable", text, t, headers={"retry-after": "2"})


async def _broken(request: Request, error: Exception) -> Response:
    log.error("request.broken", path=request.url.path, exc_info=error)
    t = services(request).translator(request)
    return problem("broken", t(N_("it has been written to the log; please tell us")), t)


_ANSWERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    ProblemError: _problem,
    RefusedError: _refused,
    UnknownIncidentError: _unknown_incident,
    AccessRefusedError: _access,
    SignInRefusedError: _sign_in,
    PasswordRefusedError: _password,
    RequestValidationError: _invalid,
    HTTPException: _http,
    **dict.fromkeys(AWAY, _away),
    Exception: _broken,
}
