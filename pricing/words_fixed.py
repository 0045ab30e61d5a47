"""What decided one buyer's price, in plain words and both languages."""

from __future__ import annotations

from collections.abc import Iterator

from exchange.kernel.text import Text, pick
from pricing.basis import Basis
from pricing.components import Plan
from pricing.word_parts import BUYER_CLASSES, money


def fixed(basis: Basis, plan: Plan) -> Iterator[Text]:
    """Say what was chosen, negotiated or bid, one sentence each.

    shapes   plan: as it holds for this buyer, in the currency of the basis
    """
    if basis.currency is not None:
        yield Text(f"the currency is {basis.currency}", f"币种为 {basis.currency}")
    if basis.buyer_class is not None:
        name = BUYER_CLASSES.get(basis.buyer_class, Text(basis.buyer_class, basis.buyer_class))
        yield Text(f"the buyer is among the {name.en}", f"买方类别为{name.zh}")
    if basis.commitment is not None:
        amount = money(basis.commitment, plan.currency)
        yield Text(f"the buyer commits to spend at least {amount} per period", f"买方承诺每期至少消费 {amount}")
    if basis.term_months is not None:
        yield Text(f"the term chosen is {basis.term_months} months", f"所选合约期限为 {basis.term_months} 个月")
    if basis.coupon is not None:
        yield Text("a coupon was redeemed", "已使用优惠码")
    titles = {one.id: one.title for one in plan.components}
    for component, value in sorted(basis.amounts.items()):
        title, amount = titles.get(component, {}), money(value, plan.currency)
        english, chinese = (pick(title, [language]) or component for language in ("en", "zh"))
        yield Text(f"the amount for “{english}” is {amount}", f"“{chinese}”一项的金额为 {amount}")
    if basis.trial_used:
        yield Text("the trial was used before and does not run again", "此前已试用，不再提供试用")
