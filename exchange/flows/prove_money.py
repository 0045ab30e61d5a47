"""The daily proof of clients' money: what is stated of each place against the ledger, by name; a difference is an alarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.call_provider import open_item
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.accounts import AccountKind
from settlement.open_items import ItemKind, Opened
from settlement.proof import PLACES, STATED, PlaceProof, Proof, Stated, Timing, Unbacked
from settlement.store import open_items, proofs, recon
from settlement.store.proofs import ProofRow

ENTRY = "money-proof"


class MoneyMoved(Exception):
    """Movements were recorded while the balance was asked for: it has to be asked for anew."""


async def prove_money(
    tx: Tx, at_provider: Mapping[str, Money], recorded: Mapping[str, int]
) -> tuple[list[ProofRow], list[Opened]]:
    """Prove every currency now, and say what has to be looked at.

    shapes   at_provider: what was just seen to lie at the provider, by currency; recorded: how many movements of each
             currency were known when it was asked
    errors   MoneyMoved
    """
    await proofs.pin(tx)
    if at_provider and await recorded_now(tx) != dict(recorded):
        raise MoneyMoved
    for money in at_provider.values():
        await proofs.state_balance(tx, AccountKind.STRIPE, money, tx.now, "provider")
    made, opened = [], []
    for proof in await prove(tx, tx.now.astimezone(UTC).date(), await proofs.newest_stated(tx)):
        row = await proofs.put_proof(tx, proof)
        made.append(row)
        opened += await _alarms(tx, proof, row)
        entry = Entry(
            action=ENTRY, organisation_id=None, object_id=ids.text("rsc", row.id), digests={"document": row.sha256}
        )
        await audit.append(tx, [entry])
    return made, opened


async def recorded_now(tx: Tx) -> dict[str, int]:
    """How many movements at the provider are known of each currency."""
    return {one.place.currency: one.recorded for one in await recon.cursors(tx)}


async def prove(tx: Tx, day: date, stated: Sequence[Stated]) -> list[Proof]:
    """The proof of each currency that has money anywhere, from what is stated and the ledger as it stands."""
    by_place = {(one.place, one.money.currency): one for one in stated}
    sums, unbacked = await proofs.sums(tx), await proofs.unbacked(tx)
    currencies = sorted(
        {currency for currency, held in sums.items() if any(held.get(kind) for kind in (*PLACES, *held))}
        | {one.money.currency for one in stated if one.money.units}
    )
    found = []
    for currency in currencies:
        held = sums.get(currency, {})
        places = [await _place(tx, kind, held, by_place.get((kind, currency)), currency) for kind in STATED]
        found.append(Proof(day, currency, tx.now, held, places, unbacked.get(currency, Unbacked())))
    return found


async def _place(
    tx: Tx, kind: AccountKind, held: Mapping[AccountKind, int], stated: Stated | None, currency: str
) -> PlaceProof:
    ledger = Money(-held.get(kind, 0), currency)
    if stated is None:
        return PlaceProof(kind, ledger, None)
    theirs = await proofs.theirs(tx, currency) if kind is AccountKind.STRIPE else Timing()
    return PlaceProof(kind, ledger, stated, theirs, await proofs.ours(tx, stated))


async def _alarms(tx: Tx, proof: Proof, row: ProofRow) -> list[Opened]:
    """An item for each thing that is wrong, and the end of those that are right again."""
    wrong = {ItemKind.MONEY_DIFFERS: row.difference, ItemKind.MONEY_SHORT: row.short}
    opened = []
    for kind, amount in wrong.items():
        if not amount.units:
            await open_items.settle_items(tx, proof.currency, [kind])
            continue
        one = Opened(kind, proof.currency, {"proof": ids.text("rsc", row.id), "amount": str(amount)})
        if await open_item(tx, one):
            opened.append(one)
    return opened
