"""Official numbers of organisations, checked by their own check digits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType

from stdnum import lei
from stdnum.cn import uscc
from stdnum.eu import vat
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidLength, ValidationError

from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from exchange.parties.problems import IDENTIFIER_INVALID

_TEXT_MAX = 64
# python-stdnum checks a LEI's remainder and not its length: to it, "1" is a LEI.
_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}\Z")


class Scheme(StrEnum):
    """Whose number it is."""

    USCC = "uscc"
    LEI = "lei"
    EU_VAT = "eu_vat"


_CHECKS: dict[Scheme, ModuleType] = {Scheme.USCC: uscc, Scheme.LEI: lei, Scheme.EU_VAT: vat}


_SCHEMES = Text(f"the scheme is one of {', '.join(Scheme)}", f"代码类型须为 {'、'.join(Scheme)} 之一")
_LETTERS = Text("a number has at most 64 plain letters and digits", "代码最多 64 位，只能使用半角字母和数字")
_FORM = Text("it does not have the form of such a number", "格式不符合该类代码的规则")
_FAULTS: dict[type[ValidationError], Text] = {
    InvalidLength: Text("it is too short or too long", "位数不正确"),
    InvalidChecksum: Text("its check digit does not fit: probably a slip of the pen", "校验位不符，可能是填写有误"),
    InvalidComponent: Text(
        "a part of it, such as the country or region, does not exist", "其中的国家或地区等部分不存在"
    ),
}


@dataclass(frozen=True, slots=True)
class Identifier:
    """One number in its compact form."""

    scheme: Scheme
    value: str


def identifier(scheme: str, value: str) -> Identifier | Problem:
    """Read a number as a person writes it; spaces and hyphens do not matter.

    errors   answers IDENTIFIER_INVALID for an unknown scheme or a wrong length, letter or check digit
    source   GB 32100-2015 (uscc), ISO 17442-1 (lei), VIES formats (eu_vat), as python-stdnum has them
    """
    try:
        known = Scheme(scheme)
    except ValueError:
        return IDENTIFIER_INVALID(scheme=scheme[:_TEXT_MAX], reason=_SCHEMES)
    if not value.isascii() or len(value) > _TEXT_MAX:
        return IDENTIFIER_INVALID(scheme=known.value, reason=_LETTERS)
    try:
        compact: str = _CHECKS[known].validate(value)
    except ValidationError as error:
        return IDENTIFIER_INVALID(scheme=known.value, reason=_FAULTS.get(type(error), _FORM))
    if known is Scheme.LEI and not _LEI.match(compact):
        return IDENTIFIER_INVALID(scheme=known.value, reason=_FAULTS[InvalidLength])
    return Identifier(known, compact)
