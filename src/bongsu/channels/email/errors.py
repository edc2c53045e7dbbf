"""What a mail server's refusals mean: whether another attempt could help, and what to mend."""

from __future__ import annotations

import ssl

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPTimeoutError,
)

from bongsu.channels.message import DeliveryError
from bongsu.channels.text import fit, one_line
from bongsu.i18n import Translator

GREYLISTED = 60.0
"""seconds after which a server that puts off strangers takes the same mail"""
_TRY_LATER = (450, 451)
_REPLY = 300


def explained(error: Exception, t: Translator) -> DeliveryError:
    """Turn what aiosmtplib raised into a delivery's failure.

    Replies 5xx are permanent; 4xx, lost connections and silence are not. A server that can't be
    trusted, or lacks what we must have (STARTTLS, AUTH), stays so until somebody mends it.
    """
    if isinstance(error, ssl.SSLCertVerificationError) or isinstance(
        error.__cause__, ssl.SSLCertVerificationError
    ):
        text = t(
            "the mail server's certificate can't be trusted; name its authority with cafile= "
            "in BONGSU_SMTP_URL"
        )
        return DeliveryError(text, permanent=True)
    if isinstance(error, SMTPResponseException):
        return _replied(error, t)
    reason = fit(one_line(str(error)), _REPLY) or type(error).__name__
    text = t("the mail server can't be used: {reason}", reason=reason)
    lost = isinstance(error, (SMTPConnectError, SMTPTimeoutError, OSError, ssl.SSLError))
    return DeliveryError(text, permanent=isinstance(error, SMTPException) and not lost)


def _replied(error: SMTPResponseException, t: Translator) -> DeliveryError:
    reply = fit(one_line(f"{error.code} {error.message}"), _REPLY)
    permanent = error.code // 100 == 5  # noqa: PLR2004  RFC 5321, 4.2.1
    if isinstance(error, SMTPAuthenticationError):
        text = t("the mail server refused to sign us in: {reply}", reply=reply)
        return DeliveryError(text, permanent=permanent)
    if isinstance(error, SMTPRecipientRefused):
        text = t("the mail server refused the recipient: {reply}", reply=reply)
        wait = GREYLISTED if error.code in _TRY_LATER else None
        return DeliveryError(text, permanent=permanent, retry_after=wait)
    return DeliveryError(t("the mail server refused: {reply}", reply=reply), permanent=permanent)
