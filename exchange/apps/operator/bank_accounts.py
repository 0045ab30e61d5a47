"""The exchange's accounts at banks, their statements in camt.053, and where payees want their money."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import msgspec
from litestar import Response, get, post
from litestar.openapi.spec import OpenAPIMediaType, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.bank_details import BankDetailsWish, DestinationView, destination_view, withdraw
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import Command, answers, command, show
from exchange.apps.http.people import vault_of
from exchange.apps.http.wire import MoneyWire, Sha256, Time, money_wire, object_id, stamp
from exchange.apps.operator.problems import UNSUPPORTED_MEDIA
from exchange.apps.operator.seeing import see
from exchange.flows.bank_destinations import DestinationEnded
from exchange.flows.open_bank_account import (
    BankAccountClosed,
    BankAccountReceipt,
    close_bank_account,
    open_bank_account,
)
from exchange.flows.read_statement import StatementsTaken, read_statements
from exchange.kernel import ids
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.money import Money
from settlement.banking import camt
from settlement.banking.accounts import BankAccount, BankAccountKind, TakenStatement
from settlement.banking.destinations import Destination
from settlement.banking.details import BY_CURRENCY, opened_details
from settlement.banking.escrow import Instruction, instruction_csv
from settlement.store import bank_accounts, destinations, escrow

_ACCOUNTS = "/operator/v1/bank-accounts"

_EXAMPLE = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>2026-01-14</Id>
<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">50.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Ntry><Amt Ccy="EUR">50.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-01-14</Dt></BookgDt>
<NtryDtls><TxDtls><RmtInf><Ustrd>pay_01m80jwmabesg81hwe4cc73nw9</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
</Stmt></BkToCstmrStmt></Document>
"""


class CamtCall(Command):
    """A command whose body is a bank's statement in XML."""

    def __post_init__(self) -> None:
        """Say what the file is."""
        super().__post_init__()
        file = OpenAPIMediaType(
            schema=Schema(type=OpenAPIType.STRING, description="camt.053.001.02 to .14", examples=[_EXAMPLE])
        )
        self.request_body = RequestBody(content={"application/xml": file}, required=True)


class BankAccountWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account of the exchange, and whose money lies there."""

    kind: Annotated[
        Literal["client", "escrow"],
        Meta(description="Clients' money, or theirs under a supervising bank. 客户资金账户或监管账户。"),
    ]
    currency: Annotated[Literal["EUR", "CNY"], Meta(examples=["EUR"])]
    details: BankDetailsWish


class BankAccountView(msgspec.Struct, frozen=True):
    """An account of the exchange; its number stays sealed."""

    id: Annotated[str, Meta(examples=["bac_01m80jwmabesg81hwe4cc73nw9"])]
    kind: Annotated[str, Meta(examples=["client"])]
    currency: Annotated[str, Meta(examples=["EUR"])]
    scheme: Annotated[str, Meta(examples=["iban"])]
    last4: Annotated[str, Meta(examples=["3000"])]
    opened_at: Time
    closed_at: Time | None


class BankAccountsView(msgspec.Struct, frozen=True):
    """All accounts, oldest first."""

    items: list[BankAccountView]


class StatementView(msgspec.Struct, frozen=True):
    """A statement that was read; `matched_at` is null while its job runs."""

    id: Annotated[str, Meta(examples=["bst_01m80jwmabesg81hwe4cc73nw9"])]
    reference: Annotated[str, Meta(description="The bank's own.", examples=["2026-01-14-1"])]
    opening: MoneyWire
    closing: MoneyWire
    entries: int
    sha256: Sha256
    received_at: Time
    matched_at: Time | None


class StatementsView(msgspec.Struct, frozen=True):
    """The newest hundred statements of an account."""

    items: list[StatementView]


class OpenedView(msgspec.Struct, frozen=True):
    """A payee's account in the open, to be compared with its papers before it is approved; null where it was erased."""

    destination: DestinationView
    holder: Annotated[str | None, Meta(examples=["Corpus Works GmbH"])]
    account: Annotated[str | None, Meta(examples=["DE89370400440532013000"])]
    bank: str | None
    bank_name: str | None


class OpenedsView(msgspec.Struct, frozen=True):
    """What an organisation named, the newest version of each scheme first."""

    items: list[OpenedView]


@command(_ACCOUNTS, BankAccountReceipt, 400, 401, 403, 409, 422)
async def open_account(request: Asked, data: JSONBody[BankAccountWish]) -> Response[bytes]:
    """Name an account of the exchange at a bank. 登记平台银行账户。

    There is one open account for clients' money per currency: statements fill wallets from it, and payouts leave it. The
    first one takes over the entries that were booked before there were accounts.
    """
    actor, details = actor_of(request), data.details.details()
    if BY_CURRENCY[data.currency] is not details.scheme:
        raise Refused(
            INVALID_REQUEST(reason=f"{data.currency} is kept at an account of the scheme {BY_CURRENCY[data.currency]}")
        )
    key, kind = await vault_of(request).make(actor.organisation_id), BankAccountKind(data.kind)
    return await write(
        request,
        "bank-account.open",
        lambda tx: open_bank_account(tx, actor, key, kind, data.currency, details),
    )


@show(_ACCOUNTS, BankAccountsView, 401, 403)
async def list_accounts(request: Asked) -> BankAccountsView:
    """The exchange's accounts at banks. 平台银行账户列表。"""
    return BankAccountsView([_account(one) for one in await see(request, bank_accounts.list_accounts)])


@command(f"{_ACCOUNTS}/{{account:str}}/closing", BankAccountClosed, 401, 403, 404, status=200)
async def close_account(request: Asked, account: FromPath[str]) -> Response[bytes]:
    """Close an account: it takes no statement and sends no batch any more. 关闭平台银行账户。"""
    actor, account_id = actor_of(request), object_id("bac", account)
    return await write(
        request,
        "bank-account.close",
        lambda tx: close_bank_account(tx, actor, account_id),
        status=200,
        object_id=account,
    )


@post(
    f"{_ACCOUNTS}/{{account:str}}/statements",
    status_code=201,
    operation_class=CamtCall,
    request_max_body_size=camt.FILE_BYTES_MAX,
    responses=answers(StatementsTaken, 201, 400, 401, 403, 404, 409, 413, 422),
)
async def hand_in(request: Asked, account: FromPath[str]) -> Response[bytes]:
    """Hand in the bank's statement as camt.053; it is taken whole, or not at all. 导入 camt.053 对账单。

    Opening balance and entries have to sum to the closing balance, and it has to open with what the one before closed with. A
    job then matches the entries: payouts that were paid or came back, money that names a payment, an organisation or an
    invoice. The rest waits at bank-entries/unmatched, with a proposal where the amount was announced by whoever's account
    paid it.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/xml", "text/xml"):
        raise Refused(UNSUPPORTED_MEDIA(wanted="application/xml"))
    actor, account_id, content = actor_of(request), object_id("bac", account), await request.body()
    statements = await asyncio.to_thread(camt.read_camt, content)
    return await write(
        request,
        "bank-statement.read",
        lambda tx: read_statements(tx, actor, account_id, sha256(content), statements),
        object_id=account,
    )


@show(f"{_ACCOUNTS}/{{account:str}}/statements", StatementsView)
async def list_statements(request: Asked, account: FromPath[str]) -> StatementsView:
    """The statements of an account, newest first. 已导入的对账单。"""
    account_id = object_id("bac", account)
    rows = await see(request, lambda tx: bank_accounts.list_statements(tx, account_id))
    return StatementsView([_statement(one) for one in rows])


@get(
    f"{_ACCOUNTS}/{{account:str}}/escrow-instruction",
    responses=answers(bytes, 200, 401, 403, 404, description="The instruction. 监管账户指令。", media_type="text/csv"),
)
async def instruct_escrow(request: Asked, account: FromPath[str]) -> Response[bytes]:
    """What the supervising bank has to hold now, order by order, and what is to move to its account or back. 监管账户指令文件。

    Escrow is held in the ledger (holds on buyers' wallets), so what is to move is the sum of the open holds less the closing
    balance of the last statement of this account.
    """
    account_id = object_id("bac", account)

    async def read(tx: Tx) -> Instruction | None:
        one = await bank_accounts.get_account(tx, account_id)
        if one is None or one.kind is not BankAccountKind.ESCROW:
            return None
        last = await bank_accounts.last_statement(tx, account_id)
        stated = last.closing if last is not None else Money.zero(one.currency)
        return Instruction(tx.now, stated, await escrow.reserved(tx, one.currency))

    content = instruction_csv(found(await see(request, read)))
    headers = {
        "content-disposition": f'attachment; filename="escrow-{account}.csv"',
        "cache-control": "private, no-store",
    }
    return Response(content, media_type="text/csv", headers=headers)


@show("/operator/v1/organisations/{organisation:str}/bank-destinations", OpenedsView)
async def show_destinations(request: Asked, organisation: FromPath[str]) -> OpenedsView:
    """Where an organisation wants its money, in the open: compare it with its papers before you approve. 收款方银行账户明文。"""
    organisation_id = object_id("org", organisation)
    rows = await see(request, lambda tx: destinations.of_organisation(tx, organisation_id))
    key = await vault_of(request).key(organisation_id) if rows else None
    return OpenedsView([_opened(one, key) for one in rows])


end_destination = command(
    "/operator/v1/bank-destinations/{destination:str}/withdrawal", DestinationEnded, 401, 403, 404, 409, status=200
)(withdraw)


def _account(one: BankAccount) -> BankAccountView:
    return BankAccountView(
        id=ids.text("bac", one.id),
        kind=one.kind.value,
        currency=one.currency,
        scheme=one.scheme.value,
        last4=one.last4,
        opened_at=stamp(one.opened_at),
        closed_at=stamp(one.closed_at) if one.closed_at else None,
    )


def _statement(one: TakenStatement) -> StatementView:
    return StatementView(
        id=ids.text("bst", one.id),
        reference=one.reference,
        opening=money_wire(one.opening.units, one.opening.currency),
        closing=money_wire(one.closing.units, one.closing.currency),
        entries=one.entries,
        sha256=one.sha256.hex(),
        received_at=stamp(one.received_at),
        matched_at=stamp(one.matched_at) if one.matched_at else None,
    )


def _opened(one: Destination, key: bytes | None) -> OpenedView:
    details = opened_details(key, one.id, one.scheme, one.sealed)
    if details is None:
        return OpenedView(destination_view(one), None, None, None, None)
    return OpenedView(destination_view(one), details.holder, details.account, details.bank, details.bank_name)


ROUTES = (
    open_account,
    list_accounts,
    close_account,
    hand_in,
    list_statements,
    instruct_escrow,
    show_destinations,
    end_destination,
)
