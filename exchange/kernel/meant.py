"""What somebody probably meant: the name nearest to a misspelt one, and values rewritten the way a machine reads them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches

_NEAR = 0.72
_LONGEST = 200
_TRUE = frozenset({"true", "yes", "on", "y", "是", "真", "对"})
_FALSE = frozenset({"false", "no", "off", "n", "否", "假", "不"})
_NULL = frozenset({"null", "none", "nil", "~", "-", "", "n/a", "无", "空"})
_SCALES = {
    "k": 10**3,
    "千": 10**3,
    "万": 10**4,
    "萬": 10**4,
    "m": 10**6,
    "百万": 10**6,
    "b": 10**9,
    "亿": 10**8,
    "億": 10**8,
}
_SIGNS = re.compile(r"^(?:[¥￥$€£₩₹]|[A-Za-z]{3}(?=[ \d])|元|人民币)\s*|\s*(?:%|[¥￥$€£₩₹]|元|圆|[A-Z]{3})$")
_SCALED = re.compile(r"(.*?\d)\s*(百万|[kKmMbB千万萬亿億])\Z")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?:[,' _\u2009\u202f][0-9]{3})+(?:\.[0-9]+)?\Z")
_CONTINENTAL = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})*,[0-9]+\Z")
_UNDERSCORED = re.compile(r"[0-9]+(?:_[0-9]+)+\Z")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_EXPONENT_MAX = 30


def nearest(name: str, known: Iterable[str], also: Mapping[str, str]) -> str | None:
    """The known name that `name` was meant to be, or None; `also` maps other words for it to known names."""
    if len(name) > _LONGEST:
        return None
    folded = fold(name)
    if (word := other_word(name, also)) is not None:
        return word
    by_fold = {fold(one): one for one in known}
    if folded in by_fold:
        return by_fold[folded]
    close = get_close_matches(folded, [*by_fold, *also], 1, _NEAR)
    if not close:
        return None
    return also.get(close[0]) or by_fold[close[0]]


def other_word(name: str, also: Mapping[str, str]) -> str | None:
    """What `also` has for `name`, however it is written."""
    return also.get(name, also.get(fold(name)))


def fold(name: str) -> str:
    """A name without what people vary: width, case, spaces, hyphens, humps."""
    plain = unicodedata.normalize("NFKC", name).strip().strip("\"'“”‘’「」")
    return re.sub(r"[\s\-.]+", "_", _HUMP.sub("_", plain)).lower()


def rewrites(value: object) -> Iterator[object]:
    """Other ways to write a value, the nearest first; whoever asks takes the first that fits."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float | Decimal):
        yield from _of_number(value)
    elif isinstance(value, str) and len(value) <= _LONGEST:
        yield from _of_text(value)


def _of_number(value: float | Decimal) -> Iterator[object]:
    # A float's shortest text is what its author wrote.
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    text = _plain(exact)
    if text is not None:
        if exact == exact.to_integral_value():
            yield int(exact)
            yield str(int(exact))
        yield text


def _of_text(value: str) -> Iterator[object]:
    plain = unicodedata.normalize("NFKC", value).strip().strip("\"'“”‘’「」").strip()
    plain = plain.replace("。", ".").replace("、", ",")
    yield from dict.fromkeys((plain, plain.upper(), plain.lower(), fold(value)))
    number = _number(plain)
    if number is not None:
        yield number
        whole, _, fraction = number.partition(".")
        if not fraction.strip("0"):
            yield int(whole)
            yield whole
    word = plain.lower()
    if word in _TRUE | _FALSE:
        yield word in _TRUE
    if word in _NULL:
        yield None


def _number(text: str) -> str | None:
    """A number without currency, percent sign, separators and exponent; None for what is none."""
    bare = _SIGNS.sub("", _SIGNS.sub("", text).strip()).strip()
    scaled = _SCALED.match(bare)
    scale = 1
    if scaled is not None:
        bare, scale = scaled[1], _SCALES[scaled[2].lower()]
    if _THOUSANDS.match(bare):
        bare = re.sub(r"[,' _\u2009\u202f]", "", bare)
    elif _CONTINENTAL.match(bare):
        bare = bare.replace(".", "").replace(",", ".")
    elif _UNDERSCORED.match(bare):
        bare = bare.replace("_", "")
    if not re.fullmatch(r"\+?[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]{1,2})?", bare):
        return None
    try:
        return _plain(Decimal(bare) * scale)
    except InvalidOperation:
        return None


def _plain(value: Decimal) -> str | None:
    """Digits and a point, without an exponent; None for what is too large or no number."""
    if not value.is_finite() or abs(value.adjusted()) > _EXPONENT_MAX:
        return None
    return format(value, "f")
