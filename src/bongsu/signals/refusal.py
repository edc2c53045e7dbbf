"""Why something was refused, in which field, and what to send instead."""

from __future__ import annotations

import re

import msgspec

from bongsu.i18n import N_, translator


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing wrong with a signal. ``message`` and ``mend`` are texts of the catalogue."""

    message: str
    mend: str = ""
    field: str = ""
    """its path in the body, for example ``[3].labels`` or ``payload.severity``"""
    values: dict[str, str | int] = {}
    """what is filled into both texts; one that is itself a text of the catalogue is translated"""
    status: int = 400
    """the HTTP status that it is answered with"""

    def says(self, lang: str) -> str:
        """Return what is wrong, in a language."""
        return self._in(lang, self.message)

    def advises(self, lang: str) -> str:
        """Return what to do about it, in a language."""
        return self._in(lang, self.mend)

    def _in(self, lang: str, text: str) -> str:
        t = translator(lang)
        return t(text, **{k: t(v) if isinstance(v, str) else v for k, v in self.values.items()})


_AT = re.compile(r"(?P<what>.*) - at `(?P<key>key in )?\$(?P<path>.*)`\Z", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`\Z")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]*)`\Z")
_BYTE = re.compile(r"\(byte (\d+)\)")

_WORDS = {
    "str": N_("a text"),
    "int": N_("a number"),
    "float": N_("a number"),
    "bool": N_("true or false"),
    "object": N_("an object"),
    "array": N_("a list"),
    "null": N_("null"),
    "datetime": N_("a time such as 2025-08-14T14:30:00+09:00"),
}


def from_decode_error(error: Exception, path: str = "") -> Refusal:
    """Put a decoder's complaint in words, with the field it is about below ``path``."""
    if isinstance(error, msgspec.ValidationError):
        return _from_validation(str(error), path)
    if isinstance(error, RecursionError):
        return Refusal(
            N_("The body is nested too deeply."), N_("Send a flatter object."), field=path
        )
    if isinstance(error, UnicodeDecodeError):
        return Refusal(
            N_("The body is not UTF-8 (byte {byte})."),
            N_("Encode it as UTF-8."),
            values={"byte": error.start},
            field=path,
        )
    return _malformed(str(error), path)


def _malformed(said: str, path: str) -> Refusal:
    found = _BYTE.search(said)
    if found is None:
        return Refusal(
            N_("The body is no complete JSON document."), N_("Send one JSON document."), field=path
        )
    return Refusal(
        N_("The body is not valid JSON (at byte {byte})."),
        N_("Send one JSON document, and look at that place."),
        values={"byte": int(found[1])},
        field=path,
    )


def _from_validation(said: str, path: str) -> Refusal:
    at = _AT.match(said)
    what, below = (at["what"], at["path"].lstrip(".")) if at else (said, "")
    field = _joined(path, below.replace("[...]", ".*").lstrip("."))
    if missing := _MISSING.match(what):
        return Refusal(
            N_("A required field is missing."),
            N_("Send {field} as well."),
            field=_joined(field, missing["field"]),
            values={"field": missing["field"]},
        )
    if expected := _EXPECTED.match(what):
        return _wrong_type(expected["wanted"], expected["got"], field)
    if "timezone" in what:
        return Refusal(
            N_("This time has no time zone."), N_("Add Z or an offset such as +09:00."), field=field
        )
    if "RFC3339" in what:
        return not_a_time(field)
    return Refusal(
        N_("This value is not accepted: {what}."),
        N_("See the reference of this form."),
        field=field,
        values={"what": what},
    )


def not_a_time(field: str) -> Refusal:
    """Refuse a text that should be a time."""
    return Refusal(
        N_("This is not a time."),
        N_("Write it for example as 2025-08-14T14:30:00+09:00."),
        field=field,
    )


def _wrong_type(wanted: str, got: str, field: str) -> Refusal:
    first = wanted.split(" | ", maxsplit=1)[0]
    return Refusal(
        N_("Wrong type: {got}."),
        N_("Send {wanted}."),
        field=field,
        values={"got": _WORDS.get(got, got), "wanted": _WORDS.get(first, first)},
    )


def _joined(path: str, below: str) -> str:
    if not path or not below:
        return path or below
    return f"{path.rstrip('.')}.{below}" if not below.startswith("[") else f"{path}{below}"
