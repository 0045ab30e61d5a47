"""Laws of credit notes: however much goes back in how many steps, together they never give back a coin more than was billed."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.accounts import AccountKind, debt, payable
from settlement.fiscal import FiscalDoc
from settlement.fiscal_journals import tax_journals, tax_purses
from settlement.fiscal_papers import NONE_GIVEN, About, Account, Sides, first_sheets, later_sheets, write_sheet
from settlement.fiscal_rules import check
from settlement.store.fiscal import original
from tests.property.test_fiscal_laws import account, sold
from tests.support.fiscal_samples import AT, BUYER, GERMAN, PLATFORM, named, samples

Steps = list[tuple[int, int]]
STEPS = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 4_999_999)), min_size=1, max_size=8)
PRICES = st.tuples(st.integers(1, 50_000_000), st.integers(1, 50_000_000))


def _rows(prices: tuple[int, int], steps: Steps, *, whole: bool) -> list[tuple[int, int]]:
    """Refunds (of which source, how much), none beyond what is left; all that is left at the end where `whole`."""
    left = list(prices)
    rows = []
    for of, units in steps:
        if units := min(units, left[of]):
            left[of] -= units
            rows.append((of, units))
    return rows + [(of, units) for of, units in enumerate(left) if units and whole]


def _papers(about: Account, prices: tuple[int, int], rows: list[tuple[int, int]], per_time: int) -> list[FiscalDoc]:
    """The invoice, and a credit note for each few refunds, each seeing what the earlier ones gave back."""
    sales = [sold(n + 1, units) for n, units in enumerate(prices)]
    billed = msgspec.structs.replace(about, sold=tuple(sales))
    sides = _sides(about)
    (first,) = first_sheets(billed)
    docs = [write_sheet(billed, first, sides, named("credited"), AT).numbered(1)]
    known = {one.source: original(docs[0]) for one in sales}
    before = NONE_GIVEN
    for at in range(0, len(rows), per_time):
        gone = [sold(100 + at + n, -units, of + 1, "refund") for n, (of, units) in enumerate(rows[at : at + per_time])]
        now = msgspec.structs.replace(about, sold=tuple(gone))
        (sheet,), lost = later_sheets(now, known)
        assert not lost
        doc = write_sheet(now, sheet, sides, named("credit", at), AT, before).numbered(2 + at)
        before = before.then(sheet, doc)
        docs.append(doc)
    return docs


def _sides(about: Account) -> Sides:
    return {
        About.SALE: Sides(GERMAN, BUYER),
        About.FEE: Sides(PLATFORM, GERMAN),
        About.SHARE: Sides(GERMAN, PLATFORM, named("agreement")),
    }[about.about]


def _about(about: About) -> Account:
    sides = _sides(msgspec.structs.replace(account(), about=about))
    return msgspec.structs.replace(
        account(), about=about, seller_id=sides.seller.organisation_id, buyer_id=sides.buyer.organisation_id
    )


def _tax(docs: list[FiscalDoc]) -> int:
    return sum(doc.totals.tax.units for doc in docs)


@given(st.sampled_from(About), PRICES, STEPS, st.integers(1, 3), st.booleans())
@settings(max_examples=150)
def test_credit_notes_together_give_back_what_was_billed_and_no_coin_more(
    about: About, prices: tuple[int, int], steps: Steps, per_time: int, whole: bool
) -> None:
    bill, *backs = _papers(_about(about), prices, _rows(prices, steps, whole=whole), per_time)
    assert [one for doc in (bill, *backs) for one in check(doc)] == []
    sums = [
        (getattr(bill.totals, name).units, sum(getattr(doc.totals, name).units for doc in backs))
        for name in ("lines", "tax", "with_tax")
    ]
    sums.append((_worth(bill), sum(_worth(doc) for doc in backs)))
    assert all(back <= billed for billed, back in sums)
    if whole:
        # Sales are taxed as orders are, each rounded down, so that a refund's parts may be a millionth short of the sale's tax.
        exact = [back == billed for billed, back in sums]
        assert all(exact) if about is not About.SALE else all(exact[:3])
    assert all(one.units >= 0 for doc in backs for one in (doc.totals.lines, doc.totals.tax, doc.totals.due))


def _worth(doc: FiscalDoc) -> int:
    return doc.totals.with_tax.units + doc.totals.rounding.units


def test_three_thirds_of_a_coin_are_not_three_coins() -> None:
    """Each of these refunds alone would be rounded up."""
    bill, *backs = _papers(_about(About.SHARE), (10_000, 5_000), [(0, 6_000), (0, 4_000), (1, 5_000)], 1)
    assert [doc.totals.lines.units for doc in backs] == [10_000, 0, 10_000]
    assert sum(doc.totals.lines.units for doc in backs) == bill.totals.lines.units == 20_000
    # What was rounded with the others says so, and its price is what it gives back.
    assert any("together" in note.text["en"] for note in backs[-1].notes)
    assert backs[-1].lines[0].price == Decimal("0.005")


PAYEE = GERMAN.organisation_id


def test_tax_never_takes_a_payable_account_below_nothing() -> None:
    fee, share, back = (samples()[name] for name in ("380 fee", "389 home", "261 home"))
    papers = [(About.FEE, PAYEE, fee), (About.SHARE, PAYEE, back)]
    purse, owed = payable(PAYEE, "EUR"), debt(PAYEE, "EUR")
    wanted = fee.totals.tax.units + back.totals.tax.units
    assert tax_purses(papers) == [purse]
    for there in (-5, 0, 1_000_000, fee.totals.tax.units, wanted, wanted + 1):
        journals = tax_journals(papers, {purse: there})
        moved = {
            key: sum(line.amount for one in journals for line in one.lines if line.account == key)
            for key in (purse, owed)
        }
        part = min(max(there, 0), wanted)
        assert moved == {purse: -part, owed: part - wanted}
        assert all(sum(line.amount for line in one.lines) == 0 for one in journals)
    # What is given in the same run is there first.
    journals = tax_journals([*papers, (About.SHARE, PAYEE, share)], {purse: 0})
    assert journals[0].lines[0].account == purse
    assert sum(line.amount for one in journals for line in one.lines if line.account == purse) == max(
        share.totals.tax.units - wanted, 0
    )
    kinds = {line.account.kind for one in journals for line in one.lines}
    assert kinds >= {AccountKind.INPUT_TAX, AccountKind.TAX}
