"""CONTRIBUTING's recipes name places that exist and that belong together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from bongsu.channels.registry import FOLDERS
from bongsu.incident import events, reasons
from bongsu.manual.check import addresses
from bongsu.manual.render import edition
from bongsu.manual.schema.communication import ChannelName
from bongsu.manual.schema.signals import SignalFormat
from bongsu.manual.schema.team import ContactChannel
from bongsu.web.console.views import snippets
from bongsu.web.ingest_forms import FORMS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
RECIPE = re.compile(r"^### (To add [^\n]*): (\d+) places\n((?:(?!^###).*\n?)*)", re.MULTILINE)
RECIPES = {title: (int(count), body) for title, count, body in RECIPE.findall(TEXT)}


def test_there_are_the_seven_recipes():
    assert len(RECIPES) == 7


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_has_as_many_places_as_it_says(title: str):
    count, body = RECIPES[title]
    places = [int(number) for number in re.findall(r"^(\d+)\. ", body, re.MULTILINE)]
    assert places == list(range(1, count + 1))


def test_every_place_that_is_named_exists():
    folders = [ROOT, ROOT / "src" / "bongsu"]
    named = re.findall(r"`([\w./-]+/[\w.-]*)`", TEXT.partition("## Recipes")[2])
    placeholder = re.compile(r"\b(NAME|AREA)\b")
    known = [name for name in named if not placeholder.search(name)]
    assert len(known) > 20
    missing = [name for name in known if not any((folder / name).exists() for folder in folders)]
    assert missing == []


def test_every_channel_stands_in_each_of_the_places_that_the_recipe_counts():
    contacts, names = set(get_args(ContactChannel)), set(get_args(ChannelName))
    assert set(FOLDERS) <= contacts
    assert contacts <= reasons.CHANNELS.keys()
    assert contacts | names <= edition._CHANNELS.keys()
    assert contacts - {"terminal"} <= addresses._FORMS.keys()


def test_every_signal_format_stands_in_each_of_the_places_that_the_recipe_counts():
    formats = set(get_args(SignalFormat))
    assert {form.format for form in FORMS.values()} | {"pagerduty", "changes"} == formats
    assert {known[0] for known in snippets._KNOWN} == formats


def test_every_event_has_its_sentence_in_the_timeline():
    folder = ROOT / "src" / "bongsu" / "incident"
    places = [folder / "timeline.py", *folder.glob("*/words.py")]
    source = "".join(place.read_text("utf-8") for place in places)
    kinds = {kind.__name__ for kind in get_args(events.AnyBody)}
    assert kinds <= set(re.findall(r"(?:case |\| |\b\w\.)(\w+)\(\)", source))
