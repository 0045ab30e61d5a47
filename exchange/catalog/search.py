"""Search words: what is indexed of a text, and what is asked of the index.

Chinese, Japanese and Korean text has no spaces, so each character and each pair of neighbours becomes a token.
Traditional characters are folded to simplified ones, one by one: context never changes a token, so whatever is part
of a text is also found in it. Latin words are lower-cased and lose their accents; there is no stemming.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise

import opencc

WORD_MAX_CHARS = 60
POSITIONS_MAX = 16_000
QUERY_TOKENS_MAX = 40
# A word of this many letters also finds longer words that begin with it: corpus finds corpuses.
PREFIX_MIN_CHARS = 4

_SIMPLIFIED = opencc.OpenCC("t2s")
_IDEOGRAPHS = (
    (0x2E80, 0x2FDF),
    (0x3005, 0x3007),
    (0x3040, 0x30FF),
    (0x3100, 0x312F),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7AF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


@dataclass(frozen=True, slots=True)
class Query:
    """What must match, and what ranks a match higher; both are tsquery text."""

    must: str
    should: str


@dataclass(frozen=True, slots=True)
class _Run:
    letters: str
    ideographs: bool


def vector(weighted: Sequence[tuple[str, str]]) -> str:
    """Write tsvector text of several fields, each with its weight A to D.

    shapes   every token at its position; fields are kept apart by a gap
    units    at most POSITIONS_MAX positions, the rest of a very long text is not indexed
    source   PostgreSQL manual, section 8.11.1: the literal needs no parser, so no locale changes it
    """
    places: dict[str, list[str]] = {}
    position = 1
    for text, weight in weighted:
        if weight not in "ABCD":
            raise ValueError("a weight is A, B, C or D")
        for tokens in _positions(text):
            if position > POSITIONS_MAX:
                break
            for token in tokens:
                seen = places.setdefault(token, [])
                # PostgreSQL keeps 255 positions of one token.
                if len(seen) < 255:
                    seen.append(f"{position}{weight}")
            position += 1
        position += 2
    return " ".join(f"{_quote(token)}:{','.join(seen)}" for token, seen in sorted(places.items()))


def query(words: str) -> Query | None:
    """Write the tsquery of what a person typed, or None when it holds no word.

    Every word must be there. Of a Chinese run of three or more characters, every character and one pair must be
    there; the pairs then decide the rank.
    """
    must: list[str] = []
    should: list[str] = []
    for run in _runs(words):
        if len(must) >= QUERY_TOKENS_MAX:
            break
        if not run.ideographs:
            must.append(_prefix(run.letters[:WORD_MAX_CHARS]))
            should.append(_prefix(run.letters[:WORD_MAX_CHARS]))
            continue
        letters = run.letters[:QUERY_TOKENS_MAX]
        pairs = [_quote(a + b) for a, b in pairwise(letters)]
        singles = [_quote(letter) for letter in dict.fromkeys(letters)]
        should += dict.fromkeys(pairs or singles)
        if len(pairs) <= 1:
            must += pairs or singles
        else:
            must += singles
            must.append("(" + " | ".join(dict.fromkeys(pairs)) + ")")
    if not must:
        return None
    return Query(" & ".join(dict.fromkeys(must)), " | ".join(dict.fromkeys(should)))


def tokens(text: str) -> list[str]:
    """List every token of a text in order: what `vector` indexes."""
    return [token for place in _positions(text) for token in place]


def _positions(text: str) -> Iterator[tuple[str, ...]]:
    """Give the tokens of each position: a word, or a character and the pair that begins with it."""
    for run in _runs(text):
        if not run.ideographs:
            yield (run.letters[:WORD_MAX_CHARS],)
            continue
        for place, letter in enumerate(run.letters):
            pair = run.letters[place : place + 2]
            yield (letter,) if len(pair) == 1 else (letter, pair)


def _runs(text: str) -> Iterator[_Run]:
    plain = (letter for raw in unicodedata.normalize("NFKC", text) for letter in _fold(raw))
    for kind, letters in groupby(plain, key=_kind):
        if kind:
            yield _Run("".join(letters), kind == "ideographs")


@lru_cache(maxsize=65_536)
def _fold(letter: str) -> str:
    """Fold one character: simplified, lower case, without accents."""
    if _is_ideograph(letter):
        return str(_SIMPLIFIED.convert(letter))
    bare = "".join(c for c in unicodedata.normalize("NFKD", letter.casefold()) if not unicodedata.combining(c))
    return unicodedata.normalize("NFKC", bare)


@lru_cache(maxsize=65_536)
def _kind(letter: str) -> str:
    if _is_ideograph(letter):
        return "ideographs"
    return "word" if letter.isalnum() else ""


def _is_ideograph(letter: str) -> bool:
    code = ord(letter)
    return any(first <= code <= last for first, last in _IDEOGRAPHS) and letter.isalnum()


def _prefix(word: str) -> str:
    return _quote(word) + (":*" if len(word) >= PREFIX_MIN_CHARS else "")


def _quote(token: str) -> str:
    escaped = token.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
