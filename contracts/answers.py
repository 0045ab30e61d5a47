"""What the evaluation says: one sentence for each way a rule can decide."""

from __future__ import annotations

from contracts.rights import BREAKS, DUTIES, OUTPUTS, PURPOSES
from exchange.kernel.text import Text

OUTPUT_FACTS = frozenset(BREAKS.values())
_WORDS = ", ".join(PURPOSES)
NO_PURPOSE = Text(f"the purpose must be one of {_WORDS}", f"用途须为 {_WORDS} 之一")
ALLOWED = {p: Text(f"the terms let you {t.en}", f"条款允许{t.zh}") for p, t in PURPOSES.items()}
FORBIDDEN = {p: Text(f"the terms forbid you to {t.en}", f"条款禁止{t.zh}") for p, t in PURPOSES.items()}
UNSAID = {p: Text(f"the terms do not say that you may {t.en}", f"条款未说明可以{t.zh}") for p, t in PURPOSES.items()}
COMMERCIAL_ALLOWED = Text("commercial use is allowed", "允许商业使用")
COMMERCIAL_FORBIDDEN = Text("commercial use is forbidden", "禁止商业使用")
COMMERCIAL_UNSETTLED = Text("the terms do not settle commercial use", "条款未明确商业使用")
COMMERCIAL_NOT_KNOWN = Text(
    "whether the use is commercial is not known, and the terms do not allow every use",
    "该用途是否为商业使用未知，而条款并非允许所有用途",
)
WHERE = Text("the place of use is not known, and the terms are limited to some", "使用地点未知，而条款限定了地区")
HERE = Text("the place of use is within the territory", "使用地点在许可地区内")
ELSEWHERE = Text("the place of use is outside the territory", "使用地点不在许可地区内")
SEAT_NOT_KNOWN = Text(
    "the organisation's country is not known, and the terms are limited to some",
    "机构所在国家或地区未知，而条款限定了地区",
)
SEAT_INSIDE = Text("the organisation's country is within the territory", "机构所在国家或地区在许可地区内")
SEAT_OUTSIDE = Text("the organisation's country is outside the territory", "机构所在国家或地区不在许可地区内")
USERS_FEW = Text("there are no more users than the terms allow", "使用人数未超过条款上限")
USERS_MANY = Text("there are more users than the terms allow", "使用人数超过条款上限")
USERS_NOT_KNOWN = Text("how many people use it is not known, and the terms set a limit", "使用人数未知，而条款设有上限")
SITES_FEW = Text("there are no more sites than the terms allow", "使用场所数量未超过条款上限")
SITES_MANY = Text("there are more sites than the terms allow", "使用场所数量超过条款上限")
SITES_NOT_KNOWN = Text(
    "at how many sites it is used is not known, and the terms set a limit", "使用场所数量未知，而条款设有上限"
)
NOBODY_ELSE = Text("nobody else holds rights that stand against exclusive use", "没有他人持有与独占使用相冲突的权利")
OTHERS_HAVE_IT = Text("others hold rights, so it cannot be had exclusively", "他人已持有权利，无法独占")
OTHERS_NOT_KNOWN = Text(
    "whether others hold rights is not known, and the terms promise exclusive use",
    "他人是否持有权利未知，而条款承诺独占使用",
)
WHEN = Text(
    "the terms run from an agreement's beginning, and there is none yet", "条款期限自合约开始计算，目前尚无合约"
)
EARLY = Text("the agreement has not begun", "合约尚未开始")
LATE = Text("the agreement's time is over", "合约期限已满")
NOW = Text("the agreement is running", "合约在有效期内")
OUTPUT_NOT_KNOWN = {
    limit: Text(
        f"what comes of the use is not known, and the terms forbid you to {text.en}",
        f"使用成果未知，而条款禁止{text.zh}",
    )
    for limit, text in OUTPUTS.items()
}
OUTPUT_BREAKS = {
    limit: Text(f"the terms forbid you to {text.en}", f"条款禁止{text.zh}") for limit, text in OUTPUTS.items()
}
OUTPUT_FINE = {limit: Text(f"the use does not {text.en}", f"该用途不涉及{text.zh}") for limit, text in OUTPUTS.items()}
_STATES = {
    "kept": Text("the duty to {en} is kept", "“{zh}”的义务已履行"),
    "waived": Text("the duty to {en} was waived", "“{zh}”的义务已被免除"),
    "pending": Text("the duty to {en} holds, and nothing is overdue", "负有“{zh}”的义务，目前没有逾期事项"),
    "unknown": Text("whether the duty to {en} is kept is not known", "“{zh}”的义务是否履行未知"),
    "broken": Text("the duty to {en} was broken", "“{zh}”的义务被违反"),
    "healed": Text(
        "the duty to {en} was broken, and what was due for that is done", "“{zh}”的义务曾被违反，后果已承担"
    ),
    "unhealed": Text(
        "the duty to {en} was broken, and what is due for that is not done", "“{zh}”的义务被违反，且后果尚未承担"
    ),
    "unsettled": Text(
        "the duty to {en} was broken, and whether what is due for that is done is not known",
        "“{zh}”的义务被违反，后果是否已承担未知",
    ),
}
DUTY = {
    name: {state: Text(text.en.format(en=duty.en), text.zh.format(zh=duty.zh)) for state, text in _STATES.items()}
    for name, duty in DUTIES.items()
}
