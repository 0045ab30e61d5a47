"""Official numbers of organisations, checked by their own check digits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType

from stdnum import lei
from stdnum.cn import uscc
from stdnum.eu import vat
from stdnum.exceptions import ValidationError

from exchange.kernel.errors import Problem
from exchange.parties.problems import IDENTIFIER_INVALID

_TEXT_MAX = 64


class Scheme(StrEnum):
    """Whose number it is."""

    USCC = "uscc"
    LEI = "lei"
    EU_VAT = "eu_vat"


_CHECKS: dict[Scheme, ModuleType] = {Scheme.USCC: uscc, Scheme.LEI: lei, Scheme.EU_VAT: vat}


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
        return IDENTIFIER_INVALID(scheme=scheme[:_TEXT_MAX], reason=f"the scheme is one of {', '.join(Scheme)}")
    if not value.isascii() or len(value) > _TEXT_MAX:
        return IDENTIFIER_INVALID(scheme=known.value, reason="a number has at most 64 plain letters and digits")
    try:
        return Identifier(known, _CHECKS[known].validate(value))
    except ValidationError as error:
        return IDENTIFIER_INVALID(scheme=known.value, reason=str(error).rstrip(".").lower())
