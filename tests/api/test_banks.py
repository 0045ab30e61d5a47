"""Money at banks, over HTTP: payees' accounts, batches with four eyes, and the statements that say what became of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest_asyncio

from compliance import directive_store
from exchange.flows.bank_destinations import DestinationAsked, activate_destinations, name_destination
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from exchange.worker.bank_steps import BankSteps
from exchange.worker.loop import drain
from settlement.accounts import AccountKind, payable, platform
from settlement.bank_statement import COLUMNS
from settlement.banking.details import BankDetails, Scheme, read_details
from settlement.journals import Journal, Line
from settlement.store import audit, ledger
from settlement.store.proofs import newest_stated
from tests.support.api import Market, Party, market
from tests.support.camt_files import Booked, camt053
from tests.support.directives import standing

EURO = 1_000_000
OURS, FIRST, SECOND = "DE89370400440532013000", "FR1420041010050500013M02606", "NL91ABNA0417164300"
BUYERS = "BE68539007547034"
CN_OURS, CN_PAYEE = "6222021234567890123", "6217001210024455220"


@dataclass
class Desk:
    """An exchange with two clients of the operator."""

    market: Market
    clock: FixedClock
    first: Party
    second: Party

    async def earned(self, party: Party, units: int, currency: str = "EUR") -> None:
        """Money that a payee has to be paid, as if from sales."""

        async def flow(tx: Tx) -> None:
            one = tx.new_id()
            bank = Line(platform(AccountKind.BANK, currency), -units, one)
            await ledger.post(tx, [Journal("test", one, (bank, Line(payable(party.id, currency), units, one)))])

        await self.market.services.db.run(flow)

    async def account(self, details: dict[str, str], currency: str = "EUR") -> str:
        """The exchange's account for clients' money."""
        wish = {"kind": "client", "currency": currency, "details": details}
        return str((await self.market.done(self.first, "/operator/v1/bank-accounts", wish))["id"])

    async def name(self, party: Party, details: dict[str, str]) -> dict[str, Any]:
        """An account that a payee names and the operator approves."""
        asked = await self.market.done(party, "/supplier/v1/bank-destinations", details)
        await self.approve(asked["approval"])
        await self.market.services.db.run(activate_destinations)
        return asked

    async def approve(self, approval: str, by: Party | None = None) -> None:
        await self.market.done(by or self.second, f"/operator/v1/approvals/{approval}/approval", {})

    async def pay(self, currency: str = "EUR", period: str = "2026-01") -> list[dict[str, Any]]:
        """Order payouts; those ordered, in order of the payees."""
        wish = {"currency": currency, "period": period}
        found = await self.market.done(self.first, "/operator/v1/payouts", wish)
        return list(found["payouts"])

    async def draw_up(self, currency: str = "EUR", **more: str) -> dict[str, Any]:
        wish = {"currency": currency, "execution_date": "2026-02-02", **more}
        return await self.market.done(self.first, "/operator/v1/payout-batches", wish)

    async def work(self) -> None:
        """Run the jobs that are due."""
        made = self.market.services
        await drain(made.db, BankSteps(made.db, made.files, made.vault).table())

    async def hand_in(self, account: str, content: bytes, key: str) -> Any:
        headers = {**self.first.headers, "idempotency-key": key, "content-type": "application/xml"}
        path = f"/operator/v1/bank-accounts/{account}/statements"
        return await self.market.http.post(path, content=content, headers=headers)

    async def state(self, payout: str) -> str:
        found = (await self.market.get(self.first, "/operator/v1/payouts")).json()["items"]
        return str(next(one["state"] for one in found if one["id"] == payout))

    async def balances(self, *keys: Any) -> list[int]:
        found = await self.market.services.db.run(lambda tx: ledger.sums(tx, list(keys)))
        return [found[key] for key in keys]

    async def sound(self) -> None:
        assert await self.market.services.db.run(audit.check) == []


@pytest_asyncio.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """The exchange with the portals of this module, at a clock that stands."""
    clock = FixedClock(datetime(2026, 2, 1, tzinfo=UTC))
    async with market(database_url, tmp_path, clock=clock, only=("operator", "buyer", "supplier", "assessor")) as made:
        first = await made.operator()
        yield Desk(made, clock, first, await made.another_client(first))


def iban(account: str, holder: str = "Corpus Works", bank: str = "") -> dict[str, str]:
    return {"scheme": "iban", "holder": holder, "account": account, "bank": bank}


def cn(account: str, holder: str) -> dict[str, str]:
    return {
        "scheme": "cn",
        "holder": holder,
        "account": account,
        "bank": "102100099996",
        "bank_name": "工商银行北京分行",
    }


async def test_payouts_leave_in_a_batch_that_two_approved_and_the_statement_says_what_became_of_them(
    desk: Desk,
) -> None:
    m = desk.market
    one, two, buyer = (
        await m.join("supplier", country="FR"),
        await m.join("supplier", country="NL"),
        await m.join("buyer"),
    )
    account = await desk.account(iban(OURS, "Corpus Exchange", "COBADEFFXXX"))
    clash = {"kind": "client", "currency": "EUR", "details": iban(SECOND)}
    assert (await m.post(desk.first, "/operator/v1/bank-accounts", clash)).status_code == 409
    for party, number, units in ((one, FIRST, 70 * EURO), (two, SECOND, 30 * EURO + 1)):
        await desk.earned(party, units)
        await desk.name(party, iban(number, f"Société {number[:2]}"))
    paid = {p["organisation"]: p["id"] for p in await desk.pay()}
    batch = await desk.draw_up()
    assert (batch["state"], batch["count"], batch["total"]["amount"]) == ("draft", 2, "100.00")
    path = f"/operator/v1/payout-batches/{batch['id']}"
    assert (await m.post(desk.first, f"{path}/release")).json()["type"] == "/problems/approval-missing"
    own = await m.post(desk.first, f"/operator/v1/approvals/{batch['approval']}/approval", {})
    assert own.json()["type"] == "/problems/approval-own"
    assert (await m.get(desk.first, f"{path}/file")).status_code == 404
    items = (await m.get(desk.second, f"{path}/items")).json()["items"]
    assert {(i["payout"], i["holder"], i["last4"]) for i in items} == {
        (paid[one.organisation], "Societe FR", "2606"),
        (paid[two.organisation], "Societe NL", "4300"),
    }
    await desk.approve(batch["approval"])
    assert (await m.done(desk.first, f"{path}/release"))["state"] == "approved"
    await desk.work()
    file, again = [await m.get(desk.first, f"{path}/file") for _ in range(2)]
    shown = (await m.get(desk.first, path)).json()
    assert (shown["state"], file.content == again.content) == ("exported", True)
    assert shown["file_sha256"] == hashlib.sha256(file.content).hexdigest()
    assert not [b for b in (tmp.read_bytes() for tmp in _files(m)) if FIRST.encode() in b], "stored sealed"
    told = [e.text for e in ElementTree.fromstring(file.content).iter() if e.tag.endswith("EndToEndId")]
    assert sorted(str(one) for one in told) == sorted(p.replace("_", "-") for p in paid.values())
    assert await desk.state(paid[one.organisation]) == "exported"
    await desk.sound()

    announced = await m.done(
        buyer, "/buyer/v1/top-ups", {"amount": {"amount": "12.00", "currency": "EUR"}, "method": "bank"}
    )
    rows = [
        Booked(-70 * EURO, "B1", end_to_end=paid[one.organisation].replace("_", "-").upper()),
        Booked(-30 * EURO, "B2", end_to_end=paid[two.organisation].replace("_", "-")),
        Booked(12 * EURO, "B3", words=(announced["reference"][:20], announced["reference"][20:]), other=BUYERS),
        Booked(30 * EURO, "B4", words=("return of", paid[two.organisation]), reason="AC04"),
        Booked(5 * EURO, "B5", words=("who am I",)),
        Booked(-EURO, "B6", words=("fee",)),
    ]
    content = camt053(OURS, rows, opening=200 * EURO)
    assert (await desk.hand_in(account, camt053(FIRST, rows), "x")).json()["type"].endswith("of-another-account")
    wrong = await desk.hand_in(account, camt053(OURS, rows, closing=5), "y")
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/bank-statement-refused")
    (taken,) = (await desk.hand_in(account, content, "a")).json()["statements"]
    assert (taken["entries"], taken["closing"]["amount"]) == (6, "146.00")
    await desk.work()
    job = (await m.get(desk.first, f"/operator/v1/jobs/{taken['job']}")).json()
    assert job["result"] == {"entries": 6, "payouts": 3, "wallets": 1, "unmatched": 2}
    stated = await desk.market.services.db.run(newest_stated)
    assert [(one.place.value, str(one.money)) for one in stated] == [("bank", "146.00 EUR")]
    (replay,) = (await desk.hand_in(account, content, "b")).json()["statements"]
    assert (replay["id"], replay["job"]) == (taken["id"], None)
    other = (await desk.hand_in(account, camt053(OURS, [], opening=EURO), "same name")).json()
    assert other["type"] == "/problems/bank-statement-differs"
    nothing = (await desk.hand_in(account, b"", "empty")).json()
    assert (nothing["type"], nothing["where"]) == ("/problems/bank-statement-refused", "the whole file")
    gap = await desk.hand_in(account, camt053(OURS, [], opening=EURO, reference="S3"), "c")
    assert gap.json()["type"] == "/problems/bank-statement-breaks-chain"
    states = [await desk.state(paid[p.organisation]) for p in (one, two)]
    assert states == ["paid", "reversed"]
    assert (await m.get(desk.first, path)).json()["state"] == "done"
    assert await desk.balances(payable(one.id, "EUR"), payable(two.id, "EUR")) == [0, 30 * EURO + 1]
    wallet = (await m.get(buyer, "/buyer/v1/wallet")).json()["balances"]
    assert wallet == [{"amount": "12.00", "currency": "EUR"}]
    inbox = (await m.get(desk.first, "/operator/v1/bank-entries/unmatched")).json()["items"]
    assert [(e["entry"], e["amount"]["amount"]) for e in inbox] == [("B5", "5.00"), ("B6", "-1.00")]
    assert (
        await m.post(
            desk.first, f"/operator/v1/bank-entries/{inbox[1]['id']}/match", {"organisation": buyer.organisation}
        )
    ).status_code == 404
    fee = f"/operator/v1/bank-entries/{inbox[1]['id']}/fee"
    assert (await m.done(desk.first, fee))["amount"]["amount"] == "1.00"
    assert (await m.post(desk.first, fee)).status_code == 404
    assert await desk.balances(*(platform(kind, "EUR") for kind in (AccountKind.FEES, AccountKind.SUSPENSE))) == [
        -EURO,
        5 * EURO,
    ]
    await desk.sound()

    # The same buyer announces another transfer and forgets the words: its account and the amount propose whose it is.
    later = await m.done(
        buyer, "/buyer/v1/top-ups", {"amount": {"amount": "8.00", "currency": "EUR"}, "method": "bank"}
    )
    rows = [Booked(8 * EURO, "B7", words=("thanks",), other=BUYERS)]
    await desk.hand_in(account, camt053(OURS, rows, opening=146 * EURO, reference="S2"), "d")
    await desk.work()
    inbox = (await m.get(desk.first, "/operator/v1/bank-entries/unmatched")).json()["items"]
    (guess,) = [e for e in inbox if e["entry"] == "B7"]
    assert guess["maybe"] == buyer.organisation
    await m.done(desk.first, f"/operator/v1/bank-entries/{guess['id']}/match", {"organisation": guess["maybe"]})
    assert (await m.get(buyer, f"/buyer/v1/payments/{later['id']}")).json()["state"] == "succeeded"
    # What came back is paid again in its period.
    assert [p["amount"]["amount"] for p in await desk.pay()] == ["30.00"]
    await desk.sound()


def _files(m: Market) -> list[Path]:
    root = Path(m.services.settings.files.url.removeprefix("file://"))
    return [path for path in root.rglob("*") if path.is_file()]


async def test_a_payee_that_may_not_be_paid_falls_out_and_the_list_is_approved_anew(desk: Desk) -> None:
    m, db = desk.market, desk.market.services.db
    one, two, three = [await m.join("supplier", country="FR") for _ in range(3)]
    await desk.account(iban(OURS, "Corpus Exchange", "COBADEFFXXX"))
    for party in (one, two, three):
        await desk.earned(party, 10 * EURO)
    for party, number in ((one, FIRST), (two, SECOND)):
        await desk.name(party, iban(number))
    assert [p["organisation"] for p in await desk.pay()] == [one.organisation, two.organisation]
    batch = await desk.draw_up()
    await desk.approve(batch["approval"])
    await m.done(desk.first, f"/operator/v1/payout-batches/{batch['id']}/release")
    gone = await m.done(desk.first, f"/operator/v1/payout-batches/{batch['id']}/cancellation")
    assert gone["state"] == "cancelled"
    await desk.work()
    batch = await desk.draw_up()
    await desk.approve(batch["approval"])
    freeze = standing(UUID(int=90), "freeze", ("organisation", two.id), UUID(int=91), desk.clock.now())
    await db.run(lambda tx: directive_store.put_directive(tx, freeze))
    path = f"/operator/v1/payout-batches/{batch['id']}"
    changed = await m.done(desk.first, f"{path}/release")
    assert (changed["state"], changed["count"], [x["reason"] for x in changed["left_out"]]) == (
        "draft",
        1,
        ["payee_frozen"],
    )
    assert changed["sha256"] != batch["sha256"]
    assert await desk.balances(payable(two.id, "EUR")) == [10 * EURO], "the money is payable again"
    assert (await m.post(desk.first, f"{path}/release")).json()["type"] == "/problems/approval-missing"
    await desk.approve(changed["approval"])
    assert (await m.done(desk.first, f"{path}/release"))["state"] == "approved"
    await desk.sound()
    # Frozen after the release and before the file: nothing is handed out.
    other = standing(UUID(int=92), "freeze", ("organisation", one.id), UUID(int=91), desk.clock.now())
    await db.run(lambda tx: directive_store.put_directive(tx, other))
    await desk.work()
    assert (await m.get(desk.first, path)).json()["state"] == "cancelled"
    assert (await m.get(desk.first, f"{path}/file")).status_code == 404
    assert (await m.post(desk.first, f"{path}/release")).json()["type"] == "/problems/payout-batch-state"
    await desk.sound()


async def test_a_changed_account_waits_three_days_and_is_withdrawn_by_its_owner(desk: Desk) -> None:
    m, db = desk.market, desk.market.services.db
    payee, other = await m.join("supplier", country="FR"), await m.join("supplier")
    first = await desk.name(payee, iban(FIRST))
    assert (await m.post(payee, "/supplier/v1/bank-destinations", iban(FIRST))).status_code == 409
    second = await desk.name(payee, iban(SECOND, "Thief"))

    async def stand() -> list[tuple[str, str]]:
        found = (await m.get(payee, "/supplier/v1/bank-destinations")).json()["items"]
        return [(one["last4"], one["state"]) for one in found]

    assert await stand() == [("4300", "asked"), ("2606", "active")]
    opened = (await m.get(desk.first, f"/operator/v1/organisations/{payee.organisation}/bank-destinations")).json()
    assert [one["account"] for one in opened["items"]] == [SECOND, FIRST]
    assert (await m.get(other, "/supplier/v1/bank-destinations")).json()["items"] == []
    path = f"/supplier/v1/bank-destinations/{second['id']}/withdrawal"
    assert (await m.post(other, path)).status_code == 404
    assert (await m.done(payee, path))["state"] == "withdrawn"
    assert (await m.post(payee, path)).status_code == 409
    third = await desk.name(payee, iban(SECOND))
    desk.clock.advance(timedelta(days=3).total_seconds() - 1)
    assert await db.run(activate_destinations) == 0
    desk.clock.advance(1)
    assert await db.run(activate_destinations) == 1
    assert third["version"] == 3
    assert third["version"] > first["version"]


async def test_an_account_named_twice_at_once_is_named_once(desk: Desk) -> None:
    """Both look before either has written; the second is answered, not lost to a defect."""
    payee = await desk.market.join("supplier", country="FR")
    read = read_details(Scheme.IBAN, "Works", FIRST, "")
    assert isinstance(read, BankDetails)
    key, first = await desk.market.services.vault.make(payee.id), asyncio.Event()

    async def named(tx: Tx) -> object:
        answer = await name_destination(tx, payee.actor, key, read)
        if not first.is_set():
            first.set()
            await asyncio.sleep(0.3)
        return answer

    one = asyncio.create_task(desk.market.services.db.run(named))
    await first.wait()
    two = await desk.market.services.db.run(named)
    assert isinstance(await one, DestinationAsked)
    assert isinstance(two, Problem)
    assert two.type.slug == "bank-destination-unchanged"


async def test_a_payout_that_the_bank_refused_fails_when_two_say_so(desk: Desk) -> None:
    m = desk.market
    # Arbitrators are owed their fees; an account that was approved counts at once.
    payee = await m.join("arbitrator", country="FR")
    await desk.account(iban(OURS, "Corpus Exchange", "COBADEFFXXX"))
    await desk.earned(payee, 10 * EURO)
    await desk.approve((await m.done(payee, "/assessor/v1/bank-destinations", iban(FIRST)))["approval"])
    (payout,) = await desk.pay()
    path = f"/operator/v1/payouts/{payout['id']}/bank-rejection"
    assert (await m.post(desk.first, path)).json()["type"] == "/problems/payout-state"
    batch = await desk.draw_up()
    await desk.approve(batch["approval"])
    await m.done(desk.first, f"/operator/v1/payout-batches/{batch['id']}/release")
    await desk.work()
    waits = (await m.post(desk.first, path)).json()
    assert waits["type"] == "/problems/approval-missing"
    await desk.approve(waits["approval"])
    assert (await m.done(desk.first, path))["state"] == "failed"
    assert await desk.balances(payable(payee.id, "EUR")) == [10 * EURO]
    assert (await m.get(desk.first, f"/operator/v1/payout-batches/{batch['id']}")).json()["state"] == "done"
    await desk.sound()


async def test_of_several_statements_in_one_file_the_last_one_is_the_newest(desk: Desk) -> None:
    """Banks put some days into one file; what comes next opens with what the last of them closed with."""
    account = await desk.account(iban(OURS, "Corpus Exchange", "COBADEFFXXX"))
    days = [camt053(OURS, [Booked(EURO, f"D{n}")], opening=n * EURO, reference=f"D{n}").decode() for n in range(6)]
    more = "".join(day[day.index("<Stmt>") : day.index("</BkToCstmrStmt>")] for day in days[1:])
    whole = days[0].replace("</BkToCstmrStmt>", f"{more}</BkToCstmrStmt>").encode()
    taken = (await desk.hand_in(account, whole, "days")).json()["statements"]
    assert [one["reference"] for one in taken] == [f"D{n}" for n in range(6)]
    after = await desk.hand_in(account, camt053(OURS, [], opening=6 * EURO, reference="D6"), "after")
    assert after.status_code == 201, after.text


async def test_a_payout_that_no_batch_took_up_is_given_up(desk: Desk) -> None:
    """It was a mistake, say: its money is payable again."""
    m = desk.market
    payee = await m.join("arbitrator", country="FR")
    await desk.account(iban(OURS, "Corpus Exchange", "COBADEFFXXX"))
    await desk.earned(payee, 10 * EURO)
    await desk.approve((await m.done(payee, "/assessor/v1/bank-destinations", iban(FIRST)))["approval"])
    (payout,) = await desk.pay()
    path = f"/operator/v1/payouts/{payout['id']}/cancellation"
    assert (await m.done(desk.first, path))["state"] == "failed"
    assert await desk.balances(payable(payee.id, "EUR")) == [10 * EURO]
    assert (await m.post(desk.first, path)).json()["type"] == "/problems/payout-state"
    # One that stands in a draft makes it another draft; one that was approved is given up with its batch.
    (payout,) = await desk.pay()
    path = f"/operator/v1/payouts/{payout['id']}/cancellation"
    batch = await desk.draw_up()
    await desk.approve(batch["approval"])
    assert (await m.done(desk.first, path))["state"] == "failed"
    released = await m.done(desk.first, f"/operator/v1/payout-batches/{batch['id']}/release")
    assert (released["state"], released["left_out"]) == ("cancelled", [{"payout": payout["id"], "reason": "failed"}])
    assert await desk.balances(payable(payee.id, "EUR")) == [10 * EURO]
    (payout,) = await desk.pay()
    batch = await desk.draw_up()
    await desk.approve(batch["approval"])
    await m.done(desk.first, f"/operator/v1/payout-batches/{batch['id']}/release")
    path = f"/operator/v1/payouts/{payout['id']}/cancellation"
    assert (await m.post(desk.first, path)).json()["type"] == "/problems/payout-state"
    await desk.sound()


async def test_yuan_leave_as_a_table_and_the_csv_statement_says_they_were_paid(desk: Desk) -> None:
    m = desk.market
    payee, buyer = await m.join("supplier"), await m.join("buyer")
    # Before there are accounts a statement is of the one that the currency has; the account takes its entries over.
    early = f"2026-01-14,5.00,CNY,Lab,{'ab' * 32},{buyer.organisation},BK-1"
    assert [one["outcome"] for one in await _csv(desk, [early], "a")] == ["credited"]
    opened = await m.done(
        desk.first,
        "/operator/v1/bank-accounts",
        {"kind": "client", "currency": "CNY", "details": cn(CN_OURS, "语料交易所")},
    )
    assert opened["adopted"] == 1
    await desk.earned(payee, 88_880_000, "CNY")
    await desk.name(payee, cn(CN_PAYEE, "北京语料有限公司"))
    (payout,) = await desk.pay("CNY")
    wrong = {"currency": "CNY", "execution_date": "2026-02-02", "form": "pain.001"}
    for wish in (
        wrong,
        {**wrong, "form": None, "execution_date": "2020-01-01"},
        {**wrong, "form": None, "execution_date": "2027-01-01"},
    ):
        refused = await m.post(desk.first, "/operator/v1/payout-batches", wish)
        assert (refused.status_code, refused.json()["type"][:19]) == (422, "/problems/payout-ba")
    batch = await desk.draw_up("CNY")
    await desk.approve(batch["approval"])
    await m.done(desk.first, f"/operator/v1/payout-batches/{batch['id']}/release")
    await desk.work()
    file = await m.get(desk.first, f"/operator/v1/payout-batches/{batch['id']}/file")
    assert file.headers["content-type"] == "text/csv; charset=gb18030"
    assert file.content.decode("gb18030").splitlines()[1] == (
        f'"北京语料有限公司","{CN_PAYEE}","工商银行北京分行","102100099996","88.88","CNY","{payout["id"]}","{payout["id"]}"'
    )
    rows = [
        early,
        f"2026-02-02,-88.88,CNY,x,{'cd' * 32},{payout['id']},BK-2",
        f"2026-02-02,-1.00,CNY,x,{'cd' * 32},fee,BK-3",
    ]
    assert [one["outcome"] for one in await _csv(desk, rows, "b")] == ["known", "paid", "outgoing"]
    assert [one["outcome"] for one in await _csv(desk, rows, "c")] == ["known", "known", "outgoing"]
    # Another line about a payout that is paid is another payment, and the same line in camt.053 is the same.
    twice = f"2026-02-03,-88.88,CNY,x,{'cd' * 32},{payout['id']},BK-9"
    assert [one["outcome"] for one in await _csv(desk, [twice], "d")] == ["outgoing"]
    whole = [Booked(5 * EURO, "BK-1"), Booked(-88_880_000, "BK-2", words=(payout["id"],))]
    await desk.hand_in(opened["id"], camt053(CN_OURS, whole, opening=100 * EURO, currency="CNY"), "e")
    await desk.work()
    assert (await m.get(desk.first, "/operator/v1/bank-entries/unmatched")).json()["items"] == []
    assert (await m.get(desk.first, f"/operator/v1/payout-batches/{batch['id']}")).json()["state"] == "done"
    assert await desk.balances(platform(AccountKind.BANK, "CNY")) == [
        -Money.from_wire({"amount": "5.00", "currency": "CNY"}).units
    ]
    await desk.sound()


async def _csv(desk: Desk, rows: list[str], key: str) -> list[dict[str, Any]]:
    headers = {**desk.first.headers, "idempotency-key": key, "content-type": "text/csv"}
    content = "\n".join([",".join(COLUMNS), *rows, ""]).encode()
    answer = await desk.market.http.post("/operator/v1/bank-statements", content=content, headers=headers)
    return list(answer.json()["lines"])
