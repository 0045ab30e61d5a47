"""What the composition root hands to the commands."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

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

    @property
    def language(self) -> str:
        """The language of whoever types: zh where the locale says so, else en."""
        given = self.environment
        words = given.get("LC_ALL") or given.get("LC_MESSAGES") or given.get("LANG") or ""
        return "zh" if words.lower().startswith("zh") else "en"
