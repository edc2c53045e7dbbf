"""The values that every chapter of a manual is written in: durations, bilingual texts, references.

Each type says in its error what to write instead, because the person who reads the error
is editing a YAML file, perhaps in the middle of an incident.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from bongsu.i18n import N_

Lang = Literal["ko", "en"]
SeverityLevel = Literal["P0", "P1", "P2", "P3"]
SEVERITY_LEVELS: tuple[SeverityLevel, ...] = ("P0", "P1", "P2", "P3")

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(
    r"(?:([0-9]{1,9})w)?(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?\Z"
)


def refusal(what: str, mend: str, **values: object) -> PydanticCustomError:
    """Make the error of a value that is refused: what it is, and what to write instead.

    Both texts are keys of the message catalogue; ``values`` fill their ``{names}``.
    """
    return PydanticCustomError("refused", f"{what}; {mend}", {**values, "what": what, "mend": mend})


class Model(BaseModel):
    """A frozen chapter or entry of the manual; unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        defer_build=True,  # nested models are built as parts of their chapter, once
        allow_inf_nan=False,
    )


class Brief(Model):
    """An entry that a plain string may stand for, because that is how people write it."""

    short: ClassVar[tuple[str, ...]]
    """the fields that such a string fills"""

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, value: Any) -> Any:
        return cls.from_short(value) if isinstance(value, str) else value

    @classmethod
    def from_short(cls, text: str) -> dict[str, str]:
        """Return the fields that a plain string stands for."""
        return dict.fromkeys(cls.short, text)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        reference = handler(schema)
        full = handler.resolve_ref_schema(reference)
        spelt = dict(full)
        full.clear()
        full.update({"anyOf": [{"type": "string"}, spelt]})
        return reference


@dataclass(frozen=True)
class Shorthand:
    """Annotates a type that a plain string may stand for where the type is no `Brief`."""

    spell_out: Callable[[str], object]

    def _convert(self, value: object) -> object:
        return self.spell_out(value) if isinstance(value, str) else value

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._convert, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(schema)]}


def parse_duration(text: object) -> timedelta:
    """Read ``2m``, ``1h30m``, ``1w``; a bare number is refused because its unit is a guess.

    Raises:
        ValueError: the text is no duration; the message shows the form to write.
    """
    if isinstance(text, timedelta):
        return text
    match = _DURATION.match(text) if isinstance(text, str) and text else None
    seconds = _seconds(match) if match else _LONGEST + 1
    if seconds > _LONGEST:
        raise refusal(
            N_("{value} is not a duration"),
            N_("write for example 30s, 2m, 1h30m, 1d or 1w"),
            value=shown(text),
        )
    return timedelta(seconds=seconds)


_LONGEST = 100 * 366 * 86_400  # a century: longer ones would overflow the sums made with them


def _seconds(match: re.Match[str]) -> int:
    return sum(int(n) * unit for n, unit in zip(match.groups("0"), _UNITS.values(), strict=True))


def shown(value: object) -> str:
    """Return a value as an error quotes it: in one line, and not longer than a line."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LINE else f"{text[: _LINE - 1]}…"


_LINE = 80


def format_duration(value: timedelta) -> str:
    """Write a duration the way the manual does: ``1h30m``; zero is ``0s``."""
    left, parts = int(value.total_seconds()), []
    for unit, seconds in _UNITS.items():
        count, left = divmod(left, seconds)
        if count and (unit != "w" or left == 0):
            parts.append(f"{count}{unit}")
        elif count:
            left += count * seconds
    return "".join(parts) or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^(?=.)" + "".join(f"([0-9]{{1,9}}{unit})?" for unit in _UNITS) + "$",
            "examples": ["1h30m"],
        }
    ),
]

Id = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$"),
    Field(description="lower-case letters, digits, '-', '_' and '.'"),
]


def _written(kind: type, form: re.Pattern[str], what: str, mend: str) -> BeforeValidator:
    """Accept only one written form, because pydantic would also read bare numbers as times."""

    def check(value: object) -> object:
        if isinstance(value, kind) or (isinstance(value, str) and form.fullmatch(value)):
            return value
        raise refusal(what, mend, value=shown(value))

    return BeforeValidator(check)


Day = Annotated[
    date,
    _written(
        date,
        re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
        N_("{value} is not a day"),
        N_("write for example 2025-08-14"),
    ),
]
LocalTime = Annotated[
    time,
    _written(
        time,
        re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]"),
        N_("{value} is not a time of day"),
        N_("write hours and minutes, for example 09:00"),
    ),
    PlainSerializer(lambda value: value.strftime("%H:%M"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]
"""A time on somebody's wall clock, to the minute."""
Instant = Annotated[
    AwareDatetime,
    _written(
        datetime,
        re.compile(
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?"
            r"(Z|[+-][0-9]{2}:[0-9]{2})"
        ),
        N_("{value} is not a point in time"),
        N_("write day, time and offset, for example 2025-08-14T14:30+09:00"),
    ),
]
"""A point in time; it names its offset, so that nobody has to guess the time zone."""


class Text(Brief):
    """A text for people in both languages; a plain string stands for both."""

    short: ClassVar[tuple[str, ...]] = ("ko", "en")

    ko: str
    en: str

    def in_(self, lang: str) -> str:
        """Return the text in ``lang``; every language but ``ko`` reads the English one."""
        return self.ko if lang == "ko" else self.en

    @classmethod
    def of(cls, text: str) -> Self:
        """Make a text that is the same in both languages."""
        return cls(ko=text, en=text)


def _target(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(
        r"person:[\w.-]+|role:[\w.-]+|rotation:[\w.-]+/[\w.-]+", value
    ):
        raise refusal(
            N_("{value} names nobody"),
            N_("write person:NAME, role:ROLE or rotation:NAME/SLOT, as in rotation:main/primary"),
            value=shown(value),
        )
    return value


Target = Annotated[
    str,
    BeforeValidator(_target),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(person:[\w.-]+|role:[\w.-]+|rotation:[\w.-]+/[\w.-]+)$"}
    ),
]
"""Whom a page goes to: ``person:pm``, ``role:incident_commander``, ``rotation:main/primary``."""

Expression = Annotated[
    str, Field(description="a CEL condition", json_schema_extra={"format": "cel"})
]
"""A condition in CEL, for example ``severity in ['P0', 'P1'] && users_affected > 0.5``."""

TemplateText = Annotated[
    str, Field(description="a Jinja2 text", json_schema_extra={"format": "jinja2"})
]
"""A message in Jinja2; which variables it may use is checked when the manual is loaded."""
