"""What each sender's bytes mean, and what is said of bytes that mean nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.signals.conftest import NOW, iso, posted

from bongsu.incident.changes import ChangeEvent
from bongsu.signals.alert import LARGEST_LABELS, LONGEST_TEXT, Alert, Parsed
from bongsu.signals.formats import (
    alertmanager,
    changes,
    flags,
    generic,
    pagerduty,
    prometheus,
)

MINUTE = timedelta(minutes=1)
TEN_YEARS = timedelta(days=3653)


def prom(*alerts: object) -> Parsed:
    return prometheus.parse(json.dumps(alerts).encode(), NOW)


def only(parsed: Parsed) -> Alert:
    assert parsed.refused == []
    (alert,) = parsed.alerts
    return alert


def webhook(*alerts: object) -> Parsed:
    return alertmanager.parse(json.dumps({"version": "4", "alerts": alerts}).encode(), NOW)


def event(**fields: object) -> Parsed:
    body = {"routing_key": "k" * 32, "event_action": "trigger", **fields}
    return pagerduty.parse(json.dumps(body).encode(), NOW, lambda: "made").parsed


PAYLOAD = {"summary": "Disk full", "source": "db-1", "severity": "critical"}


# ── Prometheus ───────────────────────────────────────────────────────────────────────────


def test_an_alert_fires_until_its_end() -> None:
    alert = only(prom(posted(starts=NOW - MINUTE, ends=NOW + 4 * MINUTE)))
    assert (alert.status, alert.starts_at, alert.ends_at) == (
        "firing", NOW - MINUTE, NOW + 4 * MINUTE,
    )  # fmt: skip
    assert (alert.summary, alert.severity_word) == ("BackendDown", "critical")
    assert alert.source_url == "http://prometheus:9090/graph"


def test_an_alert_whose_end_has_passed_is_resolved() -> None:
    alert = only(prom(posted(starts=NOW - 9 * MINUTE, ends=NOW)))
    assert (alert.status, alert.ends_at) == ("resolved", NOW)


def test_an_alert_without_an_end_is_over_after_the_resolve_timeout() -> None:
    assert only(prom(posted())).ends_at == NOW + 5 * MINUTE
    go_zero = {**posted(), "startsAt": "0001-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}
    assert only(prom(go_zero)).ends_at == NOW + 5 * MINUTE


def test_the_label_set_is_the_identity_whatever_its_order_and_its_empty_labels() -> None:
    one = only(prom({"labels": {"a": "1", "b": "2"}}))
    other = only(prom({"labels": {"c": "", "b": "2", "a": "1"}, "annotations": {"x": "y"}}))
    assert one.key == other.key
    assert other.labels == {"a": "1", "b": "2"}
    assert only(prom({"labels": {"a": "1", "b": "3"}})).key != one.key


def test_the_same_alert_has_the_same_key_by_the_webhook() -> None:
    sent = {**posted(), "status": "firing"}
    assert only(webhook(sent)).key == only(prom(posted())).key


def test_the_valid_alerts_of_a_bad_batch_are_read() -> None:
    parsed = prom(posted("A"), {"labels": {"x": 3}}, {"annotations": {}}, 4, posted("B"))
    assert [alert.labels["alertname"] for alert in parsed.alerts] == ["A", "B"]
    assert [r.field for r in parsed.refused] == ["[1].labels.x", "[2].labels", "[3]"]


@pytest.mark.parametrize(
    ("alert", "field"),
    [
        ({"labels": {}}, "[0].labels"),
        ({"labels": {"a": ""}}, "[0].labels"),
        ({"labels": {"": "a"}}, "[0].labels"),
        ({"labels": None}, "[0].labels"),
        ({"labels": {"a": "\0"}}, "[0]"),
        ({"labels": {"a": "b"}, "annotations": {"a\0": "b"}}, "[0]"),
        ({"labels": {f"l{i}": "x" for i in range(100_000)}}, "[0].labels"),
        ({"labels": {"a": "x" * LARGEST_LABELS}}, "[0].labels"),
        ({"labels": {"a": "b"}, "startsAt": "2025-08-14T14:30:00"}, "[0].startsAt"),
        ({"labels": {"a": "b"}, "startsAt": "yesterday"}, "[0].startsAt"),
        ({"labels": {"a": "b"}, "startsAt": iso(NOW), "endsAt": iso(NOW - MINUTE)}, "[0].endsAt"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_place(alert: object, field: str) -> None:
    (refusal,) = prom(alert).refused
    assert refusal.field == field
    assert refusal.says("ko") != refusal.says("en")
    assert refusal.advises("en")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[1", b"nope", b"{}", b"[{]", b"\xff\xfe", b'["\\ud800"]', b"[" * 99_999,
        b'"\xff"',
    ],
)  # fmt: skip
def test_a_body_that_is_none_is_refused_as_a_whole(raw: bytes) -> None:
    parsed = prometheus.parse(raw, NOW)
    assert parsed.alerts == []
    assert len(parsed.refused) == 1


def test_invalid_utf8_is_named_by_its_byte() -> None:
    (refusal,) = prometheus.parse(b'[{"labels":{"a":"\xff"}}]', NOW).refused
    assert "17" in refusal.says("en")


def test_a_backslash_before_u0000_is_no_nul() -> None:
    raw = rb'[{"labels":{"path":"C:\\u0000"}}]'
    assert only(prometheus.parse(raw, NOW)).labels == {"path": r"C:\u0000"}


def test_long_texts_are_cut_and_nothing_is_lost() -> None:
    alert = only(prom({**posted(), "annotations": {"summary": "x" * 99_999, "b": "y"}}))
    assert len(alert.annotations["summary"]) == LONGEST_TEXT
    assert alert.annotations["summary"].endswith("…")
    assert alert.annotations["b"] == "y"
    assert len(alert.summary) == 1024


def test_an_alert_from_the_future_begins_on_arrival_and_still_ends() -> None:
    alert = only(prom(posted(starts=NOW + TEN_YEARS, ends=NOW + TEN_YEARS + MINUTE)))
    assert (alert.status, alert.starts_at, alert.ends_at) == ("firing", NOW, NOW + 5 * MINUTE)
    assert alert.remark is not None
    assert "2035" in alert.remark.says("ko")


def test_a_sender_whose_clock_is_ten_years_behind_still_pages() -> None:
    alert = only(prom(posted(starts=NOW - TEN_YEARS, ends=NOW - TEN_YEARS + MINUTE)))
    assert (alert.status, alert.starts_at, alert.ends_at) == ("firing", NOW, NOW + 5 * MINUTE)
    assert alert.remark is not None


# ── Alertmanager's webhook ───────────────────────────────────────────────────────────────


def test_a_webhooks_alert_never_ends_by_time() -> None:
    sent = {**posted(starts=NOW - MINUTE), "status": "firing", "endsAt": "0001-01-01T00:00:00Z"}
    assert only(webhook(sent)).ends_at is None


def test_a_webhook_says_what_is_resolved() -> None:
    alert = only(webhook({**posted(starts=NOW - MINUTE, ends=NOW), "status": "resolved"}))
    assert (alert.status, alert.ends_at) == ("resolved", NOW)


def test_a_webhooks_bad_alert_costs_only_itself() -> None:
    parsed = webhook({**posted("A"), "status": "firing"}, {**posted("B"), "status": "burning"})
    assert [alert.labels["alertname"] for alert in parsed.alerts] == ["A"]
    assert [r.field for r in parsed.refused] == ["alerts[1].status"]


def test_a_webhook_without_alerts_is_refused() -> None:
    (refusal,) = alertmanager.parse(b'{"version":"4"}', NOW).refused
    assert refusal.field == "alerts"


# ── PagerDuty ────────────────────────────────────────────────────────────────────────────


def test_a_trigger_fires() -> None:
    alert = only(
        event(
            payload={
                **PAYLOAD, "component": "disk", "group": "prod", "class": "full",
                "timestamp": "2025-08-14T05:29:00.000+0000",
                "custom_details": {"free": 0, "note": "x", "nested": {"a": [1]}},
            },
            links=[{"href": "https://a", "text": "graph"}], images=[{"src": "https://b"}],
            client="Nagios", client_url="https://c",
        )
    )  # fmt: skip
    assert (alert.status, alert.key, alert.summary) == ("firing", "made", "Disk full")
    assert alert.labels == {
        "source": "db-1", "severity": "critical", "component": "disk", "group": "prod",
        "class": "full",
    }  # fmt: skip
    assert alert.annotations == {"free": "0", "note": "x", "nested": '{"a": [1]}'}
    assert alert.starts_at == NOW - MINUTE
    assert [link.href for link in alert.links] == ["https://a", "https://b"]
    assert alert.source_url == "https://c"


@pytest.mark.parametrize(
    ("action", "status"), [("acknowledge", "acknowledged"), ("resolve", "resolved")]
)
def test_acknowledge_and_resolve_need_only_the_key(action: str, status: str) -> None:
    assert only(event(event_action=action, dedup_key="d")).status == status
    assert [r.field for r in event(event_action=action).refused] == ["dedup_key"]


def test_everything_wrong_with_an_event_is_said_at_once() -> None:
    parsed = pagerduty.parse(
        b'{"event_action":"trigger","payload":{"severity":"bad"}}', NOW, lambda: ""
    ).parsed
    assert [r.field for r in parsed.refused] == [
        "routing_key", "payload.summary", "payload.source", "payload.severity",
    ]  # fmt: skip
    body = json.loads(pagerduty.refused(parsed.refused))
    assert (body["status"], body["message"]) == ("invalid event", "Event object is invalid")
    assert len(body["errors"]) == 4


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"event_action": "burn", "payload": PAYLOAD}, "event_action"),
        ({"payload": PAYLOAD, "dedup_key": "x" * 256}, "dedup_key"),
        ({"payload": {**PAYLOAD, "summary": 3}}, "payload.summary"),
        ({"payload": {**PAYLOAD, "timestamp": "soon"}}, "payload.timestamp"),
        ({"payload": {**PAYLOAD, "summary": "a\0b"}}, ""),
        ({"payload": {**PAYLOAD, "custom_details": {"a": "\0"}}}, ""),
        ({"payload": []}, "payload"),
    ],
)
def test_a_bad_event_is_refused(fields: dict[str, object], field: str) -> None:
    assert [r.field for r in event(**fields).refused] == [field]


@pytest.mark.parametrize("details", ["text", 3, [1, 2], None, {"a": {"b": "c"}}])
def test_any_custom_details_are_kept(details: object) -> None:
    only(event(payload={**PAYLOAD, "custom_details": details}))


def test_a_change_event_is_read() -> None:
    raw = {
        "routing_key": "k",
        "payload": {"summary": "Deployed 1.2", "custom_details": {"sha": "a"}},
    }
    key, change = pagerduty.parse_change(json.dumps(raw).encode(), NOW)
    assert isinstance(change, ChangeEvent)
    assert (key, change.summary, change.at) == ("k", "Deployed 1.2", NOW)
    assert change.details == {"sha": "a"}


# ── plain JSON ───────────────────────────────────────────────────────────────────────────


def plain(body: object) -> Parsed:
    return generic.parse(json.dumps(body).encode(), NOW)


def test_a_title_is_enough() -> None:
    alert = only(plain({"title": "Disk full"}))
    assert (alert.summary, alert.status, alert.ends_at) == ("Disk full", "firing", None)
    assert alert.key == only(plain({"title": "Disk full", "severity": "critical"})).key
    assert alert.key != only(plain({"title": "Disk full", "labels": {"host": "db-2"}})).key


def test_all_fields_of_the_plain_form_are_read() -> None:
    alert = only(
        plain(
            {
                "title": "Disk full", "key": "disk:db-1", "status": "acknowledged",
                "severity": "warning", "service": "mongodb", "labels": {"host": "db-1"},
                "description": "95%", "links": [{"href": "https://a"}],
                "starts_at": "2025-08-14T14:25:00+09:00", "ends_at": "2025-08-14T15:30:00+09:00",
            }
        )
    )  # fmt: skip
    assert (alert.key, alert.status, alert.description) == ("disk:db-1", "acknowledged", "95%")
    assert alert.labels == {"host": "db-1", "service": "mongodb", "severity": "warning"}
    assert alert.starts_at == datetime(2025, 8, 14, 5, 25, tzinfo=UTC)
    assert alert.ends_at == datetime(2025, 8, 14, 6, 30, tzinfo=UTC)


def test_a_list_of_objects_is_read_and_a_bad_one_named() -> None:
    parsed = plain(
        [{"title": "a"}, {"title": ""}, {"titel": "b"}, {"title": "c", "labels": {"x": 1}}]
    )
    assert [alert.summary for alert in parsed.alerts] == ["a"]
    assert sorted(r.field for r in parsed.refused) == ["[1].title", "[2].title", "[3].labels.x"]


def test_a_slip_of_the_pen_is_told_and_costs_nothing() -> None:
    alert = only(plain({"title": "a", "severty": "critical"}))
    assert alert.remark is not None
    assert "severty" in alert.remark.says("ko")


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"title":"a"},{"title":"b"}', ""),
        (b'{"title":3}', "title"),
        (b'{"title":"a","status":"ok"}', "status"),
        (b'{"title":"a","key":"' + b"x" * 256 + b'"}', "key"),
        (b'{"title":"a\\u0000"}', ""),
        (b'{"title":"a","starts_at":"x"}', "starts_at"),
        (b'{"title":"a","labels":{"x":1}}', "labels.x"),
        (b"3", ""),
    ],
)
def test_a_bad_object_is_refused(raw: bytes, field: str) -> None:
    parsed = generic.parse(raw, NOW)
    assert (parsed.alerts, [r.field for r in parsed.refused]) == ([], [field])


# ── whatever comes ───────────────────────────────────────────────────────────────────────

TEXTS = st.text(max_size=8) | st.sampled_from(
    ["\0", "", "2025-08-14T00:00:00Z", "9999-12-31T23:59:59-23:59"]
)
FIELDS = st.sampled_from(
    ["labels", "annotations", "startsAt", "endsAt", "alerts", "status", "title", "key", "payload",
     "summary", "source", "severity", "event_action", "custom_details", "links", "starts_at"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS | TEXTS, inner, max_size=6),
    max_leaves=20,
)
BODIES = st.binary(max_size=64) | JSON.map(lambda value: json.dumps(value).encode())
SOME_TIME = st.integers(-62_135_510_400, 253_402_214_400).map(
    lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
"""any time of the years 1 to 9999"""


@given(BODIES)
def test_no_body_raises_and_none_is_passed_over_in_silence(raw: bytes) -> None:
    for parse in (prometheus.parse, alertmanager.parse, generic.parse):
        parsed = parse(raw, NOW)
        for refusal in parsed.refused:
            assert refusal.says("ko")
            assert refusal.says("en")
        for alert in parsed.alerts:
            assert "\0" not in alert.labels_json + alert.summary + alert.key
    pagerduty.parse(raw, NOW, lambda: "made")
    pagerduty.parse_change(raw, NOW)
    for read in (changes.parse, flags.launchdarkly, flags.unleash, flags.github):
        for change in read(raw, NOW).changes:
            assert "\0" not in change.summary + change.subject + change.key


@given(starts=st.none() | SOME_TIME, ends=st.none() | SOME_TIME)
def test_whatever_the_senders_clock_an_accepted_alert_begins_by_now_and_a_firing_one_ends_later(
    starts: datetime | None, ends: datetime | None
) -> None:
    for alert in prom(posted(starts=starts, ends=ends)).alerts:
        began = alert.starts_at or NOW
        assert NOW - timedelta(days=366) <= began <= NOW + timedelta(minutes=5)
        if alert.ends_at is None:
            assert ends is not None
            assert ends > NOW + timedelta(days=366)
        assert (alert.ends_at is None or alert.ends_at > NOW) == (alert.status == "firing")


FAR = ["9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-12:00", "2099-01-01T00:00:00Z"]


@pytest.mark.parametrize("far", FAR)
def test_an_end_that_nobody_can_foresee_is_none_and_is_remarked(far: str) -> None:
    sent = {**posted(starts=NOW), "endsAt": far}
    plain = {"title": "x", "starts_at": iso(NOW), "ends_at": far}
    for form, body in ((prometheus, [sent]), (generic, plain)):
        (found,), refused = form.parse(json.dumps(body).encode(), NOW)
        assert (found.status, found.ends_at, refused) == ("firing", None, [])
        assert found.remark is not None
        assert found.remark.says("en") != found.remark.says("ko")
        assert far[:4] in found.remark.says("ko")


def test_an_end_within_a_year_is_believed() -> None:
    ends = NOW + timedelta(days=365)
    (found,), _ = prometheus.parse(json.dumps([posted(starts=NOW, ends=ends)]).encode(), NOW)
    assert (found.ends_at, found.remark) == (ends, None)
