"""Korean logs in CP949 become UTF-8 before anything looks at them; UTF-8 and ASCII stay.

What a source is in is guessed once, from its first block that has more than ASCII in it: it is
CP949 if more of the lines are that and not UTF-8 than are UTF-8. Text in the one is hardly ever
right in the other: a Hangul syllable has three bytes in UTF-8, and their halves make no pairs.
"""

from __future__ import annotations

from itertools import islice

Data = bytes | memoryview

UTF8, CP949 = "utf-8", "cp949"
LOOKED_AT = 1000
"""lines with more than ASCII that are looked at, at most"""
PIECE = 1 << 18
"""bytes that are copied at once to tell whether they are ASCII"""


class Decoder:
    """Gives one source's blocks of whole lines in UTF-8."""

    def __init__(self) -> None:
        self.encoding: str | None = None
        """None while there was nothing but ASCII"""

    def utf8(self, block: Data) -> Data:
        """Return a block in UTF-8; bytes that are in neither encoding stay as they are."""
        if self.encoding == UTF8 or _is_ascii(block):
            return block
        data = bytes(block)
        if self.encoding is None:
            self.encoding = _guess(data)
        return _from_cp949(data) if self.encoding == CP949 else block


def _is_ascii(block: Data) -> bool:
    return all(bytes(block[at : at + PIECE]).isascii() for at in range(0, len(block), PIECE))


def _guess(data: bytes) -> str:
    telling = (line for line in data.split(b"\n") if not line.isascii())
    found = [_encoding(line) for line in islice(telling, LOOKED_AT)]
    return CP949 if found.count(CP949) > found.count(UTF8) else UTF8


def _encoding(line: bytes) -> str | None:
    """Return which of the two a line is in; UTF-8 where it might be both."""
    for encoding in (UTF8, CP949):
        try:
            line.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return None


def _from_cp949(data: bytes) -> bytes:
    try:
        return data.decode(CP949).encode()
    except UnicodeDecodeError:
        # Something in it isn't; the rest needn't suffer for that.
        lines = data.split(b"\n")
        return b"\n".join(
            line.decode(CP949).encode() if _encoding(line) == CP949 else line for line in lines
        )
