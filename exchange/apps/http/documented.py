"""Routes that say in the OpenAPI document what they take, answer and refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType
from msgspec import Meta

from exchange.apps.http.wire import Listed

PROBLEM_JSON = "application/problem+json"
_REFUSALS = {
    400: "The request has not the expected form. 请求格式有误。",
    401: "No valid access token. 未提供有效令牌。",
    402: "Not enough money. 余额不足。",
    403: "Not allowed for this organisation. 无权操作。",
    404: "No such object, or not yours. 对象不存在或无权查看。",
    409: "Not possible in this state. 当前状态不允许。",
    413: "Too large. 内容过大。",
    422: "Understood, but not acceptable. 内容不符合要求。",
    503: "Too busy; try again. 系统繁忙，请重试。",
}


class ProblemDocument(msgspec.Struct, frozen=True):
    """A refusal as RFC 9457 writes it, in the reader's language; further members carry the facts of the case."""

    type: Annotated[str, Meta(description="A page that explains it.", examples=["/problems/not-found"])]
    title: Annotated[str, Meta(examples=["Not found"])]
    status: Annotated[int, Meta(examples=[404])]
    detail: Annotated[str, Meta(examples=["There is no such object, or it is not yours to see."])]
    remedy: Annotated[str, Meta(description="What to do.", examples=["Check the id. Ids look like ord_01k8... ."])]
    request_id: Annotated[str, Meta(description="Tell it to the operator.", examples=["9f86d081884c7d65"])]


@dataclass
class Command(Operation):
    """An operation that takes the header Idempotency-Key."""

    def __post_init__(self) -> None:
        """Add the header, so that the page to try it asks for one."""
        key = Parameter(
            name="Idempotency-Key",
            param_in="header",
            required=True,
            description="A text of your own, new for each command; the same key again gets the same answer. "
            "由调用方生成，每条命令唯一；相同的键返回相同的结果。",
            schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=255, examples=["7d0c3f5e-1"]),
        )
        self.parameters = [*(self.parameters or []), key]


def answers(
    model: Any,
    status: int = 200,
    *refusals: int,
    description: str = "Done. 成功。",
    media_type: str = "application/json",
) -> dict[int, ResponseSpec]:
    """What a route answers: `model` with `status`, and problems with `refusals`."""
    found = {status: ResponseSpec(model, generate_examples=False, description=description, media_type=media_type)}
    for refusal in refusals:
        found[refusal] = ResponseSpec(
            ProblemDocument, generate_examples=False, description=_REFUSALS[refusal], media_type=PROBLEM_JSON
        )
    return found


def show(path: str, model: Any, *refusals: int, **more: Any) -> get:
    """A route that reads one thing."""
    return get(path, responses=answers(model, 200, *(refusals or (401, 403, 404))), **more)


def listing(path: str, model: Any, *refusals: int, **more: Any) -> get:
    """A route that reads a page of things."""
    return get(path, responses=answers(Listed[model], 200, *(refusals or (400, 401, 403))), **more)


def command(path: str, model: Any, *refusals: int, status: int = 201, **more: Any) -> post:
    """A route that changes something, once per Idempotency-Key."""
    found = answers(model, status, *(refusals or (400, 401, 403, 404, 409, 422)))
    return post(path, status_code=status, responses=found, **{"operation_class": Command, **more})
