"""The operator's record of processing (GDPR, article 30): put as a whole, each version kept."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import JSONBody
from msgspec import Meta

from compliance import report_store
from compliance.processing import Record
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, show
from exchange.apps.http.wire import Id, Sha256, Time, stamp
from exchange.flows.put_processing import ProcessingKept, put_processing
from exchange.kernel import ids

PATH = "/operator/v1/processing-records"


class ProcessingView(msgspec.Struct, frozen=True):
    """The newest version of the record, with its hash in the log."""

    number: Annotated[int, Meta(examples=[1])]
    record: Record
    sha256: Sha256
    put_by: Id
    created_at: Time


@command(PATH, ProcessingKept, 400, 401, 403, 422)
async def put_record(request: Asked, data: JSONBody[Record]) -> Response[bytes]:
    """Put your record of processing on file, whole; name offices and mailboxes, no persons. 登记处理活动记录。"""
    actor = actor_of(request)
    return await write(request, "processing.put", lambda tx: put_processing(tx, actor, data))


@show(PATH, ProcessingView)
async def show_record(request: Asked) -> ProcessingView:
    """The newest version of your record of processing. 最新处理活动记录。"""
    actor_of(request)
    one = found(await services_of(request).db.run(report_store.processing))
    record = msgspec.json.decode(one.document, type=Record)
    return ProcessingView(one.number, record, one.sha256.hex(), ids.text("org", one.put_by), stamp(one.created_at))


ROUTES: tuple[Any, ...] = (put_record, show_record)
