"""The JSON Schemas of the documents that people write by hand, for editors and programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from contracts import data_contract, frame, questions, terms
from exchange.apps.http.answers import Asked, found
from exchange.apps.http.documented import answers
from exchange.kernel.schemas import Shape
from pricing import plans
from settlement import waterfall_document

_SHAPES: Mapping[str, Shape] = {
    "plan": plans.SHAPE,
    "terms": terms.SHAPE,
    "frame": frame.SHAPE,
    "question": questions.SHAPE,
    "odcs": data_contract.SHAPE,
    "waterfall": waterfall_document.SHAPE,
}
# The closed list of what is served, by file name.
SCHEMAS: Mapping[str, bytes] = {
    f"{name}.schema.json": json.dumps(shape.schema, ensure_ascii=False, indent=2).encode()
    for name, shape in _SHAPES.items()
}


@get(
    "/catalog/v1/schemas/{schema:str}",
    responses=answers(dict[str, Any], 200, 404, media_type="application/schema+json"),
)
async def read_schema(request: Asked, schema: FromPath[str]) -> Response[bytes]:
    """The JSON Schema of a document you write: `plan.schema.json`, terms, frame, question, waterfall, odcs. JSON Schema 文件。"""
    headers = {"cache-control": "public, max-age=3600"}
    return Response(found(SCHEMAS.get(schema)), media_type="application/schema+json", headers=headers)


ROUTES: tuple[Any, ...] = (read_schema,)
