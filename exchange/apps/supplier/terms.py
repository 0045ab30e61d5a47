"""Licence terms while they are written: checked, and shown as a buyer will read them. Nothing is kept."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import post
from msgspec import Meta

from contracts import drafting
from exchange.apps.http.answers import Asked
from exchange.apps.http.documented import answers
from exchange.apps.http.offer_views import FrameSection, PlainTerms
from exchange.apps.http.wire import Texts
from exchange.apps.http.written import body_of, question_with, written_body

_TERMS: dict[str, Any] = {
    "type": "terms",
    "v": 1,
    "prevailing_language": "zh",
    "own": {
        "purposes": ["pretrain", "evaluate"],
        "commercial": True,
        "territory": "*",
        "duration": {"months": 12},
        "attribution": True,
        "report_every": "quarter",
        "delete_within_days": 30,
    },
}
_YAML = """\
terms:
  type: terms
  v: 1
  prevailing_language: zh
  own:
    purposes: [pretrain, evaluate]
    commercial: true
    territory: "*"
    duration: {months: 12}
    attribution: true
    report_every: quarter
    delete_within_days: 30
frame:
  governing_law: CN
"""
_BODY = body_of(
    {"terms": _TERMS, "frame": {"governing_law": "CN"}},
    _YAML,
    "Terms, and perhaps the legal frame of the offer. 许可条款，可附法律框架。",
)


class DraftWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Terms, and the legal frame if there is one."""

    terms: dict[str, Any]
    frame: dict[str, Any] | None = None


class Fault(msgspec.Struct, frozen=True, rename={"where": "in"}):
    """A field that is wrong, and what would be right; `in` is terms or frame."""

    where: Annotated[str, Meta(examples=["terms"])]
    field: Annotated[str, Meta(examples=["/own/duration"])]
    why: Texts


class DraftReport(msgspec.Struct, frozen=True):
    """Whether terms can be used: the problems, or else how a buyer will read them."""

    ok: bool
    problems: list[Fault]
    terms: PlainTerms | None = None
    frame: list[FrameSection] | None = None
    sha256: str | None = None


@post(
    "/supplier/v1/terms/check",
    status_code=200,
    operation_class=question_with(_BODY),
    responses=answers(DraftReport, 200, 400, 401, 403),
)
async def check_terms(request: Asked) -> DraftReport:
    """Check terms before you use them, and read them as a buyer will. 检查许可条款并预览买方所见内容。

    Nothing is kept. JSON or YAML. The terms may come alone, as the file is. 也可直接提交条款文件本身。
    """
    wish = await written_body(request, DraftWish, bare="terms")
    found = drafting.problems(wish.terms, wish.frame)
    if found:
        return DraftReport(False, [Fault(one["in"], one["field"], one["why"]) for one in drafting.faults(found)])
    said = drafting.preview(wish.terms, wish.frame)
    return DraftReport(
        True,
        [],
        PlainTerms(**said["terms"]),
        [FrameSection(**section) for section in said["frame"]],
        said["sha256"],
    )


ROUTES: tuple[Any, ...] = (check_terms,)
