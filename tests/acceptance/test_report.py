"""``python -m tests.acceptance``: which rows it measures, what it keeps from before, and the table it writes."""

import json

import pytest

from tests.acceptance import __main__ as acceptance
from tests.acceptance import rows
from tests.acceptance.rows import Row, all_rows, misses

MEASURED: list = []  # (row, seed) in the order of measuring


def noted(name, measure):
    return lambda seed: MEASURED.append((name, seed)) or measure(seed)


def skip(seed):
    pytest.skip("needs mnist")


def row(name, measure, protocol="as in the paper", **bounds):
    return Row(name, protocol, bounds, noted(name, measure))


GOOD = row("good", lambda seed: {"error": (0.24, 0.1, 0.2)[seed % 3], "floor": 0.05}, error=(None, 0.25))
BAD = row("bad", lambda seed: {"accuracy": 0.5 + 0.1 * seed}, "1 epoch | Adam\n    1e-3", accuracy=(0.8, None))
ABSENT = row("absent", skip, ratio=(1.5, 2.5))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """run(arguments, rows): the exit code, with rows in place of the real ones."""
    MEASURED.clear()

    def run(arguments, *rows):
        monkeypatch.setattr(acceptance, "all_rows", lambda: list(rows))
        return acceptance.main(arguments, tmp_path)

    return run


def table(folder):
    """The cells of report.md's table, without its head."""
    lines = [line for line in (folder / "report.md").read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.replace("\\|", "/").strip("|").split("|")] for line in lines[2:]]


# ------------------------------------------------------------------ which rows are measured
@pytest.mark.parametrize(
    ("arguments", "measured"),
    [
        ([], [("good", 0), ("good", 1), ("good", 2), ("bad", 0), ("bad", 1), ("bad", 2)]),
        (["bad"], [("bad", 0), ("bad", 1), ("bad", 2)]),
        (["bad", "good", "--seeds", "7"], [("bad", 7), ("good", 7)]),
        (["--seeds", "4,3"], [("good", 4), ("good", 3), ("bad", 4), ("bad", 3)]),
    ],
    ids=["neither", "a row", "rows and a seed", "seeds"],
)
def test_all_rows_with_three_seeds_are_measured_unless_told(arguments, measured, run):
    run(arguments, GOOD, BAD)
    assert MEASURED == measured


@pytest.mark.parametrize("arguments", [["godo"], ["good", "--seeds", "one"]], ids=" ".join)
def test_what_is_unknown_is_refused_before_anything_is_measured(arguments, run, tmp_path, capsys):
    with pytest.raises(SystemExit) as exit:
        run(arguments, GOOD, BAD)
    assert exit.value.code == 2
    assert "'godo'; there is good, bad" in (err := capsys.readouterr().err) or "argument --seeds" in err
    assert (MEASURED, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize(("arguments", "code"), [(["good"], 0), (["bad"], 1), ([], 1), (["absent"], 0)])
def test_a_median_that_misses_its_bound_is_the_exit_code_and_is_printed(arguments, code, run, capsys):
    assert run(arguments, GOOD, BAD, ABSENT) == code
    last = capsys.readouterr().out.splitlines()[-2]
    assert (last == "bad: accuracy is 0.6, and should lie in [0.8, None]") == bool(code)


# ------------------------------------------------------------------ the report
def test_the_report_has_medians_spread_and_bounds(run, tmp_path):
    run([], GOOD, BAD, ABSENT)
    assert table(tmp_path) == [
        ["good", "as in the paper", "error", "≤ 0.25", "0.2", "0.1 to 0.24", "0, 1, 2", "0"],
        ["", "", "floor", "", "0.05", "0.05 to 0.05", "", ""],
        ["bad", "1 epoch / Adam 1e-3", "accuracy", "≥ 0.8", "0.6 **missed**", "0.5 to 0.7", "0, 1, 2", "0"],
        ["absent", "as in the paper", "ratio", "1.5 to 2.5", "skipped: needs mnist", "", "", ""],
    ]


def test_a_row_that_was_not_measured_yet_is_said_so(run, tmp_path):
    run(["good"], GOOD, BAD)
    assert table(tmp_path)[2] == ["bad", "1 epoch / Adam 1e-3", "accuracy", "≥ 0.8", "not measured yet", "", "", ""]


def test_the_report_names_no_folder_of_this_machine_and_is_the_same_again(run, tmp_path, monkeypatch):
    monkeypatch.setattr(acceptance.time, "monotonic", lambda: 0.0)
    run([], GOOD, BAD, ABSENT)
    first = [(tmp_path / name).read_text() for name in ("report.md", "report.json")]
    run([], GOOD, BAD, ABSENT)
    assert [(tmp_path / name).read_text() for name in ("report.md", "report.json")] == first
    assert str(tmp_path) not in "".join(first)


# ------------------------------------------------------------------ what was measured before
def test_rows_and_seeds_measured_one_by_one_give_the_report_of_one_run(run, tmp_path, monkeypatch):
    monkeypatch.setattr(acceptance.time, "monotonic", lambda: 0.0)
    run([], GOOD, BAD)
    at_once = [(tmp_path / name).read_text() for name in ("report.md", "report.json")]
    (tmp_path / "report.json").unlink()
    for arguments in (["bad"], ["good", "--seeds", "0"], ["good", "--seeds", "1,2"]):
        run(arguments, GOOD, BAD)
    assert [(tmp_path / name).read_text() for name in ("report.md", "report.json")] == at_once


def test_a_stop_keeps_what_was_measured_before_it(run, tmp_path):
    def stop(seed):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([], GOOD, row("stopped", stop, x=(0, 1)))
    assert [line[4] for line in table(tmp_path)] == ["0.2", "0.05", "not measured yet"]


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        (GOOD, ["0", "1", "2"]),
        (GOOD._replace(protocol="otherwise"), ["0"]),
        (GOOD._replace(bounds={"error": (None, 0.3)}), ["0"]),
    ],
    ids=["unchanged", "another protocol", "another bound"],
)
def test_a_row_whose_protocol_or_bound_has_changed_begins_anew(changed, kept, run, tmp_path):
    run([], GOOD)
    run(["--seeds", "0"], changed)
    assert list(json.loads((tmp_path / "report.json").read_text())["good"]["seeds"]) == kept


def test_a_row_that_is_gone_leaves_the_report(run, tmp_path):
    run([], GOOD, BAD)
    run(["good"], GOOD)
    assert json.loads((tmp_path / "report.json").read_text()).keys() == {"good"}


def test_a_skip_does_not_take_figures_away(run, tmp_path):
    run([], GOOD)
    run([], GOOD._replace(measure=skip))
    assert [line[4] for line in table(tmp_path)] == ["0.2", "0.05"]


# ------------------------------------------------------------------ bounds
@pytest.mark.parametrize(
    ("bound", "value", "kept"),
    [
        ((None, 1), 1.0, True), ((None, 1), 1.001, False), ((1, None), 1.0, True), ((1, None), 0.999, False),
        ((1, 2), 0.9, False), ((1, 2), 1.5, True), ((1, 2), 2.1, False), ((None, 1), float("nan"), False),
    ],
)  # fmt: skip
def test_a_bound_is_kept_up_to_its_ends_and_never_by_nan(bound, value, kept):
    assert (misses(row("r", None, figure=bound), {"figure": value}) == []) == kept


def test_every_row_has_a_name_of_its_own_a_protocol_and_a_bound():
    names = [row.name for row in all_rows()]
    assert len(set(names)) == len(names)
    assert all(row.protocol.strip() and row.bounds for row in all_rows())


def test_the_data_that_a_row_needs_is_named_when_it_is_absent(monkeypatch):
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs mnist: set MINIGRAD_DATA to a folder that has mnist/ in it"):
        rows.real_data("mnist")
