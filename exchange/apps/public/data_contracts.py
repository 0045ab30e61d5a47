"""The data contract of a dataset that is on sale, for everybody."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from contracts import data_contract_store as store
from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.data_contracts import contract_file
from exchange.apps.http.documented import answers
from exchange.apps.http.wire import object_id

_Format = Annotated[Literal["json", "yaml"] | None, QueryParameter(name="format", description="json or yaml. 格式。")]


@get("/catalog/v1/datasets/{dataset:str}/data-contract", responses=answers(dict[str, Any], 200, 404))
async def show_data_contract(request: Asked, dataset: FromPath[str], wanted: _Format = None) -> Response[bytes]:
    """The newest version, as the Open Data Contract Standard 3.1.0 writes it. 数据合同（ODCS 3.1.0，JSON 或 YAML）。

    YAML with `format=yaml` or `Accept: application/yaml`.
    """
    async with services_of(request).db.read(None) as tx:
        one = found(await store.public_contract(tx, object_id("ds", dataset)))
    as_yaml = wanted == "yaml" or (wanted is None and "yaml" in request.headers.get("accept", ""))
    return contract_file(one, as_yaml=as_yaml)


ROUTES = (show_data_contract,)
