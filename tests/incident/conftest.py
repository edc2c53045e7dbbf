"""Worlds whose every page must have been expected by the time the test ends."""

# ruff: noqa: E402  the world must be named before it is imported, for its asserts to be rewritten

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

pytest.register_assert_rewrite("tests.incident.world")

from tests.incident.manuals import manual
from tests.incident.world import World

from bongsu.manual.schema.document import Manual

MakeWorld = Callable[[Manual], World]


@pytest.fixture
def make_world() -> Iterator[MakeWorld]:
    """Make a world of any manual."""
    made: list[World] = []

    def make(manual: Manual) -> World:
        made.append(World(manual))
        return made[-1]

    yield make
    for world in made:
        world.nothing_unseen()


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """Give the test a world that runs by a manual like the seed's."""
    return make_world(manual())
