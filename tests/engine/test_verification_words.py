"""Why a check of the recovery could not be made, in the language of whoever reads it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.web.site import SEED

from bongsu.actions.verification.checking import check_once
from bongsu.actions.verification.testing import CheckContext
from bongsu.i18n import translator
from bongsu.incident.alert import Remark
from bongsu.incident.reasons import explain
from bongsu.incident.verification.checked import Quiet
from bongsu.incident.verification.measured import Unreadable
from bongsu.manual.load import load
from bongsu.manual.schema.document import Manual


@pytest.fixture(scope="module")
def manual() -> Manual:
    return load(SEED)


async def asked_of_nobody(*_: object) -> Quiet:
    raise AssertionError


@pytest.mark.parametrize(
    ("lang", "words"),
    [("ko", "Prometheus가 어디에 있는지"), ("en", "nobody has said where Prometheus is")],
)
async def test_that_nobody_has_said_where_to_measure_is_in_the_readers_language(
    manual: Manual, lang: str, words: str
):
    check = manual.verification.monitoring["error_rate"]
    context = CheckContext({}, asked_of_nobody, lambda: datetime(2025, 9, 4, tzinfo=UTC))
    came = await check_once("monitoring:error_rate", check, context)
    assert words in explain(came.why, manual, translator(lang))


def test_however_long_a_reason_is_it_stays_readable(manual: Manual):
    why = Unreadable("not_asked", error=Remark("{error}", {"error": "가" * 5000})).why
    assert explain(why, manual, translator("ko")).endswith(": " + "가" * 200)
