"""What is remembered of alerts must never differ from reading them anew."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bongsu.signals.formats import prometheus
from bongsu.store.alert_rows import Row, to_row
from bongsu.web import ingest_memory
from bongsu.web.ingest_memory import Memory

NOW = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)
BEGUN, ENDS = "2025-08-14T05:00:00Z", "2025-08-14T05:34:00Z"


def posted(**changes: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "labels": {"alertname": "Down", "instance": "10.0.0.1:9100"},
        "annotations": {"summary": "it is down"},
        "startsAt": BEGUN, "endsAt": ENDS, "generatorURL": "http://prometheus/graph",
    }  # fmt: skip
    return {name: value for name, value in {**usual, **changes}.items() if value != "left out"}


def anew(raw: bytes, now: datetime = NOW) -> list[Row]:
    return [to_row("prometheus", alert) for alert in prometheus.parse(raw, now).alerts]


def body(*alerts: object) -> bytes:
    return json.dumps(alerts).encode()


times = st.sampled_from([
    BEGUN, ENDS, "2025-08-14T06:00:00+09:00", "2019-01-01T00:00:00Z", "2031-01-01T00:00:00Z",
    "2024-08-01T00:00:00Z", "0001-01-01T00:00:00Z", "yesterday", "2025-08-14T05:00:00", "left out",
    None, 5,
])  # fmt: skip
texts = (
    st.sampled_from(["a", "", "불이 났어요", "\0", "x" * 9000, '","endsAt":"', "\x1f"]) | st.text()
)
label_sets = st.dictionaries(texts, texts, max_size=3) | st.sampled_from([None, 1, {"a": 1}])
alerts = st.builds(
    posted, labels=label_sets, annotations=label_sets | st.just("left out"), startsAt=times,
    endsAt=times, generatorURL=texts | st.sampled_from(["left out", None, 7]),
    more=st.sampled_from(["left out", "said as well"]),
)  # fmt: skip
usual = st.builds(posted, labels=st.dictionaries(st.text(min_size=1), st.text(min_size=1)))


@given(st.lists(usual | alerts, max_size=4), st.sampled_from([BEGUN, ENDS, "2025-08-15T00:00:00Z"]))
def test_what_is_remembered_is_what_reading_anew_says(
    signal: list[dict[str, object]], ends: str
) -> None:
    memory, raw = Memory("prometheus"), body(*signal)
    assert memory.read(raw, NOW) in (None, anew(raw))
    again, later = (
        body(*({**alert, "endsAt": ends} for alert in signal)),
        NOW + timedelta(minutes=1),
    )
    assert memory.read(again, later) in (None, anew(again, later))
    if prometheus.parse(raw, NOW).refused:
        assert memory.read(raw, NOW) is None


def test_a_repeat_takes_its_new_end_and_new_words_are_read() -> None:
    memory = Memory("prometheus")
    assert memory.read(body(posted()), NOW) == anew(body(posted()))
    later = body(posted(endsAt="2025-08-14T05:40:00Z"))
    assert memory.read(later, NOW) == anew(later)
    other = body(posted(annotations={"summary": "it is still down"}))
    assert memory.read(other, NOW) == anew(other)


def test_an_alert_that_ended_is_left_to_whoever_resolves_it() -> None:
    memory = Memory("prometheus")
    assert memory.read(body(posted()), NOW) is not None
    assert memory.read(body(posted(endsAt=BEGUN)), NOW) is None
    assert memory.read(body(posted()), NOW + timedelta(hours=1)) is None


def test_a_body_that_is_not_utf8_is_never_taken_from_memory() -> None:
    memory, good = Memory("prometheus"), body(posted(more="x"))
    assert memory.read(good, NOW) is not None
    assert memory.read(good.replace(b'"x"', b'"\xff"'), NOW) is None


def test_only_so_much_is_remembered_and_the_rest_is_read_again(monkeypatch) -> None:
    monkeypatch.setattr(ingest_memory, "MOST_ROWS", 3)
    memory = Memory("prometheus")
    signals = [body(posted(labels={"n": str(n)})) for n in range(20)]
    for raw in [*signals, *signals[::-1]]:
        assert memory.read(raw, NOW) == anew(raw)
    assert len(memory._young) + len(memory._old) <= 6
