"""Refusals of the operator's portal."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

UNSUPPORTED_MEDIA = problem_type(
    "media-type-not-supported",
    Kind.UNSUPPORTED,
    title=Text("Media type not supported", "不支持的媒体类型"),
    detail=Text("The body must be {wanted}.", "请求体须为 {wanted}。"),
    remedy=Text("Send the header Content-Type with that type.", "请以该类型设置 Content-Type 请求头。"),
)
