"""The whole manual: all chapters, the texts they name, and the hash that identifies them."""

from __future__ import annotations

from pydantic import Field

from bongsu.manual.schema.base import Model, SeverityLevel, Text
from bongsu.manual.schema.communication import Communication
from bongsu.manual.schema.diagnosis import Diagnosis
from bongsu.manual.schema.obligations import Obligations
from bongsu.manual.schema.oncall import OnCall
from bongsu.manual.schema.overview import Category, IncidentType, Overview
from bongsu.manual.schema.playbooks import Playbook
from bongsu.manual.schema.response import Response, SeverityResponse
from bongsu.manual.schema.review import Review
from bongsu.manual.schema.services import Services
from bongsu.manual.schema.signals import Signals
from bongsu.manual.schema.team import Person, Team
from bongsu.manual.schema.verification import Verification


class Manual(Model):
    """A manual that was loaded: immutable, identified by the hash of its content."""

    overview: Overview
    team: Team
    oncall: OnCall
    services: Services
    signals: Signals
    response: Response
    diagnosis: Diagnosis = Diagnosis()
    playbooks: dict[str, Playbook] = Field(default_factory=dict)
    communication: Communication
    verification: Verification = Verification()
    obligations: Obligations | None = None
    review: Review = Review()
    texts: dict[str, str] = Field(default_factory=dict)
    """Markdown files by their path in the folder: templates and the review template"""
    sha: str = ""
    """SHA-256 of the canonical content, in hex; set by the loader"""

    def respond(self, severity: SeverityLevel) -> SeverityResponse:
        """Return the procedure for a severity; the checker sees to it that all four exist."""
        return self.response.severities[severity]

    def incident_type(self, name: str) -> tuple[Category, IncidentType] | None:
        """Find an incident type and its category by its id."""
        for category, types in self.overview.incident_types.items():
            if name in types:
                return category, types[name]
        return None

    def person(self, name: str) -> Person | None:
        """Find a person by id."""
        return self.team.people.get(name)

    def template_text(self, template: str) -> str | None:
        """Return the Jinja2 source of a message template by its id."""
        entry = self.communication.templates.get(template)
        return self.texts.get(entry.file) if entry else None

    def role_name(self, role: str) -> Text:
        """Return the role's name for people; an unknown role is shown by its id."""
        known = self.team.roles.get(role)
        return known.name if known else Text.of(role)
