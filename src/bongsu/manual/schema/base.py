"""The values that every chapter of a manual is written in: durations, bilingual texts, references.

Each type says in its error what to write instead, because the person who reads the error
is editing a YAML file, perhaps in the middle of an incident.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

Lang = Literal["ko", "en"]
SeverityLevel = Literal["P0", "P1", "P2", "P3"]
SEVERITY_LEVELS: tuple[SeverityLevel, ...] = ("P0", "P1", "P2", "P3")

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?\Z")


class Model(BaseModel):
    """A frozen chapter or entry of the manual; unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True
    )


def parse_duration(text: object) -> timedelta:
    """Read ``2m``, ``1h30m``, ``1w``; a bare number is refused because its unit is a guess.

    Raises:
        ValueError: the text is no duration; the message shows the form to write.
    """
    if isinstance(text, timedelta):
        return text
    match = _DURATION.match(text) if isinstance(text, str) and text else None
    if match is None:
        msg = f"{text!r} is not a duration; write for example 30s, 2m, 1h30m, 1d or 1w"
        raise ValueError(msg)
    return timedelta(
        seconds=sum(
            int(n) * unit for n, unit in zip(match.groups("0"), _UNITS.values(), strict=True)
        )
    )


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
        {"type": "string", "pattern": r"^(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", "examples": ["1h30m"]}
    ),
]

Id = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$"),
    Field(description="lower-case letters, digits, '-', '_' and '.'"),
]


class Text(Model):
    """A text for people in both languages; a plain string stands for both."""

    ko: str
    en: str

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, value: Any) -> Any:  # noqa: ANN401  raw YAML
        if isinstance(value, str):
            return {"ko": value, "en": value}
        return value

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
        msg = (
            f"{value!r} names nobody; write person:NAME, role:ROLE or rotation:NAME/SLOT "
            "(for example rotation:main/primary)"
        )
        raise ValueError(msg)
    return value


Target = Annotated[
    str,
    BeforeValidator(_target),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(person:[\w.-]+|role:[\w.-]+|rotation:[\w.-]+/[\w.-]+)$"}
    ),
]
"""Whom a page goes to: ``person:pm``, ``role:incident_commander``, ``rotation:main/primary``."""

Expression = Annotated[str, Field(description="a CEL condition", json_schema_extra={"format": "cel"})]
"""A condition in CEL, for example ``severity in ['P0', 'P1'] && users_affected > 0.5``."""

TemplateText = Annotated[
    str, Field(description="a Jinja2 text", json_schema_extra={"format": "jinja2"})
]
"""A message in Jinja2; which variables it may use is checked when the manual is loaded."""
