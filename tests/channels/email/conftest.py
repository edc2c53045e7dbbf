"""A real mail server, and channels that use it."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.channels.email.mailserver import PASSWORD, USER, MailServer, running

from bongsu.channels.email import EmailChannel, read
from bongsu.channels.environment import Environment, SettingsError

FROM = "봉수 <bongsu@example.com>"
Open = Callable[[str], EmailChannel]


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with running() as server:
        yield server


@pytest.fixture
async def open_channel() -> AsyncIterator[Open]:
    """Make a channel from a BONGSU_SMTP_URL."""
    opened: list[EmailChannel] = []

    def made(url: str) -> EmailChannel:
        environment = Environment({"BONGSU_SMTP_URL": url, "BONGSU_MAIL_FROM": FROM})
        settings = read(environment)
        if settings is None:
            raise SettingsError(environment.problems)
        opened.append(EmailChannel(settings))
        return opened[-1]

    yield made
    for channel in opened:
        await channel.close()


@pytest.fixture
def channel(mail: MailServer, open_channel: Open) -> EmailChannel:
    return open_channel(f"smtp://127.0.0.1:{mail.port}")


@pytest.fixture
def credentials() -> str:
    """The user and password as they stand in a URL."""
    return f"{USER.decode()}:{quote(PASSWORD, safe='')}"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of its own authority for 127.0.0.1, with its key in the same file."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=mail.example.com", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", path, "-out", path.with_suffix(".crt"),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@pytest.fixture(scope="session")
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
