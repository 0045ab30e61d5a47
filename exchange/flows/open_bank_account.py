"""The operator names an account of the exchange at a bank: whose money lies there, and in which currency."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.subjects import SubjectKey
from settlement.banking.accounts import BankAccount, BankAccountKind
from settlement.banking.details import BankDetails, sealed_details
from settlement.banking_problems import BANK_ACCOUNT_EXISTS
from settlement.store import bank_accounts


class BankAccountReceipt(msgspec.Struct, frozen=True):
    """An account of the exchange; `adopted` entries of before there were accounts are its own now."""

    id: str
    kind: str
    currency: str
    last4: str
    adopted: int


async def open_bank_account(
    tx: Tx, actor: Actor, key: SubjectKey, kind: BankAccountKind, currency: str, details: BankDetails
) -> BankAccountReceipt | Problem:
    """Note an account; its details are sealed under `key`, that of the operator's organisation.

    errors   answers forbidden, bank-account-exists
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    same = await bank_accounts.same_account(tx, details.digest, currency, client=kind is BankAccountKind.CLIENT)
    if same is not None:
        return BANK_ACCOUNT_EXISTS(account=ids.text("bac", same.id))
    account_id = tx.new_id()
    sealed = sealed_details(key, account_id, details)
    account = BankAccount(
        account_id, kind, currency, details.scheme, details.last4, details.digest, key.subject, sealed, tx.now
    )
    adopted = await bank_accounts.insert_account(tx, account)
    name = ids.text("bac", account_id)
    await audit.append(tx, [done(actor, "bank-account.open", name, account=details.digest)])
    return BankAccountReceipt(name, kind.value, currency, details.last4, adopted)


class BankAccountClosed(msgspec.Struct, frozen=True):
    """An account that takes no statement and sends no batch any more."""

    id: str


async def close_bank_account(tx: Tx, actor: Actor, account_id: UUID) -> BankAccountClosed | Problem:
    """Close an account.

    errors   answers forbidden, not-found
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if not await bank_accounts.close_account(tx, account_id):
        return NOT_FOUND()
    name = ids.text("bac", account_id)
    await audit.append(tx, [done(actor, "bank-account.close", name)])
    return BankAccountClosed(name)
