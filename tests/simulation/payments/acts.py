"""What people do in a seed's life: each act chooses among what is there, and says what it asked for, or None."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from exchange.flows.accept_delivery import accept_delivery
from exchange.flows.answer_chargeback import answer_chargeback
from exchange.flows.cancel_order import cancel_order
from exchange.flows.order_payouts import PayoutsOrdered, order_payouts
from exchange.flows.recover_debt import RecoveryAsked, recover_debt
from exchange.flows.refund_order import RefundWish, refund_order
from exchange.flows.refund_to_card import CardRefundReceipt, refund_to_card
from exchange.flows.resend_payout import resend_payout
from exchange.flows.top_up import TopUp, TopUpReceipt, top_up
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from exchange.worker.recon_steps import PROVE_MONEY, RECONCILE
from settlement.refunds import Reason
from tests.simulation.payments.plan import DAY, Act, card_of, debit_of
from tests.support.settlement_market import BROKER, BUYER, OPERATOR, OTHER, SELLER, actor

if TYPE_CHECKING:
    from tests.simulation.payments.life import Life

COIN = 10_000
_BUYERS = (BUYER, OTHER)
_BANK = {"object": "bank_account", "country": "CN", "currency": "cny", "account_number": "DE89370400440532013000"}
_AGREED = {"ip_address": "192.0.2.1", "user_agent": "seeds"}


async def _all(life: Life, query: str) -> list[Any]:
    return [row[0] if len(row) == 1 else row for row in await life.rows(query)]


def _units(act: Act, most: int = 60_000) -> int:
    return act.draw.randrange(200, most) * COIN


async def _top_up(life: Life, act: Act, currency: str, method: str, word: str | None, **mandate: str) -> str | None:
    buyer, amount = act.draw.choice(_BUYERS), Money(_units(act), currency)
    wish = TopUp(amount, method, word, mandate)
    made = await life.db.run(lambda tx: top_up(tx, actor(buyer, "buyer"), wish))
    return f"{amount} by {method} {word}" if isinstance(made, TopUpReceipt) else made.slug


async def by_card(life: Life, act: Act) -> str | None:
    """A wallet is filled by card."""
    return await _top_up(life, act, act.draw.choice(("CNY", "CNY", "EUR")), "card", card_of(act.draw))


async def by_debit(life: Life, act: Act) -> str | None:
    """A wallet is filled by a debit, which clears or fails days later, or is taken back after that."""
    return await _top_up(life, act, "EUR", "sepa_debit", life.debits[debit_of(act.draw)], **_AGREED)


async def by_wallet(life: Life, act: Act) -> str | None:
    """A wallet is filled through Alipay or WeChat Pay; whose page is visited in a later round, if at all."""
    said = await _top_up(life, act, "CNY", act.draw.choice(("alipay", "wechat_pay")), None)
    await visit(life, act.draw)
    return said


async def order_by_card(life: Life, act: Act) -> str | None:
    """Somebody buys, by card."""
    return await _buy(life, act, "card", payment_method=card_of(act.draw))


async def order_from_wallet(life: Life, act: Act) -> str | None:
    """Somebody buys, from the wallet."""
    return await _buy(life, act, "wallet")


async def order_by_page(life: Life, act: Act) -> str | None:
    """Somebody buys on Stripe's page, which is visited in a later round, if at all."""
    await visit(life, act.draw)
    return await _buy(life, act, "card", payment_method="checkout")


async def _buy(life: Life, act: Act, payment: Any, **more: Any) -> str | None:
    assert life.market is not None
    made = await life.market.buy(act.draw.choice(_BUYERS), "one_off", payment, **more)
    return made.slug if isinstance(made, Problem) else f"{made.id} {made.state}"


async def visit(life: Life, draw: Random) -> None:
    """Payers go to the pages that wait for them, and agree or do not."""
    state = (await life.look("state"))["objects"]
    for session in state.get("checkout.session", []):
        if session["status"] == "open":
            choice = draw.choice(("pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined", "alipay"))
            await life.http.post(f"/pay/{session['id']}", data={"payment_method": choice})
    for intent in state.get("payment_intent", []):
        if intent["status"] == "requires_action":
            outcome = draw.choice(("succeed", "succeed", "fail"))
            await life.http.post(f"/authorize/{intent['id']}", data={"outcome": outcome})


async def accept(life: Life, act: Act) -> str | None:
    """Buyers accept what they paid for: the payees may be paid."""
    found = await _all(life, "SELECT id, buyer_id FROM settlement.orders WHERE state = 'paid' ORDER BY id")
    chosen = act.draw.sample(found, (len(found) + 1) // 2)
    said = [
        await life.db.run(partial(accept_delivery, actor=actor(buyer, "buyer"), order_id=order))
        for order, buyer in sorted(chosen)
    ]
    return f"{sum(not isinstance(one, Problem) for one in said)} of {len(said)}" if said else None


async def refund_a_sale(life: Life, act: Act) -> str | None:
    """The operator gives back a part of a sale, or all of it."""
    order = act.one(await _all(life, "SELECT id FROM settlement.orders WHERE state = 'paid' ORDER BY id"))
    if order is None:
        return None
    amount = Money(_units(act, 29_000), "CNY") if act.draw.random() < 0.5 else None
    wish = RefundWish(("order", order), Reason.GOODWILL, amount)
    made = await life.db.run(partial(refund_order, actor=actor(OPERATOR, "operator"), wish=wish))
    return made.slug if isinstance(made, Problem) else f"{made.amount} of {made.order}"


async def refund_to_the_card(life: Life, act: Act) -> str | None:
    """A buyer takes money out of the wallet, back to where it came from."""
    query = "SELECT id, organisation_id, currency FROM settlement.payment WHERE state = 'succeeded' ORDER BY id"
    found = act.one(await _all(life, query))
    if found is None:
        return None
    payment, buyer, currency = found
    amount = Money(_units(act, 20_000), currency) if act.draw.random() < 0.7 else None
    made = await life.db.run(partial(refund_to_card, actor=actor(buyer, "buyer"), payment_id=payment, amount=amount))
    return f"{made.amount}" if isinstance(made, CardRefundReceipt) else made.slug


async def pay_out(life: Life, act: Act) -> str | None:
    """The operator pays out what is payable."""
    made = await life.db.run(
        partial(order_payouts, actor=actor(OPERATOR, "operator"), currency="CNY", period=f"act-{act.number}")
    )
    return str([one.amount for one in made.payouts]) if isinstance(made, PayoutsOrdered) and made.payouts else None


async def recover(life: Life, act: Act) -> str | None:
    """What payees owe is asked back of what was paid out to them."""
    said = []
    for payee in (SELLER, BROKER):
        made = await life.db.run(
            partial(recover_debt, actor=actor(OPERATOR, "operator"), organisation_id=payee, currency="CNY")
        )
        said += [str(made.wanted)] if isinstance(made, RecoveryAsked) else []
    return str(said) if said else None


async def answer(life: Life, act: Act) -> str | None:
    """The operator answers payers' banks, who believe it or do not."""
    open_now = "SELECT id FROM settlement.chargeback WHERE state IN ('needs_response', 'inquiry') ORDER BY id"
    said = []
    for one in await _all(life, open_now):
        note = act.draw.choice(("winning_evidence", "losing_evidence"))
        made = await life.db.run(
            partial(answer_chargeback, actor=actor(OPERATOR, "operator"), chargeback_id=one, note=note, paper=None)
        )
        said += [] if isinstance(made, Problem) else [note]
    return str(said) if said else None


async def renew(life: Life) -> None:
    """Payees whose bank refused something name another one: without it no payout of theirs can go."""
    banks: dict[str, set[str]] = {}
    for bank in (await life.look("state"))["objects"].get("bank_account", []):
        banks.setdefault(bank["account"], set()).add(bank["status"])
    for account, states in banks.items():
        if states == {"errored"}:
            about = {f"external_account[{name}]": value for name, value in _BANK.items()}
            await life.ask(f"accounts/{account}/external_accounts", **about)


async def resend(life: Life, act: Act) -> str | None:
    """What came back from payees' banks is sent once more."""
    await renew(life)
    said = []
    for payout in await _all(life, "SELECT id FROM settlement.payout WHERE state = 'returned' ORDER BY id"):
        made = await life.db.run(partial(resend_payout, actor=actor(OPERATOR, "operator"), payout_id=payout))
        said.append(made.slug if isinstance(made, Problem) else made.id)
    return str(said) if said else None


async def restrict(life: Life, act: Act) -> str | None:
    """Stripe holds a payee's account for a while."""
    account = act.one(await _all(life, "SELECT destination FROM settlement.payout_account ORDER BY organisation_id"))
    if account is None:
        return None
    await life.door("restrict", account=account, reason="requirements.past_due", for_s=3 * DAY)
    return str(account)


async def bank_returns(life: Life, act: Act) -> str | None:
    """A payee's bank gives back what was paid."""
    payouts = (await life.look("state"))["objects"].get("payout", [])
    paid = sorted(one["id"] for one in payouts if one["status"] == "paid" and one["metadata"].get("payout"))
    chosen = act.one(paid)
    if chosen is None:
        return None
    await life.door("return_payout", payout=chosen)
    return str(chosen)


async def reverse(life: Life, act: Act) -> str | None:
    """Somebody takes a transfer back by hand, as far as the payee's account has it."""
    query = "SELECT provider_ref, amount_units FROM settlement.payout WHERE provider_ref IS NOT NULL ORDER BY id"
    found = act.one(await _all(life, query))
    if found is None:
        return None
    answer = await life.ask(f"transfers/{found[0]}/reversals")
    return str(answer.get("id") or answer.get("error", {}).get("code"))


async def cancel(life: Life, act: Act) -> str | None:
    """A buyer no longer wants what was not paid yet."""
    query = "SELECT id, buyer_id FROM settlement.orders WHERE state = 'awaiting_payment' ORDER BY id"
    found = act.one(await _all(life, query))
    if found is None:
        return None
    made = await life.db.run(partial(cancel_order, actor=actor(found[1], "buyer"), order_id=found[0]))
    return made.slug if isinstance(made, Problem) else made.state


async def own_money(life: Life, act: Act) -> str | None:
    """The operator has Stripe pay some of the balance out to its own bank."""
    answer = await life.ask("payouts", amount=act.draw.randrange(100, 5_000), currency="cny")
    return str(answer.get("id") or answer.get("error", {}).get("code"))


async def reconcile(life: Life, act: Act) -> str | None:
    """The books are held against Stripe's while everything moves."""
    await life.queue(RECONCILE, PROVE_MONEY)
    return "queued"


ACTS: dict[str, Callable[[Life, Act], Awaitable[str | None]]] = {
    "top_up": by_card,
    "debit": by_debit,
    "wallet_app": by_wallet,
    "order_card": order_by_card,
    "order_wallet": order_from_wallet,
    "checkout": order_by_page,
    "accept": accept,
    "refund_order": refund_a_sale,
    "refund_card": refund_to_the_card,
    "pay_out": pay_out,
    "recover": recover,
    "answer": answer,
    "resend": resend,
    "restrict": restrict,
    "bank_returns": bank_returns,
    "reverse": reverse,
    "cancel": cancel,
    "own_money": own_money,
    "reconcile": reconcile,
}
