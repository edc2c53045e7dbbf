"""The console's routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Route

from bongsu.web.bounds import BoundedBody
from bongsu.web.console import (
    acting,
    changes,
    failures,
    history,
    incident,
    listing,
    manual,
    oncall,
    playbooks,
    profile,
    reports,
    signals,
    signin,
    verifying,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_GET, _POST = ["GET"], ["POST"]
_ONE = "/incidents/{incident:str}"


ROUTES = [
    Route("/", RedirectResponse("/incidents", 303)),
    Route("/sign-in", signin.show, methods=_GET),
    Route("/sign-in", signin.sign_in, methods=_POST),
    Route("/sign-in/{token}", signin.show_link, methods=_GET),
    Route("/sign-in/{token}", signin.use_link, methods=_POST),
    Route("/sign-out", signin.sign_out, methods=_POST),
    Route("/profile", profile.show, methods=_GET),
    Route("/profile/language", profile.choose_language, methods=_POST),
    Route("/profile/theme", profile.choose_theme, methods=_POST),
    Route("/profile/password", profile.change_password, methods=_POST),
    Route("/profile/sign-out-everywhere", profile.sign_out_everywhere, methods=_POST),
    Route("/incidents", listing.show, methods=_GET),
    Route("/incidents", listing.declare, methods=_POST),
    Route("/incidents/live", listing.watch, methods=_GET),
    Route(_ONE, incident.show, methods=_GET),
    Route(f"{_ONE}/live", incident.watch, methods=_GET),
    Route(f"{_ONE}/timeline", incident.older, methods=_GET),
    Route(f"{_ONE}/alerts", incident.alerts, methods=_GET),
    Route(f"{_ONE}/reports", reports.diagnose, methods=_POST),
    Route(f"{_ONE}/reports/{{report}}", reports.show, methods=_GET),
    Route(f"{_ONE}/reports/{{report}}/compare", reports.compared, methods=_GET),
    Route(f"{_ONE}/verifications", verifying.run, methods=_POST),
    Route(f"{_ONE}/verifications/{{check}}", verifying.show, methods=_GET),
    Route(f"{_ONE}/runs", playbooks.run, methods=_POST),
    Route(f"{_ONE}/runs/{{run}}/steps/{{step:int}}", playbooks.output, methods=_GET),
    Route(f"{_ONE}/runs/{{run}}/{{what}}", playbooks.say, methods=_POST),
    Route(f"{_ONE}/merge", acting.merge, methods=_POST),
    Route(f"{_ONE}/{{action}}", acting.act, methods=_POST),
    Route("/oncall", oncall.show, methods=_GET),
    Route("/oncall/overrides", oncall.add_override, methods=_POST),
    Route("/oncall/overrides/{override:int}/remove", oncall.remove_override, methods=_POST),
    Route("/oncall/feeds", oncall.add_feed, methods=_POST),
    Route("/oncall/feeds/{feed:int}/remove", oncall.remove_feed, methods=_POST),
    Route("/manual", manual.show, methods=_GET),
    Route("/manual/text", manual.text, methods=_GET),
    Route("/manual/reload", manual.reload, methods=_POST),
    Route("/playbooks", playbooks.show_all, methods=_GET),
    Route("/playbooks/{playbook}", playbooks.show, methods=_GET),
    Route("/playbooks/{playbook}/runs", playbooks.run_for, methods=_POST),
    Route("/runs", history.show, methods=_GET),
    Route("/changes", changes.show, methods=_GET),
    Route("/signals", signals.show, methods=_GET),
    Route("/signals/keys", signals.issue, methods=_POST),
    Route("/signals/keys/{key:int}/revoke", signals.revoke, methods=_POST),
]


def build() -> ASGIApp:
    """Return the console; it takes `Services` from the scope."""
    return BoundedBody(Starlette(routes=ROUTES, exception_handlers=failures.HANDLERS))
