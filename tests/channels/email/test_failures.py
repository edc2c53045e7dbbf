"""When the mail server refuses, delays, breaks off, can't be trusted or is not there."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from tests.channels.email.conftest import Open
from tests.channels.email.mailserver import PASSWORD, MailServer, rude, running
from tests.channels.messages import a_page

from bongsu.channels import delivery
from bongsu.channels.email import EmailChannel
from bongsu.channels.message import DeliveryError


async def failure(channel: EmailChannel, to: str = "kim@example.com") -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        await channel.send(a_page(), to)
    return failed.value


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("reply", "permanent"),
    [
        ("550 5.1.1 no such user", True),
        ("552 5.3.4 message too big", True),
        ("452 4.2.2 mailbox full", False),
        ("451 4.3.0 try again", False),
        ("421 4.3.2 shutting down", False),
    ],
)
async def test_a_reply_of_the_500s_is_permanent_and_of_the_400s_is_not(
    command: str, reply: str, permanent: bool, mail: MailServer, channel: EmailChannel
) -> None:
    mail.replies_next(command, reply)
    error = await failure(channel)
    assert error.permanent is permanent
    assert reply in str(error)


async def test_after_a_refusal_the_next_mail_goes_through(
    mail: MailServer, channel: EmailChannel
) -> None:
    mail.replies_next("RCPT", "550 5.1.1 no such user")
    await failure(channel)
    await channel.send(a_page(), "kim@example.com")
    assert len(mail.mails) == 1


async def test_greylisting_asks_for_a_wait_and_the_second_try_is_taken(
    mail: MailServer, channel: EmailChannel
) -> None:
    mail.replies_next("RCPT", "451 4.7.1 Greylisting in action, please come back later")
    error = await failure(channel)
    assert (error.permanent, error.retry_after) == (False, 60.0)
    await channel.send(a_page(), "kim@example.com")
    assert mail.recipients == ["kim@example.com"]


async def test_a_wrong_password_is_permanent_and_not_repeated_in_the_error(
    open_channel: Open,
) -> None:
    async with running(auth=True) as mail:
        channel = open_channel(f"smtp://bongsu:wr0ng-pass@127.0.0.1:{mail.port}?starttls=0")
        error = await failure(channel)
        with pytest.raises(DeliveryError, match="535"):
            await channel.warm()
        await channel.close()
    assert error.permanent
    assert "메일 서버가 로그인을 거부했어요: 535" in str(error)
    assert "wr0ng-pass" not in str(error)


async def test_a_password_never_travels_in_the_clear_unasked(
    open_channel: Open, credentials: str
) -> None:
    async with running(auth=True) as mail:
        error = await failure(open_channel(f"smtp://{credentials}@127.0.0.1:{mail.port}"))
    assert error.permanent
    assert "STARTTLS" in str(error)
    assert PASSWORD.decode() not in str(error)


async def test_a_server_that_nobody_vouches_for_gets_no_mail(
    open_channel: Open, server_tls: ssl.SSLContext
) -> None:
    async with running(tls=server_tls) as direct, running(starttls=server_tls) as upgraded:
        for url in (
            f"smtps://127.0.0.1:{direct.port}",
            f"smtp://127.0.0.1:{upgraded.port}?starttls=1",
        ):
            error = await failure(open_channel(url))
            assert error.permanent
            assert "cafile=" in str(error)
        assert not direct.mails + upgraded.mails


async def test_a_server_may_be_trusted_unseen_where_somebody_says_so(
    open_channel: Open, server_tls: ssl.SSLContext
) -> None:
    async with running(tls=server_tls) as mail:
        channel = open_channel(f"smtps://127.0.0.1:{mail.port}?verify=0")
        await channel.send(a_page(), "kim@example.com")
        assert len(mail.mails) == 1
        await channel.close()


async def test_a_server_that_is_not_there_is_temporary(
    open_channel: Open, unused_tcp_port: int
) -> None:
    channel = open_channel(f"smtp://127.0.0.1:{unused_tcp_port}")
    assert not (await failure(channel)).permanent
    with pytest.raises(DeliveryError):
        await channel.warm()


async def test_a_server_that_never_speaks_is_given_up_in_time(
    open_channel: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    monkeypatch.setattr(delivery, "TIMEOUT", 0.2)
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    error = await failure(open_channel(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    released.set()
    server.close()
    assert not error.permanent
    assert str(error) == "SMTP: 0.2초 안에 응답이 없어요"


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA", "."])
async def test_a_server_that_hangs_up_at_any_point_is_temporary(
    command: str, open_channel: Open
) -> None:
    script = {"DATA": "354 go on", ".": "250 OK", "HELO": None} | {command: None}
    async with rude(*script.items()) as port:
        error = await failure(open_channel(f"smtp://127.0.0.1:{port}?starttls=0"))
    assert not error.permanent


@pytest.mark.parametrize("greeting", ["554 5.7.1 you are blocked", "421 4.3.2 busy", "rubbish"])
async def test_a_server_that_greets_with_a_refusal_is_understood(
    greeting: str, open_channel: Open
) -> None:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting.encode() + b"\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    error = await failure(open_channel(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    server.close()
    assert error.permanent is greeting.startswith("5")


@pytest.mark.parametrize(
    "to",
    [
        "",
        "kim",
        "@example.com",
        "kim@",
        "김철수@example.com",
        "kim@example.com, lee@example.com",
        "Kim <kim@example.com>",
        "kim@example.com\r\nRCPT TO:<evil@example.com>",
        "kim@exa mple.com",
        "kim@" + "a" * 300 + ".com",
    ],
)
async def test_what_is_no_address_is_refused_before_the_server_is_asked(
    to: str, mail: MailServer, channel: EmailChannel
) -> None:
    error = await failure(channel, to)
    assert error.permanent
    assert "이메일 주소가 아니에요" in str(error)
    assert not mail.connections


async def test_one_refused_recipient_does_not_disturb_the_others(
    mail: MailServer, channel: EmailChannel
) -> None:
    mail.replies_next("RCPT", "550 5.1.1 no such user")
    sent = [channel.send(a_page(), f"p{n}@example.com") for n in range(8)]
    outcomes = await asyncio.gather(*sent, return_exceptions=True)
    assert sum(isinstance(outcome, DeliveryError) for outcome in outcomes) == 1
    assert len(mail.mails) == 7
