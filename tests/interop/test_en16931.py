"""Our XML before the standard's own judges: XSD and Schematron of EN 16931, for CII and UBL; and our rules beside theirs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from exchange.kernel.money import Money
from settlement.en16931.cii import cii
from settlement.en16931.ubl import ubl
from settlement.fiscal import FiscalDoc, Period
from settlement.fiscal_rules import check
from tests.support.en16931 import Court, court
from tests.support.fiscal_samples import GERMAN, samples
from tests.support.fiscal_whole import any_document

pytestmark = pytest.mark.xdist_group("en16931")
MADE = 60


@pytest.fixture(scope="module")
def judges() -> Iterator[Court]:
    """One process with the judges for all tests of this file."""
    with court() as one:
        yield one


@pytest.mark.parametrize("write", [cii, ubl])
def test_every_kind_of_document_is_valid(judges: Court, write: Callable[[FiscalDoc], bytes]) -> None:
    found = samples()
    assert {doc.kind.value for doc in found.values()} == {"380", "381", "389", "261"}
    verdicts = judges.judge([write(doc) for doc in found.values()])
    assert {name: verdict.failed for name, verdict in zip(found, verdicts, strict=True) if verdict.failed} == {}
    assert min(verdict.fired for verdict in verdicts) > 30


@pytest.mark.parametrize("write", [cii, ubl])
def test_whatever_our_rules_let_through_is_valid(judges: Court, write: Callable[[FiscalDoc], bytes]) -> None:
    seed = random.Random(16931)
    made = [any_document(seed) for _ in range(MADE)]
    assert [check(doc) for doc in made] == [[]] * MADE
    verdicts = judges.judge([write(doc) for doc in made])
    assert [verdict.failed for verdict in verdicts if verdict.failed] == []


# What a document is changed to, and the rule that then fails: by our judgement and by the standard's.
BROKEN: dict[str, tuple[str, Callable[[FiscalDoc], FiscalDoc]]] = {
    "a sum of lines": ("BR-CO-10", lambda d: _sums(d, lines=d.totals.lines + Money(10_000, d.currency))),
    "the sum with tax": ("BR-CO-15", lambda d: _sums(d, with_tax=d.totals.with_tax + Money(10_000, d.currency))),
    "what is due": ("BR-CO-16", lambda d: _sums(d, due=d.totals.due + Money(10_000, d.currency))),
    "the tax": ("BR-CO-14", lambda d: _sums(d, tax=d.totals.tax + Money(10_000, d.currency))),
    "a group's base": ("BR-S-08", lambda d: _group(d, base=d.groups[0].base + Money(5_000_000, d.currency))),
    "a group's tax": ("BR-S-09", lambda d: _group(d, tax=d.groups[0].tax + Money(3_000_000, d.currency))),
    "a rate of zero": ("BR-S-05", lambda d: replace(d, lines=(replace(d.lines[0], rate=Decimal(0)), *d.lines[1:]))),
    "no number of the seller": ("BR-S-02", lambda d: replace(d, seller=replace(d.seller, vat_id=None))),
    "a number without a country": ("BR-CO-09", lambda d: replace(d, seller=replace(GERMAN, vat_id="136695976"))),
    "a reason beside a rate": ("BR-S-10", lambda d: _group(d, reason={"en": "because"})),
    "a period that runs back": ("BR-29", lambda d: replace(d, period=Period(d.period.end, d.period.start) if d.period else None)),
    "a price below zero": ("BR-27", lambda d: replace(d, lines=(replace(d.lines[0], price=-d.lines[0].price), *d.lines[1:]))),
}  # fmt: skip
# Where we ask the same under another name.
OURS = {"BR-S-09": {"BR-CO-17"}, "BR-S-05": {"BR-S-01"}}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_document_fails_before_both(judges: Court, what: str) -> None:
    rule, change = BROKEN[what]
    broken = change(samples()["380 home"])
    theirs = judges.judge([cii(broken), ubl(broken)])
    assert [any(one.startswith(rule) for one in verdict.failed) for verdict in theirs] == [True, True], theirs
    assert {one.rule for one in check(broken)} & {rule, *OURS.get(rule, ())}, check(broken)


def test_the_outside_scope_shows_no_number(judges: Court) -> None:
    doc = samples()["380 outside the scope"]
    broken = replace(doc, seller=GERMAN)
    assert {one.rule for one in check(broken)} == {"BR-O-02"}
    assert all(
        any(one.startswith("BR-O-02") for one in verdict.failed) for verdict in judges.judge([cii(broken), ubl(broken)])
    )


def _sums(doc: FiscalDoc, **changed: Money) -> FiscalDoc:
    return replace(doc, totals=replace(doc.totals, **changed))


def _group(doc: FiscalDoc, **changed: object) -> FiscalDoc:
    return replace(doc, groups=(replace(doc.groups[0], **changed), *doc.groups[1:]))  # type: ignore[arg-type]
