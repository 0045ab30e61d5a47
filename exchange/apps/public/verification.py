"""Verification for anybody: the scripts to do it alone, and the check of an agreement done here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from msgspec import Meta

from contracts import bundle, signatures_store, stand_alone
from exchange.apps.http.answers import Asked
from exchange.apps.http.aside import aside
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import answers
from exchange.apps.http.wire import Texts
from exchange.flows import export_statement, recompute_script, sample_script
from exchange.kernel.errors import TOO_LARGE, Refused

BYTES_MAX = 1_048_576


@dataclass
class FileUpload(Operation):
    """An operation whose body is an agreement's file, byte by byte."""

    def __post_init__(self) -> None:
        """Say so, since the handler reads the bytes itself."""
        media = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT))
        said = "The file as it was downloaded, unchanged. 原样上传下载的文件。"
        self.request_body = RequestBody(content={"application/json": media}, description=said, required=True)


class VerificationFault(msgspec.Struct, frozen=True):
    """Something that does not hold, and where."""

    at: Annotated[str, Meta(description="A JSON pointer (RFC 6901).", examples=["/agreement"])]
    bytes: Annotated[list[int], Meta(description="First byte, and the one after the last.", examples=[[13, 1490]])]
    code: Annotated[str, Meta(examples=["digest"])]
    why: Texts


class Verification(msgspec.Struct, frozen=True):
    """Whether an agreement's file holds, who signed it and who has not, and every fault with its place."""

    holds: bool
    complete: Annotated[bool, Meta(description="It holds, and both parties have signed. 有效且双方均已签名。")]
    agreement: Annotated[str, Meta(examples=["agr_01m80jwmabesg81hwe4cc73nw9"])]
    sha256: str
    keys_from_elsewhere: Annotated[bool, Meta(description="Checked with published keys. 使用公布的公钥核验。")]
    signed: list[dict[str, Any]]
    missing: list[dict[str, str]]
    events: list[str]
    faults: list[VerificationFault]


@get("/catalog/v1/verification/verify_agreement.py", responses=answers(str, 200, media_type="text/x-python"))
async def read_script() -> Response[bytes]:
    """The script that checks an agreement's file with nothing but Python. 独立核验脚本（仅需 Python）。"""
    return _script(stand_alone.NAME, stand_alone.script())


@get("/catalog/v1/verification/recompute_weights.py", responses=answers(str, 200, media_type="text/x-python"))
async def read_weights_script() -> Response[bytes]:
    """The script that recomputes a weight vector with nothing but Python. 权重向量独立重算脚本（仅需 Python）。"""
    return _script(recompute_script.NAME, recompute_script.script())


@get("/catalog/v1/verification/recompute_statement.py", responses=answers(str, 200, media_type="text/x-python"))
async def read_statement_script() -> Response[bytes]:
    """The script that recomputes a settlement statement with nothing but Python. 结算单独立重算脚本（仅需 Python）。"""
    return _script(export_statement.NAME, export_statement.script())


@get("/catalog/v1/verification/verify_sample.py", responses=answers(str, 200, media_type="text/x-python"))
async def read_sample_script() -> Response[bytes]:
    """The script that redraws a sample and checks its evidence, with nothing but Python. 抽样独立核验脚本（仅需 Python）。"""
    return _script(sample_script.NAME, sample_script.script())


def _script(name: str, text: bytes) -> Response[bytes]:
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "public, max-age=300",
        "x-content-type-options": "nosniff",
    }
    return Response(text, media_type="text/x-python", headers=headers)


@post(
    "/catalog/v1/verification/agreements",
    status_code=200,
    operation_class=FileUpload,
    responses=answers(Verification, 200, 413),
)
async def verify_file(request: Asked) -> Verification:
    """Check an agreement's file; the body is the file as it was downloaded. Nothing is kept. 在线核验合约文件（不留存）。

    Signatures are checked with the keys that this exchange publishes. A file that does not hold is an answer as well:
    `holds` is false, and each fault names its place.
    """
    data = await request.body()
    if len(data) > BYTES_MAX:
        raise Refused(TOO_LARGE(limit_bytes=BYTES_MAX))
    services = services_of(request)
    published = {str(key["kid"]): str(key["x"]) for key in services.keyring.jwks()["keys"]}
    async with services.db.read(None) as tx:
        known = await signatures_store.keys_by_kid(tx, bundle.kids(data))
    published |= {kid: str(key.jwk()["x"]) for kid, key in known.items()}
    report = await aside(partial(bundle.verify, data, published))
    return msgspec.convert(report.document(), Verification)


ROUTES: tuple[Any, ...] = (read_script, read_weights_script, read_statement_script, read_sample_script, verify_file)
