"""What changes between two manuals, in words.

`changes` finds every difference; `phrases` words the ones that people ask about ("P0:
rotation:main/secondary is paged after 3m, was 2m"), and whatever it has no words for is told by
its place, so that no change is silent.
"""

from __future__ import annotations

from bongsu.manual.diff.changes import Change, between
from bongsu.manual.diff.phrases import say
from bongsu.manual.schema.document import Manual


def diff(old: Manual, new: Manual, lang: str) -> list[str]:
    """Say in ``lang`` what is different in ``new``, in the order of the manual's chapters.

    Manuals of the same content give an empty list.
    """
    lines = [say(change, lang) for change in between(old, new)]
    return list(dict.fromkeys(lines))


__all__ = ["Change", "between", "diff", "say"]
