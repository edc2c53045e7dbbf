"""What whoever has to approve a step is told of it."""

from __future__ import annotations

from tests.incident.manuals import manual

from bongsu.i18n import translator
from bongsu.incident.runs.telling import LONGEST_BODY, does, undoes
from bongsu.manual.schema.playbooks import HttpStep

URL = "https://app.example/read-only"


def step(**more: object) -> HttpStep:
    document = {"kind": "http", "name": "Read only", "url": URL, **more}
    return HttpStep.model_validate(document)


def told(one: HttpStep) -> str:
    return does(one, manual(), translator("en"))


def test_a_request_is_told_with_what_it_carries_on_one_line() -> None:
    asked = step(body='{"enabled":\n  true}', headers={"authorization": "env:TOKEN"},
                 undo_body='{"enabled": false}')  # fmt: skip
    assert told(asked) == f'POST {URL} {{"enabled": true}}'
    assert undoes(asked, manual()) == f'POST {URL} {{"enabled": false}}'


def test_a_request_without_a_body_is_told_as_it_is() -> None:
    assert told(step(method="DELETE")) == f"DELETE {URL}"
    assert undoes(step(undo_method="DELETE"), manual()) == f"DELETE {URL}"


def test_a_body_that_is_long_is_cut_where_one_sees_it() -> None:
    assert told(step(body="x" * 10_000)) == f"POST {URL} {'x' * LONGEST_BODY}…"
