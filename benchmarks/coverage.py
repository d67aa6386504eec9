"""Coverage of every error bar, as a table in Markdown.

`python benchmarks/coverage.py --runs 400 --only lifetime`; all cases take 15 processor minutes.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from coverage_cases import Case, curves, means, speciation, structure, thermo, transport

from elyte.testing.coverage import coverage

CASES = [
    c for part in (means, structure, speciation, transport, curves, thermo) for c in part.CASES
]
COLUMNS = (
    "quantity", "runs", "68 %", "95 %", "withheld", "error / value", "bias / error",
    "spread / error",
)  # fmt: skip


def row(case: Case, runs: int) -> str:
    """Return the row of one case; ! marks one outside 68 ± 5 % or 95 ± 3 %."""
    c = coverage(case.draw, case.truth, runs)
    narrow, wide = 100 * c.inside_68, 100 * c.inside_95
    mark = "" if 63 <= narrow <= 73 and 92 <= wide <= 98 else " !"
    relative = f"{100 * c.relative_error:.1f} %" if case.truth else "–"
    return (
        f"| {case.name}{mark} | {runs} | {narrow:.0f} | {wide:.1f} | {100 * c.withheld:.0f} % "
        f"| {relative} | {c.bias:+.2f} | {c.spread:.2f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400, help="synthetic runs of each case")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    options = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    start = time.monotonic()
    for case in CASES:
        if options.only in case.name:
            print(row(case, options.runs), flush=True)
    print(f"\n{options.runs} runs each, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
