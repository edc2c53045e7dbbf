"""Secrets and personal data are taken out of a text before it is stored, shown or sent.

Every expression here takes time linear in the text: a run of characters is either bounded, or is
taken whole and never given back (possessive quantifiers), and starts at one place only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

RRN, PHONE, EMAIL, CARD = "[RRN]", "[PHONE]", "[EMAIL]", "[CARD]"
TOKEN, SECRET, KEY = "[TOKEN]", "[SECRET]", "[KEY]"

ROUNDS = 4
"""times that a text is gone over, at most: what one rule leaves another one may take for a value"""

Match = re.Match[str]


def mask(text: str) -> str:
    """Return ``text`` with what nobody else may read replaced by its kind in brackets.

    - ``[RRN]``: 주민등록번호, 외국인등록번호; ``[PHONE]``: Korean ones; ``[EMAIL]``
    - ``[CARD]``: by its check digit
    - ``[TOKEN]``: bearer and API tokens, JWT, AWS keys, cookies
    - ``[SECRET]``: passwords and the like in ``key=value``, JSON, options and URLs
    - ``[KEY]``: PEM blocks

    In doubt it masks. Masking a masked text changes nothing. Never raises.
    """
    return _settled(_masked, text)


def mask_secrets(text: str) -> str:
    """Return ``text`` without secrets, as `mask` does; who is spoken of stays."""
    return _settled(_without_secrets, text)


def _settled(rule: Callable[[str], str], text: str) -> str:
    for _ in range(ROUNDS):
        before, text = text, rule(text)
        if text == before:
            break
    return text


def _masked(text: str) -> str:
    text = _without_secrets(text)
    if "@" in text:
        text = _email(text)
    return _numbers(text) if _MANY_DIGITS.search(text) else text


def _without_secrets(text: str) -> str:
    small = text.lower()
    for needed, rule in _RULES:
        if any(word in small for word in needed):
            text = rule(text)
    return text


# ── secrets ──────────────────────────────────────────────────────────────────────────────

_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{1,40}-----.*?(?:-----END [A-Z0-9 ]{1,40}-----|\Z)", re.DOTALL
)


def _pem(text: str) -> str:
    return _PEM.sub(KEY, text)


# Whoever takes a URL's "host:8080/a@b" for a password hides what was asked for.
_URL = re.compile(
    r"(://)(?:([^\s/:@\"'<>]{0,256}):(?!\d{1,5}(?:[/?#]|$))([^\s\"'<>]{1,256})|([^\s/:@\"'<>]{16,256}))@"
)


def _url(text: str) -> str:
    def hidden(found: Match) -> str:
        who = f"{found[2]}:" if found[3] is not None else ""
        return f"://{who}{SECRET}@"

    return _URL.sub(hidden, text)


_HEADER = re.compile(
    r"((?:proxy-)?authorization|(?:set-)?cookie)(\\*[\"']?[ \t]{0,64}[:=][ \t]{0,64}\\*[\"']?)"
    r"([^\r\n\"'\\]++)",
    re.IGNORECASE,
)
_BEARER = re.compile(
    r"\b(bearer|basic|digest|geniekey|negotiate)[ \t]{1,8}([A-Za-z0-9._~+/=%-]{6,}+)", re.IGNORECASE
)


def _header(text: str) -> str:
    return _HEADER.sub(rf"\1\2{TOKEN}", text)


def _bearer(text: str) -> str:
    return _BEARER.sub(lambda m: f"{m[1]} {TOKEN}" if _no_word(m[2]) else m[0], text)


def _no_word(value: str) -> bool:
    """Whether it looks drawn by lot rather than like a word of a sentence."""
    return len(value) >= 20 or any(c.isdigit() for c in value)  # noqa: PLR2004  longer than words are


_TOKEN = re.compile(
    r"(?:AKIA|ASIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA)[A-Z0-9]{16}"  # AWS
    r"|eyJ[\w-]{10,}+(?:\.[\w-]*+){0,4}"  # JWT, and any base64 of JSON
    r"|gh[pousr]_[A-Za-z0-9]{20,}+|github_pat_\w{20,}+|glpat-[\w-]{16,}+|npm_[A-Za-z0-9]{20,}+"
    r"|xox[a-z]-[\w-]{8,}+|xapp-[\w-]{8,}+|hooks\.slack\.com/[\w/-]{16,}+"
    r"|AIza[\w-]{30,}+|ya29\.[\w.-]{10,}+"  # Google
    r"|[srp]k_(?:live|test)_\w{8,}+|\bsk-[\w-]{16,}+|SG\.[\w-]{8,}\.[\w-]{8,}+|pypi-[\w-]{16,}+"
)


def _token(text: str) -> str:
    return _TOKEN.sub(TOKEN, text)


_PASSWORD = r"pass(?:word|wd|phrase|code)|pwd|비밀번호|패스워드|암호"  # noqa: S105  a pattern
_OTHER = (
    r"secret(?!name|ref|keyref)|token(?!s\b|iz|_?type|_?count)|토큰|api[_.-]?key|access[_.-]?key"
    r"|private[_.-]?key|signing[_.-]?key|encryption[_.-]?key|credential|session[_.-]?id|jsessionid"
    r"|인증키"
)
_VALUE = (
    r"(?:\"(?:[^\"\\]|\\.)*+\"?|'(?:[^'\\]|\\.)*+'?"
    # A comma may belong to it; where another key follows, it does not.
    r"|(?:[^\s&,;\"']|[,;](?!\s|[\w.-]{1,64}[=:]|$))++)"
)
_PAIR = re.compile(
    rf"(?P<key>(?:(?P<password>{_PASSWORD})|{_OTHER})[\w.-]{{0,32}})"
    r"(?P<sep>\\{0,8}+[\"']?+[ \t]{0,64}+(?:=>|[:=])[ \t]{0,64}+\\{0,8}+)"
    rf"(?P<value>(?!<set to the key){_VALUE})",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"(--[\w-]{{0,32}}(?:{_PASSWORD}|{_OTHER})[\w-]{{0,32}}[ \t]{{1,8}}+)(?:(?!-){_VALUE})",
    re.IGNORECASE,
)
_NOTHING = frozenset({"null", "none", "nil", "true", "false", "undefined", "", "<*>"})


def _pair(text: str) -> str:
    def hidden(found: Match) -> str:
        value, sep = found["value"], found["sep"]
        quote = value[0] if value[0] in "\"'" else ""
        if not _is_secret(found, quote):
            return found[0]
        closing = quote if len(value) > 1 and value.endswith(quote) else ""
        return f"{found['key']}{sep}{quote}{SECRET}{closing}"

    return _OPTION.sub(rf"\1{SECRET}", _PAIR.sub(hidden, text))


def _is_secret(found: Match, quote: str) -> bool:
    """Tell ``token: 9f3c`` from a sentence such as ``invalid token: signature expired``."""
    value, sep = found["value"], found["sep"]
    if value.strip("\"'").lower() in _NOTHING:
        return False
    if "=" in sep or quote or sep.startswith(("\\", '"', "'")):
        return True
    return found["password"] is not None or _no_word(value)


# ── personal data ────────────────────────────────────────────────────────────────────────

_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]++@([\w-]++(?:\.[\w-]++)++)")


def _email(text: str) -> str:
    def hidden(found: Match) -> str:
        top = found[1].rpartition(".")[2]
        return EMAIL if top[:2].isalpha() else found[0]

    return _EMAIL.sub(hidden, text)


_MANY_DIGITS = re.compile(r"[0-9][0-9 .()-]{6}")
_DASH = r"[ \t]?[-\u2010-\u2015][ \t]?"
_RRN = re.compile(
    rf"(?<![0-9A-Za-z_.])([0-9]{{6}})({_DASH}|[ \t]?)"
    r"([1-8](?:[0-9]{6}|[*xX●]{6}))(?![0-9A-Za-z_])"
)
_MOBILE = re.compile(
    r"(?<![0-9A-Za-z_.])(?:\+?82[ .-]?(?:\(0\)|0)?|0)1[016789]"
    r"[ .-]?[0-9]{3,4}[ .-]?[0-9]{4}(?![0-9A-Za-z_])"
)
_LANDLINE = re.compile(
    r"(?<![0-9A-Za-z_.-])(?:\+82[ .-]?(?:\(0\))?|\(?0)(?:2|[3-6][1-5]|70|50[0-9]?|80)[).-][ ]?"
    r"[0-9]{3,4}-[0-9]{4}(?![0-9A-Za-z_-])"
)
_CARD = re.compile(
    r"(?<![0-9A-Za-z_.])(?<!_-)(?:"
    r"(?:[3-69][0-9]{3}|2[2-7][0-9]{2})([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?"
    r"|3[47][0-9]{2}([ -]?)[0-9]{6}\2[0-9]{5}|3[0689][0-9]{2}([ -]?)[0-9]{6}\3[0-9]{4}"
    r")(?![0-9A-Za-z_])"
)


def _numbers(text: str) -> str:
    text = _RRN.sub(lambda m: RRN if _plausible(m) else m[0], text)
    text = _LANDLINE.sub(PHONE, _MOBILE.sub(PHONE, text))
    return _CARD.sub(lambda m: CARD if _luhn(m[0]) else m[0], text)


def _plausible(found: Match) -> bool:
    """Whether six digits are a day of birth; without a dash, whether the check digit fits as well.

    Numbers given since October 2020 have no check digit, and 13 digits in a row are often
    milliseconds since 1970.
    """
    born, dash, rest = found.groups()
    century = 1900 if rest[0] in "1256" else 2000
    year = century + int(born[:2])
    try:
        date(year, int(born[2:4]), int(born[4:]))
    except ValueError:
        return False
    return bool(dash) or year >= 2020 or _checks(born + rest)  # noqa: PLR2004  as said above


def _checks(digits: str) -> bool:
    if not digits.isdigit():
        return True
    weights = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
    total = sum(int(d) * w for d, w in zip(digits, weights, strict=False))
    left = (11 - total % 11) % 10
    return int(digits[12]) in (left, (left + 2) % 10)


def _luhn(text: str) -> bool:
    digits = [int(c) for c in reversed(text) if c.isdigit()]
    doubled = (sum(divmod(2 * d, 10)) for d in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


_TOKENS_BEGIN = (
    "akia asia agpa aida aroa aipa anpa anva eyj gh glpat npm_ xox xapp slack aiza ya29"
    " k_live k_test sk- sg. pypi-"
)
_KEYS_HAVE = "pass pwd 비밀번호 패스워드 암호 secret token 토큰 key credential session 인증키"
_RULES: tuple[tuple[tuple[str, ...], Callable[[str], str]], ...] = (
    (("-----begin",), _pem),
    (("://",), _url),
    (("authorization", "cookie"), _header),
    (("bearer", "basic", "digest", "geniekey", "negotiate"), _bearer),
    (tuple(_TOKENS_BEGIN.split()), _token),
    (tuple(_KEYS_HAVE.split()), _pair),
)
"""what must be in a text for a rule to be worth trying (in lower case), and the rule"""
