"""What the exchange's bank sends and gets: statements as camt.053, and payment files as pain.001. Written out here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from xml.etree import ElementTree

# Account numbers from the IBAN registry's own examples.
EXCHANGE_IBAN = "FR1420041010050500013M02606"
PAYEE_IBAN = "DE89370400440532013000"
CURRENCY = "EUR"
_CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True)
class Entry:
    """A line of a statement: above zero it came in; `words` say what for, `end_to_end` names a payment of ours."""

    reference: str
    amount: Decimal
    words: str = ""
    end_to_end: str = ""


def statement(reference: str, opening: Decimal, entries: Sequence[Entry], at: datetime) -> bytes:
    """A statement of the exchange's account, as its bank would write it."""
    closing = opening + sum((one.amount for one in entries), Decimal())
    day, moment = at.date().isoformat(), at.strftime("%Y-%m-%dT%H:%M:%S")
    balances = _balance("OPBD", opening, day) + _balance("CLBD", closing, day)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{_CAMT}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>{reference}</MsgId><CreDtTm>{moment}</CreDtTm></GrpHdr>"
        f"<Stmt><Id>{reference}</Id><CreDtTm>{moment}</CreDtTm>"
        f"<Acct><Id><IBAN>{EXCHANGE_IBAN}</IBAN></Id><Ccy>{CURRENCY}</Ccy></Acct>"
        f"{balances}{''.join(_entry(one, day) for one in entries)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def payments(file: bytes) -> list[tuple[str, Decimal, str]]:
    """The payments of a pain.001 file: our reference, the amount, and the account that gets it."""
    root = ElementTree.fromstring(file)  # noqa: S314  # a file that the demo's own exchange wrote
    space = root.tag.partition("}")[0].strip("{")
    if not space.startswith("urn:iso:std:iso:20022:tech:xsd:pain.001.001."):
        raise ValueError(f"{space} is no pain.001")
    names = {"p": space}
    return [
        (
            one.findtext("p:PmtId/p:EndToEndId", "", names),
            Decimal(one.findtext("p:Amt/p:InstdAmt", "0", names)),
            one.findtext("p:CdtrAcct/p:Id/p:IBAN", "", names),
        )
        for one in root.iter(f"{{{space}}}CdtTrfTxInf")
    ]


def _balance(kind: str, value: Decimal, day: str) -> str:
    return f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(value)}<Dt><Dt>{day}</Dt></Dt></Bal>"


def _amount(value: Decimal) -> str:
    side = "CRDT" if value >= 0 else "DBIT"
    return f'<Amt Ccy="{CURRENCY}">{abs(value):.2f}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def _entry(one: Entry, day: str) -> str:
    refs = f"<Refs><EndToEndId>{one.end_to_end}</EndToEndId></Refs>" if one.end_to_end else ""
    words = f"<RmtInf><Ustrd>{one.words}</Ustrd></RmtInf>" if one.words else ""
    return (
        f"<Ntry>{_amount(one.amount)}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt>"
        f"<AcctSvcrRef>{one.reference}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd></Domn></BkTxCd>"
        f"<NtryDtls><TxDtls>{refs}{_amount(one.amount)}{words}</TxDtls></NtryDtls></Ntry>"
    )
