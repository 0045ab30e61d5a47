"""What tax leaves a payout before it goes: the payee's country, the rule, the relief; and back again with a payout that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money, from_minor
from exchange.parties import store as parties
from settlement import withholding_postings as postings
from settlement.journals import Journal
from settlement.payout_minimums import Minimums
from settlement.payouts import Payout, PayoutState, Rail
from settlement.store import withholding as store
from settlement.store import withholding_rules as tables
from settlement.withholding import Certificate, Rules, Withheld, lowest, withhold
from settlement.withholding_problems import NO_WITHHOLDING_RULE, PAYOUT_SMALL

_BACK = frozenset({PayoutState.FAILED, PayoutState.REVERSED})


@dataclass(frozen=True, slots=True)
class Taxed:
    """A payout as it will leave; `country` and `withheld` where somebody's law is asked."""

    amount: Money
    country: str = ""
    withheld: Withheld | None = None


@dataclass(frozen=True, slots=True)
class Office:
    """What is known of some payees for the tax office."""

    rules: Rules | None
    minimums: Minimums
    countries: Mapping[UUID, str]
    reliefs: Sequence[Certificate]

    def taxed(self, tx: Tx, organisation_id: UUID, gross: Money, rail: Rail, *, small: bool) -> Taxed | Problem:
        """What of a payout leaves, or why it waits; `small` also pays what is below the least payout.

        errors   answers no-withholding-rule, payout-small
        """
        rules, on = self.rules, tx.now.date()
        if not small and self.minimums.small(gross, rail, on):
            least = Money(self.minimums.least[gross.currency, rail], gross.currency)
            return PAYOUT_SMALL(amount=str(gross), rail=rail.value, least=str(least))
        if rules is None:
            return Taxed(gross)
        country = self.countries.get(organisation_id, "")
        rule = rules.find(country, on)
        if rule is None:
            return NO_WITHHOLDING_RULE(payer=rules.payer, payee=country or "?", income=rules.income.value)
        relief = lowest(self.reliefs, organisation_id, rules.payer, rules.income, on)
        found = withhold(gross, rule, relief)
        if not found.net.units:
            return PAYOUT_SMALL(amount=str(found.net), rail=rail.value, least=str(from_minor(1, gross.currency)))
        return Taxed(found.net, country, found)


async def office(tx: Tx, minimums: Minimums, organisation_ids: Sequence[UUID]) -> Office:
    """Look up the table in force and the payees; where nothing is withheld no payee is asked for."""
    rules = await tables.in_force(tx)
    if rules is None:
        return Office(None, minimums, {}, ())
    standing = await parties.standing(tx, list(organisation_ids))
    countries = {one: said.country for one, said in standing.items()}
    return Office(rules, minimums, countries, await store.reliefs(tx, organisation_ids))


def journals(made: Sequence[tuple[Payout, Taxed]]) -> list[Journal]:
    """The journals of what is withheld, beside those of the payouts."""
    return [
        postings.withholding(one.id, one.organisation_id, taxed.withheld.withheld)
        for one, taxed in made
        if taxed.withheld is not None and taxed.withheld.withheld.units
    ]


async def keep(tx: Tx, made: Sequence[tuple[Payout, Taxed]]) -> None:
    """Keep what each payout was taxed by, also at nothing."""
    kept = {
        one.id: (one.organisation_id, taxed.country, taxed.withheld)
        for one, taxed in made
        if taxed.withheld is not None
    }
    await store.insert_withheld(tx, kept)


async def back(tx: Tx, moved: Sequence[tuple[Payout, PayoutState]]) -> list[Journal]:
    """The journals that give back what was withheld from payouts that fail or come back now."""
    gone = [payout for payout, target in moved if target in _BACK]
    kept = await store.withheld_of(tx, [one.id for one in gone]) if gone else {}
    return [postings.withholding_back(one.id, one.organisation_id, kept[one.id]) for one in gone if one.id in kept]
