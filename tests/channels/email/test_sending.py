"""What arrives in a mailbox when all is well."""

from __future__ import annotations

import asyncio
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from tests.channels.email.conftest import Open
from tests.channels.email.mailserver import MailServer, running
from tests.channels.messages import a_notice, a_page

from bongsu.channels.email import EmailChannel
from bongsu.channels.email.compose import compose, html


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


async def test_a_page_arrives_with_a_korean_subject_text_and_html(
    mail: MailServer, channel: EmailChannel
) -> None:
    await channel.send(a_page(), "kim@example.com")
    arrived = mail.mails[0]
    assert arrived["Subject"] == "[P0 Critical] 데이터베이스 장애 (INC-20250814-01)"
    assert str(arrived["From"]) == "봉수 <bongsu@example.com>"
    assert mail.recipients == ["kim@example.com"]
    assert arrived.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        body = part(arrived, kind)
        assert "2025-08-14 14:35 (KST)까지 확인해 주십시오." in body
        assert "https://bongsu.example.com/go/ack-token" in body


async def test_every_byte_of_a_mail_is_ascii_for_old_servers(
    mail: MailServer, channel: EmailChannel
) -> None:
    await channel.send(a_page(description="🔥 응답 없음 " * 50), "kim@example.com")
    await channel.send(a_notice("{{description}}"), "kim@example.com")
    for raw in mail.raw:
        assert raw.isascii()
        assert max(map(len, raw.splitlines())) < 998


async def test_the_mails_of_one_incident_are_one_thread(
    mail: MailServer, channel: EmailChannel
) -> None:
    await channel.send(a_page(), "kim@example.com")
    await channel.send(a_notice(), "kim@example.com")
    await channel.send(a_page(incident_id="01K3", delivery_id="01K3/p1/0/1"), "kim@example.com")
    first, second, other = mail.mails
    assert first["References"] == second["References"] == first["In-Reply-To"]
    assert first["Subject"] == second["Subject"]
    assert other["References"] != first["References"]
    assert len({m["Message-ID"] for m in mail.mails}) == 3


async def test_a_repeated_delivery_has_the_same_message_id(
    mail: MailServer, channel: EmailChannel
) -> None:
    receipts = [await channel.send(a_page(), "kim@example.com") for _ in range(2)]
    assert receipts[0] == receipts[1]
    assert receipts[0].id == str(mail.mails[0]["Message-ID"])


async def test_machines_are_told_that_no_person_wrote_it(
    mail: MailServer, channel: EmailChannel
) -> None:
    await channel.send(a_page(), "kim@example.com")
    await channel.send(a_page(severity="P3"), "kim@example.com")
    urgent, calm = mail.mails
    assert urgent["Auto-Submitted"] == "auto-generated"
    assert urgent["List-Id"] == "Bongsu <bongsu.example.com>"
    assert (urgent["Importance"], calm["Importance"]) == ("high", None)


@pytest.mark.parametrize(
    "hostile",
    [
        "제목\r\nBcc: everyone@example.com",
        "제목\nX-Evil: 1",
        "제목\x00\x1b[2J",
        "제목\u2028Bcc: x@example.com",
        "=?utf-8?q?Bcc:_x?=",
        "가" * 5_000,
        "\ud800",
        "",
    ],
)
async def test_no_text_of_an_alert_becomes_a_header(
    hostile: str, mail: MailServer, channel: EmailChannel
) -> None:
    expected = {"From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References"}
    expected |= {"Auto-Submitted", "X-Auto-Response-Suppress", "List-Id", "X-Bongsu-Incident"}
    expected |= {"MIME-Version", "Content-Type", "Importance", "X-Priority"}
    page = a_page(title=hostile, incident_number=hostile, delivery_id=hostile, incident_id=hostile)
    await channel.send(page, "kim@example.com")
    assert set(mail.mails[0].keys()) - {"X-Peer", "X-MailFrom", "X-RcptTo"} == expected
    assert mail.recipients == ["kim@example.com"]


@given(st.text(), st.text())
def test_any_text_makes_a_mail_that_reads_the_same(title: str, name: str) -> None:
    page = a_page(title=title, delivery_id=name, incident_id=name)
    address = Address(addr_spec="a@example.com")
    made = compose(page, address, address, "Thu, 14 Aug 2025 05:30:00 GMT")
    assert made.as_bytes().isascii()
    assert made["Message-ID"].count("<") == 1


@pytest.mark.parametrize("name", ["01K2/p1/0/1", "page/" * 60, "김철수 <x>\r\n"])
def test_ids_of_any_length_stay_whole(name: str) -> None:
    sender = Address(addr_spec="bongsu@alerts.platform.engineering.korea-public-data.example.com")
    page = a_page(incident_id=name, delivery_id=name)
    made = compose(page, sender, sender, "Thu, 14 Aug 2025 05:30:00 GMT").as_bytes().decode()
    for header in ("Message-ID: <page.", "References: <incident.", "In-Reply-To: <incident."):
        unfolded = made.replace("\r\n ", " ").splitlines()
        lines = [line for line in unfolded if line.startswith(header)]
        assert len(lines) == 1
        assert lines[0].endswith(f"@{sender.domain}>")


def test_nothing_that_an_alert_says_is_html() -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
    for message in (
        a_page(title=hostile, description=hostile * 20, why=hostile, service_name=hostile),
        a_notice(description=hostile),
        a_notice(description="[click](javascript:alert(1)) ![x](http://evil/x.png)"),
    ):
        soup = BeautifulSoup(html(message), "html.parser")
        assert not soup.find_all("script")
        assert not [tag for tag in soup.find_all(True) if tag.has_attr("onerror")]
        assert not [a for a in soup.find_all("a") if not str(a["href"]).startswith("http")]
    assert hostile in BeautifulSoup(html(a_page(description=hostile)), "html.parser").text


def test_the_big_button_is_the_first_action_and_stands_before_the_details() -> None:
    soup = BeautifulSoup(html(a_page(description="긴 설명 " * 500)), "html.parser")
    links = [(a.text, a["href"]) for a in soup.find_all("a")]
    assert links[0] == ("확인", "https://bongsu.example.com/go/ack-token")
    assert links[1] == ("오탐", "https://bongsu.example.com/go/dismiss-token")
    whole = str(soup)
    assert whole.index("ack-token") < whole.rindex("긴 설명")


def test_a_notice_keeps_the_lines_and_the_links_of_its_template() -> None:
    soup = BeautifulSoup(html(a_notice()), "html.parser")
    assert [b.text for b in soup.find_all("strong")][:2] == ["INCIDENT ALERT", "Severity"]
    assert len(soup.find_all("br")) == 4
    assert "https://meet.google.com/war-room" in [a["href"] for a in soup.find_all("a")]


def test_a_mail_reads_in_the_dark_and_on_a_phone() -> None:
    page = html(a_page())
    assert '<meta name="color-scheme" content="light dark">' in page
    assert "prefers-color-scheme: dark" in page
    assert "width=device-width" in page
    assert '<html lang="ko">' in page


def test_an_action_whose_link_is_missing_or_not_of_the_web_is_not_shown() -> None:
    page = a_page()
    actions = tuple(msgspec.structs.replace(a, url="javascript:x") for a in page.actions)
    soup = BeautifulSoup(html(msgspec.structs.replace(page, actions=actions)), "html.parser")
    assert "확인" not in [a.text for a in soup.find_all("a")]


async def test_mails_after_the_first_use_the_same_connection(
    mail: MailServer, channel: EmailChannel
) -> None:
    await channel.warm()
    for _ in range(3):
        await channel.send(a_page(), "kim@example.com")
    await channel.warm()
    assert len(mail.connections) == 1
    assert len(mail.mails) == 3


async def test_several_mails_at_once_share_a_few_connections(
    mail: MailServer, channel: EmailChannel
) -> None:
    await asyncio.gather(*(channel.send(a_page(), f"p{n}@example.com") for n in range(20)))
    assert len(mail.mails) == 20
    assert len(set(mail.recipients)) == 20
    assert len(mail.connections) <= 4


async def test_a_connection_that_the_server_closed_is_replaced(
    mail: MailServer, channel: EmailChannel
) -> None:
    await channel.warm()
    mail.connections[0].close()
    await asyncio.sleep(0.05)
    await channel.send(a_page(), "kim@example.com")
    assert len(mail.mails) == 1


async def test_a_server_that_ends_a_long_session_politely_costs_no_mail(
    mail: MailServer, channel: EmailChannel
) -> None:
    await channel.warm()
    mail.replies_next("MAIL", "421 4.7.0 too many messages in this connection")
    await channel.send(a_page(), "kim@example.com")
    assert len(mail.mails) == 1


async def test_a_password_with_any_characters_signs_in_over_starttls(
    open_channel: Open, credentials: str, certificate: Path, server_tls: ssl.SSLContext
) -> None:
    async with running(starttls=server_tls, auth=True) as mail:
        url = f"smtp://{credentials}@127.0.0.1:{mail.port}?starttls=1&cafile={certificate}"
        channel = open_channel(url)
        await channel.send(a_page(), "kim@example.com")
        assert mail.encrypted == [True]
        await channel.close()


async def test_implicit_tls_works(
    open_channel: Open, certificate: Path, server_tls: ssl.SSLContext
) -> None:
    async with running(tls=server_tls) as mail:
        channel = open_channel(f"smtps://127.0.0.1:{mail.port}?cafile={certificate}")
        await channel.send(a_page(), "kim@example.com")
        assert len(mail.mails) == 1
        await channel.close()


async def test_starttls_is_used_where_it_is_offered(
    open_channel: Open, certificate: Path, server_tls: ssl.SSLContext
) -> None:
    async with running(starttls=server_tls) as mail:
        channel = open_channel(f"smtp://127.0.0.1:{mail.port}?cafile={certificate}")
        await channel.send(a_page(), "kim@example.com")
        assert mail.encrypted == [True]
        await channel.close()


async def test_an_address_in_a_korean_domain_is_reached(
    mail: MailServer, channel: EmailChannel
) -> None:
    await channel.send(a_page(), "kim@봉수.한국")
    assert mail.recipients[0].isascii()
    assert mail.recipients[0].endswith(".xn--3e0b707e")
