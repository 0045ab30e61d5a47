"""Data contracts as the APIs write them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import yaml
from litestar import Response
from msgspec import Meta

from contracts import data_contract
from contracts.data_contract_store import BreachNotice, Checked, StoredContract
from exchange.apps.http.wire import Id, MoneyWire, Sha256, Texts, Time, json_of, stamp
from exchange.kernel import ids
from exchange.kernel.money import Money

RevisionId = Annotated[str, Meta(examples=["rev_01m80jwmabesg81hwe4cc73nw9"])]
ContractId = Annotated[str, Meta(examples=["dct_01m80jwmabesg81hwe4cc73nw9"])]
EXAMPLE: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "tang-poems",
    "version": "1.0.0",
    "status": "active",
    "name": "Tang poems",
    "description": {"purpose": "Classical poems for training", "limitations": "No prose", "usage": "See the licence"},
    "schema": [
        {
            "name": "poems",
            "quality": [
                {"metric": "rowCount", "mustBeGreaterOrEqualTo": 50},
                {"metric": "duplicateValues", "unit": "percent", "mustBeLessThan": 1},
            ],
            "properties": [{"name": "text", "logicalType": "string", "required": True}],
        }
    ],
    "slaProperties": [{"property": "frequency", "value": 31, "unit": "d"}],
    "price": {"priceAmount": 300, "priceCurrency": "CNY", "priceUnit": "month"},
    "support": [{"channel": "mail", "url": "mailto:data@example.com"}],
    "customProperties": [
        {"property": "onBreach", "value": "stop"},
        {"property": "serviceCredit", "value": {"percent": "10"}},
    ],
}


class DataContractView(msgspec.Struct, frozen=True):
    """A version of a dataset's data contract; `in_force` where its status is active and nothing came after it."""

    id: ContractId
    dataset: Id
    number: int
    sha256: Sha256
    in_force: bool
    document: Annotated[dict[str, Any], Meta(examples=[EXAMPLE])]
    created_at: Time


class RuleFound(msgspec.Struct, frozen=True):
    """A rule that a revision does not keep, or that was not measured; `at` points into the contract."""

    at: Annotated[str, Meta(examples=["/schema/0/quality/0"])]
    metric: Annotated[str, Meta(examples=["rowCount"])]
    field: str
    outcome: Annotated[str, Meta(description="broken or unmeasured. 未满足或未测量。", examples=["broken"])]
    why: Texts


class ContractCheckView(msgspec.Struct, frozen=True):
    """How a revision stood to the contract that was in force when it was sealed. Rules that are not named were kept."""

    id: Annotated[str, Meta(examples=["dck_01m80jwmabesg81hwe4cc73nw9"])]
    dataset: Id
    revision: RevisionId
    number: int
    contract: ContractId
    contract_number: int
    on_breach: Annotated[str, Meta(examples=["stop"])]
    broken: int
    found: list[RuleFound]
    checked_at: Time


class BreachView(msgspec.Struct, frozen=True):
    """A revision of data you hold a grant on breaks its data contract; `credit` is what was paid into your wallet for it."""

    id: Annotated[str, Meta(examples=["bre_01m80jwmabesg81hwe4cc73nw9"])]
    grant: Id
    dataset: Id
    revision: RevisionId
    number: int
    contract: ContractId
    on_breach: Annotated[str, Meta(examples=["flag"])]
    broken: list[RuleFound]
    credit: MoneyWire | None
    told_at: Time


class ContractMark(msgspec.Struct, frozen=True):
    """How the revision on sale stands to its data contract: `state` is kept, broken or unchecked."""

    state: Annotated[str, Meta(examples=["kept"])]
    broken: int
    why: list[Texts]
    contract: ContractId
    version: int
    checked_at: Time | None


def contract_view(one: StoredContract, newest: StoredContract | None) -> DataContractView:
    """A version as the API shows it."""
    document = json_of(one.document)
    return DataContractView(
        id=ids.text("dct", one.id),
        dataset=ids.text("ds", one.dataset_id),
        number=one.number,
        sha256=one.sha256.hex(),
        in_force=document["status"] == "active" and newest is not None and newest.id == one.id,
        document=data_contract.official(document),
        created_at=stamp(one.created_at),
    )


def check_view(one: Checked) -> ContractCheckView:
    """A check as its supplier sees it."""
    said = json_of(one.document)
    return ContractCheckView(
        id=ids.text("dck", one.id),
        dataset=ids.text("ds", one.dataset_id),
        revision=said["revision"],
        number=said["number"],
        contract=said["contract"]["id"],
        contract_number=said["contract"]["number"],
        on_breach=one.on_breach,
        broken=one.broken,
        found=[RuleFound(**each) for each in said["found"]],
        checked_at=stamp(one.created_at),
    )


def breach_view(one: BreachNotice, credit: Money | None) -> BreachView:
    """A breach as the holder of a grant sees it."""
    said = json_of(one.document)
    return BreachView(
        id=ids.text("bre", one.id),
        grant=ids.text("grt", one.grant_id),
        dataset=said["dataset"],
        revision=said["revision"],
        number=said["number"],
        contract=said["contract"]["id"],
        on_breach=said["on_breach"],
        broken=[RuleFound(**each) for each in said["broken"]],
        credit=None if credit is None else MoneyWire(**credit.to_wire()),
        told_at=stamp(one.created_at),
    )


def contract_mark(contract: StoredContract | None, checked: Checked | None) -> ContractMark | None:
    """What stands on a listing; None for a dataset without a contract."""
    if checked is not None:
        said = json_of(checked.document)
        why = [each["why"] for each in said["found"] if each["outcome"] == "broken"]
        state = "broken" if checked.broken else "kept"
        of = said["contract"]
        return ContractMark(state, checked.broken, why, of["id"], of["number"], stamp(checked.created_at))
    if contract is None or json_of(contract.document)["status"] != "active":
        return None
    return ContractMark("unchecked", 0, [], ids.text("dct", contract.id), contract.number, None)


def contract_file(one: StoredContract, *, as_yaml: bool) -> Response[bytes]:
    """The document itself, as the standard writes it."""
    document = data_contract.official(json_of(one.document))
    headers = {"etag": f'"{one.sha256.hex()}"', "cache-control": "public, max-age=30"}
    if as_yaml:
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
        return Response(text.encode(), media_type="application/yaml", headers=headers)
    return Response(msgspec.json.encode(document), media_type="application/json", headers=headers)
