"""Cases that an arbitration provider was asked to decide: take one up or decline it, ask, decide with reasons."""

from __future__ import annotations

from functools import partial

from litestar import Response, get
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.dispute_views import AwardForm, DisputeDocument, DisputeView, dispute_view
from exchange.apps.http.disputes import WordsForm, change, settings_of, show_case, stream_evidence
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import object_id
from exchange.flows import arbitrate
from exchange.flows.disputing import DisputeStands
from settlement.store import disputes

_ALL = "/assessor/v1/cases"
_ONE = f"{_ALL}/{{case:str}}"
_CHANGED = (400, 401, 403, 404, 409, 422)


@listing(_ALL, DisputeView)
async def list_cases(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Cases that you were asked to arbitrate, newest first. 本机构受理的仲裁案件。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: disputes.list_cases(tx, actor, page), dispute_view, limit, cursor
    )


@show(_ONE, DisputeDocument)
async def show_one_case(request: Asked, case: FromPath[str]) -> DisputeDocument:
    """One case: both sides' words and evidence. 案件详情。"""
    return await show_case(request, case, disputes.find_case)


@get(
    f"{_ONE}/evidence/{{case_evidence:str}}/file",
    responses=answers(bytes, 200, 401, 403, 404, media_type="application/octet-stream"),
)
async def download_case_evidence(request: Asked, case: FromPath[str], case_evidence: FromPath[str]) -> Stream:
    """A file that a side showed. 下载案件证据。"""
    return await stream_evidence(request, case, case_evidence, disputes.find_case)


@command(f"{_ONE}/acceptance", DisputeStands, 401, 403, 404, 409, status=200)
async def take_up_case(request: Asked, case: FromPath[str]) -> Response[bytes]:
    """Take up a case; you say thereby that you have no interest in it. 受理案件并声明无利害关系。

    You have fourteen days to decide.
    """
    return await change(request, case, "dispute.take_up", partial(arbitrate.take_up, settings=settings_of(request)))


@command(f"{_ONE}/refusal", DisputeStands, *_CHANGED, status=200)
async def decline_case(request: Asked, case: FromPath[str], data: JSONBody[WordsForm]) -> Response[bytes]:
    """Decline a case, also one that you took up: the operator assigns another arbitrator. 拒绝或退出案件。"""
    return await change(request, case, "dispute.decline", partial(arbitrate.decline, words=data.words))


@command(f"{_ONE}/questions", DisputeStands)
async def ask_both_sides(request: Asked, case: FromPath[str], data: JSONBody[WordsForm]) -> Response[bytes]:
    """Ask both sides for something; they answer with evidence. 向双方提问。"""
    return await change(request, case, "dispute.ask", partial(arbitrate.ask_parties, words=data.words), 201)


@command(f"{_ONE}/decision", DisputeStands, *_CHANGED, status=200)
async def decide_case(request: Asked, case: FromPath[str], data: JSONBody[AwardForm]) -> Response[bytes]:
    """Decide in parts, with reasons: refund, credit, delivery anew, a changed share; none of them dismisses. 作出裁决。

    Either side may appeal against the first decision within fourteen days; the money moves after that. The second is final.
    """
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        one = found(await disputes.find_case(tx, actor, object_id("dsp", case)))
    award, settings = data.award(one.amount.currency), settings_of(request)
    flow = partial(arbitrate.decide_dispute, award=award, words=data.words, settings=settings)
    return await change(request, case, "dispute.decide", flow)


ROUTES = (
    list_cases,
    show_one_case,
    download_case_evidence,
    take_up_case,
    decline_case,
    ask_both_sides,
    decide_case,
)
