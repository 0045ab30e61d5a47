r"""Hints of personal data in a text, as counts only: `cx-personal/1`.

Look-arounds are ASCII: `\b` does not stand between a Chinese character and a digit, so it misses `电话13812345678联系`.
A hint is not proof: a number of the right form and checksum may still be an order number.
"""

from __future__ import annotations

import re
from typing import Any

from stdnum import luhn as _luhn
from stdnum.cn import ric as _ric

METHOD = "cx-personal/1"
KINDS = ("email", "cn_mobile", "cn_id", "bank_card")

_luhn_check: Any = _luhn
_ric_check: Any = _ric

_EMAIL = re.compile(
    r"(?<![0-9A-Za-z._%+-])[0-9A-Za-z][0-9A-Za-z._%+-]{0,63}@(?:[0-9A-Za-z-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![0-9A-Za-z])"
)
# 11 to 19 digits together, a mobile number with its country code, or a card number in groups of four.
_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])(?:(?P<grouped>[3-6][0-9]{3}(?:[ -][0-9]{4}){3}(?:[ -][0-9]{1,3})?)"
    r"|(?:\+?86[ -]?)(?P<mobile>1[3-9][0-9](?:[ -]?[0-9]{4}){2})"
    r"|(?P<plain>[0-9]{11,19}|[0-9]{17}[Xx]))(?![0-9A-Za-z])"
)
_MOBILE = re.compile(r"1[3-9][0-9]{9}\Z")
_LONG_NUMBER = re.compile(r"[0-9]{4}[ -]?[0-9]{4}|[0-9]{3}[ -][0-9]{4}")
_FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF20: "@", 0xFF0E: ".", 0xFF38: "X"}
_HAS_FULL_WIDTH = re.compile("[\uff10-\uff19\uff20]")


def hints_in(text: str) -> list[str]:
    """The kind of every hint in a text, one entry each, in no promised order."""
    if not text.isascii() and _HAS_FULL_WIDTH.search(text):
        text = text.translate(_FULL_WIDTH)
    found: list[str] = []
    if "@" in text:
        found.extend(["email"] * len(_EMAIL.findall(text)))
    if _LONG_NUMBER.search(text):
        for match in _NUMBER.finditer(text):
            kind = _kind_of(match)
            if kind:
                found.append(kind)
    return found


def _kind_of(match: re.Match[str]) -> str | None:
    if match["mobile"]:
        return "cn_mobile"
    plain = match["plain"]
    if plain is None:
        return "bank_card" if _is_card(match[0].replace(" ", "").replace("-", "")) else None
    if _MOBILE.match(plain):
        return "cn_mobile"
    if len(plain) == 18 and _ric_check.is_valid(plain):
        return "cn_id"
    return "bank_card" if _is_card(plain) else None


def _is_card(digits: str) -> bool:
    # Issuers of bank cards own the first digits 3 to 6 (ISO/IEC 7812).
    return 13 <= len(digits) <= 19 and digits[0] in "3456" and bool(_luhn_check.is_valid(digits))
