"""A running process without a server: the seed's manual, one account per role, and a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from tests.web import documented

from bongsu.channels.message import Channel
from bongsu.engine.engine import Engine
from bongsu.engine.messages import Writer
from bongsu.engine.policy import compile_policy
from bongsu.manual.load import load
from bongsu.manual.schema.document import Manual
from bongsu.store import access
from bongsu.store.access import Role
from bongsu.store.database import Pool
from bongsu.web.app import App, create_app

SEED = Path(__file__).parents[2] / "manuals" / "korea-public-data"
SECRET = b"a secret of thirty-two bytes ok!"
BASE = "https://bongsu.example"
START = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)
"""a Thursday of the seed's Week 1, 14:30 in Seoul: backend-a is on call"""
CAST: dict[Role, str] = {
    "viewer": "visitor",
    "responder": "backend-a",
    "commander": "pm",
    "admin": "root",
}
PM_IN_SLACK = "U0PM00001"


@cache
def seed() -> Manual:
    """Return the seed's manual; its PM can also be reached as a member of Slack.

    It asks for no verification, whose programs a test has not; `bongsu.manual` tests the chapter.
    """
    manual = load(SEED)
    document = manual.model_dump(by_alias=True, exclude={"sha"})
    contacts = document["team"]["people"]["pm"]["contacts"]
    document["team"]["people"]["pm"]["contacts"] = [
        {"channel": "slack", "to": PM_IN_SLACK},
        *contacts,
    ]
    document["sha"] = manual.sha
    document["verification"] = {}
    return Manual.model_validate(document)


class MovingClock:
    """A clock that a test moves."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def forward(self, by: timedelta) -> None:
        self.at += by


@dataclass
class Site:
    """The process, and programs that talk to it."""

    pool: Pool
    clock: MovingClock
    engine: Engine
    app: App
    tokens: dict[Role, str] = field(default_factory=dict)
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """Return a program with a token, or a browser without one."""
        headers.setdefault("accept-language", "en")
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        made = httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
        self.clients.append(made)
        return made

    def as_(self, role: Role, **headers: str) -> Api:
        """Return the API as an account of this role uses it."""
        return Api(self.client(self.tokens[role], **headers))

    async def close(self) -> None:
        for client in self.clients:
            await client.aclose()


class Api:
    """The API, in as few words as tests want."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.http = client

    async def get(self, path: str, status: int = 200, **params: Any) -> Any:
        return await self._asked("GET", path, status, params=params)

    async def post(self, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        sent = {} if body is None else {"json": body}
        return await self._asked("POST", path, status, headers=headers, **sent)

    async def delete(self, path: str, status: int = 200) -> Any:
        return await self._asked("DELETE", path, status)

    async def patch(self, path: str, body: Any, status: int = 200) -> Any:
        return await self._asked("PATCH", path, status, json=body)

    async def _asked(self, method: str, path: str, status: int, **options: Any) -> Any:
        answer = await self.http.request(method, f"/api/v1{path}", **options)
        assert answer.status_code == status, answer.text
        documented.check(method, path, answer)
        return answer.json() if answer.content else None

    async def declared(self, title: str = "검색 API 오류", **more: Any) -> dict[str, Any]:
        """Declare an incident and return it."""
        body = {"title": title, "severity": "P0", **more}
        found: dict[str, Any] = await self.post("/incidents", body, 201)
        return found


async def open_site(pool: Pool, channels: Mapping[str, Channel] | None = None) -> Site:
    """Make the process with its cast."""
    clock = MovingClock()
    engine = Engine(pool, compile_policy(seed()), clock)
    app = create_app(engine, writer=Writer(BASE, SECRET), channels=channels or {})
    site = Site(pool, clock, engine, app)
    async with pool.acquire() as conn:
        for role, login in CAST.items():
            await access.create_account(conn, login, role=role, now=clock.now())
            secret, _ = await access.issue_token(
                conn, login, name="test", made_by="test", now=clock.now()
            )
            site.tokens[role] = secret
    return site
