"""Assessments: what suppliers ask an assessor to look at, and its signed answer."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.quality_views import AssessmentView, ScorecardView, assessment_view, scorecard_view
from exchange.apps.http.wire import object_id
from exchange.flows.answer_assessment import answer_assessment
from exchange.flows.request_assessment import AssessmentReceipt
from exchange.flows.sign_certificate import CertificateReceipt, sign_certificate
from exchange.quality import store
from exchange.quality.assessments import AssessmentState
from exchange.quality.certificates import CertificateDraft

_PATH = "/assessor/v1/assessments/{assessment:str}"
_State = Annotated[
    Literal["requested", "accepted", "declined", "signed"] | None,
    QueryParameter(name="state", description="Only these. 按状态筛选。"),
]


class CertificateWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the assessor says of the revision and its scorecard, and for how long it holds."""

    statement: Annotated[
        dict[str, str],
        Meta(
            description="In English and Chinese.",
            examples=[{"en": "We read a sample of 200 poems.", "zh": "我们抽查了 200 首诗。"}],
        ),
    ]
    scope: Annotated[Literal["scorecard", "sample", "full"], Meta(description="What was looked at.")]
    valid_days: Annotated[int, Meta(ge=1, le=1096, examples=[365])]


class AssessmentDocument(msgspec.Struct, frozen=True):
    """An assessment with the scorecard that it is about."""

    assessment: AssessmentView
    scorecard: ScorecardView


@listing("/assessor/v1/assessments", AssessmentView)
async def list_assessments(
    request: Asked, only: _State = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """The assessments you were asked for, newest first. 评估任务列表。"""
    actor = actor_of(request)
    wanted = AssessmentState(only) if only else None
    return await show_page(
        request, actor, lambda tx, page: store.own_assessments(tx, actor, page, wanted), assessment_view, limit, cursor
    )


@show(_PATH, AssessmentDocument)
async def show_assessment(request: Asked, assessment: FromPath[str]) -> AssessmentDocument:
    """One assessment and the scorecard it is about. 评估任务与质量评分卡。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        one = found(await store.own_assessment(tx, actor, object_id("asm", assessment)))
        card = found(await store.visible_scorecard_by_id(tx, actor, one.scorecard_id))
    return AssessmentDocument(assessment_view(one), scorecard_view(card))


@command(f"{_PATH}/acceptance", AssessmentReceipt, 401, 403, 404, 409, status=200)
async def accept_assessment(request: Asked, assessment: FromPath[str]) -> Response[bytes]:
    """Take an assessment on. 接受评估任务。"""
    return await _answer(request, assessment, accept=True)


@command(f"{_PATH}/refusal", AssessmentReceipt, 401, 403, 404, 409, status=200)
async def decline_assessment(request: Asked, assessment: FromPath[str]) -> Response[bytes]:
    """Decline an assessment. 谢绝评估任务。"""
    return await _answer(request, assessment, accept=False)


@command(f"{_PATH}/certificate", CertificateReceipt)
async def sign(request: Asked, assessment: FromPath[str], data: JSONBody[CertificateWish]) -> Response[bytes]:
    """Sign a certificate for an accepted assessment; its scorecard is public from then on. 签发证书。"""
    services, actor, assessment_id = services_of(request), actor_of(request), object_id("asm", assessment)
    draft = CertificateDraft(data.statement, data.scope, data.valid_days)
    return await write(
        request,
        "certificate.sign",
        lambda tx: sign_certificate(tx, actor, assessment_id, draft, services.keyring),
        object_id=assessment,
    )


async def _answer(request: Asked, assessment: str, *, accept: bool) -> Response[bytes]:
    actor, assessment_id = actor_of(request), object_id("asm", assessment)
    return await write(
        request,
        "assessment.accept" if accept else "assessment.decline",
        lambda tx: answer_assessment(tx, actor, assessment_id, accept=accept),
        status=200,
        object_id=assessment,
    )


ROUTES = (list_assessments, show_assessment, accept_assessment, decline_assessment, sign)
