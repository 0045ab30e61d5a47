"""Amounts of money in Chinese capital words, as they stand on invoices."""

from __future__ import annotations

# Below 10 to the 12th yuan: the words have no group above 亿, and its four places end at 仟亿.
COINS_MAX = 10**14 - 1
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("仟", "佰", "拾", "")
_GROUPS = ("亿", "万", "")


def amount_in_words(coins: int) -> str:
    """A sum of yuan in capital words: 壹佰贰拾叁圆肆角伍分; below zero with （负数） before it.

    units    coins: hundredths of a yuan
    errors   ValueError from one million million yuan on
    source   Payment and Settlement Measures of the People's Bank of China (支付结算办法), annex 1: one 零 for zeros between
             digits, 整 after 圆 and after 角, none after 分. Where the annex leaves 零 to the writer, it is not written
    """
    if abs(coins) > COINS_MAX:
        raise ValueError(f"{coins} is more than can be written")
    yuan, rest = divmod(abs(coins), 100)
    jiao, fen = divmod(rest, 10)
    said = f"{_whole(yuan)}圆" if yuan or not rest else ""
    if jiao:
        said += f"{_DIGITS[jiao]}角"
    elif fen and yuan:
        said += "零"
    said += f"{_DIGITS[fen]}分" if fen else "整"
    return f"（负数）{said}" if coins < 0 else said


def _whole(yuan: int) -> str:
    if not yuan:
        return _DIGITS[0]
    said, skipped = "", False
    for group, name in zip((yuan // 10**8, yuan // 10**4 % 10**4, yuan % 10**4), _GROUPS, strict=True):
        if group:
            # Zeros between two groups, or at the front of the lower one, are one word.
            said += _DIGITS[0] if said and (skipped or group < 1_000) else ""
            said += _four(group) + name
        skipped = not group
    return said


def _four(group: int) -> str:
    said, skipped = "", False
    for digit, place in zip(map(int, f"{group:04d}"), _PLACES, strict=True):
        if digit:
            said += (_DIGITS[0] if said and skipped else "") + _DIGITS[digit] + place
        skipped = not digit
    return said
