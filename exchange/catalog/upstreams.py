"""What a dataset was made of: the datasets it was derived from or bundles, and the terms they came under."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.catalog.problems import DATASET_INVALID
from exchange.kernel import ids
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

UPSTREAMS_MAX = 50
HOWS = ("derive", "bundle")
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f\"<>\\]{1,490}\Z")


@dataclass(frozen=True, slots=True)
class Upstream:
    """One dataset that this one was made of.

    shapes   how: `derive` adapted from it, `bundle` holds it unchanged beside other data; listing: an id of this exchange, or
             url: where else it is; spdx: the expression it came under, or terms: a terms document; of each pair one is None
    """

    how: str
    listing: str | None = None
    url: str | None = None
    spdx: str | None = None
    terms: Mapping[str, Any] | None = None

    @property
    def source(self) -> str:
        """Where it is: the id of a listing, or an address."""
        return self.listing or self.url or ""

    def document(self) -> dict[str, Any]:
        """The upstream as JSON, without what it does not say."""
        fields = {name: getattr(self, name) for name in ("listing", "url", "spdx", "terms", "how")}
        return {name: value for name, value in fields.items() if value is not None}


def check_upstreams(upstreams: Sequence[Upstream]) -> Problem | None:
    """Refuse upstreams that do not say where they are, how they were used and under which terms they came.

    errors   answers dataset-invalid; what the terms mean is asked of the package that knows licences
    """
    if len(upstreams) > UPSTREAMS_MAX:
        return DATASET_INVALID(field="derived_from", reason=_TOO_MANY)
    for index, one in enumerate(upstreams):
        if reason := _check(one):
            return DATASET_INVALID(field=f"derived_from/{index}", reason=reason)
    return None


def _check(one: Upstream) -> Text | None:
    if one.how not in HOWS:
        return _HOW
    if (one.listing is None) == (one.url is None):
        return _WHERE
    if (one.spdx is None) == (one.terms is None):
        return _TERMS
    if one.url is not None and not _URL.match(one.url):
        return _ADDRESS
    if one.listing is not None:
        try:
            ids.parse("lst", one.listing)
        except ids.BadId:
            return _LISTING
    return None


_TOO_MANY = Text(f"there are more than {UPSTREAMS_MAX}", f"超过 {UPSTREAMS_MAX} 项")
_HOW = Text("how is derive or bundle", "how 应为 derive 或 bundle")
_WHERE = Text("it needs either listing or url, and not both", "必须且只能包含 listing 或 url 之一")
_TERMS = Text("it needs either spdx or terms, and not both", "必须且只能包含 spdx 或 terms 之一")
_ADDRESS = Text("url is no address that begins with https://", "url 不是以 https:// 开头的有效地址")
_LISTING = Text("listing is no id such as lst_...", "listing 不是形如 lst_... 的编号")
