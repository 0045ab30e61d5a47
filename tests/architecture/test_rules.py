"""The habits hold in the whole tree, and each rule finds what it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.architecture import rules
from tests.architecture.tree import ALL, Source, parse, sources

FLOW, DOMAIN, STORE = "exchange/flows/buy.py", "pricing/rating.py", "settlement/store/orders.py"


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps(rule: Callable[[Source], Iterator[str]]) -> None:
    assert not [line for source in sources(*ALL) for line in rule(source)], rule.__doc__


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        (rules.asks_the_machine_for_time, FLOW, "from datetime import UTC, datetime\nat = datetime.now(UTC)"),
        (rules.asks_the_machine_for_time, STORE, "import time\nat = time.time()"),
        (rules.asks_chance, FLOW, "from uuid import uuid4\nname = uuid4()"),
        (rules.asks_chance, DOMAIN, "import random\nrandom.shuffle([])"),
        (rules.prints, "exchange/apps/buyer/orders.py", "print(1)"),
        (rules.ends_its_transaction, FLOW, "async def f(tx):\n    await tx.conn.commit()"),
        (rules.reaches_the_network, FLOW, "import httpx"),
        (rules.reaches_the_network, DOMAIN, "from obstore.store import LocalStore"),
        (rules.floats_near_money, DOMAIN, "half = float('0.5')"),
        (rules.floats_near_money, STORE, "half = 0.5"),
        (rules.swallows_everything, STORE, "try:\n    f()\nexcept Exception:  # noqa: BLE001\n    pass"),
        (rules.swallows_everything, STORE, "try:\n    f()\nexcept:\n    pass"),
        (rules.reads_the_environment, STORE, "import os\nhome = os.environ['HOME']"),
        (rules.leaves_open, STORE, "# TO" + "DO later"),
        (rules.composes_sql_of_values, STORE, 'def f(w):\n    return f"SELECT 1 FROM t WHERE id = {w}"'),
        (rules.says_nothing, "settlement/utils.py", ""),
        (rules.says_nothing, DOMAIN, "class PlanManager: ..."),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_rule_finds_its_fault(rule: Callable[[Source], Iterator[str]], name: str, text: str) -> None:
    assert list(rule(parse(name, text)))


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        (rules.asks_the_machine_for_time, "exchange/kernel/clock.py", "from datetime import datetime\ndatetime.now()"),
        (rules.swallows_everything, STORE, "try:\n    f()\nexcept Exception:\n    raise"),
        (rules.swallows_everything, STORE, "try:\n    f()\nexcept Exception:  # noqa: BLE001  # it is kept\n    pass"),
        (rules.composes_sql_of_values, STORE, 'def f():\n    return f"SELECT {_COLUMNS} FROM t WHERE id = $1"'),
        (rules.says_nothing, "exchange/kernel/db.py", "class Database: ...\nclass Services: ..."),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_rule_lets_pass(rule: Callable[[Source], Iterator[str]], name: str, text: str) -> None:
    assert not list(rule(parse(name, text)))
