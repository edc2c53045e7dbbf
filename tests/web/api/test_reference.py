"""docs/reference/api.md lists exactly the operations there are, with the role that each needs."""

from __future__ import annotations

from pathlib import Path

from bongsu.web.api import openapi
from bongsu.web.api.app import ROUTERS
from bongsu.web.problems import TITLES

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "api.md"


def test_the_reference_lists_every_operation_with_its_role():
    lines = REFERENCE.read_text("utf-8").splitlines()
    listed = [line for line in lines if line.startswith(tuple(f"| `{m} /" for m in METHODS))]
    beside = lines.index("## Beside the API")
    listed = [line for line in listed if lines.index(line) < beside]
    assert listed == [
        f"| `{method} {route.path}` | {openapi.needed(route) or 'anybody'} | {route.summary} |"
        for route in openapi.api_routes(ROUTERS)
        for method in sorted(route.methods or ())
    ]


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def test_the_reference_names_every_status_of_a_refusal():
    text = REFERENCE.read_text("utf-8")
    assert [status for status, _ in TITLES.values() if f"{status}" not in text] == []
