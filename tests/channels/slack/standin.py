"""A stand-in for Slack, over real HTTP, in Slack's documented wire format.

It checks what Slack checks: the token, the content type, the channel, every limit of Block Kit
(its own table, and the models of Slack's own SDK), and remembers whom a message would ring.
Anything else that Slack may answer is scripted with `answers_next`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from tests.waiting import until_true

TOKEN = "xoxb-1234-5678-AbCdEfGhIjKl"
HOOK_PATH = "/services/T0001/B0001/QQQQwwwwEEEErrrr"
CHANNELS = {"#critical-alerts": "C0CRITICAL", "#war-room": "C0WARROOM", "C0CRITICAL": "C0CRITICAL"}
MEMBERS = {"U024BE7LH": "D024BE7LH"}

# docs.slack.dev/reference/block-kit: characters are counted as JavaScript does.
TEXT_LIMITS = {"header": 150, "section": 3000, "field": 2000, "context": 3000, "button": 75}


@dataclass
class Call:
    """One request that reached the stand-in."""

    method: str
    body: dict[str, Any]
    headers: dict[str, str]
    connection: int
    """the client's port: the same number is the same connection"""


@dataclass
class SlackStandIn:
    """What Slack knows."""

    port: int = 0
    calls: list[Call] = field(default_factory=list)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    """by ``CHANNEL:TS``, as they stand now"""
    order: list[str] = field(default_factory=list)
    _scripted: list[Response] = field(default_factory=list)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def webhook_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{HOOK_PATH}"

    def answers_next(self, *responses: Response) -> None:
        """Give these answers to the next requests instead of doing what they ask."""
        self._scripted += responses

    def refuses_next(self, *codes: str) -> None:
        """Answer the next requests with these error codes."""
        self.answers_next(*(JSONResponse({"ok": False, "error": code}) for code in codes))

    @property
    def last(self) -> dict[str, Any]:
        """The newest message."""
        return self.messages[self.order[-1]]

    def rung(self) -> set[str]:
        """Whom the messages ring: here, channel, everyone, or a member's id."""
        texts = [text for message in self.messages.values() for text in parsed_texts(message)]
        return {name for text in texts for name in re.findall(r"<[!@]([A-Za-z0-9^]+)", text)}

    def words(self) -> str:
        """Everything that a reader of the newest message's blocks sees."""
        return "\n".join(text["text"] for text in text_objects(self.last.get("blocks", [])))

    async def web_api(self, request: Request) -> Response:
        body = await self._noted(request)
        if self._scripted:
            return self._scripted.pop(0)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"ok": False, "error": "invalid_auth"})
        if request.headers.get("content-type") != "application/json; charset=utf-8":
            return JSONResponse({"ok": False, "error": "invalid_post_type"})
        method = request.path_params["method"]
        if method == "auth.test":
            return JSONResponse({"ok": True, "team": "Korea Public Data", "user_id": "U0BOT"})
        code = self._stored(method, body)
        if ":" not in code:
            return JSONResponse({"ok": False, "error": code})
        channel, ts = code.split(":")
        return JSONResponse({"ok": True, "channel": channel, "ts": ts, "message": body})

    async def webhook(self, request: Request) -> Response:
        body = await self._noted(request)
        if self._scripted:
            return self._scripted.pop(0)
        if request.url.path != HOOK_PATH:
            return PlainTextResponse("no_service", 404)
        if trouble := form_trouble(body):
            return PlainTextResponse(trouble, 400)
        self._keep("C0CRITICAL", body)
        return PlainTextResponse("ok")

    async def response_url(self, request: Request) -> Response:
        body = await self._noted(request)
        return self._scripted.pop(0) if self._scripted else JSONResponse({"ok": bool(body)})

    async def root(self, request: Request) -> Response:
        await self._noted(request)
        return Response(status_code=302, headers={"Location": "https://slack.com/"})

    async def _noted(self, request: Request) -> dict[str, Any]:
        raw = await request.body()
        body: dict[str, Any] = json.loads(raw) if raw else {}
        method = request.path_params.get("method") or request.url.path
        port = request.client.port if request.client else 0
        self.calls.append(Call(method, body, dict(request.headers), port))
        return body

    def _stored(self, method: str, body: dict[str, Any]) -> str:
        """Do what is asked; return ``CHANNEL:TS`` or an error code."""
        if trouble := form_trouble(body):
            return trouble
        if method == "chat.update":
            name = f"{body['channel']}:{body['ts']}"
            if name not in self.messages:
                return "message_not_found"
            self.messages[name] = body
            return name
        channel = MEMBERS.get(body["channel"]) or CHANNELS.get(body["channel"])
        if channel is None:
            return "channel_not_found"
        return self._keep(channel, body)

    def _keep(self, channel: str, body: dict[str, Any]) -> str:
        name = f"{channel}:1755149400.{len(self.order):06}"
        self.messages[name] = body
        self.order.append(name)
        return name


def form_trouble(body: dict[str, Any]) -> str:
    """Return the error code for a body that Slack would refuse, empty for a good one."""
    blocks = body.get("blocks", [])
    if not blocks and not body.get("text"):
        return "no_text"
    if len(body.get("text", "").encode("utf-16-le")) // 2 > 40_000:
        return "msg_too_long"
    try:
        for block in Block.parse_all(blocks):
            block.to_dict()
    except SlackObjectFormationError:
        return "invalid_blocks"
    return "" if len(blocks) <= 50 and all(map(block_is_good, blocks)) else "invalid_blocks"


def block_is_good(block: dict[str, Any]) -> bool:
    """Check one block by Slack's documented limits."""
    match block:
        case {"type": "header", "text": {"type": "plain_text"} as text}:
            return text_is_good(text, "header")
        case {"type": "section", "text": text}:
            return text_is_good(text, "section")
        case {"type": "section", "fields": fields}:
            return 1 <= len(fields) <= 10 and all(text_is_good(one, "field") for one in fields)
        case {"type": "context", "elements": elements}:
            return 1 <= len(elements) <= 10 and all(text_is_good(e, "context") for e in elements)
        case {"type": "actions", "elements": buttons}:
            ids = [button["action_id"] for button in buttons]
            unique = len(set(ids)) == len(ids)
            return unique and 1 <= len(buttons) <= 25 and all(map(button_is_good, buttons))
    return False


def text_is_good(text: dict[str, Any], kind: str) -> bool:
    """A text object is not empty, within its limit, and has only the options of its type."""
    units = len(text["text"].encode("utf-16-le")) // 2
    mine = {"mrkdwn": {"verbatim"}, "plain_text": {"emoji"}}[text["type"]]
    return 1 <= units <= TEXT_LIMITS[kind] and text.keys() <= {"type", "text", *mine}


def button_is_good(button: dict[str, Any]) -> bool:
    """A button has a plain label, and a short enough value or address."""
    return (
        button["type"] == "button"
        and button["text"]["type"] == "plain_text"
        and text_is_good(button["text"], "button")
        and len(button.get("value", "")) <= 2000
        and len(button.get("url", "")) <= 3000
        and button.get("style") in (None, "primary", "danger")
    )


def text_objects(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every text object in blocks."""
    if isinstance(node, dict):
        if node.get("type") in ("mrkdwn", "plain_text"):
            yield node
        for value in node.values():
            yield from text_objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from text_objects(value)


def parsed_texts(message: dict[str, Any]) -> list[str]:
    """Return the texts in which Slack looks for mentions: all but the plain ones."""
    blocks = message.get("blocks", [])
    found = [text["text"] for text in text_objects(blocks) if text["type"] == "mrkdwn"]
    return [*found, message.get("text", "")]


@asynccontextmanager
async def running() -> AsyncIterator[SlackStandIn]:
    """Run the stand-in on a free port."""
    slack = SlackStandIn()
    routes = [
        Route("/api/{method}", slack.web_api, methods=["POST"]),
        Route("/services/{rest:path}", slack.webhook, methods=["POST"]),
        Route("/actions/{rest:path}", slack.response_url, methods=["POST"]),
        Route("/", slack.root),
    ]
    app = Starlette(routes=routes)
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until_true(lambda: server.started or task.done())
    slack.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield slack
    finally:
        server.should_exit = True
        await task
