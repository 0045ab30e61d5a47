"""What self-billing refuses."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

SELF_BILLING_WORDS = problem_type(
    "self-billing-words",
    Kind.CONFLICT,
    title=Text("Other words are offered now", "协议文本已更新"),
    detail=Text(
        "The words that can be accepted have the SHA-256 {sha256}.", "当前可接受的协议文本的 SHA-256 为 {sha256}。"
    ),
    remedy=Text("Read the words again and accept their digest.", "请重新读取协议文本，并以其摘要作出接受。"),
)
NO_OPERATOR = problem_type(
    "no-operator",
    Kind.CONFLICT,
    title=Text("Nobody runs the exchange yet", "交易所尚无运营方"),
    detail=Text("No operator is verified, so nobody can write papers.", "尚无已核验的运营方，无法开具票据。"),
    remedy=Text("Have the operator verified first.", "请先完成运营方的核验。"),
)
