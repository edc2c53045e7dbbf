"""Secrets are masked wherever they might be read."""

from __future__ import annotations

import logging

import pytest

from bongsu.channels.delivery import Secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("POST https://hooks.slack.com/services/T0/B0/abcDEF failed", "•••"),
        ("Bearer xoxb-1234-5678-abc rejected", "Bearer ••• rejected"),
        ("xoxe.xoxb-1-abc", "•••"),
        ("smtp://user:pass@mail.example.com:587 refused", "smtp://•••@mail.example.com:587"),
        ("https://hooks.slack.com/actions/T0/1/x", "https://hooks.slack.com/actions/•••"),
        ("the known one: s3cret!", "the known one: •••"),
    ],
)
def test_a_secret_is_masked_by_what_it_is_or_where_it_stands(text: str, shown: str) -> None:
    hidden = Secrets(["s3cret!", None, ""]).hide(text)
    assert shown in hidden
    assert not any(secret in hidden for secret in ("abc", "pass@", "s3cret", "T0"))


def test_what_is_no_secret_stays_readable() -> None:
    text = "Error connecting to mail.example.com:587 at 12:30: https://e.com/a?b=c@d"
    assert Secrets().hide(text) == text


def test_a_librarys_log_is_masked_only_while_it_is_guarded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    secrets, logger = Secrets(["s3cret"]), logging.getLogger("a.library")
    secrets.guard("a.library")
    logger.info("sent %s to %d people", "s3cret", 2)
    secrets.release("a.library")
    logger.info("after")
    assert [record.getMessage() for record in caplog.records] == ["sent ••• to 2 people", "after"]
    assert not logger.filters
