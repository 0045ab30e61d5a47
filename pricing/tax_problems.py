"""What the tax rules refuse to guess."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

TAX_CATEGORY_UNKNOWN = problem_type(
    "tax-category-unknown",
    Kind.UNPROCESSABLE,
    title=Text("Tax category not known", "税目类别未知"),
    detail=Text(
        "The tax category {category} is not known; known are {known}.", "税目类别 {category} 未知，可用类别为 {known}。"
    ),
    remedy=Text(
        "Name one of the known categories in the price plan, or leave the field out for digital_service.",
        "请在价格方案中填写已知类别，或省略该字段以使用 digital_service。",
    ),
)
TAX_RATE_UNKNOWN = problem_type(
    "tax-rate-unknown",
    Kind.UNPROCESSABLE,
    title=Text("No tax rate on record", "没有可用的税率"),
    detail=Text(
        "The rate table has no rate for category {category} in {country} on {on}, so no tax can be worked out.",
        "税率表中没有 {country} 在 {on} 适用于类别 {category} 的税率，无法计算税额。",
    ),
    remedy=Text(
        "Ask the operator to add the rate with its dates and source to the rate table.",
        "请联系运营方将该税率及其有效期和依据补入税率表。",
    ),
)
