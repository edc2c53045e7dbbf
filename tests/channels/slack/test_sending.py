"""What reaches Slack when all is well."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.channels.messages import a_notice, a_page
from tests.channels.slack.standin import SlackStandIn

from bongsu.channels.message import DeliveryError
from bongsu.channels.slack import SlackChannel


def buttons(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = [b for b in message["blocks"] if b["type"] == "actions"]
    return {button["action_id"]: button for block in found for button in block["elements"]}


async def test_a_page_says_what_is_broken_since_when_and_by_when_to_answer(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    await bot.send(a_page(), "#critical-alerts")

    said = slack.words()
    wanted = [
        "[P0 Critical] 데이터베이스 장애",
        "백엔드 API · 데이터베이스 장애",
        "2025-08-14 14:30 (KST)",
        "김서연 님, 2025-08-14 14:35 (KST)까지 확인해 주십시오.",
        "매뉴얼은 1차 당직을 먼저 호출합니다",
    ]
    positions = [said.find(text) for text in wanted]
    assert -1 not in positions
    assert positions == sorted(positions)


async def test_a_page_in_english_is_labelled_in_english(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    page = a_page(lang="en", title="DB down", type_name="Database failure", service_name="API")
    await bot.send(page, "#critical-alerts")
    assert "acknowledge by 2025-08-14 14:35 (KST)" in slack.words()
    assert "*Since*" in slack.words()


async def test_the_buttons_carry_the_action_and_its_value(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    await bot.send(a_page(), "#critical-alerts")
    found = buttons(slack.last)
    assert (found["ack"]["value"], found["ack"]["text"]["text"]) == ("01K2:p1", "확인")
    assert found["dismiss"]["value"] == "01K2:p1"
    assert found["open"]["url"] == "https://bongsu.example.com/incidents/01K2"


async def test_the_receipt_of_a_direct_message_names_the_conversation_it_went_to(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    receipt = await bot.send(a_page(), "U024BE7LH")
    assert receipt.id.startswith("D024BE7LH:")
    assert receipt.id in slack.messages


async def test_an_update_changes_the_earlier_message_and_rings_nobody_again(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    receipt = await bot.send(a_page(), "U024BE7LH")
    update = a_page(
        kind="update", thread=receipt.id, actions=(), answer_by=None,
        text="김서연 님이 확인했습니다", phase="verified",
    )  # fmt: skip
    assert await bot.send(update, "U024BE7LH") == receipt
    assert len(slack.order) == 1
    assert "김서연 님이 확인했습니다" in slack.words()
    assert set(buttons(slack.last)) == {"open"}


async def test_an_update_of_a_message_that_is_gone_is_said_in_a_new_one(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    update = a_page(kind="update", thread="C0CRITICAL:1755149400.999999")
    receipt = await bot.send(update, "#critical-alerts")
    assert receipt.id in slack.messages
    assert [call.method for call in slack.calls] == ["chat.update", "chat.postMessage"]


async def test_a_notice_with_a_thread_answers_the_earlier_message(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    receipt = await bot.send(a_page(), "#critical-alerts")
    reply = msgspec.structs.replace(a_notice(), thread=receipt.id)
    await bot.send(reply, "#critical-alerts")
    assert slack.last["thread_ts"] == receipt.id.split(":")[1]
    assert "reply_broadcast" not in slack.last


async def test_a_page_in_a_thread_is_shown_in_the_channel_too(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    receipt = await bot.send(a_page(), "#critical-alerts")
    await bot.send(a_page(thread=receipt.id), "#critical-alerts")
    assert slack.last["reply_broadcast"] is True


async def test_every_message_carries_its_delivery_so_that_a_repeated_one_can_be_told(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    await bot.send(a_page(), "#critical-alerts")
    payload = slack.last["metadata"]["event_payload"]
    assert payload == {"delivery_id": "01K2/p1/0/1", "incident_id": "01K2"}


async def test_no_preview_fetches_the_links_of_a_message(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    await bot.send(a_page(), "#critical-alerts")
    assert (slack.last["unfurl_links"], slack.last["unfurl_media"]) == (False, False)


async def test_without_interactivity_a_direct_message_has_the_persons_own_links(
    slack: SlackStandIn, plain_bot: SlackChannel
) -> None:
    await plain_bot.send(a_page(), "U024BE7LH")
    found = buttons(slack.last)
    assert found["open-ack"]["url"] == "https://bongsu.example.com/go/ack-token"
    assert "value" not in found["open-ack"]


@pytest.mark.parametrize("with_secret", [True, False])
async def test_a_signed_link_is_never_shown_in_a_channel(
    with_secret: bool, slack: SlackStandIn, bot: SlackChannel, plain_bot: SlackChannel
) -> None:
    await (bot if with_secret else plain_bot).send(a_page(), "#critical-alerts")
    assert "token" not in str(slack.last)
    assert "https://bongsu.example.com/incidents/01K2" in str(slack.last)


async def test_a_webhook_gets_the_page_without_signed_links_or_buttons_that_nothing_answers(
    slack: SlackStandIn, hook: SlackChannel
) -> None:
    receipt = await hook.send(a_page(), "#critical-alerts")
    assert receipt.id == ""
    assert set(buttons(slack.last)) == {"open"}
    assert "go/ack-token" not in str(slack.last)
    assert "2025-08-14 14:35 (KST)까지" in slack.words()


async def test_a_webhook_rings_the_member_who_is_paged(
    slack: SlackStandIn, hook: SlackChannel
) -> None:
    await hook.send(a_page(), "U024BE7LH")
    assert slack.rung() == {"U024BE7LH"}


async def test_a_webhook_says_for_which_channel_a_message_was_meant(
    slack: SlackStandIn, hook: SlackChannel
) -> None:
    await hook.send(a_notice(), "#leadership")
    assert "→ #leadership" in slack.words()


async def test_a_drill_is_marked_as_one(slack: SlackStandIn, bot: SlackChannel) -> None:
    await bot.send(a_page(drill=True), "#critical-alerts")
    assert "[훈련] [P0 Critical]" in slack.words()


async def test_the_first_message_uses_the_connection_that_was_warmed(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    await bot.warm()
    await bot.send(a_page(), "#critical-alerts")
    await bot.warm()
    assert [call.method for call in slack.calls] == ["auth.test", "chat.postMessage", "auth.test"]
    assert len({call.connection for call in slack.calls}) == 1


async def test_a_webhook_is_warmed_without_saying_anything(
    slack: SlackStandIn, hook: SlackChannel
) -> None:
    await hook.warm()
    assert not slack.messages
    await hook.send(a_page(), "#critical-alerts")
    assert len({call.connection for call in slack.calls}) == 1


async def test_a_closed_channel_can_be_used_again(slack: SlackStandIn, bot: SlackChannel) -> None:
    await bot.send(a_page(), "#critical-alerts")
    await bot.close()
    await bot.send(a_page(), "#critical-alerts")
    assert len(slack.order) == 2


async def test_the_answer_to_a_press_goes_to_the_person_who_pressed(
    slack: SlackStandIn, bot: SlackChannel
) -> None:
    await bot.respond(f"http://127.0.0.1:{slack.port}/actions/T1/2/abc", "<확인> 했습니다")
    body = slack.calls[-1].body
    assert body["response_type"] == "ephemeral"
    assert body["text"] == "&lt;확인&gt; 했습니다"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/actions/x",
        "http://hooks.slack.com/actions/x",
        "https://hooks.slack.com.evil.example.com/actions/x",
        "https://evilslack.com/actions/x",
        "file:///etc/passwd",
        "",
    ],
)
async def test_an_answer_goes_to_slack_alone(url: str, bot: SlackChannel) -> None:
    with pytest.raises(DeliveryError) as refused:
        await bot.respond(url, "확인했습니다")
    assert refused.value.permanent
