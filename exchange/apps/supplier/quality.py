"""Quality: the scorecards of a supplier's revisions, and assessments of them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.quality_views import (
    AssessmentView,
    CertificateView,
    ScorecardView,
    assessment_view,
    certificate_view,
    scorecard_view,
)
from exchange.apps.http.wire import body_id, object_id
from exchange.catalog.store import portal
from exchange.flows.request_assessment import AssessmentReceipt, request_assessment
from exchange.quality import store

_REVISION = "/supplier/v1/revisions/{revision:str}"


class AssessmentWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to ask for an assessment."""

    assessor: Annotated[str, Meta(max_length=40, examples=["org_01m80jwmabesg81hwe4cc73nw9"])]


class CertificatesView(msgspec.Struct, frozen=True):
    """The certificates of a revision, newest first, expired ones included."""

    items: list[CertificateView]


@show(f"{_REVISION}/scorecard", ScorecardView)
async def show_scorecard(request: Asked, revision: FromPath[str]) -> ScorecardView:
    """The newest scorecard of a revision. 质量评分卡。"""
    actor, revision_id = actor_of(request), object_id("rev", revision)
    async with services_of(request).db.read(actor) as tx:
        found(await portal.own_revision(tx, actor, revision_id))
        return scorecard_view(found(await store.visible_scorecard(tx, actor, revision_id)))


@command(f"{_REVISION}/assessments", AssessmentReceipt)
async def ask_assessment(request: Asked, revision: FromPath[str], data: JSONBody[AssessmentWish]) -> Response[bytes]:
    """Ask an assessor to look at a measured revision. 申请质量评估。"""
    actor, revision_id, assessor = actor_of(request), object_id("rev", revision), body_id("org", data.assessor)
    return await write(
        request,
        "assessment.request",
        lambda tx: request_assessment(tx, actor, revision_id, assessor),
        object_id=revision,
    )


@listing("/supplier/v1/assessments", AssessmentView)
async def list_assessments(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """The assessments you asked for, newest first. 评估申请列表。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: store.own_assessments(tx, actor, page), assessment_view, limit, cursor
    )


@show("/supplier/v1/assessments/{assessment:str}", AssessmentView)
async def show_assessment(request: Asked, assessment: FromPath[str]) -> AssessmentView:
    """One assessment. 评估详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return assessment_view(found(await store.own_assessment(tx, actor, object_id("asm", assessment))))


@show(f"{_REVISION}/certificates", CertificatesView)
async def list_certificates(request: Asked, revision: FromPath[str]) -> CertificatesView:
    """The certificates of a revision, newest first. 证书列表。"""
    actor, revision_id = actor_of(request), object_id("rev", revision)
    async with services_of(request).db.read(actor) as tx:
        found(await portal.own_revision(tx, actor, revision_id))
        return CertificatesView([certificate_view(one) for one in await store.certificates_of(tx, [revision_id])])


ROUTES = (show_scorecard, ask_assessment, list_assessments, show_assessment, list_certificates)
