"""Errors whose message is a text of the catalogue, to be read in either language."""

from __future__ import annotations

from bongsu.i18n import translator
from bongsu.incident.alert import Remark


class SaidError(Exception):
    """It was not done; ``remark`` says why, for a person."""

    def __init__(self, text: str, /, **values: object) -> None:
        self.remark = Remark(text, {name: str(value) for name, value in values.items()})
        super().__init__(translator("en")(text, **values) if values else text)
