"""Bank details in requests and answers, and the payee's routes to name where its money should go."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, accepted_value, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, show
from exchange.apps.http.people import vault_of
from exchange.apps.http.wire import Time, object_id, stamp
from exchange.flows.bank_destinations import (
    DestinationAsked,
    DestinationEnded,
    name_destination,
    withdraw_destination,
)
from exchange.kernel import ids
from settlement.banking.destinations import Destination
from settlement.banking.details import BankDetails, Scheme, read_details
from settlement.store import destinations

_SCHEME = Meta(description="`iban` (euro, SEPA) or `cn` (yuan, account number and CNAPS code). 账户类型。")
_Scheme = Annotated[Literal["iban", "cn"], _SCHEME]


class BankDetailsWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account at a bank, as its statements write it."""

    scheme: _Scheme
    holder: Annotated[str, Meta(max_length=140, description="户名", examples=["Corpus Works GmbH"])]
    account: Annotated[str, Meta(max_length=64, description="IBAN / 账号", examples=["DE89 3704 0044 0532 0130 00"])]
    bank: Annotated[str, Meta(max_length=16, description="BIC / 联行号 (CNAPS)", examples=["COBADEFFXXX"])] = ""
    bank_name: Annotated[str, Meta(max_length=140, description="In China the branch. 开户行全称。")] = ""

    def details(self) -> BankDetails:
        """The account, checked.

        errors   raises Refused(bank-details-invalid)
        """
        found = read_details(Scheme(self.scheme), self.holder, self.account, self.bank, self.bank_name)
        return accepted_value(found)


class DestinationView(msgspec.Struct, frozen=True):
    """An account that you named: only an `active` one is paid to, and nothing of it is shown but its last digits."""

    id: Annotated[str, Meta(examples=["dst_01m80jwmabesg81hwe4cc73nw9"])]
    scheme: Annotated[str, Meta(examples=["iban"])]
    version: int
    last4: Annotated[str, Meta(examples=["3000"])]
    state: Annotated[str, Meta(examples=["active"])]
    asked_at: Time
    usable_from: Time
    active_at: Time | None


class DestinationsView(msgspec.Struct, frozen=True):
    """Your accounts, the newest version of each scheme first."""

    items: list[DestinationView]


def destination_routes(prefix: str) -> list[Any]:
    """The payee's routes below a portal's prefix."""
    path = f"{prefix}/bank-destinations"
    return [
        command(path, DestinationAsked, 400, 401, 403, 409, 422)(put_destination),
        show(path, DestinationsView, 401, 403)(list_destinations),
        command(f"{path}/{{destination:str}}/withdrawal", DestinationEnded, 401, 403, 404, 409, status=200)(withdraw),
    ]


async def put_destination(request: Asked, data: JSONBody[BankDetailsWish]) -> Response[bytes]:
    """Name the account at a bank that you want to be paid to. 登记收款银行账户。

    The operator approves it. One that replaces another is used three days later at the earliest; until then payouts go to
    the one before, and you can withdraw the change.
    """
    actor, details = actor_of(request), data.details()
    key = await vault_of(request).make(actor.organisation_id)
    return await write(request, "bank-destination.ask", lambda tx: name_destination(tx, actor, key, details))


async def list_destinations(request: Asked) -> DestinationsView:
    """Your accounts at banks. 收款银行账户列表。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        found = await destinations.own(tx, actor)
    return DestinationsView([destination_view(one) for one in found])


async def withdraw(request: Asked, destination: FromPath[str]) -> Response[bytes]:
    """Withdraw an account: it is paid to no more. 撤销收款银行账户。"""
    actor, destination_id = actor_of(request), object_id("dst", destination)
    return await write(
        request,
        "bank-destination.withdraw",
        lambda tx: withdraw_destination(tx, actor, destination_id),
        status=200,
        object_id=destination,
    )


def destination_view(one: Destination) -> DestinationView:
    """An account as the API shows it."""
    return DestinationView(
        id=ids.text("dst", one.id),
        scheme=one.scheme.value,
        version=one.version,
        last4=one.last4,
        state=one.state.value,
        asked_at=stamp(one.asked_at),
        usable_from=stamp(one.usable_from),
        active_at=stamp(one.active_at) if one.active_at else None,
    )
