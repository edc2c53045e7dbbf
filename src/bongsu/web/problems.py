"""Every refusal that a program reads, as RFC 9457 asks (``application/problem+json``).

``type`` is stable and for programs; ``title`` and ``detail`` are for people, in their language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import msgspec
from starlette.responses import Response

from bongsu.i18n import N_, Translator

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:bongsu:problem:"

TITLES: dict[str, tuple[int, str]] = {
    "malformed": (400, N_("The request can't be read")),
    "sign_in_needed": (401, N_("Sign in first")),
    "sign_in_refused": (401, N_("Not signed in")),
    "forbidden": (403, N_("Not allowed")),
    "csrf": (403, N_("Not meant, as far as can be seen")),
    "not_found": (404, N_("Not found")),
    "method_not_allowed": (405, N_("This can't be done here")),
    "refused": (409, N_("The incident does not allow it")),
    "conflict": (409, N_("Not possible as things are")),
    "too_large": (413, N_("Too large")),
    "invalid": (422, N_("Some values are not right")),
    "too_many_attempts": (429, N_("Too many attempts")),
    "broken": (500, N_("Something is broken here")),
    "unavailable": (503, N_("Not available just now")),
}


class ProblemError(Exception):
    """A request is refused; raised anywhere below a route that answers programs.

    ``values`` fill the ``{names}`` of the text.
    """

    def __init__(self, code: str, text: str = "", /, **values: object) -> None:
        super().__init__(text or code)
        self.code, self.text, self.values = code, text, values
        self._place: tuple[str, str] | None = None
        self._extra: dict[str, Any] = {}
        self._headers: dict[str, str] = {}

    def at(self, where: str, field: str) -> Self:
        """Say which value is to blame: ``at("body", "severity")``."""
        self._place = where, field
        return self

    def adding(self, **members: Any) -> Self:
        """Add members to the answer."""
        self._extra.update(members)
        return self

    def heading(self, name: str, value: str) -> Self:
        """Add a header to the answer."""
        self._headers[name] = value
        return self

    def response(self, t: Translator) -> Response:
        """Return the answer in the reader's language."""
        detail = t(self.text, **self.values) if self.text else ""
        extra = dict(self._extra)
        if self._place:
            where, field = self._place
            extra["errors"] = [{"in": where, "field": field, "detail": detail}]
        return problem(self.code, detail, t, extra=extra, headers=self._headers)


def problem(
    code: str,
    detail: str,
    t: Translator,
    *,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a refusal; ``detail`` is in the reader's language already."""
    status, title = TITLES[code]
    body: dict[str, Any] = {"type": TYPE + code, "title": t(title), "status": status}
    if detail:
        body["detail"] = detail
    headers = {"content-language": t.lang, "cache-control": "no-store", **(headers or {})}
    content = msgspec.json.encode({**body, **(extra or {})})
    return Response(content, status, headers, MEDIA_TYPE)
