"""Batches of payouts by bank: drawn up by one client, approved by another, handed to the bank as a file."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.people import vault_of
from exchange.apps.http.wire import Id, MoneyWire, Sha256, Time, money_wire, object_id, stamp
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.cancel_payout import cancel_payout
from exchange.flows.payout_batches import (
    BatchReceipt,
    BatchWish,
    cancel_batch,
    draw_up_batch,
    release_batch,
)
from exchange.flows.record_transfer import TransferRecorded
from exchange.flows.reject_payout import reject_payout
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.subjects import unlock
from settlement.banking.batches import Batch, BatchItem, about_file
from settlement.banking.details import BankDetails, opened_details
from settlement.banking.files import FileForm, sepa_text
from settlement.store import bank_accounts, batches, destinations

_PATH = "/operator/v1/payout-batches"
_FORM = Meta(description="EUR: pain.001; CNY: csv-gb18030 (as most banks read it) or csv-utf8.", examples=["pain.001"])


class BatchOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hand all payouts by bank that wait in a currency to the bank, to be paid on a day."""

    currency: Annotated[Literal["EUR", "CNY"], Meta(examples=["EUR"])]
    execution_date: Annotated[date, Meta(examples=["2026-02-02"])]
    form: Annotated[Literal["pain.001", "csv-gb18030", "csv-utf8"] | None, _FORM] = None


class BatchView(msgspec.Struct, frozen=True):
    """A batch: its list is approved under `sha256`, and its file has `file_sha256`."""

    id: Annotated[str, Meta(examples=["bat_01m80jwmabesg81hwe4cc73nw9"])]
    account: Annotated[str, Meta(examples=["bac_01m80jwmabesg81hwe4cc73nw9"])]
    state: Annotated[str, Meta(description="draft, approved, exported, done or cancelled", examples=["draft"])]
    form: Annotated[str, Meta(examples=["pain.001"])]
    execution_date: Annotated[str, Meta(examples=["2026-02-02"])]
    count: int
    total: MoneyWire
    sha256: Sha256
    file_sha256: Sha256 | None
    made_at: Time
    exported_at: Time | None


class BatchItemView(msgspec.Struct, frozen=True):
    """One payment; `holder` is the name as the bank gets it, null where the payee's data was erased."""

    payout: Annotated[str, Meta(examples=["pot_01m80jwmabesg81hwe4cc73nw9"])]
    organisation: Id
    amount: MoneyWire
    destination: Annotated[str, Meta(examples=["dst_01m80jwmabesg81hwe4cc73nw9"])]
    holder: Annotated[str | None, Meta(examples=["Corpus Works GmbH"])]
    last4: Annotated[str | None, Meta(examples=["3000"])]


@command(_PATH, BatchReceipt, 400, 401, 403, 409, 422)
async def draw_up(request: Asked, data: JSONBody[BatchOrder]) -> Response[bytes]:
    """Draw up a batch of all payouts by bank that wait. 编制付款批次。

    Nothing is sent: another client approves the list by its hash first (approvals). Payouts whose payee may not be paid now
    fail, and payees without an active account at a bank wait; both are named.
    """
    actor = actor_of(request)
    wish = BatchWish(data.currency, data.execution_date, FileForm(data.form) if data.form else None)
    return await write(request, "payout-batch.draft", lambda tx: draw_up_batch(tx, actor, wish))


@listing(_PATH, BatchView)
async def list_batches(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Batches, newest first. 付款批次列表。"""
    return await see_page(request, batches.list_batches, _view, limit, cursor)


@show(f"{_PATH}/{{batch:str}}", BatchView)
async def show_batch(request: Asked, batch: FromPath[str]) -> BatchView:
    """One batch. 付款批次详情。"""
    batch_id = object_id("bat", batch)
    return _view(found(await see(request, lambda tx: batches.get_batch(tx, batch_id))))


@listing(f"{_PATH}/{{batch:str}}/items", BatchItemView, 400, 401, 403, 404)
async def list_items(
    request: Asked, batch: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """The list of a batch as the bank will get it: look at it before you approve. 批次明细。

    Names are shown as the file carries them: SEPA takes Latin letters alone, so others are transliterated.
    """
    batch_id = object_id("bat", batch)
    held = found(await see(request, lambda tx: batches.get_batch(tx, batch_id)))

    vault = vault_of(request)
    opened: dict[UUID, BankDetails | None] = {}

    async def read(tx: Tx, page: PageRequest) -> Page[BatchItem]:
        after = int(page.after[0]) if page.after else 0
        rows = [one for one in await batches.items_of(tx, held) if one.position > after][: page.limit + 1]
        for one in (await destinations.get(tx, [row.destination_id for row in rows])).values():
            key = await vault.key(one.organisation_id)
            opened[one.id] = opened_details(key, one.id, one.scheme, one.sealed)
        return page_of(rows, page, lambda row: (str(row.position),))

    return await see_page(
        request, read, lambda one: _item(one, held.form, opened.get(one.destination_id)), limit, cursor
    )


@command(f"{_PATH}/{{batch:str}}/release", BatchReceipt, 401, 403, 404, 409, status=200)
async def release(request: Asked, batch: FromPath[str]) -> Response[bytes]:
    """Have the file written of a list that another client has approved. 放行已审批的批次并生成文件。

    Whether each payout may leave is asked again, here and when the file is done. One that may not falls out: the list has
    another hash then, the batch is a draft again, and its new hash waits for approval.
    """
    actor, batch_id = actor_of(request), object_id("bat", batch)
    return await write(
        request,
        "payout-batch.approve",
        lambda tx: release_batch(tx, actor, batch_id),
        status=200,
        object_id=batch,
    )


@command(f"{_PATH}/{{batch:str}}/cancellation", BatchReceipt, 401, 403, 404, 409, status=200)
async def cancel(request: Asked, batch: FromPath[str]) -> Response[bytes]:
    """Give up a batch whose file was not written; its payouts wait for another. 取消付款批次。"""
    actor, batch_id = actor_of(request), object_id("bat", batch)
    return await write(
        request,
        "payout-batch.cancel",
        lambda tx: cancel_batch(tx, actor, batch_id),
        status=200,
        object_id=batch,
    )


@get(
    f"{_PATH}/{{batch:str}}/file",
    responses=answers(
        bytes, 200, 401, 403, 404, description="The bank's file. 银行文件。", media_type="application/xml"
    ),
)
async def download(request: Asked, batch: FromPath[str]) -> Response[bytes]:
    """The file for the bank, once the batch is exported: the same bytes every time. 下载银行文件。"""
    services, batch_id = services_of(request), object_id("bat", batch)
    one = found(await see(request, lambda tx: batches.get_batch(tx, batch_id)))
    stored = found(one.stored)
    account = found(await see(request, lambda tx: bank_accounts.get_account(tx, one.account_id)))
    key = found(await services.vault.key(account.sealed_for))
    content = unlock(key, about_file(batch_id), await services.files.read(*stored))
    ending = "xml" if one.form is FileForm.PAIN else "csv"
    headers = {
        # Said here, because a text of another type would get UTF-8 as its charset beside its own.
        "content-type": one.form.media_type,
        "content-disposition": f'attachment; filename="{batch}.{ending}"',
        "cache-control": "private, no-store",
    }
    return Response(content, headers=headers)


@command("/operator/v1/payouts/{payout:str}/bank-rejection", TransferRecorded, 401, 403, 404, 409, status=200)
async def reject(request: Asked, payout: FromPath[str]) -> Response[bytes]:
    """Say that the bank refused a payout of a file that it was handed; its money is payable again. 银行拒付。

    It takes two clients: the first request asks for an approval, and the same request once more after another client approved.
    """
    actor, payout_id = actor_of(request), object_id("pot", payout)
    return await write(
        request, "payout.reject", lambda tx: reject_payout(tx, actor, payout_id), status=200, object_id=payout
    )


@command("/operator/v1/payouts/{payout:str}/cancellation", TransferRecorded, 401, 403, 404, 409, status=200)
async def cancel_one(request: Asked, payout: FromPath[str]) -> Response[bytes]:
    """Give up a payout by bank that no approved batch has taken; its money is payable again. 取消尚未列入已批准批次的银行付款。"""
    actor, payout_id = actor_of(request), object_id("pot", payout)
    return await write(
        request, "payout.cancel", lambda tx: cancel_payout(tx, actor, payout_id), status=200, object_id=payout
    )


def _view(one: Batch) -> BatchView:
    return BatchView(
        id=ids.text("bat", one.id),
        account=ids.text("bac", one.account_id),
        state=one.state.value,
        form=one.form.value,
        execution_date=one.execution_date.isoformat(),
        count=one.count,
        total=money_wire(one.total.units, one.currency),
        sha256=one.sha256.hex(),
        file_sha256=one.file_sha256.hex() if one.file_sha256 else None,
        made_at=stamp(one.made_at),
        exported_at=stamp(one.exported_at) if one.exported_at else None,
    )


def _item(one: BatchItem, form: FileForm, details: BankDetails | None) -> BatchItemView:
    holder = None if details is None else sepa_text(details.holder) if form is FileForm.PAIN else details.holder
    return BatchItemView(
        payout=ids.text("pot", one.payout_id),
        organisation=ids.text("org", one.organisation_id),
        amount=money_wire(one.amount.units, one.amount.currency),
        destination=ids.text("dst", one.destination_id),
        holder=holder,
        last4=None if details is None else details.last4,
    )


ROUTES = (draw_up, list_batches, show_batch, list_items, release, cancel, download, reject, cancel_one)
