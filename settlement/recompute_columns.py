"""The columns of settlement statements, by version, and what people call the lines that nothing is worked out for.

It stands in front of the stand-alone script, so it imports nothing of ours.
"""

from __future__ import annotations

# What moves money as it was ordered: there is nothing to work out, only the sums.
AS_ORDERED = {
    "payout": ("a payout", "付款"),
    "payout_failed": ("a payout that came back", "退回的付款"),
    "payout_reversed": ("a payout that was taken back", "撤回的付款"),
    "netting": ("owed money that was taken off", "抵扣欠款"),
    "advance": ("an advance", "预付款"),
    "hold": ("reserved by a hold", "冻结"),
    "hold_end": ("a hold that ended", "冻结结束"),
    "recovery": ("money that came back and was owed no more", "追回后多余的款项"),
    "award": ("an award in a dispute", "争议裁决款"),
    "arbitration_fee": ("an arbitrator's fee", "仲裁费"),
    "self_bill_tax": ("tax on shares", "分成税额"),
    "fee_tax": ("tax on fees", "服务费税额"),
    "withholding": ("tax that was withheld", "代扣税款"),
    "withholding_back": ("withheld tax that came back", "退回的代扣税款"),
}
_OLD = {
    "release": "shares",
    "pool": "shares",
    "payout": "payouts",
    "payout_failed": "payouts",
    "payout_reversed": "payouts",
}
_NEW = _OLD | {
    "refund": "refunds",
    "self_bill_tax": "taxes",
    "fee_tax": "taxes",
    "hold": "holds",
    "hold_end": "holds",
    "withholding": "withheld",
    "withholding_back": "withheld",
}
# By version: the columns, the column of each kind of line (all other kinds are adjustments), and that of what went back of a
# share before it was released. Version 1 had no columns for refunds, taxes, holds and what was withheld.
COLUMNS = {
    1: (("sales", "fees", "shares", "payouts", "adjustments"), _OLD, "adjustments"),
    2: (
        ("sales", "fees", "shares", "refunds", "taxes", "holds", "withheld", "payouts", "adjustments"),
        _NEW,
        "refunds",
    ),
}
