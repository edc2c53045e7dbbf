"""The forms of what is sent: strict models, and texts that the database and a terminal can bear."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from bongsu.i18n import N_
from bongsu.manual.schema.base import refusal

_ALLOWED = frozenset("\n\t\r")


def _printable(text: str) -> str:
    """Refuse what can't be stored (NUL) and what could forge a terminal's or a log's line."""
    if any((c < " " and c not in _ALLOWED) or c == "\x7f" for c in text):
        raise refusal(N_("it has control characters"), N_("send it without them"))
    return text


def _one_line(text: str) -> str:
    return " ".join(_printable(text).split())


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise refusal(
            N_("{value} lies beyond all calendars"), N_("write a time of our days"), value=at
        ) from None


class Body(BaseModel):
    """A request's body; unknown fields are refused, since they are slips of the pen."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True
    )


Line = Annotated[
    str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True),
    AfterValidator(_one_line),
]  # fmt: skip
"""one line for people"""
OptionalLine = Annotated[str, StringConstraints(max_length=300), AfterValidator(_one_line)]
Words = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_printable)]
"""a text for people, of any number of lines"""
Name = Annotated[str, StringConstraints(max_length=200), AfterValidator(_printable)]
"""an id of the manual; whether there is such a one is said by who looks it up"""
Query = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
Limit = Annotated[int, Field(ge=1, le=200)]
Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
"""a point in time with its offset, turned into UTC"""
Secret = Annotated[str, StringConstraints(max_length=4_000)]


class Noted(Body):
    """An optional note that goes on the timeline."""

    note: Words = ""
