"""The end of a seed: everything is settled and paid out in peace, what was accepted is told, and the books are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from exchange.flows.check_books import check_books
from exchange.kernel import ids
from exchange.kernel.errors import Problem
from tests.simulation.seeded.acting import ORIGIN, RATES, Process, act
from tests.simulation.seeded.books import Account, Books, Charge, compare, keep
from tests.simulation.seeded.drawing import CURRENCIES, Input
from tests.simulation.seeded.spec import EXCHANGE, MILLION, Bought, Converted, Fact, Moved, Refunded, Used

if TYPE_CHECKING:
    from tests.simulation.seeded.one import Life

_RICH = 1_000_000 * MILLION
_DAY_S = 86_400
_ACCOUNTS = """SELECT a.organisation_id, a.kind, a.currency, coalesce(sum(p.amount), 0)::bigint AS units
FROM settlement.account a LEFT JOIN settlement.posting p ON p.account_id = a.id GROUP BY 1, 2, 3"""
_CHARGES = """SELECT c.id, c.order_id, c.amount_units, c.service_start, c.currency, o.seller_id, c.component, c.period_index,
    c.corrects, EXISTS (SELECT FROM settlement.run e WHERE e.currency = r.currency AND e.state = 'closed'
        AND e.created_at < r.created_at AND e.period_end >= r.period_end) AS again
FROM settlement.charge c JOIN settlement.orders o ON o.id = c.order_id JOIN settlement.run r ON r.id = c.run_id
ORDER BY r.created_at, c.id"""
_INVOICES = (
    "SELECT buyer_id, seller_id, currency, sum(total_units)::bigint AS units FROM settlement.invoice GROUP BY 1, 2, 3"
)
_UNDECIDED = """SELECT order_id FROM settlement.acceptance GROUP BY 1
HAVING (array_agg(said ORDER BY created_at, id))[count(*)] = 'rejected' ORDER BY 1"""
_JOBS = """SELECT kind || ' ' || state || ' ' || coalesce(error, '') FROM kernel.job
WHERE kind = ANY($1) AND state <> 'done' AND error NOT LIKE '%payment-state%' ORDER BY 1"""
_WAITING = "SELECT count(*) FROM kernel.job WHERE kind = ANY($1) AND state IN ('queued', 'running')"
_LOCAL = ["stripe_event", "settle", "seal_usage"]


def uuid_of(text: str) -> UUID:
    """The id in a public id."""
    return ids.parse(text.partition("_")[0], text)


async def settle_all(life: Life, calm: Process) -> datetime:
    """Wait out every window, pay every debt, settle and pay out; the end of what was settled."""
    desk = life.desk
    await _drain(life, calm)
    life.world.advance(10 * _DAY_S)
    for buyer in life.market.buyers:
        for currency in CURRENCIES:
            about = {"buyer": buyer, "currency": currency, "units": _RICH, "named": True}
            await _send(life, calm, Input(f"rich-{buyer}-{currency}", "bank", about))
    await _drain(life, calm)
    for row in await life.eye.fetch(_UNDECIDED):
        name = next(
            n for n, a in desk.answers.items() if isinstance(a, dict) and a.get("id") == ids.text("ord", row[0])
        )
        await _send(life, calm, Input(f"last-{name}", "decide", {"order": name, "units": 0}))
    await _settle(life, calm, "last")
    final = desk.written["last-CNY"]
    if life.returned:
        await _refund_all(life, calm)
        life.world.advance(_DAY_S)
        await _settle(life, calm, "returned")
    for payee in (*life.market.sellers, *life.market.brokers):
        for currency in CURRENCIES:
            name = f"pay-{payee}-{currency}"
            about = {"payee": payee, "currency": currency, "rail": "bank"}
            if not isinstance(await _send(life, calm, Input(name, "payout", about)), Problem):
                await _send(life, calm, Input(f"paid-{name}", "transfer", {"payout": name, "word": "paid"}))
    await _send(life, calm, Input("expire", "expire"))
    await _send(life, calm, Input("log", "log"))
    final_moment: datetime = final
    return final_moment


async def _settle(life: Life, calm: Process, name: str) -> None:
    await _send(life, calm, Input(f"seal-{name}", "seal"))
    await _drain(life, calm)
    for currency in CURRENCIES:
        answer = await _send(life, calm, Input(f"{name}-{currency}", "settle", {"currency": currency}))
        if isinstance(answer, Problem):
            life.findings.append(f"the last settlement in {currency} was refused: {answer.slug}")
    await _drain(life, calm)


async def _refund_all(life: Life, calm: Process) -> None:
    """Everything goes back: of each order what is left of it, and of each charge."""
    desk = life.desk
    for name, one in list(desk.sent.items()):
        if one.kind == "purchase" and isinstance(desk.answers[name], dict):
            await _send(life, calm, Input(f"back-{name}", "refund", {"order": name, "units": None}))
    for row in await life.eye.fetch(_CHARGES):
        about = {"source": ("charge", row["id"]), "currency": row["currency"], "units": None}
        about["seller"] = desk.founded.party(row["seller_id"])
        answer = await _send(life, calm, Input(f"back-{row['id']}", "refund", about))
        if isinstance(answer, Problem):
            life.findings.append(f"a charge could not go back: {answer.slug}")


async def _drain(life: Life, calm: Process) -> None:
    for _ in range(200):
        while await calm.work():
            pass
        if not await life.eye.fetchval(_WAITING, _LOCAL):
            return
        # Jobs of processes that died, and those that failed, come again after a while.
        life.world.advance(900)
    life.findings.append(f"jobs never ended: {await life.eye.fetch(_JOBS, _LOCAL)}")


async def _send(life: Life, calm: Process, one: Input) -> Any:
    answer = await act(calm, life.desk, one)
    life.desk.answers[one.name], life.desk.sent[one.name] = answer, one
    return answer


async def audit(life: Life, final: datetime) -> list[str]:
    """What the auditor finds, from what was accepted alone."""
    desk = life.desk
    orders = {
        a["id"]: n for n, a in desk.answers.items() if isinstance(a, dict) and str(a.get("id")).startswith("ord_")
    }
    charges = [_charge(row, orders[ids.text("ord", row["order_id"])]) for row in await life.eye.fetch(_CHARGES)]
    facts = await told(life)
    books = keep(life.market, facts, charges, final)
    theirs = await accounts(life)
    found = compare(books, theirs)
    if life.returned:
        found += _zero(books, facts)
    found += await _invoices(life, books)
    return found + [f"job {row[0]}" for row in await life.eye.fetch(_JOBS, _LOCAL)]


def _charge(row: Mapping[str, Any], order: str) -> Charge:
    corrects = order if row["corrects"] == row["order_id"] else row["corrects"] and str(row["corrects"])
    line = row["component"], row["period_index"]
    month = f"{row['service_start']:%Y-%m}"
    return Charge(str(row["id"]), order, row["amount_units"], month, line, row["again"], corrects)


async def fsck(calm: Process) -> list[str]:
    """What `exchange fsck` finds."""

    async def progress(_part: str, _done: int, _total: int | None) -> None:
        return None

    return [f"fsck: {one}" for one in await check_books(calm.db, calm.keyring, ORIGIN, progress)]


def _zero(books: Books, facts: list[Fact]) -> list[str]:
    """After everything went back, all that a payee has is what it was paid ahead, less what left the house."""
    moved: Counter[tuple[str, str]] = Counter()
    for fact in facts:
        if isinstance(fact, Moved):
            for (party, kind), units in ((fact.source, -fact.units), (fact.target, fact.units)):
                if kind in ("payable", "advance"):
                    moved[party, fact.currency] += units
    return [
        f"everything went back, and {party} is at {units - moved[party, currency]} {currency}"
        for (party, kind, currency), units in books.accounts.items()
        if kind == "position" and units != moved[party, currency]
    ]


async def accounts(life: Life) -> dict[Account, int]:
    """What every account of the exchange holds."""
    found = {}
    for row in await life.eye.fetch(_ACCOUNTS):
        party = EXCHANGE if row["organisation_id"] is None else life.desk.founded.party(row["organisation_id"])
        found[party, row["kind"], row["currency"]] = row["units"]
    return found


async def lines(life: Life) -> list[str]:
    """The final books, one account a line."""
    return [f"{' '.join(key)} {units}" for key, units in sorted((await accounts(life)).items()) if units]


async def _invoices(life: Life, books: Books) -> list[str]:
    said: Counter[tuple[str, str, str]] = Counter()
    for row in await life.eye.fetch(_INVOICES):
        who = life.desk.founded.party
        said[who(row["buyer_id"]), who(row["seller_id"]), row["currency"]] += row["units"]
    return [
        f"invoices {' '.join(key)}: {books.invoiced[key]} by the auditor, {said[key]} by the exchange"
        for key in sorted({*said, *books.invoiced})
        if said[key] != books.invoiced[key]
    ]


async def told(life: Life) -> list[Fact]:
    """What was accepted, from what each sender was answered."""
    desk = life.desk
    found: list[Fact] = []
    succeeded = {
        one.about["of"] for one in desk.sent.values() if one.kind == "event" and one.about["word"] == "succeeded"
    }
    cancelled = {
        one.about["order"] for name, one in desk.sent.items() if one.kind == "cancel" and _yes(desk.answers[name])
    }
    ended = {
        one.about["hold"] for name, one in desk.sent.items() if one.kind == "end_hold" and _yes(desk.answers[name])
    }
    ends: set[tuple[str, int]] = set()
    for name, one in desk.sent.items():
        answer = desk.answers[name]
        if not _yes(answer):
            continue
        about = one.about
        match one.kind:
            case "top_up" if name in succeeded:
                found.append(_in("stripe", about["buyer"], about))
            case "bank":
                found.append(
                    _in("bank", about["buyer"], about)
                    if about["named"]
                    else Moved("bank", about["currency"], about["units"], (EXCHANGE, "bank"), (EXCHANGE, "suspense"))
                )
            case "match":
                entry = desk.sent[about["entry"]].about
                found.append(_in("suspense", about["buyer"], entry))
            case "purchase":
                found += await _bought(life, name, one, paid=name in succeeded, cancelled=name in cancelled)
            case "usage":
                refused = {item["index"] for item in answer["refused"]}
                found += [
                    Used(f"{number}", about["order"], quantity)
                    for index, (number, quantity) in enumerate(about["events"])
                    if index not in refused
                ]
            case "refund":
                source = about["order"] if "order" in about else str(about["source"][1])
                found.append(Refunded(source, _units(answer["amount"])))
            case "decide" if _units(answer["refunded"]):
                found.append(Refunded(about["order"], _units(answer["refunded"])))
            case "hold":
                wallet, held = (about["buyer"], "wallet"), (about["buyer"], "held")
                found.append(Moved("hold", about["currency"], about["units"], wallet, held))
                until = desk.written[name]
                if until is not None and until <= life.world.now() and name not in ended:
                    found.append(Moved("expired", about["currency"], about["units"], held, wallet))
            case "end_hold" if (about["hold"], about["units"]) not in ends:
                # The same end sent by two is one.
                ends.add((about["hold"], about["units"]))
                found += _ended(desk.sent[about["hold"]].about, about["units"])
            case "convert":
                rate = RATES[about["sell"], about["buy"]]
                found.append(Converted(about["buyer"], "wallet", about["sell"], about["units"], about["buy"], rate))
            case "advance":
                who = about["seller"]
                found.append(Moved("advance", about["currency"], about["units"], (who, "advance"), (who, "payable")))
            case "payout":
                found += _paid_out(life, name, one, _units(answer["amount"]))
    return found


def _in(rail: str, buyer: str, about: dict[str, Any]) -> Moved:
    return Moved("in", about["currency"], about["units"], (EXCHANGE, rail), (buyer, "wallet"))


async def _bought(life: Life, name: str, one: Input, *, paid: bool, cancelled: bool) -> list[Fact]:
    answer, offer = life.desk.answers[name], life.market.offers[one.about["offer"]]
    units, buyer = _units(answer["total"]), one.about["buyer"]
    if units != offer.price:
        life.findings.append(f"{name} cost {units} and not {offer.price}")
    if answer["state"] == "awaiting_payment" and not paid:
        return []
    if cancelled:
        # The card was charged all the same: the money is the buyer's.
        return [_in("stripe", buyer, {"currency": offer.currency, "units": units})]
    at = await life.eye.fetchval("SELECT paid_at FROM settlement.orders WHERE id = $1", uuid_of(answer["id"]))
    if at is None:
        return []
    rail = "stripe" if answer["state"] == "awaiting_payment" else "wallet"
    if offer.kind == "monthly":
        # Its months are counted from the beginning of the agreement.
        at = await life.eye.fetchval("SELECT starts_at FROM access.grants WHERE order_id = $1", uuid_of(answer["id"]))
    return [Bought(name, offer.name, buyer, units, rail, at)]


def _ended(hold: dict[str, Any], settled: int) -> list[Fact]:
    held, rest = (hold["buyer"], "held"), hold["units"] - settled
    found: list[Fact] = []
    if settled:
        found.append(Moved("settled", hold["currency"], settled, held, (EXCHANGE, "revenue")))
    if rest:
        found.append(Moved("returned", hold["currency"], rest, held, (hold["buyer"], "wallet")))
    return found


def _paid_out(life: Life, name: str, one: Input, units: int) -> list[Fact]:
    payee, currency = one.about["payee"], one.about["currency"]
    transit, payable = (payee, "in_transit"), (payee, "payable")
    found: list[Fact] = [Moved("payout", currency, units, payable, transit)]
    words = {
        sent.about["word"]
        for sent_name, sent in life.desk.sent.items()
        if sent.kind == "transfer" and sent.about["payout"] == name and _yes(life.desk.answers[sent_name])
    }
    if {"paid", "failed"} <= words:
        life.findings.append(f"{name} was paid and failed")
    elif "paid" in words or ("sent" in words and one.about["rail"] == "stripe"):
        # By Stripe the money has left once it was sent; by bank once it arrived.
        found.append(Moved("paid", currency, units, transit, (EXCHANGE, one.about["rail"])))
    elif "failed" in words:
        found.append(Moved("failed", currency, units, transit, payable))
    return found


def _yes(answer: Any) -> bool:
    if isinstance(answer, dict):
        return answer.get("opened", True) is True and answer.get("ended", True) is True
    return not isinstance(answer, Problem)


def _units(wire: dict[str, str]) -> int:
    whole, _, part = wire["amount"].partition(".")
    return int(whole) * MILLION + int(part.ljust(6, "0") or "0")
