"""Settings: each package names its own in a frozen struct; here they are read from an environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

import msgspec

from exchange.kernel.text import Text

S = TypeVar("S")
_SIMPLE = (str, int, float, bool, str | None, int | None)


class BadSetting(ValueError):
    """A setting that is missing or cannot be read; the text names the variable."""

    def __init__(self, why: Text) -> None:
        """Say `why`."""
        super().__init__(why.en)
        self.why = why


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable that a settings form reads."""

    name: str
    field: str


def read(form: type[S], prefix: str, environment: Mapping[str, str]) -> S:
    """Make `form` from variables named `PREFIX_FIELD`; a variable that is absent or empty keeps the default.

    errors   BadSetting
    """
    found = {v.field: environment[v.name] for v in variables(form, prefix) if environment.get(v.name)}
    try:
        return msgspec.convert(found, form, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        name = f"{prefix}_".upper().lstrip("_")
        raise BadSetting(
            Text(
                f"a setting {name}... cannot be read: {error}; docs/settings.md lists them",
                f"设置项 {name}… 无法读取：{error}；全部设置项见 docs/settings.md",
            )
        ) from error


def variables(form: type[Any], prefix: str) -> list[Variable]:
    """The variables that `read` looks for, for the documentation and its test."""
    hints = get_type_hints(form)
    return [Variable(f"{prefix}_{name}".upper().lstrip("_"), name) for name, kind in hints.items() if kind in _SIMPLE]
