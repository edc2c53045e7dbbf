"""What Slack's refusals mean: whether another attempt could help, and what a person can mend."""

from __future__ import annotations

from bongsu.channels.message import DeliveryError
from bongsu.i18n import N_, Translator

TEMPORARY = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "timeout",
        "team_added_to_org",
        "org_login_required",
        "external_channel_migrating",
        "update_failed",
        "rollup_error",
    }
)
BLOCKS_REFUSED = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "invalid_payload",
    }
)
METADATA_REFUSED = frozenset(
    {
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_too_large",
        "metadata_must_be_sent_from_app",
    }
)
THREAD_REFUSED = frozenset(
    {"thread_not_found", "cannot_reply_to_message", "restricted_action_non_threadable_channel"}
)
NOT_UPDATABLE = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "is_inactive",
        "channel_not_found",
    }
)

_INVITE = N_("invite the app to the channel: /invite @the-app")
_TOKEN = N_("check BONGSU_SLACK_BOT_TOKEN; the app may have to be installed again")
_WEBHOOK = N_("check BONGSU_SLACK_WEBHOOK_URL; the webhook may have been removed")
_CHANNEL = N_("no such channel or member, or the app is not in it; write #channel or a member id")
_ARCHIVED = N_("the channel is archived; name another one in the manual")
_SCOPE = N_("give the app the scope chat:write (and chat:write.public), then install it again")
_MENDS = {
    "channel_not_found": _CHANNEL,
    "user_not_found": _CHANNEL,
    "not_in_channel": _INVITE,
    "no_permission": _INVITE,
    "is_archived": _ARCHIVED,
    "channel_is_archived": _ARCHIVED,
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "account_inactive": _TOKEN,
    "token_revoked": _TOKEN,
    "token_expired": _TOKEN,
    "missing_scope": _SCOPE,
    "no_service": _WEBHOOK,
    "no_team": _WEBHOOK,
    "no_active_hooks": _WEBHOOK,
    "invalid_token": _WEBHOOK,
    "action_prohibited": _WEBHOOK,
}


class SlackError(DeliveryError):
    """Slack answered, and the answer was no; ``code`` is Slack's own word for it."""

    def __init__(self, code: str, text: str, *, retry_after: float | None = None) -> None:
        temporary = code in TEMPORARY or retry_after is not None
        super().__init__(text, permanent=not temporary, retry_after=retry_after)
        self.code = code


def refused(code: str, t: Translator) -> SlackError:
    """Explain an error code; an unknown one is permanent, so that the next channel is tried."""
    mend = _MENDS.get(code)
    return SlackError(code, f"Slack: {code}" + (f": {t(mend)}" if mend else ""))


def too_many(retry_after: float, t: Translator) -> SlackError:
    """Slack asks us to wait."""
    text = t("Slack asks to wait {seconds} s (rate limit)", seconds=f"{retry_after:g}")
    return SlackError("ratelimited", text, retry_after=retry_after)
