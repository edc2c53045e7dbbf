"""verification.yaml: what must pass before anybody says "recovered"."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bongsu.manual.schema.base import (
    SEVERITY_LEVELS,
    Duration,
    Expression,
    Id,
    Model,
    SeverityLevel,
    Text,
)


class CommandTest(Model):
    """A program whose result file or output is parsed."""

    kind: Literal["command"]
    argv: list[str]
    """``{result}`` in an argument stands for the file in which the program leaves its result;
    without it, the result is what it prints"""
    result: Literal["exit", "junit", "k6", "artillery", "locust"] = "exit"
    env: list[str] = Field(default_factory=list)
    """names of environment variables that the program may see"""


class QueryTest(Model):
    """A Prometheus query; the criterion looks at ``value``."""

    kind: Literal["prometheus"]
    query: str


class ProbeTest(Model):
    """An HTTP address asked several times; the criterion looks at ``p95`` and ``error_rate``."""

    kind: Literal["http"]
    url: str
    times: int = Field(default=20, ge=1)


class QuietTest(Model):
    """No alert of these severities for this long."""

    kind: Literal["no_alerts"]
    severities: list[SeverityLevel]
    duration: Duration


Test = Annotated[CommandTest | QueryTest | ProbeTest | QuietTest, Field(discriminator="kind")]


Required = bool | list[SeverityLevel]


def _all_or_none(written: object) -> object:
    if isinstance(written, bool):
        return list(SEVERITY_LEVELS) if written else []
    return written


class VerificationCheck(Model):
    """One line of the list that must pass."""

    name: Text
    test: Test
    passes: Expression
    criterion: Text
    """the success criterion as the manual words it"""
    timeout: Duration = Field(default="2m", validate_default=True)
    required: Annotated[
        list[SeverityLevel], BeforeValidator(_all_or_none, json_schema_input_type=Required)
    ] = Field(default=True, validate_default=True)
    """for which severities it keeps the incident from being resolved until it has passed: a list,
    true for all, false for none; for the others it only informs"""
    severities: list[SeverityLevel] = Field(default=list(SEVERITY_LEVELS))
    """for which it is run"""


class Verification(Model):
    """The recovery verification (복구 검증 체크리스트)."""

    smoke: dict[Id, VerificationCheck] = Field(default_factory=dict)
    performance: dict[Id, VerificationCheck] = Field(default_factory=dict)
    monitoring: dict[Id, VerificationCheck] = Field(default_factory=dict)
    watch: Duration = Field(default="15m", validate_default=True)
    """how long a recovered service is watched; a relapse reopens the incident"""
