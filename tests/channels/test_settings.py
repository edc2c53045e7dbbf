"""Settings from the environment: strict, all problems at once, no secret repeated."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.channels.messages import a_page

from bongsu.channels import registry
from bongsu.channels.email import EmailChannel, read
from bongsu.channels.environment import Environment, SettingsError
from bongsu.channels.message import DeliveryError
from bongsu.channels.slack import SlackChannel

FROM = {"BONGSU_MAIL_FROM": "Bongsu <bongsu@example.com>"}
GOOD = {
    "BONGSU_SLACK_BOT_TOKEN": "xoxb-1234-5678-AbCdEfGhIjKl",
    "BONGSU_SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5",
    "BONGSU_SMTP_URL": "smtp://user:pass@mail.example.com:587?starttls=1",
    **FROM,
}


def problems(variables: dict[str, str], lang: str = "en") -> list[str]:
    with pytest.raises(SettingsError) as refused:
        registry.build(variables, lang)
    return refused.value.problems


def test_good_settings_make_every_channel() -> None:
    channels = registry.build({**GOOD, "BONGSU_DATABASE_URL": "x", "PATH": "/bin"})
    assert isinstance(channels["slack"], SlackChannel)
    assert isinstance(channels["email"], EmailChannel)
    assert registry.unusable(channels, ["slack", "email", "terminal"]) == {}
    slack = registry.slack_of(channels)
    assert slack is not None
    assert slack.signing_secret == GOOD["BONGSU_SLACK_SIGNING_SECRET"]


async def test_a_channel_that_is_not_configured_says_how_to_configure_it() -> None:
    channels = registry.build({})
    for name, variable in (("slack", "BONGSU_SLACK_BOT_TOKEN"), ("email", "BONGSU_SMTP_URL")):
        with pytest.raises(DeliveryError, match=variable) as failed:
            await channels[name].send(a_page(), "somebody")
        assert failed.value.permanent
    assert set(registry.unusable(channels, ["slack", "email", "terminal"])) == {"slack", "email"}
    assert registry.slack_of(channels) is None


async def test_a_channel_of_the_manual_that_this_release_lacks_names_those_it_has() -> None:
    channels = registry.build({})
    with pytest.raises(DeliveryError, match=r"kakao.*slack, email, webhook, terminal") as failed:
        await channels["kakao"].send(a_page(lang="en"), "01012345678")
    assert failed.value.permanent
    assert "kakao" not in channels


def test_empty_variables_count_as_not_set() -> None:
    channels = registry.build(dict.fromkeys(GOOD, "  "))
    assert set(registry.unusable(channels, ["slack", "email"])) == {"slack", "email"}


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"BONGSU_SLACK_BOT_TOKEN": "1234"}, "BONGSU_SLACK_BOT_TOKEN: not of the form xoxb-…"),
        ({"BONGSU_SLACK_SIGNING_SECRET": "x"}, "BONGSU_SLACK_SIGNING_SECRET: not of the form"),
        ({"BONGSU_SLACK_WEBHOOK_URL": "hooks.slack.com/x"}, "https://hooks.slack.com/services/"),
        ({"BONGSU_SLACK_WEBHOOK_URL": "ftp://hooks.slack.com"}, "not a usable address"),
        ({"BONGSU_SLACK_WEBHOOK_URL": "https://hooks.slack.com:port/"}, "not a usable address"),
        ({"BONGSU_SLACK_TOKEN": "xoxb-1"}, "do you mean BONGSU_SLACK_BOT_TOKEN?"),
        ({"BONGSU_SMTP_URI": "smtp://x"}, "BONGSU_SMTP_URI: no such variable"),
        ({"BONGSU_SMTP_URL": "smtp://mail.example.com"}, "BONGSU_MAIL_FROM: not set"),
        (FROM, "BONGSU_SMTP_URL: not set, but BONGSU_MAIL_FROM is"),
        ({"BONGSU_SMTP_URL": "mail.example.com:25", **FROM}, "smtp://user:password@"),
        ({"BONGSU_SMTP_URL": "smtp://[::1", **FROM}, "not a usable address"),
        ({"BONGSU_SMTP_URL": "smtp://m?tls=1", **FROM}, "unknown option tls; use one of starttls"),
        ({"BONGSU_SMTP_URL": "smtp://m?starttls=yes", **FROM}, "starttls is 1 or 0"),
        ({"BONGSU_SMTP_URL": "smtp://m/inbox", **FROM}, "has a path"),
        ({"BONGSU_SMTP_URL": "smtps://m?starttls=1", **FROM}, "leave starttls out"),
        ({"BONGSU_SMTP_URL": "smtp://m", "BONGSU_MAIL_FROM": "Bongsu"}, "not one e-mail address"),
        ({"BONGSU_SMTP_URL": "smtp://m", "BONGSU_MAIL_FROM": "a@b, c@d"}, "not one e-mail"),
        ({"BONGSU_SMTP_URL": "smtp://m", "BONGSU_MAIL_FROM": "봉수@b.kr"}, "not one e-mail"),
    ],
)
def test_each_mistake_is_named_with_what_to_write_instead(
    variables: dict[str, str], says: str
) -> None:
    assert any(says in problem for problem in problems(variables))


def test_all_mistakes_are_told_at_once_and_in_korean_too() -> None:
    wrong = {"BONGSU_SLACK_BOT_TOKEN": "x", "BONGSU_SMTP_URL": "x", "BONGSU_MAIL_FORM": "x"}
    assert len(problems(wrong)) == 4
    assert any("예: smtp://" in problem for problem in problems(wrong, "ko"))


@pytest.mark.parametrize(
    "variables",
    [
        {"BONGSU_SLACK_BOT_TOKEN": "hunter2-secret"},
        {"BONGSU_SLACK_WEBHOOK_URL": "hooks.slack.com/services/hunter2-secret"},
        {"BONGSU_SMTP_URL": "smtp//user:hunter2-secret@mail", **FROM},
        {"BONGSU_SMTP_URL": "smtp://user:hunter2-secret@mail?nope=1", **FROM},
        {"BONGSU_SLACK_SECRET": "hunter2-secret"},
    ],
)
def test_no_problem_repeats_a_secret(variables: dict[str, str]) -> None:
    assert "hunter2" not in str(problems(variables))


@pytest.mark.parametrize(
    ("url", "port", "encryption"),
    [
        ("smtp://m", 25, "if_offered"),
        ("smtp://u:p@m", 587, "starttls"),
        ("smtp://m?starttls=1", 587, "starttls"),
        ("smtp://u:p@m?starttls=0", 587, "none"),
        ("smtps://u:p@m", 465, "tls"),
        ("smtp://m:2525", 2525, "if_offered"),
    ],
)
def test_ports_and_encryption_follow_from_the_address(url: str, port: int, encryption: str) -> None:
    settings = read(Environment({"BONGSU_SMTP_URL": url, **FROM}))
    assert settings is not None
    assert (settings.port, settings.encryption) == (port, encryption)


def test_user_and_password_are_decoded() -> None:
    url = "smtp://bongsu%40example.com:p%40ss%3A%2F@m"
    settings = read(Environment({"BONGSU_SMTP_URL": url, **FROM}))
    assert settings is not None
    assert (settings.username, settings.password) == ("bongsu@example.com", "p@ss:/")


def test_making_the_channels_loads_no_client_of_theirs() -> None:
    program = (
        "import os, sys; from bongsu.channels.registry import build; build(os.environ);"
        "print([m for m in ('httpx', 'aiohttp', 'aiosmtplib', 'slack_sdk', 'jinja2', 'markdown_it')"
        " if m in sys.modules])"
    )
    variables = {**GOOD, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


async def test_warming_reports_what_does_not_work_and_warms_the_rest(
    unused_tcp_port: int,
) -> None:
    channels = registry.build({"BONGSU_SMTP_URL": f"smtp://127.0.0.1:{unused_tcp_port}", **FROM})
    troubles = await registry.warm(channels)
    assert set(troubles) == {"email"}
    assert "the mail server can't be used" in troubles["email"]
    await registry.close(channels)
