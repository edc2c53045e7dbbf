"""A plan: what it is given is read by type, and no value becomes more than a value."""

from __future__ import annotations

import json
import unicodedata
from datetime import timedelta
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.incident.manuals import manual

from bongsu.i18n import translator
from bongsu.incident.commands import RefusedError
from bongsu.incident.reasons import REFUSALS, explain
from bongsu.incident.runs.planning import MOST_STEPS, Plan, plan, step_of
from bongsu.incident.runs.telling import does, undoes
from bongsu.manual.conditions import Condition
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import (
    CheckStep,
    CommandStep,
    HttpStep,
    HumanStep,
    KubectlStep,
    WaitStep,
)

SHELLS_EAT = [
    "; touch /tmp/x", "$(id)", "`id`", "a|b", "a && b", "a > /etc/passwd", "'; --", '"', "\\", "*",
    "${IFS}cat", "~root", "!!", "%0a", "a b", "$'\\n'", "한글 이름", "{{ other }}", "#",
]  # fmt: skip
UNSEEN = ["a\nb", "a\rb", "a\0b", "a\x1b[31m", "a\u202eb", "a\u200bb", "a\u2028b", "\ud800", "\t"]


def with_playbooks(**playbooks: dict[str, Any]) -> Manual:
    return manual(playbooks={name: {"name": name, **one} for name, one in playbooks.items()})


def mend(*argv: str, **parameters: dict[str, Any]) -> Manual:
    """A playbook of one command, with these parameters."""
    step = {"name": "Mend", "kind": "command", "argv": ["mend", *argv]}
    return with_playbooks(mend={"parameters": parameters, "steps": [step]})


def argv_of(planned: Plan) -> list[str]:
    step = step_of(planned.steps[0])
    assert isinstance(step, CommandStep)
    return step.argv


def refusal(of: Manual, name: str = "mend", **given: object) -> str:
    """The code of why it is refused, which is said in both languages."""
    with pytest.raises(RefusedError) as caught:
        plan(of, name, given)
    reason = caught.value.reason
    named = {name for _, name, _, _ in Formatter().parse(REFUSALS[reason.code]) if name}
    assert named <= reason.values.keys()
    assert explain(reason, of, translator("ko")) != explain(reason, of, translator("en"))
    return reason.code


# ── by type ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "given", "value"),
    [
        ({"type": "integer"}, "10", 10),
        ({"type": "integer"}, -3, -3),
        ({"type": "number"}, "0.5", 0.5),
        ({"type": "number"}, "10", 10),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, False, False),
        ({"type": "address"}, "203.0.113.7", "203.0.113.7"),
        ({"type": "address"}, "2001:DB8:0::1", "2001:db8::1"),
        ({"type": "string"}, "반갑습니다", "반갑습니다"),
        ({"type": "string", "pattern": "[가-힣]+"}, "서울", "서울"),
        ({"type": "string", "choices": ["a", "b"]}, "b", "b"),
        ({"type": "integer", "choices": [1, 2]}, "2", 2),
    ],
)
def test_a_value_is_read_by_its_type(wanted, given, value):
    planned = plan(mend("x{{ it }}", it=wanted), "mend", {"it": given})
    assert planned.parameters == {"it": value}
    assert type(planned.parameters["it"]) is type(value)


@pytest.mark.parametrize(
    ("wanted", "given", "code"),
    [
        ({"type": "integer"}, "١٢", "parameter_type"),
        ({"type": "integer"}, "１０", "parameter_type"),
        ({"type": "integer"}, "1e3", "parameter_type"),
        ({"type": "integer"}, " 1", "parameter_type"),
        ({"type": "integer"}, "1\n", "parameter_type"),
        ({"type": "integer"}, 1.0, "parameter_type"),
        ({"type": "integer"}, True, "parameter_type"),
        ({"type": "integer"}, [1], "parameter_type"),
        ({"type": "integer"}, 10**30, "parameter_type"),
        ({"type": "integer"}, "9" * 5000, "parameter_too_long"),
        ({"type": "integer", "maximum": 20}, 21, "parameter_range"),
        ({"type": "integer", "minimum": 1}, "0", "parameter_range"),
        ({"type": "number"}, "nan", "parameter_type"),
        ({"type": "number"}, float("inf"), "parameter_type"),
        ({"type": "boolean"}, 1, "parameter_type"),
        ({"type": "boolean"}, "yes", "parameter_type"),
        ({"type": "address"}, "203.0.113.7/0", "parameter_type"),
        ({"type": "address"}, "0.0.0.0", "parameter_type"),
        ({"type": "address"}, "fe80::1%$(id)", "parameter_type"),
        ({"type": "address"}, "１.2.3.4", "parameter_type"),
        ({"type": "address"}, "0x7f.1", "parameter_type"),
        ({"type": "address"}, "example.com", "parameter_type"),
        ({"type": "address"}, "-1.2.3.4", "parameter_type"),
        ({"type": "string"}, 5, "parameter_type"),
        ({"type": "string"}, "", "parameter_empty"),
        ({"type": "string"}, "   ", "parameter_empty"),
        ({"type": "string"}, "x" * 1001, "parameter_too_long"),
        ({"type": "string", "choices": ["a"]}, "b", "parameter_choice"),
        ({"type": "string", "pattern": "[a-z]+"}, "abc\n", "parameter_characters"),
        ({"type": "string", "pattern": "[a-z]+"}, "abc def", "parameter_pattern"),
        ({"type": "string", "pattern": "^[a-z]+$"}, "аbс", "parameter_pattern"),
        ({"type": "string", "pattern": r"\w+"}, "аdmin", "parameter_pattern"),
        ({"type": "string", "pattern": "(?i)[a-z]+"}, "ſh", "parameter_look_alike"),
        ({"type": "string", "pattern": ".+"}, "ａｄｍｉｎ", "parameter_look_alike"),
        ({"type": "string", "pattern": "[가-힣]+"}, unicodedata.normalize("NFD", "서울"),
         "parameter_look_alike"),
    ],
)  # fmt: skip
def test_what_does_not_fit_its_type_is_refused(wanted, given, code):
    assert refusal(mend("{{ it }}", it=wanted), it=given) == code


@pytest.mark.parametrize("value", UNSEEN)
def test_what_nobody_can_see_is_refused_in_any_text(value):
    assert refusal(mend("{{ it }}", it={}), it=value) in ("parameter_characters", "parameter_empty")


def test_what_is_not_given_is_the_default_and_must_have_one():
    known = mend("{{ it }}", it={"type": "integer", "default": 3})
    assert plan(known, "mend", {}).parameters == {"it": 3}
    assert plan(known, "mend", {"it": None}).parameters == {"it": 3}
    assert refusal(mend("{{ it }}", it={})) == "missing_parameter"
    assert refusal(known, other=1) == "unknown_parameter"
    assert refusal(known, "bend") == "unknown_playbook"


# ── in an argument ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", SHELLS_EAT)
def test_what_a_shell_would_eat_is_passed_whole(value):
    planned = plan(mend("{{ it }}", "--as={{ it }}", "-c", it={}), "mend", {"it": value})
    assert argv_of(planned) == ["mend", value, f"--as={value}", "-c"]


@pytest.mark.parametrize("item", ["{{ it }}", "{{it}}.yaml"])
def test_a_value_never_begins_an_option(item):
    assert refusal(mend(item, it={}), it="-rf") == "argument_is_option"
    assert refusal(mend(item, it={"type": "integer"}), it=-9) == "argument_is_option"
    written = plan(mend("--to={{ it }}", "-{{ it }}", it={}), "mend", {"it": "-9"})
    assert argv_of(written) == ["mend", "--to=-9", "--9"]


values = st.text(max_size=60) | st.sampled_from(SHELLS_EAT + UNSEEN + ["-x", "--", "{{ it }}"])
literals = st.text(alphabet="abc-=/ $;{}'\"", max_size=8)


@given(
    before=st.lists(literals, max_size=3),
    head=literals,
    tail=literals,
    value=values,
    number=st.integers(),
)
def test_whatever_the_value_there_are_as_many_arguments_and_each_is_whole(
    before, head, tail, value, number
):
    assume("{{" not in head + tail + "".join(before))
    assume(not head.endswith("{") and not tail.startswith("}"))
    items = [*before, f"{head}{{{{ it }}}}{tail}", "--n={{ n }}"]
    known = mend(*items, it={}, n={"type": "integer"})
    try:
        argv = argv_of(plan(known, "mend", {"it": value, "n": number}))
    except RefusedError:
        return
    assert argv == ["mend", *before, f"{head}{value}{tail}", f"--n={number}"]
    assert not any(unicodedata.category(one).startswith("C") for one in value)


@pytest.mark.parametrize(
    "value", ['x","admin":"true', 'x"}} --', "\\", "\\u0022,\\u0022a", '"', "a\\nb"]
)  # fmt: skip
def test_a_value_adds_nothing_to_a_patch(value):
    known = mend('{"data":{"switch":"{{ it }}"}}', it={})
    assert refusal(known, it=value) == "argument_changes_form"


@given(value=values)
def test_whatever_the_value_a_patch_has_the_manual_s_keys_and_it_as_a_value(value):
    known = mend('{"data":{"switch":"{{ it }}","kept":"yes"}}', it={})
    try:
        patch = argv_of(plan(known, "mend", {"it": value}))[1]
    except RefusedError:
        return
    assert json.loads(patch) == {"data": {"switch": value, "kept": "yes"}}


@given(value=values)
def test_whatever_the_value_an_address_leads_to_the_manual_s_place(value):
    try:
        url = asked_for(http("https://ops.example:8443/on/{{ it }}/now?by=bongsu"), it=value).url
    except RefusedError:
        return
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.query) == ("https", "ops.example:8443", "by=bongsu")
    assert parts.fragment == ""
    assert [unquote(one) for one in parts.path.split("/")] == ["", "on", value, "now"]


def test_a_value_that_keeps_a_patch_as_it_is_goes_in():
    known = mend('{"data":{"{{ it }}":"on {{ it }}","n":{{ n }}}}', it={}, n={"type": "integer"})
    patch = argv_of(plan(known, "mend", {"it": "회로 }", "n": 3}))[1]
    assert json.loads(patch) == {"data": {"회로 }": "on 회로 }", "n": 3}}


def http(url: str, **more: Any) -> Manual:
    step = {"name": "Ask", "kind": "http", "url": url, **more}
    parameters = {"it": {}, "at": {"type": "address", "default": "2001:db8::1"}}
    return with_playbooks(mend={"parameters": parameters, "steps": [step]})


def asked_for(of: Manual, **given: object) -> HttpStep:
    step = step_of(plan(of, "mend", given).steps[0])
    assert isinstance(step, HttpStep)
    return step


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("../admin", "..%2Fadmin"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("서", "%EC%84%9C"),
        ("a@evil.example", "a%40evil.example"),
        ("x:80", "x%3A80"),
    ],
)
def test_a_value_stays_in_its_place_of_an_address(value, path):
    step = asked_for(http("http://[{{ at }}]/on/{{ it }}?again=1"), it=value)
    assert step.url == f"http://[2001:db8::1]/on/{path}?again=1"


def test_a_value_can_not_climb_out_of_its_address_or_name_a_secret():
    assert refusal(http("http://x/{{ it }}/y"), it="..") == "parameter_characters"
    names_secret = http("http://x/{{ it }}", headers={"token": "{{ it }}"})
    assert refusal(names_secret, it="env:SECRET") == "header_names_variable"
    body = http("http://x/", body='{"user": "{{ it }}"}')
    assert refusal(body, it='a", "role": "admin') == "argument_changes_form"
    assert asked_for(body, it="a b").body == '{"user": "a b"}'


def test_the_lock_and_what_people_read_are_filled_in_too():
    step = {"name": "Restart {{ node }}", "kind": "human", "instruction": "Go to {{ node }}"}
    undo = {
        "name": "Label", "kind": "kubectl", "args": ["label", "node", "{{ node }}", "out=yes"],
        "undo": ["label", "node", "{{ node }}", "out-"],
    }  # fmt: skip
    known = with_playbooks(
        mend={"parameters": {"node": {}}, "lock": "node/{{ node }}", "steps": [step, undo]}
    )
    planned = plan(known, "mend", {"node": "n1"})
    human, label = map(step_of, planned.steps)
    assert planned.lock == "node/n1"
    assert planned.steps[0].name == {"ko": "Restart n1", "en": "Restart n1"}
    assert isinstance(human, HumanStep)
    assert human.instruction.en == "Go to n1"
    assert isinstance(label, KubectlStep)
    assert label.undo == ["label", "node", "n1", "out-"]


def test_where_kubectl_changes_something_is_frozen_and_shown_to_whoever_approves():
    scale = {"name": "Scale", "kind": "kubectl", "service": "backend", "args": ["scale", "d/b"],
             "undo": ["scale", "-n", "other", "d/b"]}  # fmt: skip

    def living(workload: str, **more: str) -> Manual:
        place = {"name": "b", "tier": 1, "workload": {"namespace": workload}}
        step = {**scale, **more}
        return manual(
            services={"services": {"backend": place}},
            playbooks={"mend": {"name": "m", "steps": [step]}},
        )

    known, moved = living("korea-prod"), living("elsewhere", namespace="asked-for")
    step, t = step_of(plan(known, "mend", {}).steps[0]), translator("en")
    assert does(step, moved, t) == "kubectl -n korea-prod scale d/b"
    assert undoes(step, moved) == "kubectl scale -n other d/b"
    assert does(step_of(plan(moved, "mend", {}).steps[0]), moved, t).startswith(
        "kubectl -n asked-for "
    )


def test_the_incidents_number_is_always_there_also_in_what_is_called():
    known = with_playbooks(
        mend={
            "lock": "case/{{ incident }}",
            "steps": [command("keep", "/backup/{{ incident }}"), call("part"),
                      call("told", parameters={"of": "{{ incident }}"})],
        },
        part={"steps": [command("seal", "--case={{incident}}")]},
        told={"parameters": {"of": {}}, "steps": [command("tell", "{{ of }}")]},
    )  # fmt: skip
    planned = plan(known, "mend", {}, incident="INC-20250814-143000-57")
    steps = [step_of(one) for one in planned.steps]
    assert [one.argv[1] for one in steps if isinstance(one, CommandStep)] == [
        "/backup/INC-20250814-143000-57", "--case=INC-20250814-143000-57",
        "INC-20250814-143000-57",
    ]  # fmt: skip
    assert planned.lock == "case/INC-20250814-143000-57"
    assert planned.parameters == {}, "nobody gave it"
    assert refusal(known, incident="mine") == "no_parameters"


# ── parts ────────────────────────────────────────────────────────────────────────────────


def call(playbook: str, **more: Any) -> dict[str, Any]:
    return {"name": f"Call {playbook}", "kind": "playbook", "playbook": playbook, **more}


def command(*argv: str, **more: Any) -> dict[str, Any]:
    return {"name": argv[0], "kind": "command", "argv": [*argv], **more}


def test_what_a_playbook_calls_is_laid_out_in_its_place():
    known = with_playbooks(
        mend={
            "parameters": {"n": {"type": "integer"}},
            "steps": [
                command("first"),
                call("part", parameters={"size": "{{ n }}", "name": "pod-{{ n }}"}),
                command("last"),
            ],
        },
        part={
            "parameters": {"size": {"type": "integer", "maximum": 5}, "name": {}},
            "stage": "recovery",
            "steps": [command("size", "{{ size }}", "{{ name }}")],
        },
    )
    planned = plan(known, "mend", {"n": "4"})
    steps = [step_of(one) for one in planned.steps]
    assert [one.argv for one in steps if isinstance(one, CommandStep)] == [
        ["first"], ["size", "4", "pod-4"], ["last"],
    ]  # fmt: skip
    assert [one.origin for one in planned.steps] == ["mend", "part", "mend"]
    assert steps[1].stage == "recovery"
    assert planned.parameters == {"n": 4}
    assert refusal(known, n=6) == "parameter_range"


def test_a_part_keeps_its_approval_its_checks_and_its_conditions():
    known = with_playbooks(
        mend={
            "parameters": {"n": {"type": "integer", "default": 1}},
            "steps": [
                call("part", when="parameters.n > 0", approve="technical_lead", before=["api"],
                     after=["api"], parameters={"who": "o'neil"})
            ],
        },
        part={
            "approve": "incident_commander",
            "parameters": {"who": {}},
            "steps": [command("x", when="severity == 'P0' && parameters.who == \"o'neil\"")],
        },
    )  # fmt: skip
    gate, second, before, inner, after = map(step_of, plan(known, "mend", {}).steps)
    assert isinstance(gate, WaitStep)
    assert isinstance(second, WaitStep)
    assert (gate.approve, second.approve) == ("technical_lead", "incident_commander")
    assert gate.duration == timedelta()
    assert isinstance(before, CheckStep)
    assert isinstance(after, CheckStep)
    assert {one.when for one in (gate, second, before, after)} == {"parameters.n > 0"}
    assert inner.when is not None
    holds = Condition(inner.when).holds
    assert holds({"severity": "P0", "parameters": {"n": 1}})
    assert not holds({"severity": "P0", "parameters": {"n": 0}})
    assert not holds({"severity": "P1", "parameters": {"n": 1}})


def test_playbooks_that_call_each_other_in_a_circle_are_refused():
    known = with_playbooks(
        mend={"steps": [call("b")]}, b={"steps": [call("c")]}, c={"steps": [call("mend")]}
    )
    with pytest.raises(RefusedError) as caught:
        plan(known, "mend", {})
    assert caught.value.reason.values["circle"] == "mend → b → c → mend"
    assert refusal(known) == "playbooks_in_circle"
    assert refusal(with_playbooks(mend={"steps": [call("mend")]})) == "playbooks_in_circle"


def test_a_plan_that_doubles_at_each_call_is_refused_before_it_fills_memory():
    each = {f"p{n}": {"steps": [call(f"p{n + 1}"), call(f"p{n + 1}")]} for n in range(40)}
    known = with_playbooks(mend={"steps": [call("p0")]}, **each, p40={"steps": [command("x")]})
    assert refusal(known) == "plan_too_long"
    many = with_playbooks(mend={"steps": [command("x")] * MOST_STEPS})
    assert len(plan(many, "mend", {}).steps) == MOST_STEPS


def test_a_part_with_another_lock_is_refused_and_with_the_same_one_is_not():
    part = {"parameters": {"n": {}}, "lock": "node/{{ n }}", "steps": [command("x")]}

    def calling(lock: str | None, node: str) -> Manual:
        mine = {"lock": lock} if lock else {}
        return with_playbooks(
            mend={**mine, "steps": [call("part", parameters={"n": node})]}, part=part
        )

    assert refusal(calling("node/a", "b")) == "locks_differ"
    assert plan(calling("node/a", "a"), "mend", {}).lock == "node/a"
    assert plan(calling(None, "b"), "mend", {}).lock == "node/b"


def test_every_playbook_of_the_first_user_can_be_planned():
    from tests.manual.conftest import SEED

    from bongsu.manual.load import load

    seed = load(SEED)
    given = {
        "server_down": {"node": "node-1"},
        "security_incident": {"workload": "suspicious", "malicious_address": "203.0.113.7"},
    }
    for name, playbook in seed.playbooks.items():
        needed = {key for key, one in playbook.parameters.items() if one.default is None}
        sample = {key: value for key, value in given.get(name, {}).items() if key in needed}
        if needed - sample.keys():
            assert refusal(seed, name, **sample) == "missing_parameter"
            continue
        planned = plan(seed, name, sample)
        assert [step_of(one).name.ko for one in planned.steps]


def test_the_playbook_of_the_how_to_is_one():
    page = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-playbook.md"
    example = yaml.safe_load(page.read_text("utf-8").split("```yaml\n")[1].split("```")[0])
    planned = plan(with_playbooks(high_cpu=example), "high_cpu", {"replicas": "7"})
    scale = step_of(planned.steps[0])
    assert isinstance(scale, KubectlStep)
    assert scale.args[-1] == "--replicas=7"
