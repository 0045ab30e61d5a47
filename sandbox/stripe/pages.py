"""The pages a person sees: pay, authorise, finish onboarding."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from sandbox.stripe import intents
from sandbox.stripe.cards import REDIRECTED
from sandbox.stripe.checkout import session_of
from sandbox.stripe.wire import Json, Refusal, missing
from sandbox.stripe.world import World

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Stripe sandbox</title><style>body{{font:16px system-ui;max-width:32rem;margin:4rem auto;padding:0 1rem}}
button{{display:block;margin:.6rem 0;padding:.7rem 1rem;width:100%}}.note{{color:#666}}.error{{color:#a00}}</style>
<h1>{title}</h1><p class="note">Sandbox: no real money moves. <span lang="zh-CN">沙盒环境：不会发生真实扣款。</span></p>{body}</html>"""
_CHOICES = {
    "pm_card_visa": "Visa 4242 · pays · 支付成功",
    "alipay": "Alipay · pays · 支付宝支付成功",
    "wechat_pay": "WeChat Pay · pays · 微信支付成功",
    "sepa_debit:clears": "SEPA debit · clears in a while · SEPA 直接借记，稍后到账",
    "sepa_debit:fails": "SEPA debit · fails in a while · SEPA 直接借记，稍后失败",
    "pm_card_chargeDeclined": "Visa 0002 · is declined · 银行卡被拒",
    "pm_card_chargeDeclinedInsufficientFunds": "Visa 9995 · has no funds · 余额不足",
}
_WHOLE = frozenset(("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"))


def _total(amount: int, currency: str) -> str:
    return f"{amount if currency in _WHOLE else f'{amount // 100}.{amount % 100:02d}'} {currency.upper()}"


def pay(world: World, session_id: str, error: str = "") -> str:
    """The page that asks how to pay."""
    session = session_of(world, session_id)
    total = _total(session["amount_total"], session["currency"])
    if session["status"] != "open":
        return _PAGE.format(title=total, body=f"<p>{escape(session['status'])}</p>")
    kinds = session["payment_method_types"]
    shown = {name: text for name, text in _CHOICES.items() if _kind(name) in kinds}
    buttons = "".join(f'<button name="payment_method" value="{n}">{escape(t)}</button>' for n, t in shown.items())
    names = "".join(f"<li>{escape(line['description'])}</li>" for line in world.note(session_id)["lines"])
    note = f'<p class="error">{escape(error)}</p>' if error else ""
    back = f'<p><a href="{escape(session["cancel_url"])}">Cancel · 取消</a></p>' if session["cancel_url"] else ""
    return _PAGE.format(title=total, body=f'<ul>{names}</ul>{note}<form method="post">{buttons}</form>{back}')


def _kind(choice: str) -> str:
    kind = choice.partition(":")[0]
    return kind if kind in REDIRECTED or kind == "sepa_debit" else "card"


def authorize(world: World, intent_id: str) -> str:
    """The bank's or the wallet's page."""
    intent = _waiting(world, intent_id)
    title = _total(intent["amount"], intent["currency"]) if "amount" in intent else "Keep this card · 保存此卡"
    body = (
        '<form method="post"><button name="outcome" value="succeed">Authorise · 授权</button>'
        '<button name="outcome" value="fail">Refuse · 拒绝</button></form>'
    )
    return _PAGE.format(title=title, body=body)


def authorized(world: World, intent_id: str, agreed: bool) -> str:
    """The payer agrees or refuses; answers where they go next."""
    intent = _waiting(world, intent_id)
    intents.authorized(world, intent, agreed)
    query = urlencode({intent["object"]: intent_id, "redirect_status": "succeeded" if agreed else "failed"})
    back = world.note(intent_id).get("return_url")
    return f"{back}{'&' if '?' in back else '?'}{query}" if back else "/"


def _waiting(world: World, intent_id: str) -> Json:
    intent = world.objects.get(intent_id)
    if intent is None or intent["object"] not in ("payment_intent", "setup_intent"):
        raise missing("payment_intent", intent_id)
    if intent["status"] != "requires_action":
        raise Refusal(400, f"This {intent['object']} has a status of {intent['status']}.")
    return intent
