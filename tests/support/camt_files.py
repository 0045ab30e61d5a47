"""Bank statements for tests and benchmarks: camt.053 as banks write it, in any version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape

from exchange.kernel.money import decimal_text


@dataclass(frozen=True)
class Booked:
    """One entry: an amount in millionths (above zero it came in), and what the bank tells about it."""

    units: int
    ref: str = ""
    end_to_end: str = ""
    words: tuple[str, ...] = ()
    other: str = ""
    reason: str = ""
    status: str = "BOOK"
    parts: tuple[Booked, ...] = ()


def camt053(
    account: str,
    booked: Iterable[Booked],
    *,
    opening: int = 0,
    closing: int | None = None,
    reference: str = "S1",
    currency: str = "EUR",
    version: str = "08",
    on: date = date(2026, 1, 14),
    kind: str = "OPBD",
) -> bytes:
    """One statement of one account; its closing balance is right unless another is given."""
    rows = list(booked)
    last = opening + sum(one.units for one in rows if one.status == "BOOK") if closing is None else closing
    entries = "".join(_entry(one, currency, version, on) for one in rows)
    number = f"<IBAN>{account}</IBAN>" if account[:1].isalpha() else f"<Othr><Id>{account}</Id></Othr>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-01-15T06:00:00</CreDtTm></GrpHdr>"
        f"<Stmt><Id>{reference}</Id><CreDtTm>2026-01-15T06:00:00</CreDtTm>"
        f"<Acct><Id>{number}</Id><Ccy>{currency}</Ccy></Acct>"
        f"{_balance(kind, opening, currency, on)}{_balance('CLBD', last, currency, on)}{entries}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _balance(kind: str, units: int, currency: str, on: date) -> str:
    return f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(units, currency)}<Dt><Dt>{on}</Dt></Dt></Bal>"


def _amount(units: int, currency: str) -> str:
    sign = "CRDT" if units >= 0 else "DBIT"
    return f'<Amt Ccy="{currency}">{decimal_text(abs(units))}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'


def _entry(one: Booked, currency: str, version: str, on: date) -> str:
    status = one.status if int(version) < 7 else f"<Cd>{one.status}</Cd>"
    ref = f"<AcctSvcrRef>{one.ref}</AcctSvcrRef>" if one.ref else ""
    details = "".join(_details(part, currency, one.units) for part in (one.parts or (one,)))
    return (
        f"<Ntry>{_amount(one.units, currency)}<Sts>{status}</Sts><BookgDt><Dt>{on}</Dt></BookgDt>{ref}"
        f"<BkTxCd><Domn><Cd>PMNT</Cd></Domn></BkTxCd><NtryDtls>{details}</NtryDtls></Ntry>"
    )


def _details(one: Booked, currency: str, whole: int) -> str:
    end = f"<Refs><EndToEndId>{one.end_to_end}</EndToEndId></Refs>" if one.end_to_end else ""
    side = "DbtrAcct" if whole > 0 else "CdtrAcct"
    other = f"<RltdPties><{side}><Id><IBAN>{one.other}</IBAN></Id></{side}></RltdPties>" if one.other else ""
    words = "".join(f"<Ustrd>{escape(line)}</Ustrd>" for line in one.words)
    back = f"<RtrInf><Rsn><Cd>{one.reason}</Cd></Rsn></RtrInf>" if one.reason else ""
    return f"<TxDtls>{end}{_amount(one.units, currency)}{other}<RmtInf>{words}</RmtInf>{back}</TxDtls>"
