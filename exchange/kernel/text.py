"""Human text in several languages."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LocaleMap = Mapping[str, str]
LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Text:
    """A fixed text of ours in both languages."""

    en: str
    zh: str

    def in_(self, language: str) -> str:
        """The text in `language`, English for a language that we do not have."""
        return self.zh if language == "zh" else self.en

    def map(self) -> dict[str, str]:
        """Both languages as a locale map."""
        return {"en": self.en, "zh": self.zh}


def readable(text: str) -> bool:
    """Whether people can read it: no control characters but tabs and line breaks, no half of a character."""
    return not any(unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\r\t" for one in text)


def pick(texts: LocaleMap, languages: Sequence[str]) -> str:
    """The text in the first language there is, else in English, else in any."""
    for language in (*languages, "en", "zh"):
        if language in texts:
            return texts[language]
    return next(iter(texts.values()), "")


def accepted(header: str | None) -> str:
    """The best of our languages for an Accept-Language header.

    source   RFC 9110, section 12.5.4; ties go to the earlier range
    """
    best, weight = "en", 0.0
    for part in (header or "")[:500].split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.strip().lower().split("-")[0]
        quality = parameter.strip().removeprefix("q=")
        try:
            q = float(quality) if quality else 1.0
        except ValueError:
            continue
        if language in LANGUAGES and q > weight:
            best, weight = language, q
    return best
