"""Refusals of the hooks."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

BAD_SIGNATURE = problem_type(
    "webhook-signature-invalid",
    Kind.INVALID,
    title=Text("Signature not valid", "签名无效"),
    detail=Text(
        "The signature, its age or the body is not the provider's.", "签名、签名时间或请求体并非来自支付服务商。"
    ),
    remedy=Text(
        "Check that STRIPE_WEBHOOK_SECRET is the secret of this very endpoint, and that the clock is right.",
        "请检查 STRIPE_WEBHOOK_SECRET 是否为该端点的密钥，并核对系统时间。",
    ),
)
NO_PROVIDER = problem_type(
    "payment-provider-missing",
    Kind.UNAVAILABLE,
    title=Text("No payment provider", "未配置支付服务商"),
    detail=Text("This exchange has no connection to Stripe.", "本交易所未配置 Stripe。"),
    remedy=Text(
        "The operator sets STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET.",
        "请由运营方配置 STRIPE_API_KEY 与 STRIPE_WEBHOOK_SECRET。",
    ),
)
