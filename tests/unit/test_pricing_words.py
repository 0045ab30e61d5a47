"""Plans in plain words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pricing import plans, price_rows, words
from pricing.basis import Basis
from pricing.understanding import understand


def said(model: dict[str, Any], meter: str | None = None, period: str | None = None) -> tuple[str, str]:
    component = {"id": "a", "meter": meter, "period": period, "model": model, "title": {"en": "Use", "zh": "用量"}}
    plan = plans.load({"type": "plan", "v": 1, "currency": "CNY", "components": [component]})
    (text,) = words.describe(plan)
    return text.en, text.zh


@pytest.mark.parametrize(
    ("model", "meter", "period", "english", "chinese"),
    [
        (
            {"type": "one_off", "amount": "1200"},
            None,
            None,
            "Use: CNY 1,200.00 once, when you order",
            "用量：下单时一次性支付 CNY 1,200.00",
        ),
        (
            {"type": "flat", "amount": "99.5", "in_advance": False},
            None,
            "year",
            "Use: CNY 99.50 per year, in arrears",
            "用量：每年 CNY 99.50，期末支付",
        ),
        (
            {"type": "per_unit", "unit_price": "0.05"},
            "files",
            None,
            "Use: CNY 0.05 per file",
            "用量：每个文件 CNY 0.05",
        ),
        (
            {"type": "per_unit", "unit_price": "0.000002"},
            "tokens",
            None,
            "Use: CNY 2.00 per million tokens",
            "用量：每百万词元 CNY 2.00",
        ),
        (
            {"type": "package", "size": 1000, "amount": "3"},
            "records",
            None,
            "Use: CNY 3.00 for each block of 1,000 records begun",
            "用量：每 1,000 条记录（不足一包按一包计）CNY 3.00",
        ),
        (
            {"type": "included", "quantity": 500, "overage": None},
            "records",
            "month",
            "Use: 500 records per month included; use stops there",
            "用量：每月包含 500 条记录，用完即止",
        ),
        (
            {"type": "graduated", "tiers": [{"up_to": 100, "unit_price": "1"}, {"unit_price": "0.5"}]},
            "requests",
            None,
            "Use: each tier's price for the units inside it: CNY 1.00 per request up to 100; CNY 0.50 per request beyond",
            "用量：分段累进计价：100 以内 每次请求 CNY 1.00；以上部分 每次请求 CNY 0.50",
        ),
        (
            {"type": "volume", "tiers": [{"up_to": 10, "unit_price": "0.004"}, {"unit_price": "0.02"}]},
            "x_gpu_hours",
            "month",
            (
                "Use: the whole quantity at the price of the tier it reaches: CNY 4.00 per 1,000 gpu hours up to 10; "
                "CNY 20.00 per 1,000 gpu hours beyond"
            ),
            "用量：按总量所在档的单价计算全部用量：10 以内 每千gpu hours CNY 4.00；以上部分 每千gpu hours CNY 20.00",
        ),
        (
            {"type": "flat", "amount": "300", "prorate": True},
            None,
            "month",
            "Use: CNY 300.00 per month, in advance; a part of a month costs its part",
            "用量：每月 CNY 300.00，期初支付；不足一期按时长折算",
        ),
        (
            {
                "type": "base_pack",
                "base": {"size": 1000000, "amount": "500"},
                "increment": {"size": 10000, "amount": "4"},
            },
            "tokens",
            "month",
            (
                "Use: CNY 500.00 per month for a base pack of 1,000,000 tokens, used or not; above it CNY 4.00 for each pack "
                "of 10,000 tokens begun"
            ),
            "用量：每月基础包 CNY 500.00（含 1,000,000 词元，不论是否用完）；超出后每个增量包（10,000 词元，不足一包按一包计）CNY 4.00",
        ),
        (
            {"type": "instalments", "amount": "1200", "count": 12},
            None,
            "month",
            "Use: CNY 1,200.00 in 12 instalments, one when each month begins; the rest falls due if you end earlier",
            "用量：总价 CNY 1,200.00，分 12 期，每月期初支付一期；提前终止时结清余款",
        ),
        ({"type": "free"}, "records", "month", "Use: records free of charge", "用量：记录（条）免费"),
        ({"type": "free"}, None, None, "Use: free of charge", "用量：免费"),
        (
            {"type": "pay_what_you_want", "floor": "10", "suggested": "50"},
            None,
            None,
            "Use: you name the amount, at least CNY 10.00; CNY 50.00 if you name none",
            "用量：金额由您决定，不低于 CNY 10.00；未指定时为 CNY 50.00",
        ),
        ({"type": "negotiated"}, None, None, "Use: price by negotiation", "用量：价格面议"),
        (
            {"type": "negotiated", "guide": "9000"},
            None,
            None,
            "Use: price by negotiation; about CNY 9,000.00 as a guide",
            "用量：价格面议，参考价 CNY 9,000.00",
        ),
        (
            {"type": "auction"},
            None,
            None,
            "Use: sold by sealed-bid auction; the winner pays the second-highest bid, or the reserve price",
            "用量：密封拍卖；得标者支付次高出价或保留价",
        ),
        (
            {
                "type": "cost_recovery",
                "costs": [
                    {"title": {"en": "collection", "zh": "采集"}, "amount": "1200"},
                    {"title": {"en": "hosting", "zh": "托管"}, "amount": "800"},
                ],
                "quantity": 10000,
            },
            "records",
            "year",
            (
                "Use: each record bears its part of the stated costs, CNY 2,000.00 over 10,000 records, without margin "
                "(collection CNY 1,200.00, hosting CNY 800.00)"
            ),
            "用量：按成本补偿收费：总成本 CNY 2,000.00 由 10,000 条记录均摊，不含利润（采集 CNY 1,200.00、托管 CNY 800.00）",
        ),
        (
            {
                "type": "outcome",
                "metric": {"en": "accuracy", "zh": "准确率"},
                "unit": "point",
                "baseline": "80",
                "direction": "up",
                "unit_price": "100",
                "floor": "0",
                "cap": "5000",
                "evaluator": "org_01m80jwmabesg81hwe4cc73nw9",
            },
            None,
            None,
            (
                "Use: CNY 100.00 for each point by which accuracy rises above 80, at least CNY 0.00 and at most CNY 5,000.00; "
                "measured by org_01m80jwmabesg81hwe4cc73nw9, nothing is due before both sides signed the measurement"
            ),
            (
                "用量：准确率高于 80 的部分，每 point CNY 100.00，最低 CNY 0.00，最高 CNY 5,000.00；"
                "由 org_01m80jwmabesg81hwe4cc73nw9 评估，双方签署结果后才收费"
            ),
        ),
    ],
)
def test_each_model_has_its_sentence(
    model: dict[str, Any], meter: str | None, period: str | None, english: str, chinese: str
) -> None:
    assert said(model, meter, period) == (english, chinese)


USE: dict[str, Any] = {
    "id": "use",
    "title": {"en": "Reading", "zh": "读取"},
    "meter": "records",
    "period": "month",
    "model": {"type": "per_unit", "unit_price": "0.01"},
}
FEE: dict[str, Any] = {"id": "fee", "meter": None, "period": "month", "model": {"type": "flat", "amount": "300"}}
PREPAID: dict[str, Any] = {
    "id": "prepaid",
    "meter": None,
    "period": None,
    "model": {"type": "credits", "amount": "80", "credit": "100", "valid_days": 90},
}


def conditions(*components: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    document = {"type": "plan", "v": 1, "currency": "CNY", "components": list(components or (FEE, USE)), **more}
    return [(text.en, text.zh) for text in words.conditions(plans.load(document))]


CONDITIONS: list[tuple[dict[str, Any], str, str]] = [
    (
        {"trial": {"days": 14}},
        "the first 14 days are free; charging begins after them",
        "前 14 天免费试用，期满后开始计费",
    ),
    (
        {"anchor": "calendar"},
        "periods are those of the calendar in Asia/Shanghai",
        "计费周期为 Asia/Shanghai 的自然日、周、月、年",
    ),
    ({"tax": {"included": True}}, "Prices include value added tax where it is due", "价格已含应缴增值税"),
    (
        {"tax": {"included": False}},
        "Value added tax is added where it is due, as a line of its own",
        "应缴增值税另计，单列一行",
    ),
    (
        {"limits": [{"id": "cap", "type": "maximum", "period": "month", "amount": "5000"}]},
        "never more than CNY 5,000.00 per month",
        "每月最多收取 CNY 5,000.00",
    ),
    (
        {
            "limits": [
                {
                    "id": "least",
                    "title": {"en": "Minimum", "zh": "保底"},
                    "type": "minimum",
                    "period": "month",
                    "amount": "350",
                    "components": ["use"],
                    "prorate": True,
                }
            ]
        },
        (
            "Minimum: at least CNY 350.00 per month for Reading; what is missing is charged when the month is over; "
            "a part of a month counts by its length"
        ),
        "保底：每月最低消费 CNY 350.00（读取），不足部分期末补足；不足一期按时长折算",
    ),
    (
        {
            "discounts": [
                {
                    "id": "a",
                    "type": "volume",
                    "bands": [{"from": "0", "percent": "1"}, {"from": "1000", "percent": "7.50"}],
                }
            ]
        },
        "1% off; 7.5% off what exceeds CNY 1,000.00 in a period",
        "优惠 1%；每期超过 CNY 1,000.00 的部分优惠 7.5%",
    ),
    (
        {"discounts": [{"id": "a", "type": "commitment", "period": "month", "at_least": "1000", "percent": "10"}]},
        "10% off if you commit to at least CNY 1,000.00 per month, which is then the least you pay",
        "承诺每月至少消费 CNY 1,000.00，优惠 10%；承诺额即为最低消费",
    ),
    (
        {"discounts": [{"id": "a", "type": "term", "months": 12, "percent": "10", "components": ["fee"]}]},
        "10% off if you sign for 12 months or longer, on fee",
        "签约 12 个月及以上，优惠 10%（适用于fee）",
    ),
    (
        {"discounts": [{"id": "a", "type": "buyer_class", "classes": ["academic", "public_body"], "percent": "50"}]},
        "50% off for academic institutions, public bodies",
        "高校与科研机构、政府与公共机构优惠 50%",
    ),
    (
        {
            "discounts": [
                {
                    "id": "a",
                    "title": {"en": "Spring", "zh": "春季"},
                    "type": "coupon",
                    "code_sha256": "a" * 64,
                    "percent": "15",
                    "valid_from": "2026-03-01T00:00:00+08:00",
                    "valid_until": "2026-06-01T00:00:00+08:00",
                    "periods": 3,
                }
            ]
        },
        "Spring: 15% off with a coupon code, in the first 3 periods, from 2026-03-01, until 2026-05-31",
        "春季：凭优惠码优惠 15%，限前 3 期，自 2026-03-01，至 2026-05-31",
    ),
    (
        {
            "price_lists": [
                {"currency": "USD", "models": {"fee": {"type": "flat", "amount": "42"}, "use": USE["model"]}},
                {"buyer_class": "small_company", "models": {"fee": {"type": "flat", "amount": "99"}}},
            ]
        },
        "there are other prices: in USD, for small companies",
        "另有价目：USD、小微企业",
    ),
]


@pytest.mark.parametrize(("more", "english", "chinese"), CONDITIONS)
def test_each_condition_has_its_sentence(more: dict[str, Any], english: str, chinese: str) -> None:
    assert conditions(**more) == [(english, chinese)]


def test_prepaid_credit_says_what_it_pays_for() -> None:
    document = {"type": "plan", "v": 1, "currency": "CNY", "components": [PREPAID, USE]}
    text, _ = words.components(plans.load(document))
    assert text.en == (
        "CNY 80.00 once for a credit of CNY 100.00, which pays for Reading during 90 days; what is left then is lost"
    )
    assert text.zh == "一次性 CNY 80.00 购买 CNY 100.00 预付额度，用于抵扣读取，有效期 90 天，逾期作废"


def test_several_discounts_say_their_order() -> None:
    two = [
        {"id": "a", "type": "term", "months": 12, "percent": "10"},
        {"id": "b", "type": "buyer_class", "classes": ["academic"], "percent": "50"},
    ]
    assert conditions(discounts=two)[-1][0].startswith("Discounts are taken off one after another")


def test_a_plan_bound_to_a_buyer_speaks_of_that_buyers_price() -> None:
    document = {
        "type": "plan",
        "v": 1,
        "currency": "CNY",
        "components": [FEE, USE],
        "discounts": [{"id": "a", "type": "commitment", "period": "month", "at_least": "1000", "percent": "10"}],
        "price_lists": [{"buyer_class": "academic", "models": {"fee": {"type": "flat", "amount": "100"}}}],
    }
    plan = understand(document, Basis(buyer_class="academic", commitment=Decimal(1500)))
    said = [text.en for text in words.describe(plan)]
    assert said[0] == "CNY 100.00 per month, in advance"
    assert any(one.startswith("your commitment: at least CNY 1,500.00 per month") for one in said)


def test_the_table_has_a_row_for_every_tier_and_no_unit_is_missing() -> None:
    document = {
        "type": "plan",
        "v": 1,
        "currency": "CNY",
        "components": [
            {
                "id": "a",
                "meter": "records",
                "period": "month",
                "model": {
                    "type": "included",
                    "quantity": 500,
                    "overage": {
                        "type": "graduated",
                        "tiers": [{"up_to": 100, "unit_price": "1"}, {"unit_price": "0.5"}],
                    },
                },
            },
            FEE,
        ],
    }
    plan = plans.load(document)
    table = [(row.component, row.first, row.last, row.amount) for row in price_rows.rows(plan)]
    assert table == [
        ("a", "1", "500", None),
        ("a", "501", "600", "1"),
        ("a", "601", None, "0.5"),
        ("fee", None, None, "300"),
    ]
    assert price_rows.typical(plan) == [{"records": 250}, {"records": 600}, {"records": 1800}]
