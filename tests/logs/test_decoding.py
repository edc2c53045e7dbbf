"""Korean logs are read in UTF-8 and in CP949, whichever they are in, without being told."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from bongsu.logs import files
from bongsu.logs.analyser import analyse
from bongsu.logs.decoding import Decoder
from bongsu.logs.exact import most_frequent
from bongsu.logs.files import blocks
from bongsu.logs.miner import Miner

NOW = datetime(2025, 8, 14, 6, 0, tzinfo=UTC)
PLAIN = "".join(f"2025-08-14T05:{k:02d}:00Z INFO request {k} done\n" for k in range(60))
KOREAN = "".join(
    f"2025-08-14T05:59:{k:02d}Z ERROR 결제 서버 응답 없음: 주문 {k}번, 처리 시간 초과, 똠방각하\n"
    for k in range(60)
)


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_korean_log_is_shown_as_text_in_either_encoding(tmp_path, encoding, ending):
    path = tmp_path / f"app.log{ending}"
    content = (PLAIN + KOREAN).encode(encoding)
    path.write_bytes(gzip.compress(content) if ending else content)
    found = analyse(
        (("app", block) for block in blocks(path)),
        now=NOW,
        since=timedelta(minutes=5),
        baseline=timedelta(hours=1),
    )
    top = found.patterns[0]
    assert top.template.endswith("ERROR 결제 서버 응답 없음: 주문 <*>, 처리 시간 초과, 똠방각하")
    assert "주문 0번" in top.sample
    assert top.error
    assert "\\u" not in json.dumps(top.sample, ensure_ascii=False)


def test_korean_text_that_comes_late_is_read_too(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "BLOCK", 1000)
    path = tmp_path / "app.log"
    path.write_bytes((PLAIN + KOREAN).encode("cp949"))
    assert b"".join(map(bytes, blocks(path))).decode() == PLAIN + KOREAN


def test_a_korean_way_to_write_times_is_understood_in_cp949(tmp_path):
    path = tmp_path / "app.log"
    path.write_bytes("2025년 8월 14일 14시 30분 5초 접속 오류\n".encode("cp949"))
    found = analyse((("app", block) for block in blocks(path)), now=NOW)
    assert found.until is not None


@pytest.mark.parametrize(
    "odd", [b"cut in the middle: \xea\xb2", b"caf\xe9 au lait", b"\xff\xfe\x00\x80\xb0"]
)
def test_odd_bytes_don_t_turn_an_utf8_log_into_another(odd):
    data = KOREAN.encode() + odd + b"\n" + KOREAN.encode()
    assert Decoder().utf8(data) == data


def test_lines_in_utf8_within_a_log_in_cp949_stay(tmp_path):
    path = tmp_path / "app.log"
    path.write_bytes(KOREAN.encode("cp949") + "결제 완료\n".encode() + b"\xff odd\n")
    text = b"".join(map(bytes, blocks(path)))
    assert text == (KOREAN + "결제 완료\n").encode() + b"\xff odd\n"


def test_ascii_and_utf8_are_not_copied():
    for text in (PLAIN, KOREAN):
        data = text.encode()
        assert Decoder().utf8(data) is data


def test_equal_messages_in_two_encodings_are_one_template():
    decoders = Decoder(), Decoder()
    miner = Miner()
    for decoder, encoding in zip(decoders, ("utf-8", "cp949"), strict=True):
        miner.feed(decoder.utf8(KOREAN.encode(encoding)))
    assert len(miner.templates().texts) == 1


def test_what_grep_counts_is_counted_in_the_bytes_that_there_are(tmp_path):
    path = tmp_path / "app.log"
    path.write_bytes("error 결제\n".encode("cp949") * 2)
    assert most_frequent([path]) == [(2, "error 결제".encode("cp949"))]
