"""``python -m tests.acceptance [ROW ...] [--seeds 0,1,2]``: measure rows of the acceptance table and write the report.

report.json keeps every figure by row and seed, report.md shows medians and spread. What was measured before stays until
it is measured again, so that rows can be run one by one; a row whose protocol or bounds have changed begins anew.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import pytest

from minigrad.backend import keep_freed_memory
from minigrad.checkpoint import replacing
from tests.acceptance.rows import Row, all_rows, misses

FOLDER = Path(__file__).parent


def main(arguments=None, folder: Path = FOLDER) -> int:
    """Returns 1 if a median misses its bound, otherwise 0."""
    rows = {row.name: row for row in all_rows()}
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description=__doc__.partition("\n\n")[2])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"all unless given: {', '.join(rows)}")
    parser.add_argument("--seeds", default=[0, 1, 2], type=seeds, help="(default: 0,1,2)")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.rows if name not in rows]:
        parser.error(f"there is no row {unknown[0]!r}; there is {', '.join(rows)}")
    found = read(folder / "report.json", rows)
    for name in given.rows or rows:
        for seed in given.seeds:
            measure(rows[name], seed, found[name])
            write(rows, found, folder)
    measured = [row for row in rows.values() if found[row.name]["seeds"]]
    missed = [miss for row in measured for miss in misses(row, medians(found[row.name]))]
    print(*missed, f"the report is in {folder / 'report.md'}", sep="\n")
    return 1 if missed else 0


def seeds(text: str) -> list[int]:
    return [int(seed) for seed in text.split(",")]


# ------------------------------------------------------------------ what was measured
def read(path: Path, rows: dict) -> dict:
    """name -> what is known of the row: protocol, bounds, seeds (seed -> figures and seconds), why it was skipped."""
    past = json.loads(path.read_text()) if path.exists() else {}
    found = {}
    for name, row in rows.items():
        same = {"protocol": row.protocol, "bounds": {figure: list(bound) for figure, bound in row.bounds.items()}}
        begun = past.get(name, {})
        found[name] = begun if same.items() <= begun.items() else {**same, "seeds": {}, "skipped": None}
    return found


def measure(row: Row, seed: int, found: dict) -> None:
    """Note in `found` the figures of the row with this seed and the seconds they took, or why it was skipped."""
    print(f"{row.name}, seed {seed} ...", flush=True)
    start = time.monotonic()
    try:
        figures = {name: float(value) for name, value in row.measure(seed).items()}
    except pytest.skip.Exception as reason:
        found["skipped"] = str(reason)
        print(f"{row.name} skipped: {reason}")
        return
    seconds = round(time.monotonic() - start, 1)
    found["skipped"], found["seeds"][str(seed)] = None, {"figures": figures, "seconds": seconds}
    values = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    print(f"{row.name}, seed {seed}: {values} ({seconds:.0f} s)", *misses(row, figures), sep="\n  ", flush=True)


def medians(found: dict) -> dict:
    """figure -> its median over the seeds."""
    measured = [seed["figures"] for seed in found["seeds"].values()]
    return {figure: statistics.median(figures[figure] for figures in measured) for figure in measured[0]}


# ------------------------------------------------------------------ the report
def write(rows: dict, found: dict, folder: Path) -> None:
    with replacing(folder / "report.json") as temporary:
        temporary.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    with replacing(folder / "report.md") as temporary:
        temporary.write_text(report(rows, found))


HEAD = """# Acceptance

Written by `python -m tests.acceptance`: each figure's median over the seeds, from the lowest to the highest, and the
bound that the median must keep. A figure without a bound is there to compare.

| row | protocol | figure | bound | median | lowest to highest | seeds | seconds a seed |
|---|---|---|---|---|---|---|---|
"""


def report(rows: dict, found: dict) -> str:
    """The table, in Markdown."""
    return HEAD + "".join(f"| {' | '.join(cells)} |\n" for name in rows for cells in lines(rows[name], found[name]))


def lines(row: Row, found: dict) -> list[list[str]]:
    """The cells of a row of the acceptance table: one line for each figure, what they share in the first."""
    protocol, measured = " ".join(row.protocol.split()).replace("|", "\\|"), found["seeds"]
    if not measured:
        why = f"skipped: {found['skipped']}" if found["skipped"] else "not measured yet"
        return [[row.name, protocol, figure, bound(row, figure), why, "", "", ""] for figure in row.bounds]
    seconds = statistics.median(seed["seconds"] for seed in measured.values())
    first, last = [row.name, protocol], [", ".join(measured), f"{seconds:.0f}"]
    table = []
    for figure, median in medians(found).items():
        values = [seed["figures"][figure] for seed in measured.values()]
        missed = misses(row._replace(bounds={figure: row.bounds.get(figure, (None, None))}), {figure: median})
        median = f"{median:.4g}{' **missed**' if missed else ''}"
        table.append([*first, figure, bound(row, figure), median, f"{min(values):.4g} to {max(values):.4g}", *last])
        first, last = ["", ""], ["", ""]
    return table


def bound(row: Row, figure: str) -> str:
    """A figure's bound as people write it: ≥ .965, ≤ .2, 2.5 to 6."""
    low, high = row.bounds.get(figure, (None, None))
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"≥ {low:g}" if low is not None else f"≤ {high:g}" if high is not None else ""


if __name__ == "__main__":
    keep_freed_memory()
    sys.exit(main())
