"""Data contracts: put on a dataset, tried on a revision, and how revisions stood to them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, post
from litestar.params import FromPath
from msgspec import Meta

from contracts import data_contract
from contracts import data_contract_store as store
from contracts.data_contract import DataContract
from contracts.data_contract_check import Breach, stops
from contracts.data_contract_store import Checked, StoredContract
from exchange.apps.http.answers import Asked, accepted_value, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.data_contracts import (
    EXAMPLE,
    ContractCheckView,
    DataContractView,
    RuleFound,
    check_view,
    contract_view,
)
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Texts, body_id, object_id
from exchange.apps.http.written import body_of, command_with, question_with, written_body
from exchange.catalog.store import portal
from exchange.flows.check_data_contract import try_contract
from exchange.flows.put_data_contract import DataContractReceipt, put_data_contract
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.pages import Page, PageRequest

_PATH = "/supplier/v1/datasets/{dataset:str}/data-contract"
_YAML = """\
apiVersion: v3.1.0
kind: DataContract
id: tang-poems
version: 1.0.0
status: active
schema:
  - name: poems
    quality:
      - {metric: rowCount, mustBeGreaterOrEqualTo: 50}
      - {metric: duplicateValues, unit: percent, mustBeLessThan: 0.5}
    properties:
      - {name: text, logicalType: string, required: true}
customProperties:
  - {property: onBreach, value: stop}
  - {property: serviceCredit, value: {percent: "10"}}
"""
_PUT = body_of(EXAMPLE, _YAML, "The document as the standard writes it. 按标准书写的文档。")
_INDENTED = "".join(f"  {line}\n" for line in _YAML.splitlines())
_TRY = body_of(
    {"document": EXAMPLE, "revision": "rev_01m80jwmabesg81hwe4cc73nw9"},
    f"document:\n{_INDENTED}revision: rev_01m80jwmabesg81hwe4cc73nw9\n",
    "A data contract, and a revision of yours to try it on. 数据合同，以及用于试算的己方版本。",
)


class TrialBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A data contract to read, and a measured revision to hold against it."""

    document: dict[str, Any]
    revision: Annotated[str, Meta(max_length=40)] | None = None


class Mistake(msgspec.Struct, frozen=True):
    """A field that is wrong and what would be right."""

    field: Annotated[str, Meta(examples=["/kind"])]
    why: Texts


class Trial(msgspec.Struct, frozen=True):
    """Nothing was kept. Without mistakes: how many rules, and which the revision breaks or nobody can measure.

    `measured` is false where no revision was named, or its measurement is not done yet.
    """

    mistakes: list[Mistake]
    rules: int
    on_breach: str | None
    service_credit: dict[str, str] | None
    measured: bool
    found: list[RuleFound]
    stopped: bool


@command(_PATH, DataContractReceipt, 400, 401, 403, 404, 422, operation_class=command_with(_PUT))
async def put_contract(request: Asked, dataset: FromPath[str]) -> Response[bytes]:
    """Put a data contract on a dataset, or its next version; in force for revisions sealed from now on. 提交数据合同。"""
    actor, dataset_id = actor_of(request), object_id("ds", dataset)
    async with services_of(request).db.read(actor) as tx:
        found(await portal.own_dataset(tx, actor, dataset_id))
    read = data_contract.parse(await written_body(request, dict[str, Any]))
    contract = accepted_value(read[0] if isinstance(read, list) else read)
    return await write(
        request,
        "data-contract.put",
        lambda tx: put_data_contract(tx, actor, dataset_id, contract),
        object_id=dataset,
    )


@show(_PATH, DataContractView)
async def show_contract(request: Asked, dataset: FromPath[str]) -> DataContractView:
    """The newest version of a dataset's data contract. 当前数据合同。"""
    actor, dataset_id = actor_of(request), object_id("ds", dataset)
    async with services_of(request).db.read(actor) as tx:
        found(await portal.own_dataset(tx, actor, dataset_id))
        one = found(await store.newest(tx, dataset_id))
    return contract_view(one, one)


@listing(f"{_PATH}/versions", DataContractView, 400, 401, 403, 404)
async def list_versions(
    request: Asked, dataset: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """All versions, the newest first. 数据合同的历史版本。"""
    actor, dataset_id = actor_of(request), object_id("ds", dataset)
    async with services_of(request).db.read(actor) as tx:
        found(await portal.own_dataset(tx, actor, dataset_id))
        newest = await store.newest(tx, dataset_id)

    async def read(tx: Tx, page: PageRequest) -> Page[StoredContract]:
        return await store.own_contracts(tx, actor, dataset_id, page)

    return await show_page(request, actor, read, lambda one: contract_view(one, newest), limit, cursor)


@listing(f"{_PATH}/checks", ContractCheckView, 400, 401, 403, 404)
async def list_checks(
    request: Asked, dataset: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """How each revision stood to the contract, the newest first. 各版本的核对结果。"""
    actor, dataset_id = actor_of(request), object_id("ds", dataset)

    async def read(tx: Tx, page: PageRequest) -> Page[Checked]:
        found(await portal.own_dataset(tx, actor, dataset_id))
        return await store.own_checks(tx, actor, page, dataset_id)

    return await show_page(request, actor, read, check_view, limit, cursor)


@listing("/supplier/v1/breaches", ContractCheckView)
async def list_breaches(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Revisions of yours that break their data contract, the newest first. 违反数据合同的版本。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: store.own_checks(tx, actor, page), check_view, limit, cursor
    )


@post(
    "/supplier/v1/data-contracts/check",
    status_code=200,
    operation_class=question_with(_TRY),
    responses=answers(Trial, 200, 400, 401, 403, 404),
)
async def try_out(request: Asked) -> Trial:
    """Read a data contract and try it on a revision; nothing is kept. 试算数据合同（不保存）。

    The contract may come alone, as the file is. 也可直接提交合同文件本身。
    """
    actor, body = actor_of(request), await written_body(request, TrialBody, bare="document")
    read = data_contract.parse(body.document)
    revision_id = None if body.revision is None else body_id("rev", body.revision)
    async with services_of(request).db.read(actor) as tx:
        revision = None if revision_id is None else found(await portal.own_revision(tx, actor, revision_id))
        if isinstance(read, list):
            return _mistaken(read)
        broken = None if revision is None else await try_contract(tx, read, revision)
    return _trial(read, broken)


def _trial(read: DataContract, broken: list[Breach] | None) -> Trial:
    there = broken or []
    return Trial(
        mistakes=[],
        rules=len(read.rules),
        on_breach=read.on_breach.value,
        service_credit=read.credit.to_wire() if read.credit else None,
        measured=broken is not None,
        found=[RuleFound(**one.document()) for one in there],
        stopped=bool(stops(read, there)),
    )


def _mistaken(problems: list[Problem]) -> Trial:
    mistakes = [Mistake(str(one.fields["field"]), _words(one)) for one in problems]
    return Trial(mistakes, 0, None, None, measured=False, found=[], stopped=False)


def _words(one: Problem) -> dict[str, str]:
    return {"en": one.detail("en"), "zh": one.detail("zh")}


ROUTES = (put_contract, show_contract, list_versions, list_checks, list_breaches, try_out)
