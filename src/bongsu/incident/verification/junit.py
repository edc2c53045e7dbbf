"""JUnit XML, as pytest, Playwright, Jest and most others write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat

from bongsu.incident.verification.measured import Measured, Unreadable

_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\0<", b"<\0")
"""beginnings of UTF-16, which expat tells apart by itself"""
_KNOWN = frozenset({"utf-8", "us-ascii", "iso-8859-1", "utf-16"})
"""encodings that expat reads"""
_BAD, _SKIPPED = frozenset({"failure", "error"}), frozenset({"skipped", "disabled"})


@dataclass
class _Counts:
    tests: int = 0
    bad: int = 0
    skipped: int = 0


class _Reader:
    """Counts test cases; suites' own numbers are believed where they say that more failed."""

    def __init__(self) -> None:
        self.cases, self.told = _Counts(), _Counts()
        self._open = {"testsuite": 0, "testcase": 0}
        self._begun = False
        self._marks: set[str] = set()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._begun and name not in ("testsuites", "testsuite"):
            raise Unreadable("result_unreadable", place=f"<{name[:60]}>", format="JUnit")
        self._begun = True
        if name == "testsuite" and not self._open["testsuite"]:
            self._told(attributes)
        if name == "testcase":
            self._marks = set()
        elif self._open["testcase"]:
            self._marks.add(name)
        if name in self._open:
            self._open[name] += 1

    def end(self, name: str) -> None:
        if name in self._open:
            self._open[name] -= 1
        if name == "testcase":
            self.cases.tests += 1
            self.cases.bad += bool(self._marks & _BAD)
            self.cases.skipped += bool(self._marks & _SKIPPED) and not self._marks & _BAD

    def _told(self, attributes: dict[str, str]) -> None:
        told = self.told
        told.tests += _whole(attributes, "tests")
        told.bad += _whole(attributes, "failures") + _whole(attributes, "errors")
        told.skipped += _whole(attributes, "skipped") + _whole(attributes, "disabled")


def read(text: bytes) -> Measured:
    """Return ``tests`` (that ran), ``failures``, ``skipped`` and ``pass_rate``.

    Raises:
        Unreadable: it is no JUnit XML, is cut off, declares entities, or no test ran.
    """
    if not text.strip():
        raise Unreadable("result_empty")
    reader = _Reader()
    try:
        _parse(text, reader)
    except expat.ExpatError as error:
        place = f"line {error.lineno}, column {error.offset}: {expat.ErrorString(error.code)}"
        raise Unreadable("result_unreadable", place=place, format="XML") from None
    except (ValueError, LookupError) as error:  # an encoding that there is not
        raise Unreadable("result_unreadable", place=error, format="XML") from None
    return _measured(reader)


def _parse(text: bytes, reader: _Reader) -> None:
    """Read it, in whatever encoding it says: Korean Windows still writes CP949."""
    whole = text if text[:2] in _WIDE else text[max(text.find(b"<"), 0) :]
    declared = _DECLARED.match(whole)
    name = declared[1].decode().lower() if declared else "utf-8"
    if name not in _KNOWN:
        whole = whole.decode(name, errors="replace").encode()
    parser = expat.ParserCreate(None if name in _KNOWN else "utf-8")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.StartDoctypeDeclHandler = _refuse
    parser.Parse(whole, True)  # noqa: FBT003  expat's own argument


def _refuse(*_: object) -> None:
    """A test result needs no document type, and entities can be made to fill the memory."""
    raise Unreadable("result_unreadable", place="<!DOCTYPE>", format="JUnit")


def _measured(reader: _Reader) -> Measured:
    cases = reader.cases if reader.cases.tests else reader.told
    failures = max(cases.bad, reader.told.bad)
    ran = max(cases.tests - cases.skipped, failures)
    if ran <= 0:
        raise Unreadable("no_tests")
    return Measured({
        "tests": ran, "failures": failures, "skipped": max(cases.skipped, reader.told.skipped),
        "pass_rate": (ran - failures) / ran,
    })  # fmt: skip


def _whole(attributes: dict[str, str], name: str) -> int:
    text = attributes.get(name, "0").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004  a count of tests
        raise Unreadable("result_unreadable", place=f"{name}={text[:40]}", format="count")
    return int(text)
