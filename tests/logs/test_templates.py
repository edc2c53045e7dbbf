"""Which lines become one template: what is read off a line's look, and what off the others."""

import pytest

from bongsu.logs.headers import content_starts
from bongsu.logs.templates import templates_of
from bongsu.logs.tokens import HOLE, pattern_of

NAMES = ["anna", "bela", "carl", "dora", "emil", "fred", "gina", "hans"]


def texts(*lines):
    found = templates_of(lines)
    return [found.texts[number] for number in found.of_shape]


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("served /v2/items in 12.5 ms", "served * in *"),
        ("from 10.0.0.1:443, 5.2 KB (1.1 MB free)", "from * (* free)"),
        ("id=0xff, free", "id=*, free"),
        ("opened on Mon Jun 13 12:01:02 KST 2026", "opened on *"),
        ("sizes 1, 2, 3 and 4", "sizes * and *"),
        ("job 4f3c-99ab-1 of com.shop.pay.Worker done", "job * of * done"),
        ("java.io.IOException: broken pipe", "java.io.IOException: broken pipe"),
        ("주문 1234번 결제 실패", "주문 * 결제 실패"),
        ("depth........7", "depth........*"),
    ],
)
def test_what_varies_by_its_look(line, pattern):
    assert pattern_of(line).replace(HOLE, "*") == pattern


def test_a_word_varies_when_many_differ_there():
    assert set(texts(*[f"session opened for user {name}" for name in NAMES])) == {
        "session opened for user <*>"
    }


def test_two_words_that_both_vary():
    lines = [f"{a}x{b} moved" for a in NAMES for b in NAMES]
    towns = [f"user {a}{b} went home to {b}{a} today" for a in NAMES for b in NAMES]
    assert len(set(texts(*towns))) == 1
    assert len(set(texts(*lines))) == 1


def test_started_and_stopped_are_two_things():
    assert len(set(texts("worker started", "worker stopped"))) == 2
    assert len(set(texts("force=true, id=1", "force=false, id=2"))) == 2


def test_a_word_varies_where_another_line_has_a_number():
    assert set(texts("synchronized to 10.0.0.1 now", "synchronized to LOCAL now")) == {
        "synchronized to <*> now"
    }


def test_what_a_message_key_says_never_varies():
    lines = [f'level=info msg="{word}" user={word}x' for word in NAMES]
    assert len(set(texts(*lines))) == len(NAMES)


def test_values_vary_by_their_keys_several_at_once():
    lines = [
        f"lock tag={a}, name={b}, ws=null" for a, b in zip(NAMES, reversed(NAMES), strict=True)
    ]
    assert set(texts(*lines)) == {"lock tag=<*>, name=<*>, ws=null"}


def test_the_header_is_found_without_configuration():
    lines = [
        "2026-11-23 10:00:00,123 INFO  [main] com.shop.App: started",
        "2026-11-23 10:00:01,001 WARN  [http-1 pool] com.shop.Pay: 결제 지연 12 ms",
        "2026-11-23 10:00:01,007 ERROR [main] com.shop.Pay: card refused",
    ]
    starts = content_starts(lines)
    assert [line[start:] for line, start in zip(lines, starts, strict=True)] == [
        "started",
        "결제 지연 12 ms",
        "card refused",
    ]


def test_a_template_keeps_what_its_headers_share():
    lines = [f"10:00:0{k} {level} db: gone" for k, level in enumerate(["ERROR", "ERROR"])]
    others = [f"10:00:0{k} INFO web: served {k}" for k in range(4)]
    assert texts(*lines, *others)[:2] == ["<*> ERROR db: gone"] * 2


def test_what_a_monotonous_log_says_is_no_header():
    lines = [
        f"2026-11-23 10:00:0{k} INFO user {name} logged {way} from 10.0.0.{k} after {k} ms"
        for k, name in enumerate(NAMES)
        for way in ("in", "out")
    ]
    assert set(texts(*lines)) == {
        "<*> INFO user <*> logged in from <*> after <*>",
        "<*> INFO user <*> logged out from <*> after <*>",
    }


def test_two_formats_in_one_log_have_a_header_each():
    syslog = [f"Jun 1{k} 12:00:0{k} host sshd[{k}]: session {k} closed" for k in range(5)]
    plain = [f"[2026-11-23 10:00:0{k}] session {k} opened" for k in range(5)]
    assert set(texts(*syslog, *plain)) == {
        "<*> host sshd[<*>]: session <*> closed",
        "[<*>] session <*> opened",
    }
