"""The habits of the house as functions: a source in, the lines that break the habit out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.tree import Source, calls, dotted, functions, imports, nodes

_TIME = {
    "datetime.now",
    "datetime.datetime.now",
    "datetime.utcnow",
    "datetime.datetime.utcnow",
    "datetime.today",
    "datetime.datetime.today",
    "date.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.gmtime",
    "time.localtime",
}
# Who may ask the machine for the time. `exchange.main` only to check what Stripe signed with the real time.
_TIMED = ("exchange.kernel.clock", "exchange.kernel.embedded", "exchange.main", "exchange.cli", "benchmarks", "sandbox")
_CHANCE = re.compile(
    r"(uuid\.uuid[1-8]|uuid[1-8]|random\..+|secrets\..+|os\.urandom|numpy\.random\..+|np\.random\..+)\Z"
)
_PRINTERS = ("exchange.cli", "sandbox", "benchmarks", "tools", "compliance.verify")
_NETWORK = (
    "httpx",
    "httpcore",
    "smtplib",
    "obstore",
    "socket",
    "aiohttp",
    "requests",
    "urllib.request",
    "stripe",
    "asyncio.open_connection",
)
_MONEY = ("settlement", "pricing", "exchange.kernel.money")
_LEFT_OPEN = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
_SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|ORDER BY|WHERE|RETURNING)\b")
_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*\Z")
# Names of files, folders and classes that say nothing.
_EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "service", "base", "common", "misc"}
_EMPTY_CLASS = re.compile(r"(Manager|Helpers?|Service|Utils?|(?<=[a-z])Base|^Base)\Z|^Base[A-Z]")


def asks_the_machine_for_time(source: Source) -> Iterator[str]:
    """Time is handed in."""
    if not source.within(*_TIMED):
        yield from (f"{source.name}:{line} {name}()" for line, name in calls(source) if name in _TIME)


def asks_chance(source: Source) -> Iterator[str]:
    """Ids are handed in; flows and domain decide nothing by chance."""
    if source.within("exchange.flows") or source.is_domain():
        yield from (f"{source.name}:{line} {name}()" for line, name in calls(source) if _CHANCE.match(name))


def prints(source: Source) -> Iterator[str]:
    """Only commands speak to a terminal."""
    if not source.within(*_PRINTERS):
        yield from (f"{source.name}:{line} print()" for line, name in calls(source) if name == "print")


def ends_its_transaction(source: Source) -> Iterator[str]:
    """A flow never commits: db.run does, after it."""
    if source.within("exchange.flows") or source.is_domain():
        for line, name in calls(source):
            if name.rpartition(".")[2] in {"commit", "rollback", "begin_nested"}:
                yield f"{source.name}:{line} {name}()"


def reaches_the_network(source: Source) -> Iterator[str]:
    """Calling out is a job."""
    if source.within("exchange.flows") or source.is_domain():
        for line, name in imports(source):
            if any(name == module or name.startswith(f"{module}.") for module in _NETWORK):
                yield f"{source.name}:{line} import {name}"


def floats_near_money(source: Source) -> Iterator[str]:
    """Money is an integer; its rules know no float."""
    if not source.within(*_MONEY) or source.within("settlement.gateway", "settlement.settings"):
        return
    for node in nodes(source):
        if isinstance(node, ast.Name) and node.id == "float":
            yield f"{source.name}:{node.lineno} float"
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"{source.name}:{node.lineno} {node.value}"


def swallows_everything(source: Source) -> Iterator[str]:
    """A broad except raises again, or says in its line why it may not."""
    for node in nodes(source):
        if not isinstance(node, ast.ExceptHandler):
            continue
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        broad = any(kind is None or dotted(kind) in {"Exception", "BaseException"} for kind in kinds)
        again = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
        reason = source.lines[node.lineno - 1].partition("noqa: BLE001")[2].strip(" #-")
        if broad and not again and not reason:
            yield f"{source.name}:{node.lineno} except without a reason"


def reads_the_environment(source: Source) -> Iterator[str]:
    """Settings are handed in: one place reads the environment."""
    # The demo hands its environment on to the processes it starts.
    if not source.within("exchange.main", "exchange.kernel.embedded", "exchange.cli", "sandbox", "benchmarks", "tools"):
        for node in nodes(source):
            if dotted(node) in {"os.environ", "os.getenv"}:
                yield f"{source.name}:{getattr(node, 'lineno', 0)} {dotted(node)}"


def leaves_open(source: Source) -> Iterator[str]:
    """Nothing is left for later inside the code."""
    for number, line in enumerate(source.lines, 1):
        if found := _LEFT_OPEN.search(line):
            yield f"{source.name}:{number} {found[0]}"


def composes_sql_of_values(source: Source) -> Iterator[str]:
    """SQL is put together of constants; values are parameters."""
    if source.within("exchange.migrations", "benchmarks", "tools"):
        return
    # What stands outside functions is put together once, when the module loads, before any value is there.
    for node in (inner for function in functions(source.tree) for inner in ast.walk(function)):
        if isinstance(node, ast.JoinedStr):
            words = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
            if len(_SQL.findall(words)) < 2:
                continue  # a sentence for people
            for part in node.values:
                if isinstance(part, ast.FormattedValue) and not _CONSTANT.match(dotted(part.value).rpartition(".")[2]):
                    yield f"{source.name}:{node.lineno} {ast.unparse(part.value)} in SQL"


def says_nothing(source: Source) -> Iterator[str]:
    """Names name something."""
    for part in source.module.split("."):
        if part in _EMPTY_NAMES:
            yield f"{source.name}: {part}"
    for node in nodes(source):
        if isinstance(node, ast.ClassDef) and _EMPTY_CLASS.search(node.name):
            yield f"{source.name}:{node.lineno} class {node.name}"


RULES = (
    asks_the_machine_for_time,
    asks_chance,
    prints,
    ends_its_transaction,
    reaches_the_network,
    floats_near_money,
    swallows_everything,
    reads_the_environment,
    leaves_open,
    composes_sql_of_values,
    says_nothing,
)
