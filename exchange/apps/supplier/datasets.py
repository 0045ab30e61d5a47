"""Datasets: what a supplier says about a body of data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Texts, Time, object_id, stamp
from exchange.catalog.datasets import Dataset, DatasetDraft
from exchange.catalog.store import portal
from exchange.catalog.upstreams import Upstream
from exchange.flows.register_dataset import DatasetReceipt, register_dataset
from exchange.flows.show_compatibility import Compatibility, show_compatibility
from exchange.kernel import ids

DatasetId = Annotated[str, Meta(examples=["ds_01m80jwmabesg81hwe4cc73nw9"])]
Modality = Literal["text", "table", "image", "audio", "video", "image_text"]
Languages = Annotated[
    tuple[str, ...], Meta(description="BCP 47 tags of the content.", max_length=50, examples=[["zh-Hans", "en"]])
]
Licence = Annotated[
    str, Meta(description="An SPDX expression, or LicenseRef-... of your own.", max_length=200, examples=["CC-BY-4.0"])
]
ListingId = Annotated[str, Meta(max_length=40, examples=["lst_01m80jwmabesg81hwe4cc73nw9"])]
Address = Annotated[str, Meta(max_length=500, examples=["https://corpora.example/poems"])]
Expression = Annotated[str, Meta(max_length=500, examples=["CC-BY-4.0"])]
Share = Annotated[int, Meta(description="Ten-thousandths of the records that are synthetic.", ge=0, le=10_000)]


class UpstreamWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A dataset that this one was made of: `listing` or `url` says where it is, `spdx` or `terms` how it was licensed.

    `derive`: this dataset adapts it. `bundle`: this dataset holds it unchanged beside other data.
    """

    how: Literal["derive", "bundle"]
    listing: ListingId | None = None
    url: Address | None = None
    spdx: Expression | None = None
    terms: (
        Annotated[dict[str, Any], Meta(description="A terms document, as an offer has one. 与报价相同的条款文档。")]
        | None
    ) = None


class DatasetWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dataset to register. Texts need English and Chinese."""

    title: Texts
    description: Texts
    modality: Modality
    languages: Languages
    personal_data: Literal["none", "pseudonymised", "contains"]
    licence: Licence
    provenance: Annotated[dict[str, str], Meta(examples=[{"en": "Scanned by us in 2025", "zh": "2025 年由我方扫描"}])]
    synthetic_share: Share = 0
    legal_basis: Annotated[str, Meta(max_length=200, examples=["consent"])] | None = None
    cross_border_basis: Annotated[str, Meta(max_length=200, examples=["standard contract"])] | None = None
    derived_from: Annotated[
        tuple[UpstreamWish, ...], Meta(description="What it was made of. 上游数据集。", max_length=50)
    ] = ()


class DatasetView(msgspec.Struct, frozen=True):
    """A dataset as it is registered."""

    id: DatasetId
    title: Texts
    description: Texts
    modality: str
    languages: Languages
    personal_data: str
    licence: Licence
    provenance: Texts
    synthetic_share: Share
    legal_basis: str | None
    cross_border_basis: str | None
    state: Annotated[str, Meta(examples=["active"])]
    created_at: Time
    derived_from: list[UpstreamWish] = []


@command("/supplier/v1/datasets", DatasetReceipt, 400, 401, 403, 422)
async def add_dataset(request: Asked, data: JSONBody[DatasetWish]) -> Response[bytes]:
    """Register a dataset. 登记数据集。"""
    services, actor = services_of(request), actor_of(request)
    fields = {name: getattr(data, name) for name in data.__struct_fields__}
    fields["derived_from"] = tuple(Upstream(**msgspec.structs.asdict(one)) for one in data.derived_from)
    draft = DatasetDraft(**fields)
    return await write(
        request, "dataset.register", lambda tx: register_dataset(tx, actor, draft, services.settings.catalog)
    )


@listing("/supplier/v1/datasets", DatasetView)
async def list_datasets(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your datasets, newest first. 我的数据集。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: portal.own_datasets(tx, actor, page), dataset_view, limit, cursor
    )


@show("/supplier/v1/datasets/{dataset:str}", DatasetView)
async def show_dataset(request: Asked, dataset: FromPath[str]) -> DatasetView:
    """One dataset. 数据集详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return dataset_view(found(await portal.own_dataset(tx, actor, object_id("ds", dataset))))


@show("/supplier/v1/datasets/{dataset:str}/compatibility", Compatibility)
async def show_dataset_compatibility(request: Asked, dataset: FromPath[str]) -> Compatibility:
    """Whether its licence and offers fit what it was made of. 与上游数据集条款的兼容性。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return found(await show_compatibility(tx, actor, object_id("ds", dataset)))


def dataset_view(one: Dataset) -> DatasetView:
    """A dataset as the API shows it."""
    return DatasetView(
        id=ids.text("ds", one.id),
        title=dict(one.title),
        description=dict(one.description),
        modality=one.modality.value,
        languages=one.languages,
        personal_data=one.personal_data.value,
        licence=one.licence,
        provenance=dict(one.provenance),
        synthetic_share=one.synthetic_share,
        legal_basis=one.legal_basis,
        cross_border_basis=one.cross_border_basis,
        state=one.state.value,
        created_at=stamp(one.created_at),
        derived_from=[UpstreamWish(**each.document()) for each in one.derived_from],
    )


ROUTES = (add_dataset, list_datasets, show_dataset, show_dataset_compatibility)
