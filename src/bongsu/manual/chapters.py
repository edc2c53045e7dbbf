"""Which file holds which chapter of the manual, and what its typed form is."""

from __future__ import annotations

from bongsu.manual.problems import KeyPath
from bongsu.manual.schema.base import Model
from bongsu.manual.schema.communication import Communication
from bongsu.manual.schema.diagnosis import Diagnosis
from bongsu.manual.schema.obligations import Obligations
from bongsu.manual.schema.oncall import OnCall
from bongsu.manual.schema.overview import Overview
from bongsu.manual.schema.playbooks import Playbook
from bongsu.manual.schema.response import Response
from bongsu.manual.schema.review import Review
from bongsu.manual.schema.services import Services
from bongsu.manual.schema.signals import Signals
from bongsu.manual.schema.team import Team
from bongsu.manual.schema.verification import Verification

CHAPTERS: dict[str, type[Model]] = {
    "overview": Overview,
    "team": Team,
    "oncall": OnCall,
    "services": Services,
    "signals": Signals,
    "response": Response,
    "diagnosis": Diagnosis,
    "communication": Communication,
    "verification": Verification,
    "obligations": Obligations,
    "review": Review,
}
"""Field of `Manual` → its type, in the order of the manual; playbooks have a file each."""

REQUIRED = ("overview", "team", "oncall", "services", "signals", "response", "communication")

PLAYBOOKS, TEMPLATES = "playbooks", "templates"
"""The folders beside the chapters."""

HEAD = "manual.yaml"
"""The file that makes a folder a manual."""


def file_of(path: KeyPath) -> str:
    """Return the file in which an entry of the manual stands."""
    match path:
        case ("overview", *_):
            return HEAD
        case ("playbooks", str(name), *_):
            return f"{PLAYBOOKS}/{name}.yaml"
        case ("playbooks", *_):
            return PLAYBOOKS
        case ("texts", str(name), *_):
            return name
        case (str(chapter), *_):
            return f"{chapter}.yaml"
    return ""


def within_file(path: KeyPath) -> KeyPath:
    """Return the part of a path that leads on inside its file."""
    return path[2:] if path[:1] in (("playbooks",), ("texts",)) else path[1:]


SCHEMAS: dict[str, type[Model]] = {
    **{file_of((name,)).removesuffix(".yaml"): model for name, model in CHAPTERS.items()},
    "playbook": Playbook,
}
"""File stem, as a person names a chapter → its type."""
