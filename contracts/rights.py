"""What one licence grants, forbids and asks for, in a closed vocabulary."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
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
    "no_reidentification": Text("not try to find out who a person in the data is", "不得尝试识别数据中的个人"),
}


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
class Rights:
    """One licence, compiled: what is in neither set of purposes is unknown, and unknown is not allowed.

    shapes   commercial None: doubtful; territory None: everywhere; duration None: without end; users None: any number
    """

    name: str
    purposes: frozenset[str]
    prohibits: frozenset[str] = frozenset()
    commercial: bool | None = True
    territory: frozenset[str] | None = None
    duration: Duration | None = None
    users: int | None = None
    duties: frozenset[str] = frozenset()
