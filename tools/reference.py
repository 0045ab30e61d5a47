"""Writes the pages that code already knows: settings, problems, routes and OpenAPI documents, deploy/env.example.

`python -m tools.reference` writes them; tests/architecture compares them with what it would write.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from exchange.kernel.errors import Kind, ProblemType
from exchange.kernel.settings import variables
from exchange.settings import FORMS
from tools import report_columns, routes

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("exchange", "contracts", "pricing", "settlement", "compliance")
_KINDS = {
    Kind.INVALID: ("The request is malformed", "请求格式错误"),
    Kind.UNAUTHENTICATED: ("Who are you?", "未通过身份验证"),
    Kind.PAYMENT_REQUIRED: ("Money is missing", "需要付款"),
    Kind.FORBIDDEN: ("You may not", "无权操作"),
    Kind.NOT_FOUND: ("There is no such thing for you", "未找到或无权查看"),
    Kind.NOT_ALLOWED: ("Another method", "不支持该方法"),
    Kind.CONFLICT: ("It does not fit the present state", "与当前状态冲突"),
    Kind.GONE: ("It is over", "已失效"),
    Kind.PRECONDITION: ("A precondition does not hold", "前提条件不成立"),
    Kind.TOO_LARGE: ("Too large", "内容过大"),
    Kind.UNSUPPORTED: ("Another format", "格式不受支持"),
    Kind.RANGE: ("No such range", "范围无效"),
    Kind.UNPROCESSABLE: ("Understood, and not possible", "内容无法处理"),
    Kind.TOO_MANY: ("Too much", "超出限制"),
    Kind.DEFECT: ("Our mistake", "系统内部错误"),
    Kind.UNAVAILABLE: ("Not at the moment", "暂时不可用"),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable with its words."""

    name: str
    form: str
    default: str
    en: str
    zh: str


def settings() -> list[Setting]:
    """Every variable of every form, with its default and its meaning in both languages.

    errors   KeyError for a variable that tools/settings.toml does not name
    """
    words = tomllib.loads((ROOT / "tools" / "settings.toml").read_text(encoding="utf-8"))
    made = []
    for prefix, form in FORMS.items():
        spoken, defaults = _field_words(form), _defaults(form)
        for variable in variables(form, prefix):
            word = words.pop(variable.name)
            en = word.get("en") or spoken[variable.field]
            made.append(Setting(variable.name, form.__name__, _shown(defaults[variable.field]), en, word["zh"]))
    if words:
        raise KeyError(f"tools/settings.toml names variables that nobody reads: {sorted(words)}")
    return made


def _field_words(form: type[Any]) -> dict[str, str]:
    body = ast.parse(inspect.getsource(form)).body[0]
    assert isinstance(body, ast.ClassDef)
    spoken = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
            spoken[field.target.id] = " ".join(str(ast.literal_eval(after.value)).split())
    return spoken


def _defaults(form: type[Any]) -> Mapping[str, Any]:
    if dataclasses.is_dataclass(form):
        return {field.name: field.default for field in dataclasses.fields(form)}
    return {field.name: field.default for field in msgspec.structs.fields(form)}


def _shown(default: object) -> str:
    if default is None or default is msgspec.NODEFAULT or default == "":
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def every_problem() -> Mapping[str, ProblemType]:
    """Every type of problem that a module of the tree defines, by slug."""
    found: dict[str, ProblemType] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "problem_type(" in path.read_text(encoding="utf-8"):
                name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
                values = vars(importlib.import_module(name)).values()
                found |= {value.slug: value for value in values if isinstance(value, ProblemType)}
    return found


def settings_page() -> str:
    """docs/settings.md."""
    return "\n".join(_settings_lines()) + "\n"


def _settings_lines() -> Iterator[str]:
    yield "# Settings · 设置项"
    yield ""
    yield "A process reads its settings once, at the start, from environment variables; an empty variable keeps its default."
    yield "`deploy/env.example` lists the same variables. This page is written by `python -m tools.reference`."
    yield ""
    yield "进程仅在启动时从环境变量读取设置；变量为空时使用默认值。`deploy/env.example` 列有相同的变量。"
    yield "本页由 `python -m tools.reference` 生成。"
    form = ""
    for setting in settings():
        if setting.form != form:
            form = setting.form
            yield ""
            yield f"## {form}"
            yield ""
            yield "| variable · 变量 | default · 默认 | meaning · 含义 |"
            yield "|---|---|---|"
        default = f"`{setting.default}`" if setting.default else "–"
        yield f"| `{setting.name}` | {default} | {setting.en}<br>{setting.zh} |"
    yield ""
    yield "Units stand in the names: `_s` seconds, `_ms` milliseconds, `_bytes` bytes, `_max` an upper limit."
    yield ""
    yield "单位写在变量名中：`_s` 秒，`_ms` 毫秒，`_bytes` 字节，`_max` 上限。"


def env_example() -> str:
    """deploy/env.example."""
    lines = [
        "# Every setting of the exchange, with its default. Written by `python -m tools.reference`.",
        "# 交易所的全部设置项及默认值。",
        "# Copy it to .env, take the # away where you want another value, and keep that file out of version control.",
    ]
    form = ""
    for setting in settings():
        if setting.form != form:
            form = setting.form
            lines += ["", f"# --- {form}"]
        lines += [f"# {line}" for line in (setting.en, setting.zh)]
        lines.append(f"#{setting.name}={setting.default}")
    return "\n".join(lines) + "\n"


def problems_page() -> str:
    """docs/problems.md."""
    return "\n".join(_problem_lines()) + "\n"


def _problem_lines() -> Iterator[str]:
    yield "# Problems · 问题类型"
    yield ""
    yield "Whoever is refused gets `application/problem+json` (RFC 9457). Its `type` is `/problems/SLUG` on the exchange that"
    yield "answered; a slug never changes its meaning. `title`, `detail` and `remedy` come in the language of `Accept-Language`;"
    yield "the words in braces below stand in the answer as fields of their own. Branch on the slug, show the rest."
    yield "This page is written by `python -m tools.reference`."
    yield ""
    yield "请求被拒绝时返回 `application/problem+json`（RFC 9457）。`type` 为答复方交易所上的 `/problems/SLUG`，其含义不变。"
    yield "`title`、`detail`、`remedy` 按 `Accept-Language` 给出；下文花括号中的内容也会作为单独字段返回。程序应依据 slug 判断，其余展示给人看。"
    by_kind = defaultdict(list)
    for slug, problem in sorted(every_problem().items()):
        by_kind[problem.kind].append((slug, problem))
    for kind in sorted(by_kind):
        en, zh = _KINDS[kind]
        yield ""
        yield f"## {int(kind)} {en} · {zh}"
        for slug, problem in by_kind[kind]:
            yield ""
            yield f"### {slug}"
            yield ""
            for language, words in (("en", (": ", " ")), ("zh", ("：", ""))):
                title, detail, remedy = (text.in_(language) for text in (problem.title, problem.detail, problem.remedy))
                yield f"**{title}**{words[0]}{detail}{words[1]}*{remedy}*"
                yield ""


PAGES: dict[str, Callable[[], str]] = {
    "docs/settings.md": settings_page,
    "docs/problems.md": problems_page,
    "deploy/env.example": env_example,
    "docs/routes.md": routes.routes_page,
    "docs/report-columns.md": report_columns.page,
    **{f"docs/openapi/{name}.json": partial(routes.openapi, name) for name in routes.APPS},
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(), encoding="utf-8")
        print(f"wrote {name}")


if __name__ == "__main__":
    main()
