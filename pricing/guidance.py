"""Price guidance: what similar data costs, carried over to one's own by rules that stand here in full.

Nothing is learned and nothing is hidden. Each comparable's price is multiplied by one factor per feature, and weighs as
much as it is similar; the estimate is the weighted median. Whoever has the answer can repeat it by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from exchange.kernel.money import BadMoney, Money
from exchange.kernel.text import LocaleMap, Text
from pricing.exact import ONE, from_units, grouped, plain, to_units

# ln, log10 and exp are correctly rounded in Decimal, so the same question gets the same digits on every machine.
_REAL = Context(prec=28, rounding=ROUND_HALF_EVEN)
# More digits would pretend that a price can be known so well.
_SIGNIFICANT = Context(prec=4, rounding=ROUND_HALF_EVEN)
_FACTOR = Decimal("0.000001")

COMPARABLES_MIN, SELLERS_MIN = 3, 2
SIMILAR_MIN = 300
QUANTILES_FROM = 5
LOW_PER_MILLE, HIGH_PER_MILLE = 200, 800
TRADED_COUNTS = 2
SIZE_EXPONENT = Decimal("0.6")
EXCLUSIVE_TIMES = Decimal(3)
AGE_MOST_PERCENT, AGE_DAYS_PER_PERCENT = 50, 30


@dataclass(frozen=True, slots=True)
class Rule:
    """One feature: how much it counts in the similarity, and what it does to a price, in words."""

    name: str
    weight: int
    words: Text

    def document(self) -> dict[str, Any]:
        """The rule as JSON."""
        return {"name": self.name, "weight": self.weight, "rule": self.words.map()}


RULES = (
    Rule(
        "size",
        25,
        Text(
            "price × (own size / its size) to the power 0.6; alike at equal size; left out from 10,000 times the size on",
            "价格 ×（自身规模 / 对方规模）的 0.6 次方；规模相同则相似度最高，相差 10,000 倍及以上的不参与比较",
        ),
    ),
    Rule(
        "language",
        25,
        Text("price unchanged; alike as far as the languages are the same", "不调整价格；语言重合越多越相似"),
    ),
    Rule(
        "quality",
        20,
        Text(
            "price × (100 + own score) / (100 + its score); alike at equal score, not at all at 50 points apart",
            "价格 ×（100 + 自身评分）/（100 + 对方评分）；评分相同则相似度最高，相差 50 分则为零",
        ),
    ),
    Rule(
        "rarity",
        10,
        Text(
            "price × (1 + 1 / own n) / (1 + 1 / its n), n being the listings of this modality and language",
            "价格 ×（1 + 1/自身 n）/（1 + 1/对方 n），n 为同模态同语言的上架产品数",
        ),
    ),
    Rule(
        "exclusivity",
        10,
        Text(
            "price × 3 for an exclusive licence of yours, ÷ 3 for one of theirs", "自身独家许可 × 3，对方独家许可 ÷ 3"
        ),
    ),
    Rule(
        "recency",
        10,
        Text(
            "1 % less per 30 days of age, 50 % at most, on both sides; not alike at 1,000 days apart",
            "每满 30 天减 1 %，最多减 50 %，双方同样计算；相差 1,000 天则相似度为零",
        ),
    ),
)
NEVER_APPLIED = Text(
    "This is guidance only. It is never applied automatically: a price changes when you publish a new version of an offer.",
    "仅供参考，绝不会自动生效：只有在您发布新版本报价方案时价格才会改变。",
)


@dataclass(frozen=True, slots=True)
class Features:
    """What about data moves its price.

    shapes   sizes: unit -> how much of it, the best measure of such data first; score 0..100 or None where not measured
             sharing: how many listings, this one included, have its modality and its rarest language
    """

    languages: frozenset[str]
    sizes: Mapping[str, int]
    score: int | None
    sharing: int
    exclusive: bool
    age_days: int

    def document(self) -> dict[str, Any]:
        """The features as JSON."""
        return {
            "languages": sorted(self.languages),
            "sizes": dict(self.sizes),
            "score": self.score,
            "sharing": self.sharing,
            "exclusive": self.exclusive,
            "age_days": self.age_days,
        }


@dataclass(frozen=True, slots=True)
class Comparable:
    """Another offer: its price, whether that was paid by enough buyers (`traded`) or is only asked, and its features.

    shapes   facts: what an answer repeats about it (ids, title), not looked at here
    """

    id: str
    seller: str
    price: Money
    traded: bool
    features: Features
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparable beside one's own data: how alike it is, the factors, the adjusted price, and what it weighs."""

    comparable: Comparable
    similarity: int
    closeness: Mapping[str, int]
    factors: Mapping[str, Decimal]
    adjusted: Money
    weight: int

    def document(self) -> dict[str, Any]:
        """The comparison as JSON, every number that went into it included."""
        return {
            **self.comparable.facts,
            "price": self.comparable.price.to_wire(),
            "price_is": "traded" if self.comparable.traded else "listed",
            "features": self.comparable.features.document(),
            "similarity_per_mille": self.similarity,
            "closeness_per_mille": dict(self.closeness),
            "factors": {name: plain(factor) for name, factor in self.factors.items()},
            "adjusted": self.adjusted.to_wire(),
            "weight": self.weight,
        }


@dataclass(frozen=True, slots=True)
class Guidance:
    """An estimate with its interval, or none and the reason; the comparables stand beside it in both cases."""

    estimate: Money | None
    low: Money | None
    high: Money | None
    compared: tuple[Compared, ...]
    explanation: Text

    def document(self) -> dict[str, Any]:
        """The guidance as JSON."""
        return {
            "estimate": self.estimate.to_wire() if self.estimate else None,
            "low": self.low.to_wire() if self.low else None,
            "high": self.high.to_wire() if self.high else None,
            "explanation": self.explanation.map(),
            "comparables": [one.document() for one in self.compared],
        }


def guide(own: Features, comparables: Sequence[Comparable]) -> Guidance:
    """Estimate a price from comparables of one currency and one way of paying.

    shapes   fewer than COMPARABLES_MIN similar ones, or fewer than SELLERS_MIN sellers: no estimate, and the reason
             answered comparables are ordered by similarity, then id; those too different are left out
    errors   ValueError for two currencies
    source   market approach (comparable transactions) of the International Valuation Standards; weighted median: Edgeworth 1888
    """
    if len({one.price.currency for one in comparables}) > 1:
        raise ValueError("comparables of one currency only")
    alike = [found for one in comparables if one.price.units > 0 and (found := _compare(own, one)) is not None]
    alike.sort(key=lambda one: (-one.similarity, one.comparable.id))
    sellers = {one.comparable.seller for one in alike}
    if len(alike) < COMPARABLES_MIN or len(sellers) < SELLERS_MIN:
        return Guidance(None, None, None, tuple(alike), _too_few(len(alike), len(sellers)))
    middle = _quantile(alike, 500)
    if len(alike) < QUANTILES_FROM:
        low, high = min(one.adjusted for one in alike), max(one.adjusted for one in alike)
    else:
        low, high = _quantile(alike, LOW_PER_MILLE), _quantile(alike, HIGH_PER_MILLE)
    return Guidance(middle, low, high, tuple(alike), _words(alike, middle, low, high))


def rounded(price: Money) -> Money:
    """A price with four digits that count."""
    return Money(to_units(_SIGNIFICANT.plus(from_units(price.units))), price.currency)


def _compare(own: Features, other: Comparable) -> Compared | None:
    """The comparison with one other, None where it is too different to say anything."""
    its = other.features
    unit = next((unit for unit in own.sizes if own.sizes[unit] > 0 and its.sizes.get(unit, 0) > 0), None)
    sizes = (own.sizes[unit], its.sizes[unit]) if unit else (1, 1)
    # What was not measured on one side moves no price, and counts as half alike.
    scores = (own.score, its.score) if own.score is not None and its.score is not None else None
    closeness = {
        "size": _size_closeness(*sizes) if unit else 500,
        "language": _overlap(own.languages, its.languages),
        "quality": max(0, 1000 - 20 * abs(scores[0] - scores[1])) if scores else 500,
        "rarity": 1000 * min(own.sharing, its.sharing) // max(own.sharing, its.sharing),
        "exclusivity": 1000 if own.exclusive == its.exclusive else 0,
        "recency": max(0, 1000 - abs(own.age_days - its.age_days)),
    }
    similarity = sum(rule.weight * closeness[rule.name] for rule in RULES) // sum(rule.weight for rule in RULES)
    if similarity < SIMILAR_MIN or not closeness["size"]:
        return None
    factors = {
        "size": _factor(_REAL.exp(_REAL.multiply(SIZE_EXPONENT, _log(*sizes)))),
        "quality": _ratio(100 + scores[0], 100 + scores[1]) if scores else ONE,
        "rarity": _ratio((own.sharing + 1) * its.sharing, own.sharing * (its.sharing + 1)),
        "exclusivity": _exclusivity(own.exclusive, its.exclusive),
        "recency": _ratio(_freshness(own.age_days), _freshness(its.age_days)),
    }
    adjusted = from_units(other.price.units)
    for factor in factors.values():
        adjusted = _REAL.multiply(adjusted, factor)
    try:
        money = Money(to_units(_SIGNIFICANT.plus(adjusted)), other.price.currency)
    except BadMoney:
        # A price near the most that an account holds; carried over, it would not be one.
        return None
    return Compared(
        comparable=other,
        similarity=similarity,
        closeness=closeness,
        factors=factors,
        adjusted=money,
        weight=similarity * (TRADED_COUNTS if other.traded else 1),
    )


def _factor(value: Decimal) -> Decimal:
    return value.quantize(_FACTOR, context=_REAL)


def _ratio(part: int, whole: int) -> Decimal:
    return _factor(_REAL.divide(Decimal(part), Decimal(whole)))


def _log(own: int, its: int) -> Decimal:
    return _REAL.subtract(_REAL.ln(Decimal(own)), _REAL.ln(Decimal(its)))


def _size_closeness(own: int, its: int) -> int:
    orders = abs(_REAL.subtract(_REAL.log10(Decimal(own)), _REAL.log10(Decimal(its))))
    return max(0, 1000 - int(_REAL.multiply(250, orders)))


def _overlap(own: frozenset[str], its: frozenset[str]) -> int:
    return 1000 * len(own & its) // len(own | its) if own | its else 1000


def _exclusivity(own: bool, its: bool) -> Decimal:
    if own == its:
        return ONE
    return EXCLUSIVE_TIMES if own else _ratio(1, int(EXCLUSIVE_TIMES))


def _freshness(age_days: int) -> int:
    return 100 - min(AGE_MOST_PERCENT, max(0, age_days) // AGE_DAYS_PER_PERCENT)


def _quantile(compared: Sequence[Compared], per_mille: int) -> Money:
    """The least adjusted price below or at which at least `per_mille` thousandths of all weight lie."""
    rising = sorted(compared, key=lambda one: one.adjusted.units)
    whole, below = sum(one.weight for one in rising), 0
    for one in rising:
        below += one.weight
        if below * 1000 >= per_mille * whole:
            return one.adjusted
    return rising[-1].adjusted


def _too_few(count: int, sellers: int) -> Text:
    return Text(
        f"No estimate: {count} similar offers by {sellers} sellers were found, and it takes at least {COMPARABLES_MIN} by "
        f"{SELLERS_MIN}. A number from fewer would say more about one seller than about your data.",
        f"暂无估价：仅找到 {sellers} 家供应方的 {count} 个相似报价方案，至少需要 {SELLERS_MIN} 家的 {COMPARABLES_MIN} 个。"
        "样本更少时，数字反映的是个别供应方，而非您的数据。",
    )


def _words(alike: Sequence[Compared], middle: Money, low: Money, high: Money) -> Text:
    count, traded = len(alike), sum(one.comparable.traded for one in alike)
    nearest = alike[0]
    title: LocaleMap = nearest.comparable.facts.get("title") or {}
    name = {language: title.get(language, nearest.comparable.id) for language in ("en", "zh")}
    every = count < QUANTILES_FROM
    part = (HIGH_PER_MILLE - LOW_PER_MILLE) // 10
    return Text(
        f"{_price(middle)}: the middle of {count} adjusted prices, {traded} of them paid by enough buyers to be shown, which "
        f"count twice, and {count - traded} only asked. "
        + ("All of them lie" if every else f"The middle {part} % of their weight lies")
        + f" between {_price(low)} and {_price(high)}. "
        f"Most alike ({_percent(nearest.similarity)} %): {name['en']}, {_price(nearest.comparable.price)}, adjusted "
        f"{_price(nearest.adjusted)}.",
        f"{_price(middle)}：取 {count} 个调整后价格的加权中位数，其中 {traded} 个为足够多买方的成交价（权重加倍），"
        f"{count - traded} 个仅为挂牌价。"
        + ("全部" if every else f"居中 {part} % 权重的")
        + f"价格介于 {_price(low)} 与 {_price(high)} 之间。"
        f"最相似（{_percent(nearest.similarity)} %）：{name['zh']}，{_price(nearest.comparable.price)}，"
        f"调整后 {_price(nearest.adjusted)}。",
    )


def _price(money: Money) -> str:
    return f"{money.currency} {grouped(from_units(money.units))}"


def _percent(per_mille: int) -> str:
    return plain(Decimal(per_mille).scaleb(-1))
