"""What must hold when everything is quiet: our books, our objects and Stripe's own sums say the same, to the coin.

It adds up Stripe's balance transactions and objects by itself, and uses none of the product's code for that but fsck.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from exchange.kernel import ids
from settlement.store import audit as fsck

if TYPE_CHECKING:
    from tests.simulation.payments.life import Life

COIN = 10_000
PLATFORM = "acct_1SandboxPlatform"
_SWEEPS = ("topup", "topup_reversal", "payout", "payout_cancel", "payout_failure")
# What a person has to decide stays open, and is no fault of the books. Everything else must have settled itself.
DECISIONS = frozenset(
    [
        "payout-returned",
        "payout-refused",
        "transfer-reversed",
        "chargeback-uncovered",
        "debt-not-brought",
        "own-money",
        "account-lost",
        "fraud-warning",
        "refund-failed",
        "paid-twice",
        "taken-back",
        "money-short",
    ]
)
_OVER = {"payment": ("succeeded", "failed"), "card_refund": ("succeeded", "failed"), "recovery": ("done", "refused")}


async def audit(life: Life) -> list[str]:
    """What is wrong; nothing in a sound life."""
    state = await life.look("state")
    objects: dict[str, list[dict[str, Any]]] = state["objects"]
    found = [f"stripe: {said}" for said in (await life.look("check"))["broken"]]
    found += [f"fsck: {one}" for one in await life.db.run(fsck.check)]
    found += await _sums(life, state)
    found += await _payments(life, objects)
    found += await _payouts(life, objects)
    found += await _refunds(life, objects)
    found += await _undone(life)
    return found


async def _sums(life: Life, state: dict[str, Any]) -> list[str]:
    """Each account of ours that stands for money at Stripe, against Stripe's own."""
    theirs: defaultdict[tuple[str, str], int] = defaultdict(int)
    for line in [*state["balances"][PLATFORM]["available"], *state["balances"][PLATFORM]["pending"]]:
        theirs[line["currency"].upper(), "stripe"] -= line["amount"]
    for entry in await life.entries():
        currency = entry["currency"].upper()
        theirs[currency, "fees"] -= entry["fee"]
        if entry["type"] in _SWEEPS:
            theirs[currency, "sweep"] += entry["net"]
    for dispute in state["objects"].get("dispute", []):
        theirs[dispute["currency"].upper(), "disputed"] += sum(one["amount"] for one in dispute["balance_transactions"])
    for currency, covered in await life.rows(
        "SELECT currency, sum(covered_units)::bigint FROM settlement.chargeback GROUP BY 1"
    ):
        theirs[currency, "disputed"] += covered // COIN
    kinds = ("stripe", "fees", "sweep", "disputed", "reserve")
    ours = {
        (currency, kind): units
        for currency, sums in (await life.db.run(fsck.trial_balance)).items()
        for kind, units in sums.items()
        if kind in kinds
    }
    return [
        f"{currency} {kind}: {ours.get((currency, kind), 0)} in our ledger, {theirs.get((currency, kind), 0) * COIN} at Stripe"
        for currency, kind in sorted({*ours, *theirs})
        if ours.get((currency, kind), 0) != theirs.get((currency, kind), 0) * COIN
    ]


async def _payments(life: Life, objects: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Each payment was taken once or not at all, and we know which."""
    taken: Counter[str] = Counter()
    for intent in objects.get("payment_intent", []):
        if intent["status"] == "succeeded":
            taken[intent["metadata"].get("payment", intent["id"])] += 1
    said = []
    for payment, state in await life.rows("SELECT id, state FROM settlement.payment WHERE method <> 'bank'"):
        name = ids.text("pay", payment)
        times = taken.pop(name, 0)
        if times > 1 or (times == 1) != (state == "succeeded"):
            said.append(f"{name} is {state}, and was taken {times} times")
    return said + [f"{name} was taken, and is no payment of ours" for name in taken]


async def _payouts(life: Life, objects: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Each payout has one live transfer at most, one payout to a bank that stands at most, and our word is Stripe's."""
    live: defaultdict[str, list[Any]] = defaultdict(list)
    gone: Counter[str] = Counter()
    for transfer in objects.get("transfer", []):
        name = transfer["metadata"].get("payout", transfer["id"])
        # What was taken back by our own recoveries stays a payout that was made.
        live[name].append(transfer)
        life.told.counts["transfers with their charge"] += transfer["source_transaction"] is not None
        gone[name] += transfer["amount"] == transfer["amount_reversed"] and not _recovered(transfer, objects)
    banked: Counter[str] = Counter()
    for payout in objects.get("payout", []):
        if payout["status"] in ("paid", "pending", "in_transit") and (name := payout["metadata"].get("payout")):
            banked[name] += 1
    said = []
    query = "SELECT id, state, amount_units, destination FROM settlement.payout WHERE rail = 'stripe'"
    for payout, state, units, destination in await life.rows(query):
        name = ids.text("pot", payout)
        transfers = live.pop(name, [])
        if len(transfers) > 1 or banked[name] > 1:
            said.append(f"{name} has {len(transfers)} transfers and {banked[name]} payouts to the bank")
        for one in transfers:
            if (one["amount"] * COIN, one["destination"]) != (units, destination):
                said.append(f"{name} of {units} to {destination} went as {one['amount']} to {one['destination']}")
        standing = len(transfers) - gone[name]
        wanted = {"created": 0, "failed": 0, "reversed": 0}.get(state, 1)
        if standing != wanted:
            said.append(f"{name} is {state}, and {standing} transfers of it stand")
        if (state == "paid" and banked[name] != 1) or (state in ("returned", "sent") and banked[name]):
            said.append(f"{name} is {state}, with {banked[name]} payouts to the bank")
    return said + [f"{name} was transferred, and is no payout of ours" for name in live]


def _recovered(transfer: dict[str, Any], objects: dict[str, list[dict[str, Any]]]) -> bool:
    return any(
        one["transfer"] == transfer["id"] and one["metadata"].get("recovery")
        for one in objects.get("transfer_reversal", [])
    )


async def _refunds(life: Life, objects: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Each refund to a card left once or not at all, each chargeback stands as Stripe says."""
    stands: Counter[str] = Counter()
    for refund in objects.get("refund", []):
        # The other side of a transfer that was taken back is at the payee's account.
        if refund["status"] == "succeeded" and ("refund" in refund["metadata"] or not refund["id"].startswith("pyr_")):
            stands[refund["metadata"].get("refund", refund["id"])] += 1
    said = []
    for refund, state in await life.rows("SELECT id, state FROM settlement.card_refund"):
        name = ids.text("crf", refund)
        times = stands.pop(name, 0)
        if times > 1 or (times == 1) != (state == "succeeded"):
            said.append(f"{name} is {state}, and {times} refunds of it stand")
    said += [f"{name} went back, and is no refund of ours" for name in stands]
    ours = dict(await life.rows("SELECT provider_ref, state FROM settlement.chargeback"))
    for dispute in objects.get("dispute", []):
        word = {"warning_closed": "closed", "warning_needs_response": "inquiry", "warning_under_review": "under_review"}
        status = word.get(dispute["status"], dispute["status"])
        if ours.get(dispute["id"]) != status:
            said.append(f"dispute {dispute['id']} is {dispute['status']} there, and {ours.get(dispute['id'])} here")
    return said


async def _undone(life: Life) -> list[str]:
    """Nothing waits but what a person must decide, and what nobody paid."""
    said = []
    for kind, subject, about in await life.rows(
        "SELECT kind, subject, about::text FROM settlement.open_item WHERE closed_at IS NULL ORDER BY kind, subject"
    ):
        life.told.counts[f"open {kind}"] += 1
        if kind not in DECISIONS:
            said.append(f"open: {kind} {subject} {about}")
    for kind, error in await life.rows("SELECT kind, error FROM kernel.job WHERE state = 'dead'"):
        if kind not in ("sweep_events", "reconcile", "prove_money"):
            said.append(f"a {kind} is dead: {error}")
    for table, over in _OVER.items():
        rows = await life.rows(f"SELECT state, count(*) FROM settlement.{table} GROUP BY 1")
        said += [f"{count} {table} {state}" for state, count in rows if state not in over]
    # One that was brought back whole before it went on to its bank has nothing left to send.
    rows = await life.rows(
        """SELECT state, count(*) FROM settlement.payout p WHERE state = 'created' OR (state = 'sent' AND amount_units > (
            SELECT coalesce(sum(r.brought_units), 0) FROM settlement.recovery r WHERE r.payout_id = p.id)) GROUP BY 1"""
    )
    said += [f"{count} payouts {state}" for state, count in rows]
    ((left,),) = await life.rows("SELECT count(*) FROM settlement.stripe_event WHERE handled_at IS NULL")
    if left:
        said.append(f"{left} events never took effect")
    for currency, reason, text in await life.rows(
        "SELECT currency, reason, said FROM settlement.recon_cursor WHERE stopped_txn IS NOT NULL"
    ):
        said.append(f"reconciliation of {currency} stopped: {reason} {text}")
    return said


async def digest_of(life: Life) -> dict[str, Any]:
    """All balances and the state of every object, by names that are the same in each life of a seed."""
    balances = await life.rows(
        """SELECT a.kind || ' ' || a.currency || ' ' || coalesce(a.organisation_id::text, ''), sum(p.amount)::bigint
        FROM settlement.posting p JOIN settlement.account a ON a.id = p.account_id GROUP BY 1 HAVING sum(p.amount) <> 0"""
    )
    found: dict[str, Any] = {"balance": dict(balances)}
    for table, column in (
        ("payment", "state"),
        ("orders", "state"),
        ("payout", "state"),
        ("card_refund", "state"),
        ("recovery", "state || ' ' || coalesce(brought_units, 0)"),
    ):
        found[table] = dict(await life.rows(f"SELECT id::text, {column} FROM settlement.{table}"))
    found["chargeback"] = dict(
        await life.rows("SELECT provider_ref, state || ' ' || covered_units FROM settlement.chargeback")
    )
    found["account"] = dict(await life.rows("SELECT organisation_id::text, state FROM settlement.payout_account"))
    return found
