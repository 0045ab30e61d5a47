"""The rooms of the house: nothing new stands beside them without a word in pyproject.toml's import contracts."""

from __future__ import annotations

import tomllib

from tests.architecture.tree import PACKAGES, ROOT

EXCHANGE = {
    "__main__", "access", "apps", "catalog", "cli", "flows", "kernel", "main", "migrations", "parties", "process", "quality", "settings",
    "webhooks", "worker",
}  # fmt: skip
APPS = {"assessor", "buyer", "data", "hooks", "http", "oauth", "operator", "public", "regulator", "supplier", "web"}


def modules(folder: str) -> set[str]:
    return {
        path.stem
        for path in (ROOT / folder).iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    }


def test_the_rooms_are_these() -> None:
    assert modules("exchange") == EXCHANGE
    assert modules("exchange/apps") == APPS


def test_the_import_contracts_name_every_room() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(contract for contract in config["contracts"] if contract["id"] == "layers")["layers"]
    named = {name.strip() for layer in layers for name in layer.split("|")}
    assert named >= {f"exchange.{room}" for room in EXCHANGE}
    assert named >= set(PACKAGES) - {"exchange"}
    apart = next(contract for contract in config["contracts"] if contract["id"] == "apps-apart")["modules"]
    assert set(apart) == {f"exchange.apps.{app}" for app in APPS - {"http"}}


def test_every_package_says_what_it_owns_on_one_screen() -> None:
    for package in (
        "exchange/parties",
        "exchange/catalog",
        "exchange/quality",
        "exchange/access",
        "exchange/webhooks",
        *PACKAGES[1:],
    ):
        readme = ROOT / package / "README.md"
        text = readme.read_text(encoding="utf-8").lower()
        assert "owns" in text, package
        assert "does not own" in text, package
        assert len(text.splitlines()) <= 70, package
