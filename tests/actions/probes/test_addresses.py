"""Addresses whose password nobody has escaped: what is said of them shows none of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.actions.probes.conftest import context

from bongsu.actions.lookers import look
from bongsu.actions.probes.outcome import parts_of, place_of
from bongsu.manual.schema.diagnosis import DatabaseProbe, PrometheusProbe

PASSWORDS = ["hun/ter", "hun#ter", "hun?ter", "hun,ter", "hun[ter", "12/hunter", "12?hunter"]
KINDS = ["mongodb", "redis", "postgresql"]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_password_that_breaks_its_address_is_not_shown(kind: str, password: str):
    dsn = f"{kind}://app:{password}@127.0.0.1:1/shop"
    probe = DatabaseProbe.model_validate({"kind": kind, "dsn_env": "SHOP_URL"})
    looked = await look("shop", probe, context({"SHOP_URL": dsn}, 1.0))
    assert "hun" not in repr(looked)
    assert "ter" not in str(looked.why.values if looked.why else "")
    if password != "hun,ter":
        assert looked.verdict == "unknown"


@pytest.mark.parametrize("password", PASSWORDS)
async def test_prometheus_with_such_an_address_is_unknown(password: str):
    env = {"BONGSU_PROMETHEUS_URL": f"http://app:{password}@127.0.0.1:1"}
    probe = PrometheusProbe.model_validate(
        {"kind": "prometheus", "query": "up", "healthy": "value > 0"}
    )
    looked = await look("up", probe, context(env, 1.0))
    assert looked.verdict == "unknown"
    assert "hun" not in repr(looked)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_address_at_all_is_unknown_and_not_shown(kind: str):
    probe = DatabaseProbe.model_validate({"kind": kind, "dsn_env": "SHOP_URL"})
    looked = await look("shop", probe, context({"SHOP_URL": "hunter2secret"}, 1.0))
    assert looked.verdict == "unknown"
    assert "hunter2secret" not in repr(looked)
    assert looked.why is not None
    assert looked.why.values["name"] == "SHOP_URL"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("postgresql://app:pw@one:1,two:2/shop", "one:1"),
        ("mongodb://app:p,w@one,two:2/shop", "one:5432"),
        ("postgresql:///shop?host=/run/postgresql", "localhost:5432"),
        ("unix:///run/redis.sock", "localhost:5432"),
        ("http://[::1]:9090/prometheus", "::1:9090"),
    ],
)
def test_an_address_names_its_first_place(address: str, place: str):
    parts = parts_of(address)
    assert parts is not None
    assert place_of(parts, 5432) == place


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_not(text: str):
    parts = parts_of(f"redis://{text}")
    assert parts is None or place_of(parts, 6379)
