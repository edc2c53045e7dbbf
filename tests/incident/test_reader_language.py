"""Why a run failed names its step in the reader's language; logs of before keep theirs."""

from __future__ import annotations

import pytest
from tests.incident.manuals import manual

from bongsu.i18n import translator
from bongsu.incident.body import Reason
from bongsu.incident.both import in_both
from bongsu.incident.reasons import explain

NAME = in_both({"ko": "재시작", "en": "Restart"})


@pytest.mark.parametrize("code", ["step_failed", "step_refused"])
@pytest.mark.parametrize(("lang", "word"), [("ko", "재시작"), ("en", "Restart")])
def test_the_step_that_failed_is_named_in_the_readers_language(code: str, lang: str, word: str):
    told = explain(Reason(code, {"step": "3", "name": NAME}), manual(), translator(lang))
    assert word in told
    assert "{" not in told


def test_a_log_of_before_names_it_as_it_was_written():
    told = explain(
        Reason("step_failed", {"step": "3", "name": "재시작"}), manual(), translator("en")
    )
    assert told == "step 3 failed: 재시작"
