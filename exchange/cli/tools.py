"""What the composition root hands to the commands."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from exchange.cli.reading import Refused
from exchange.kernel.text import Text
from exchange.settings import Settings


@dataclass(frozen=True, slots=True)
class Tools:
    """The ways to open a process and to run its parts; typed loosely, since commands know no apps and no worker."""

    settings: Settings
    ground: Callable[[Settings], AbstractAsyncContextManager[Any]]
    opened: Callable[..., AbstractAsyncContextManager[Any]]
    root: Callable[..., Any]
    work_on: Callable[[Any], Coroutine[Any, Any, None]]
    steps: Callable[[Any], Any]
    schedule: Callable[[Any], Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    sequencing: Callable[[Any], AbstractAsyncContextManager[Any]] = nullcontext
    exists: Callable[[Settings], bool] = lambda _: True

    def refuse_absent(self) -> None:
        """Refuse to look into an exchange that is not there: to open it would make an empty one, of which everything holds.

        errors   Refused
        """
        if not self.exists(self.settings):
            where = self.settings.home
            raise Refused(
                Text(
                    f"there is no exchange in {where}: name the one that you mean by EXCHANGE_HOME "
                    "(the market of `make serve` lies in .exchange/market), or its database by DATABASE_URL",
                    f"{where} 中没有交易所：请以 EXCHANGE_HOME 指明（`make serve` 的市场在 .exchange/market 中），"
                    "或以 DATABASE_URL 指明其数据库",
                )
            )

    @property
    def language(self) -> str:
        """The language of whoever types: zh where the locale says so, else en."""
        given = self.environment
        words = given.get("LC_ALL") or given.get("LC_MESSAGES") or given.get("LANG") or ""
        return "zh" if words.lower().startswith("zh") else "en"
