"""Merge ``src/bongsu/locale/LANG/*.po`` into one ``LANG/LC_MESSAGES/bongsu.mo``.

With ``--check`` it also extracts every text from the sources and reports those that have no
Korean, those that no source uses, and those that two files translate differently (exit 1).
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "bongsu"
METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2"), ("**.md.j2", "jinja2")]
KEYWORDS: dict[str, None] = {"t": None, "N_": None, "_": None, "gettext": None}


def merged(folder: Path) -> tuple[Catalog, list[str]]:
    """Return one catalogue of all the folder's files, and the texts they disagree on."""
    whole, clashes = Catalog(locale=folder.name), []
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as source:
            for message in read_po(source, locale=folder.name):
                known = whole.get(message.id) if message.id else None
                if known is not None and known.string != message.string:
                    clashes.append(f"{path.name}: {message.id!r} is translated otherwise elsewhere")
                if message.id:
                    whole.add(message.id, message.string)
    return whole, clashes


def compile_all() -> None:
    """Write every language's compiled catalogue."""
    for folder in (PACKAGE / "locale").iterdir():
        if folder.is_dir() and any(folder.glob("*.po")):
            target = folder / "LC_MESSAGES" / "bongsu.mo"
            target.parent.mkdir(exist_ok=True)
            with target.open("wb") as out:
                write_mo(out, merged(folder)[0])


def problems() -> list[str]:
    """Compare the sources' texts with the Korean catalogue."""
    whole, found = merged(PACKAGE / "locale" / "ko")
    used: dict[str, str] = {}
    for name, line, text, _comments, _context in extract_from_dir(
        str(PACKAGE), method_map=METHODS, keywords=KEYWORDS
    ):
        if isinstance(text, str) and text:
            used.setdefault(text, f"src/bongsu/{name}:{line}")
    for text, place in used.items():
        message = whole.get(text)
        if message is None or not message.string:
            found.append(f"{place}: no Korean for {text!r}")
    known = {message.id for message in whole if message.id}
    return found + [f"locale/ko: no source uses {text!r}" for text in sorted(known - used.keys())]


if __name__ == "__main__":
    compile_all()
    if "--check" in sys.argv[1:]:
        found = problems()
        print("\n".join(found) or "the catalogue is complete")
        sys.exit(1 if found else 0)
