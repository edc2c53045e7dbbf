"""When Slack refuses, waits, breaks off or is not there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from tests.channels.messages import a_notice, a_page
from tests.channels.slack.standin import HOOK_PATH, TOKEN, SlackStandIn

from bongsu.channels import delivery
from bongsu.channels.message import DeliveryError
from bongsu.channels.slack import SlackChannel, SlackSettings

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def rude_server(talk: Talk) -> AsyncIterator[SlackChannel]:
    """A channel whose Slack is a raw TCP conversation."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = SlackSettings(bot_token=TOKEN, api_url=f"http://127.0.0.1:{port}/api")
    channel = SlackChannel(settings)
    try:
        yield channel
    finally:
        await channel.close()
        server.close()


async def failure(channel: SlackChannel, to: str = "#critical-alerts") -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        await channel.send(a_page(), to)
    return failed.value


async def test_messages_go_by_the_proxy_of_the_environment_unless_it_is_to_be_bypassed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        body = b'{"ok":true,"channel":"C1","ts":"1.1"}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with rude_server(talk) as proxied:
        proxy = urlsplit(proxied._settings.api_url).netloc
        monkeypatch.setenv("http_proxy", f"http://{proxy}")
        away = SlackSettings(bot_token=TOKEN, api_url="http://slack.example/api")
        for hosts in ("other.example", "slack.example"):
            monkeypatch.setenv("no_proxy", hosts)
            channel = SlackChannel(away)
            with suppress(DeliveryError):  # without its proxy it finds nobody
                await channel.send(a_page(), "#critical-alerts")
            await channel.close()
    assert asked == [b"POST http://slack.example/api/chat.postMessage HTTP/1.1\r\n"]


async def test_an_unknown_channel_is_a_permanent_error_that_says_what_to_mend(
    bot: SlackChannel,
) -> None:
    error = await failure(bot, "#no-such-channel")
    assert error.permanent
    assert str(error).startswith("Slack: channel_not_found: 그런 채널이나 멤버가 없거나")


@pytest.mark.parametrize(
    "code", ["not_in_channel", "is_archived", "invalid_auth", "missing_scope", "a_code_of_tomorrow"]
)
async def test_what_a_person_must_mend_is_permanent(
    code: str, slack: SlackStandIn, bot: SlackChannel
) -> None:
    slack.refuses_next(code)
    error = await failure(bot)
    assert error.permanent
    assert code in str(error)


@pytest.mark.parametrize(
    "code", ["internal_error", "fatal_error", "service_unavailable", "ratelimited", "rate_limited"]
)
async def test_slacks_own_troubles_are_temporary(
    code: str, slack: SlackStandIn, bot: SlackChannel
) -> None:
    slack.refuses_next(code)
    assert not (await failure(bot)).permanent


async def test_a_wrong_token_is_found_when_the_channel_is_warmed(slack: SlackStandIn) -> None:
    settings = SlackSettings(bot_token="xoxb-wrong-token", api_url=slack.api_url)
    channel = SlackChannel(settings)
    with pytest.raises(DeliveryError, match="invalid_auth"):
        await channel.warm()
    await channel.close()


@pytest.mark.parametrize(
    ("header", "wait"), [("30", 30.0), ("0", 0.0), ("soon", 1.0), ("-5", 0.0), ("1e9", 3600.0)]
)
async def test_a_rate_limit_says_how_long_to_wait(
    header: str, wait: float, slack: SlackStandIn, bot: SlackChannel
) -> None:
    slack.answers_next(Response(status_code=429, headers={"Retry-After": header}))
    error = await failure(bot)
    assert (error.permanent, error.retry_after) == (False, wait)


@pytest.mark.parametrize(
    ("response", "permanent"),
    [
        (PlainTextResponse("upstream connect error", 503), False),
        (PlainTextResponse("<html>maintenance</html>", 500), False),
        (PlainTextResponse("", 408), False),
        (PlainTextResponse("<html>sign in to the proxy</html>", 200), False),
        (JSONResponse({"ts": 5}), False),
        (Response(b"\xff\xfe", 200), False),
        (PlainTextResponse("forbidden by the proxy", 403), True),
        (PlainTextResponse("", 404), True),
    ],
)
async def test_an_answer_that_is_not_slacks_is_told_by_its_status(
    response: Response, permanent: bool, slack: SlackStandIn, bot: SlackChannel
) -> None:
    slack.answers_next(response)
    assert (await failure(bot)).permanent is permanent


@pytest.mark.parametrize(
    ("text", "status", "permanent"),
    [
        ("no_service", 404, True),
        ("channel_is_archived", 410, True),
        ("action_prohibited", 403, True),
        ("rollup_error", 500, False),
        ("anything", 502, False),
    ],
)
async def test_a_webhooks_refusals_are_understood(
    text: str, status: int, permanent: bool, slack: SlackStandIn, hook: SlackChannel
) -> None:
    slack.answers_next(PlainTextResponse(text, status))
    assert (await failure(hook)).permanent is permanent


async def test_a_message_whose_blocks_are_refused_goes_out_as_text(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    slack.refuses_next("msg_blocks_too_long")
    await bot.send(a_page(description="응답 없음 <!channel>"), "#critical-alerts")
    assert slack.last["blocks"] == []
    assert "2025-08-14 14:35 (KST)까지 확인해 주십시오." in slack.last["text"]
    assert slack.rung() == set()


async def test_a_webhook_message_that_is_refused_for_its_form_goes_out_as_text(
    slack: SlackStandIn, hook: SlackChannel
) -> None:
    slack.answers_next(PlainTextResponse("invalid_blocks", 400))
    await hook.send(a_notice(), "#critical-alerts")
    assert "*Severity*: P0 Critical" in slack.last["text"]


async def test_a_message_that_slack_refuses_in_every_form_is_refused_for_good(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    slack.refuses_next("invalid_blocks", "msg_too_long", "msg_too_long")
    assert (await failure(bot)).permanent
    assert len(slack.calls) == 2


async def test_a_thread_that_is_gone_does_not_lose_the_message(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    slack.refuses_next("thread_not_found")
    await bot.send(a_page(thread="C0CRITICAL:1755149400.000001"), "#critical-alerts")
    assert "thread_ts" not in slack.last
    assert "reply_broadcast" not in slack.last


async def test_metadata_that_is_refused_costs_nothing_else(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    slack.refuses_next("metadata_must_be_sent_from_app")
    await bot.send(a_page(), "#critical-alerts")
    assert "metadata" not in slack.last
    assert slack.last["blocks"]


async def test_a_slack_that_is_not_there_is_a_temporary_error(unused_tcp_port: int) -> None:
    settings = SlackSettings(bot_token=TOKEN, api_url=f"http://127.0.0.1:{unused_tcp_port}/api")
    channel = SlackChannel(settings)
    error = await failure(channel)
    await channel.close()
    assert not error.permanent
    assert "Slack에 연결할 수 없어요" in str(error)


async def test_a_slack_that_never_answers_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    monkeypatch.setattr(delivery, "TIMEOUT", 0.2)
    async with rude_server(silent) as channel:
        error = await failure(channel)
        released.set()
    assert not error.permanent
    assert str(error) == "Slack: 0.2초 안에 응답이 없어요"


async def test_a_connection_that_breaks_in_the_middle_of_the_answer_is_temporary() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"ok":tr')
        await writer.drain()
        writer.close()

    async with rude_server(cut) as channel:
        assert not (await failure(channel)).permanent


async def test_an_idle_connection_that_slack_closed_costs_no_delivery() -> None:
    """The race of keep-alive: the server closes just as the next request is written."""
    seen: list[str] = []

    async def closes_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        seen.append(head.split(b" ")[1].decode())
        if len(seen) > 1:
            body = b'{"ok":true,"channel":"C0CRITICAL","ts":"1.2"}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
        writer.close()

    async with rude_server(closes_first) as channel:
        receipt = await channel.send(a_page(), "#critical-alerts")
    assert receipt.id == "C0CRITICAL:1.2"
    assert len(seen) == 2


async def test_no_secret_is_logged_or_reported(
    slack: SlackStandIn, hook: SlackChannel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await hook.send(a_page(), "#critical-alerts")
    slack.answers_next(PlainTextResponse("no_service", 404))
    error = await failure(hook)
    secret = HOOK_PATH.rsplit("/", 1)[1]
    logging.getLogger("aiohttp.client").warning("Unclosed response from %s", slack.webhook_url)
    ours = "".join(r.getMessage() for r in caplog.records if not r.name.startswith("uvicorn"))
    assert "Unclosed response" in ours
    assert secret not in ours
    assert secret not in str(error)


async def test_one_failing_message_does_not_disturb_the_others(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    slack.answers_next(Response(status_code=429, headers={"Retry-After": "60"}))
    sent = [bot.send(a_page(delivery_id=str(n)), "#critical-alerts") for n in range(10)]
    outcomes = await asyncio.gather(*sent, return_exceptions=True)
    assert sum(isinstance(outcome, DeliveryError) for outcome in outcomes) == 1
    assert len(slack.order) == 9
