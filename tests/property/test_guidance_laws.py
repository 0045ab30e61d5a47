"""Laws of price guidance: what any list of comparables must lead to."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.money import Money
from pricing.exact import from_units
from pricing.guidance import RULES, Comparable, Compared, Features, Guidance, guide

LANGUAGES = st.frozensets(st.sampled_from(["zh", "en", "de"]), max_size=3)
SIZES = st.dictionaries(st.sampled_from(["tokens", "records", "bytes"]), st.integers(0, 10**15), max_size=3)
FEATURES = st.builds(
    Features,
    languages=LANGUAGES,
    sizes=SIZES,
    score=st.none() | st.integers(0, 100),
    sharing=st.integers(1, 500),
    exclusive=st.booleans(),
    age_days=st.integers(0, 4_000),
)
SIMILAR = st.builds(
    Features,
    languages=st.just(frozenset({"zh"})),
    sizes=st.fixed_dictionaries({"records": st.integers(1_000, 9_000)}),
    score=st.integers(70, 90),
    sharing=st.integers(4, 9),
    exclusive=st.just(False),
    age_days=st.integers(0, 90),
)
OWN = Features(frozenset({"zh"}), {"records": 5_000}, 80, 5, False, 30)


@st.composite
def comparables(draw: st.DrawFn, features: st.SearchStrategy[Features] = SIMILAR, least: int = 0) -> list[Comparable]:
    count = draw(st.integers(least, 12))
    return [
        Comparable(
            f"ofr_{number}",
            f"org_{number % 3}",
            Money(draw(st.integers(10**6, 10**12)), "CNY"),
            draw(st.booleans()),
            draw(features),
            {"title": {"en": f"Poems {number}", "zh": f"诗 {number}"}},
        )
        for number in range(count)
    ]


def told(guidance: Guidance) -> tuple[Money, Money, Money]:
    assert guidance.estimate is not None
    assert guidance.low is not None
    assert guidance.high is not None
    return guidance.low, guidance.estimate, guidance.high


@given(FEATURES, comparables(FEATURES))
def test_anything_is_answered_and_an_estimate_lies_inside(own: Features, others: list[Comparable]) -> None:
    guidance = guide(own, others)
    assert guidance.explanation.en
    assert guidance.explanation.zh
    if guidance.estimate is None:
        assert guidance.low is guidance.high is None
        return
    low, middle, high = told(guidance)
    adjusted = [one.adjusted for one in guidance.compared]
    assert min(adjusted) <= low <= middle <= high <= max(adjusted)
    assert middle in adjusted, "an estimate is one of the adjusted prices, so that a person can point at it"


@given(FEATURES, comparables(FEATURES))
def test_every_number_can_be_repeated_from_what_is_shown(own: Features, others: list[Comparable]) -> None:
    for one in guide(own, others).compared:
        assert one.similarity == sum(rule.weight * one.closeness[rule.name] for rule in RULES) // 100
        assert one.weight == one.similarity * (2 if one.comparable.traded else 1)
        product = from_units(one.comparable.price.units)
        for factor in one.factors.values():
            product *= factor
        shown = from_units(one.adjusted.units)
        assert abs(shown - product) <= max(product / 1000, Decimal("0.0000005")), "four digits, and the one rounding"


@given(comparables(least=3), st.randoms(use_true_random=False))
def test_the_order_of_the_comparables_is_nothing(others: list[Comparable], chance: object) -> None:
    shuffled = list(others)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert guide(OWN, shuffled) == guide(OWN, others)


@given(comparables(least=3))
def test_a_comparable_at_the_estimate_never_widens_nor_moves_it(others: list[Comparable]) -> None:
    before = guide(OWN, others)
    low, middle, high = told(before)
    # Its features are our own, so its price is not adjusted.
    same = Comparable("ofr_same", "org_0", middle, False, OWN, {})
    after_low, after_middle, after_high = told(guide(OWN, [*others, same]))
    assert low <= after_low <= after_middle == middle <= after_high <= high


@given(comparables(least=5))
def test_everything_twice_says_the_same(others: list[Comparable]) -> None:
    twice = [*others, *(replace(one, id=f"{one.id}_again") for one in others)]
    assert told(guide(OWN, twice)) == told(guide(OWN, others))


@given(comparables(least=3), st.integers(0, 4))
def test_prices_ten_times_as_high_make_an_estimate_ten_times_as_high(others: list[Comparable], power: int) -> None:
    times = 10**power
    higher = [replace(one, price=Money(one.price.units * times, "CNY")) for one in others]
    for below, above in zip(told(guide(OWN, others)), told(guide(OWN, higher)), strict=True):
        assert above.units == below.units * times


@given(comparables(least=3), st.integers(0, 11), st.integers(1, 10**9))
def test_a_comparable_that_costs_more_never_lowers_anything(others: list[Comparable], at: int, more: int) -> None:
    at %= len(others)
    raised = list(others)
    raised[at] = replace(others[at], price=Money(others[at].price.units + more, "CNY"))
    for before, after in zip(told(guide(OWN, others)), told(guide(OWN, raised)), strict=True):
        assert before <= after


@given(SIMILAR, SIMILAR)
def test_what_is_better_on_our_side_never_lowers_an_adjusted_price(own: Features, its: Features) -> None:
    def adjusted(features: Features) -> Compared:
        other = Comparable("a", "org", Money(10**9, "CNY"), False, its, {})
        return guide(features, [other]).compared[0]

    now = adjusted(own).adjusted
    assert own.score is not None
    assert adjusted(replace(own, score=min(100, own.score + 5))).adjusted >= now
    assert adjusted(replace(own, sizes={"records": own.sizes["records"] * 2})).adjusted >= now
    assert adjusted(replace(own, sharing=own.sharing - 1)).adjusted >= now
    assert adjusted(replace(own, age_days=own.age_days + 60)).adjusted <= now


@given(SIMILAR)
def test_the_same_data_keeps_its_price_to_four_digits(features: Features) -> None:
    (one,) = guide(features, [Comparable("a", "org", Money(123_400_000, "CNY"), False, features, {})]).compared
    assert (one.similarity, one.adjusted) == (1000, Money(123_400_000, "CNY"))
