"""Payments per second into a pain.001 file that is valid against its schema, against a file that is only put together and checked."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sepaxml
import xmlschema

from benchmarks.result import Result, result
from exchange.kernel import ids
from exchange.kernel.money import Money
from settlement.banking.details import BankDetails, Scheme
from settlement.banking.files import PAIN_SCHEMA, OrderList, PayOrder, pain001

NAME, FLOOR, AIM = "bank_files", 0.3, 0.5
PAYOUTS, SECONDS_MAX, ROUNDS = 2_000, 3.0, 3
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


async def measure(_house: object = None) -> Result:
    """Write the file of a batch, three times from the beginning, and hold its bytes against each other."""
    wanted = _list()
    schema = _schema()
    files = {pain001(wanted, NOON)}
    taken = min(_time(lambda: files.add(pain001(_list(), NOON))) for _ in range(ROUNDS))
    assert len(files) == 1, "the same list was written as two files"
    assert taken < SECONDS_MAX, f"{taken:.2f} s"
    (content,) = files
    bare = min(_time(lambda: schema.validate(_bare(wanted))) for _ in range(ROUNDS))
    return result(
        NAME,
        PAYOUTS / taken,
        "payments/s",
        PAYOUTS / bare,
        floor=FLOOR,
        aim=AIM,
        includes=f"{PAYOUTS:,} payments in {taken:.2f} s ({len(content) / 1e6:.1f} MB), names in Latin, Polish and Chinese "
        "transliterated, control sums, validation against the XSD; the same bytes each time. Baseline: the same payments as "
        f"one formatted text, validated against the same XSD by the same library ({bare:.2f} s).",
    )


def _list() -> OrderList:
    names = ("Corpus Works GmbH", "Łódź Słowa Sp. z o.o.", "北京语料有限公司", "Société des Données")
    account = "FR1420041010050500013M02606"
    orders = [
        PayOrder(
            ids.text("pot", ids.derived(NOON, "bench", n)),
            BankDetails(Scheme.IBAN, f"{names[n % len(names)]} {n}", account, "PSSTFRPPXXX" if n % 2 else ""),
            Money((n + 1) * 10_000, "EUR"),
            f"payout {n}",
        )
        for n in range(PAYOUTS)
    ]
    debtor = BankDetails(Scheme.IBAN, "Corpus Exchange", "DE89370400440532013000", "COBADEFFXXX")
    return OrderList(ids.text("bat", ids.derived(NOON, "bench")), debtor, date(2026, 2, 2), orders)


def _bare(wanted: OrderList) -> str:
    lines = "".join(
        f"<CdtTrfTxInf><PmtId><EndToEndId>{n}</EndToEndId></PmtId><Amt><InstdAmt Ccy='EUR'>{n + 1}.00</InstdAmt></Amt>"
        f"<Cdtr><Nm>A name</Nm></Cdtr><CdtrAcct><Id><IBAN>{one.to.account}</IBAN></Id></CdtrAcct>"
        f"<RmtInf><Ustrd>text</Ustrd></RmtInf></CdtTrfTxInf>"
        for n, one in enumerate(wanted.orders)
    )
    return (
        f"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:{PAIN_SCHEMA}'><CstmrCdtTrfInitn><GrpHdr><MsgId>1</MsgId>"
        "<CreDtTm>2026-02-01T12:00:00</CreDtTm><NbOfTxs>1</NbOfTxs><InitgPty><Nm>A</Nm></InitgPty></GrpHdr><PmtInf>"
        "<PmtInfId>1</PmtInfId><PmtMtd>TRF</PmtMtd><ReqdExctnDt><Dt>2026-02-02</Dt></ReqdExctnDt><Dbtr><Nm>A</Nm></Dbtr>"
        "<DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><BICFI>COBADEFFXXX</BICFI>"
        f"</FinInstnId></DbtrAgt>{lines}</PmtInf></CstmrCdtTrfInitn></Document>"
    )


@functools.cache
def _schema() -> Any:
    return xmlschema.XMLSchema(str(Path(sepaxml.__file__).parent / "schemas" / f"{PAIN_SCHEMA}.xsd"))


def _time(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(asyncio.run(measure()).tell())
