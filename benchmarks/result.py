"""One measured line: what, how much, against which bare baseline of the same run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

RESULTS = Path(__file__).parent / "results.jsonl"


@dataclass(frozen=True)
class Result:
    """A ratio and what stands behind it; `floor` and `aim` are ratios too."""

    name: str
    value: float
    unit: str
    baseline: float
    ratio: float
    floor: float
    aim: float
    ok: bool
    includes: str

    def tell(self) -> str:
        """The line for a person."""
        verdict = "ok" if self.ok else "BELOW ITS FLOOR"
        return (
            f"{self.name:<10} {self.value:>10,.0f} {self.unit}  baseline {self.baseline:>10,.0f}  "
            f"ratio {self.ratio:6.1%}  (floor {self.floor:.0%}, aim {self.aim:.0%})  {verdict}\n"
            f"           {self.includes}"
        )

    def keep(self) -> None:
        """Append it to results.jsonl."""
        with RESULTS.open("ab") as file:
            file.write(msgspec.json.encode(asdict(self)) + b"\n")


def result(name: str, value: float, unit: str, baseline: float, *, floor: float, aim: float, includes: str) -> Result:
    """Make a line; it is ok from its floor on."""
    ratio = value / baseline
    return Result(
        name, round(value, 1), unit, round(baseline, 1), round(ratio, 4), floor, aim, ratio >= floor, includes
    )
