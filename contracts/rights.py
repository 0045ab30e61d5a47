"""What one licence grants, forbids and asks for, in a closed vocabulary."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from exchange.kernel.text import Text

PURPOSES: dict[str, Text] = {
    "pretrain": Text("pretrain models", "预训练模型"),
    "fine_tune": Text("fine-tune models", "微调模型"),
    "align": Text("align models (preference and safety training)", "对齐训练（偏好与安全训练）"),
    "evaluate": Text("evaluate models", "评测模型"),
    "retrieve": Text("search it for retrieval-augmented answers", "用于检索增强生成"),
    "infer": Text("give it to a model as input", "作为模型推理输入"),
    "research": Text("use it for scientific research", "用于科学研究"),
    "redistribute": Text("pass it on to others", "向第三方再分发"),
    "synthesise": Text("make synthetic data from it", "生成合成数据"),
}
DUTIES: dict[str, Text] = {
    "attribution": Text("name the source and its licence", "注明来源及其许可"),
    "share_alike": Text("share adaptations of the data under the same terms", "以相同条款共享对数据的改编"),
    "delete_at_end": Text("delete every copy when the agreement ends", "合约终止时删除全部副本"),
    "report_use": Text("report how it was used", "报告使用情况"),
    "keep_notices": Text("keep copyright and licence notices", "保留版权与许可声明"),
    "keep_use_list": Text(
        "keep to the licence's list of forbidden uses, and bind whoever gets a copy to it",
        "遵守许可证的禁用清单，并使获得副本者同样受其约束",
    ),
    "no_reidentification": Text("not try to find out who a person in the data is", "不得尝试识别数据中的个人"),
    "allow_audit": Text("let the supplier check how it is used", "接受供应方对使用情况的审计"),
    "certify_deletion": Text("confirm in writing that every copy is deleted", "书面确认已删除全部副本"),
    "notify": Text("tell the supplier", "告知供应方"),
    "stop_use": Text("stop using the data", "停止使用数据"),
    "delete": Text("delete every copy", "删除全部副本"),
    "compensate": Text("make good the supplier's damage", "赔偿供应方的损失"),
}
# What may not come of the use, and the fact about a use that breaks it.
OUTPUTS: dict[str, Text] = {
    "no_competing_models": Text("make models that compete with the supplier's products", "开发与供应方产品竞争的模型"),
    "no_verbatim_output": Text("let a model repeat passages of the data word for word", "让模型逐字输出数据中的段落"),
    "label_synthetic": Text("publish generated content that is not marked as such", "发布未标识的生成内容"),
    "no_biometrics": Text("identify people by voice, face or body", "通过声音、面部或身体特征识别个人"),
    "no_military": Text("use it for weapons or military ends", "用于武器或军事目的"),
    "no_reidentification": Text("try to find out who a person in the data is", "尝试识别数据中的个人"),
}
BREAKS: dict[str, str] = {
    "no_competing_models": "competing_models",
    "no_verbatim_output": "verbatim_output",
    "label_synthetic": "unlabelled_synthetic",
    "no_biometrics": "biometrics",
    "no_military": "military",
    "no_reidentification": "reidentification",
}
WHENS: dict[str, Text] = {
    "at_end": Text("when the agreement ends", "合约终止时"),
    "on_publication": Text("when results are published", "发布成果时"),
    "yearly": Text("every year", "每年"),
    "on_request": Text("when the supplier asks", "供应方提出要求时"),
}
PERIODS: dict[str, Text] = {
    "month": Text("every month", "每月"),
    "quarter": Text("every quarter", "每季度"),
    "year": Text("every year", "每年"),
}
PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}
EXCLUSIVITIES = ("none", "sole", "exclusive")


@dataclass(frozen=True, slots=True)
class Duration:
    """How long: days or calendar months from the beginning."""

    days: int = 0
    months: int = 0

    def end(self, starts_at: datetime, zone: ZoneInfo) -> datetime:
        """The first moment after it, in UTC; a month that lacks the day ends on its last day."""
        wall = starts_at.astimezone(zone).replace(tzinfo=None)
        year, month = divmod(wall.year * 12 + wall.month - 1 + self.months, 12)
        day = min(wall.day, monthrange(year, month + 1)[1])
        moved = wall.replace(year=year, month=month + 1, day=day) + timedelta(days=self.days)
        return moved.replace(tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Duty:
    """Something one must do, and what one must do if one did not.

    shapes   when: one of WHENS, None: all the time; every: one of PERIODS, for a report that repeats; otherwise: what is
             due when this duty was broken
    units    within_days: days after the moment that `when` names; in a consequence, after the breach
    """

    duty: str
    when: str | None = None
    within_days: int | None = None
    otherwise: tuple[Duty, ...] = ()
    every: str | None = None

    def paths(self, above: str = "") -> Iterator[tuple[str, Duty]]:
        """The duty and all consequences below it, each with its path such as report_use/notify."""
        path = f"{above}{self.duty}"
        yield path, self
        for one in self.otherwise:
            yield from one.paths(f"{path}/")

    def text(self) -> Text:
        """The duty as the end of a sentence that begins with "you must"."""
        what = DUTIES[self.duty]
        if self.duty == "delete_at_end":
            en, zh = what.en, what.zh
        else:
            when = PERIODS[self.every] if self.every else WHENS[self.when] if self.when else None
            en, zh = (f"{what.en} {when.en}", f"{when.zh}{what.zh}") if when else (what.en, what.zh)
        if self.within_days is not None:
            days = "1 day" if self.within_days == 1 else f"{self.within_days} days"
            en, zh = f"{en}, within {days}", f"{zh}，须在 {self.within_days} 天内完成"
        if self.otherwise:
            parts = [one.text() for one in self.otherwise]
            en = f"{en} (otherwise: {'; '.join(part.en for part in parts)})"
            zh = f"{zh}（否则：{'；'.join(part.zh for part in parts)}）"
        return Text(en, zh)


def plain_duty(name: str) -> Duty:
    """A duty of which nothing but its name is said; what is due at the end says so in its name."""
    return Duty(name, "at_end" if name == "delete_at_end" else None)


@dataclass(frozen=True, slots=True)
class Exclusivity:
    """Who else may have it: `none` anybody, `sole` only the supplier itself, `exclusive` nobody.

    units    months: calendar months from the beginning; None: as long as the terms run
    """

    kind: str
    months: int | None = None

    def ends_at(self, starts_at: datetime, ends_at: datetime | None, zone: ZoneInfo) -> datetime | None:
        """When it ends for an agreement of that time: the first moment after it, None for one without end."""
        if self.months is None:
            return ends_at
        end = Duration(months=self.months).end(starts_at, zone)
        return end if ends_at is None else min(end, ends_at)


@dataclass(frozen=True, slots=True)
class Rights:
    """One licence, compiled: what is in neither set of purposes is unknown, and unknown is not allowed.

    shapes   commercial None: doubtful; territory None: everywhere; duration None: without end; users and sites None: any
             number; duties: their names; details: what is said of some of them beyond the name; outputs: names of OUTPUTS;
             exclusivity None: not said; conditions: every duty in full, in the vocabulary's order, but what one must not do
             (no_reidentification), which is among the limits, names of OUTPUTS
    """

    name: str
    purposes: frozenset[str]
    prohibits: frozenset[str] = frozenset()
    commercial: bool | None = True
    territory: frozenset[str] | None = None
    duration: Duration | None = None
    users: int | None = None
    duties: frozenset[str] = frozenset()
    sites: int | None = None
    outputs: frozenset[str] = frozenset()
    exclusivity: Exclusivity | None = None
    details: tuple[Duty, ...] = ()

    conditions: tuple[Duty, ...] = field(init=False, repr=False, compare=False)
    limits: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out what every decision asks for."""
        said = {one.duty: one for one in self.details}
        names = self.duties - {"no_reidentification"}
        every = tuple(said.get(name) or plain_duty(name) for name in DUTIES if name in names) if names else ()
        object.__setattr__(self, "conditions", every)
        object.__setattr__(self, "limits", self.outputs | (self.duties & {"no_reidentification"}))

    @property
    def report_every(self) -> str | None:
        """How often use is reported: month, quarter or year; None: not said."""
        return next((one.every for one in self.details if one.every), None)

    @property
    def delete_within_days(self) -> int | None:
        """How many days after the end every copy must be gone; None: at once, or not at all."""
        return next((one.within_days for one in self.details if one.duty == "delete_at_end"), None)
