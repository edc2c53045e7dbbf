"""manual.yaml: the name, the principles, the targets, severities, incident types, history."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from bongsu.manual.schema.base import Brief, Day, Duration, Id, Lang, Model, SeverityLevel, Text

Category = Literal["infrastructure", "application", "security", "external"]


class Targets(Model):
    """How fast each part of a response has to be (대응 목표)."""

    detection: Duration
    """from the onset of a fault to an open incident"""
    first_response: Duration
    """from the open incident to the first person who acknowledges it"""
    response: Duration
    """from the open incident to a team at work (phase *responding*)"""
    communication: Duration
    """from the open incident to the first notice"""
    recovery: Duration
    """from the open incident to a service that works again, where a severity says nothing else"""


class Severity(Model):
    """One row of the severity table (심각도 분류)."""

    name: Text
    means: Text
    examples: list[Text] = Field(default_factory=list)
    recover_within: Duration


class IncidentType(Brief):
    """One kind of incident (장애 유형), with the severity it usually has."""

    short: ClassVar[tuple[str, ...]] = ("name",)

    name: Text
    default_severity: SeverityLevel | None = None


class Revision(Model):
    """One line of the manual's own history (업데이트 이력)."""

    version: str
    date: Day
    changes: Text
    author: str


class Overview(Model):
    """The head of the manual: everything in ``manual.yaml``."""

    name: str
    locale: Lang = "ko"
    timezone: str = "Asia/Seoul"
    summary: Text | None = None
    principles: list[Text] = Field(default_factory=list)
    targets: Targets
    severities: dict[SeverityLevel, Severity]
    incident_types: dict[Category, dict[Id, IncidentType]]
    history: list[Revision] = Field(default_factory=list)
    closing: Text | None = None
    """the manual's last sentence"""
