"""Run: what it writes, stopping and resuming to the bit, and what can be wrong with a checkpoint and a folder.

All on `line`, a model of two weights.
"""

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import minigrad as mg
from minigrad.testing import fake_device
from models import common
from tests.models import line, runs
from tests.models.runs import assert_complaint, assert_same_run, checkpoint, kill, metrics, snapshot, stopping

STEPS = 12
RESULTS = ["checkpoint.npz", "metrics.json", "weights.gif"]


def train(out, *options):
    return runs.run("line", "--out", out, *options)


def resume(out, *options):
    return train(out, "--resume", *options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run that has ended; do not write to it."""
    out = tmp_path_factory.mktemp("finished")
    assert train(out) == 0
    return out


@pytest.fixture
def out(finished, tmp_path):
    """A copy of that folder."""
    return Path(shutil.copytree(finished, tmp_path / "out"))


# ------------------------------------------------------------------ what a run writes
def test_a_run_leaves_its_results_and_nothing_else(finished):
    assert sorted(os.listdir(finished)) == RESULTS


def test_results_go_to_runs_and_the_name_unless_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert runs.run("line") == 0
    assert sorted(os.listdir("runs/line")) == RESULTS


def test_metrics_are_the_figures_what_was_trained_and_with_what(finished):
    found = metrics(finished)
    assert found.keys() == {"test_loss", "steps_trained", "seconds", "versions", "config"}
    assert (found["steps_trained"], found["versions"]["numpy"]) == (STEPS, np.__version__)
    assert found["config"] == {"lr": 0.05, "steps": STEPS, "data": "points", "bias": False, "seed": 0, "points": 31}


def test_a_checkpoint_has_all_that_a_run_continues_from(finished):
    found = checkpoint(finished)
    assert (found["model"], found["config"]) == ("line", metrics(finished)["config"])
    assert found["parts"].keys() == {"model", "optimizer"}
    assert found["done"].keys() == {"step", "total", "seconds", "history", "frames"}
    assert (found["done"]["step"], found["done"]["total"]) == (STEPS, STEPS)
    assert found["done"]["history"]["test_loss"][0] == [4, 8, 12]
    assert found["random"]["bit_generator"] == "PCG64"


def test_frames_become_an_animation(finished):
    with Image.open(finished / "weights.gif") as animation:
        assert animation.n_frames == 3  # steps 0, 5, 10


def test_the_end_says_the_figures_and_where_all_is(tmp_path, capsys):
    train(tmp_path)
    last = capsys.readouterr().out.splitlines()[-2:]
    assert re.fullmatch(r"test loss +0\.\d+", last[0])
    assert last[1] == f"pictures, metrics.json and checkpoint.npz are in {tmp_path}/"


def test_the_seed_decides_every_bit(finished, tmp_path):
    train(tmp_path / "a", "--seed", 0)
    train(tmp_path / "b", "--seed", 1)
    assert_same_run(tmp_path / "a", finished)
    assert ("parts", "model", "weight") in runs.differences(checkpoint(tmp_path / "b"), checkpoint(finished))


# ------------------------------------------------------------------ stopping and resuming
@pytest.mark.parametrize("how", ["Ctrl-C", "kill"])
@pytest.mark.parametrize("every", [0, 20], ids=["checkpoints after each step", "a checkpoint at the start"])
@settings(max_examples=15)
@given(stops=st.lists(st.integers(1, STEPS - 1), max_size=4))
def test_a_run_ends_bit_equal_wherever_it_was_stopped(how, every, finished, stops):
    with tempfile.TemporaryDirectory() as out, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(common.Run, "SECONDS_BETWEEN_CHECKPOINTS", every)
        action, done = train, 0
        for stop in stops:
            with stopping(stop, how), contextlib.suppress(runs.Killed):
                assert action(out) == 0
            done = stop if how == "Ctrl-C" and stop > done else STEPS if stop <= done else done
            action, found = resume, checkpoint(out)["done"]["step"]
            assert found == done or how == "kill"
        assert action(out) == 0
        assert_same_run(out, finished)


def test_a_run_that_was_killed_before_its_first_checkpoint_after_the_start_begins_anew(finished, tmp_path):
    kill(1, "line", "--out", tmp_path)
    assert checkpoint(tmp_path)["done"]["step"] == 0
    assert resume(tmp_path) == 0
    assert_same_run(tmp_path, finished)


@pytest.mark.parametrize(("first", "rest"), [("cuda", "cpu"), ("cpu", "cuda")])
def test_a_run_stopped_on_one_device_continues_on_the_other(first, rest, finished, tmp_path):
    with fake_device.installed():
        with stopping(7):
            train(tmp_path, "--device", first)
        assert resume(tmp_path, "--device", rest) == 0
    assert_same_run(tmp_path, finished)


def test_with_more_steps_a_finished_run_goes_on(finished, tmp_path):
    train(tmp_path, "--steps", 5)
    resume(tmp_path, "--steps", STEPS)
    assert_same_run(tmp_path, finished)


def test_resuming_a_finished_run_changes_nothing(out, finished, capsys):
    assert resume(out) == 0
    assert "all 12 steps are done; with more --steps or --epochs it would train on" in capsys.readouterr().out
    assert_same_run(out, finished)


def test_the_seconds_of_all_parts_count(tmp_path, monkeypatch):
    now = iter(range(10**6))
    monkeypatch.setattr(common.time, "monotonic", lambda: next(now))
    with stopping(5):
        train(tmp_path)
    before = checkpoint(tmp_path)["done"]["seconds"]
    resume(tmp_path)
    assert checkpoint(tmp_path)["done"]["seconds"] > 2 * before > 0


def test_a_stop_leaves_pictures_and_figures_of_what_was_learned(tmp_path, capsys):
    with stopping(9):
        assert train(tmp_path) == 0
    assert sorted(os.listdir(tmp_path)) == RESULTS
    assert metrics(tmp_path)["steps_trained"] == 9
    assert "stopped; --resume continues exactly here" in capsys.readouterr().out


def test_a_stop_after_the_last_step_leaves_a_finished_run(finished, tmp_path, capsys):
    with stopping(STEPS):
        train(tmp_path)
    assert "stopped" not in capsys.readouterr().out
    assert_same_run(tmp_path, finished)


def test_a_second_interrupt_stops_at_once(tmp_path, capsys):
    with stopping(9, times=2):
        assert train(tmp_path) == 130
    complaint = capsys.readouterr().err.strip()
    assert complaint.startswith("models line: stopped; --resume") and "\n" not in complaint
    assert os.listdir(tmp_path) == ["checkpoint.npz"]


def test_ctrl_c_while_the_pictures_are_drawn_leaves_what_was_trained(finished, tmp_path, monkeypatch):
    with monkeypatch.context() as m:
        m.setattr(line, "report", interrupted)
        assert train(tmp_path) == 130
    assert os.listdir(tmp_path) == ["checkpoint.npz"]
    assert resume(tmp_path) == 0
    assert_same_run(tmp_path, finished)


def interrupted(*arguments):
    raise KeyboardInterrupt


# ------------------------------------------------------------------ the folder of another run
def test_a_new_run_keeps_the_checkpoint_of_a_stopped_one(tmp_path, capsys):
    with stopping(9):
        train(tmp_path)
    stopped = (tmp_path / "checkpoint.npz").read_bytes()
    assert train(tmp_path, "--seed", 1) == 0
    assert (tmp_path / "checkpoint.stopped.npz").read_bytes() == stopped
    words = "held a run stopped after 9 of 12 steps: its checkpoint is now checkpoint.stopped.npz"
    assert f"{tmp_path} {words}" in capsys.readouterr().out


def test_a_new_run_replaces_a_finished_one(out, finished):
    assert train(out, "--seed", 1) == 0
    assert sorted(os.listdir(out)) == RESULTS
    assert checkpoint(out)["config"]["seed"] == 1


def test_what_a_killed_run_left_half_written_goes(out):
    (out / ".checkpoint.npz.4711.part").write_bytes(b"PK")
    (out / ".mine.part").write_text("mine")
    assert resume(out) == 0
    assert sorted(os.listdir(out)) == [".mine.part", *RESULTS]


REFUSED = [
    (["--steps", "3"], "the run to resume has 12 steps behind it, more than 3; ask for more"),
    (["--lr", "0.1"], "the run to resume has --lr 0.05, not 0.1; leave --lr out or start anew with --out"),
    (["--seed", "1"], "the run to resume has --seed 0, not 1; leave --seed out"),
    (["--bias"], "the run to resume has --bias False, not True; leave --bias out"),
]


@pytest.mark.parametrize(("options", "words"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_a_run_is_not_resumed_as_another(options, words, out, capsys):
    before = snapshot(out)
    assert_complaint(resume(out, *options), capsys.readouterr().err, words)
    assert snapshot(out) == before


def test_an_option_given_again_as_it_was_is_no_other(out, finished):
    assert resume(out, "--lr", "0.05", "--seed", 0) == 0
    assert_same_run(out, finished)


def test_the_data_may_have_moved_and_must_be_as_much(out, monkeypatch, capsys):
    assert resume(out, "--data", "elsewhere") == 0
    assert metrics(out)["config"]["data"] == "elsewhere"
    monkeypatch.setattr(line, "X", line.X[1:])
    assert_complaint(
        resume(out), capsys.readouterr().err, "the run to resume has points 31, and here it is 30; see --data"
    )


# ------------------------------------------------------------------ what can be wrong with a checkpoint
def replaced(**parts):
    """A way to change a checkpoint file: its parts, some of them replaced."""

    def change(path):
        mg.save({**mg.load(path), **parts}, path)

    return change


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[1000] ^= 0x10
    path.write_bytes(content)


def of_another_shape(*keys):
    """A way to change a checkpoint file: what lies under `keys` becomes an array of 17 x 2 numbers."""

    def change(path):
        part = whole = mg.load(path)
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = np.zeros((17, 2))
        mg.save(whole, path)

    return change


DAMAGED = "is damaged or was not written by minigrad.save"
NO_FIT = "cannot resume: the checkpoint does not fit this model ("
BAD_CHECKPOINTS = {
    "missing": (Path.unlink, "checkpoint.npz; train first: python -m models line"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "cannot use the checkpoint: "),
    "empty": (lambda path: path.write_bytes(b""), DAMAGED),
    "text": (lambda path: path.write_text("weights\n" * 99), DAMAGED),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-100]), DAMAGED),
    "a byte flipped": (flip_a_byte, DAMAGED),
    "numpy.savez": (lambda path: np.savez(path, x=np.ones(3)), DAMAGED),
    "numpy.save": (lambda path: np.save(path.open("wb"), np.ones(3)), DAMAGED),
    "weights alone": (lambda path: mg.save(mg.load(path)["parts"]["model"], path), "is none of a model"),
    "an array": (lambda path: mg.save(np.ones(3), path), "is none of a model"),
    "of another model": (replaced(model="vae"), "is one of vae, not of line"),
    "other weights": (of_another_shape("parts", "model", "weight"), NO_FIT),
    "no parts": (replaced(parts={}), NO_FIT),
    "other optimizer": (of_another_shape("parts", "optimizer", "state", 0, "exp_avg"), NO_FIT),
    "no random state": (replaced(random={}), NO_FIT),
    "nothing of what was done": (replaced(done={}), NO_FIT),
}


@pytest.mark.parametrize(("damage", "words"), BAD_CHECKPOINTS.values(), ids=BAD_CHECKPOINTS)
def test_a_bad_checkpoint_is_one_line_and_the_folder_left_alone(damage, words, out, capsys):
    damage(out / "checkpoint.npz")
    before = snapshot(out)
    assert_complaint(resume(out), capsys.readouterr().err, words)
    assert snapshot(out) == before


FIT_IN_PARTS = {"other optimizer", "no random state", "nothing of what was done"}


@pytest.mark.parametrize("damage", BAD_CHECKPOINTS.keys() - FIT_IN_PARTS)
def test_nothing_is_drawn_from_a_bad_checkpoint(damage, out, capsys):
    change, words = BAD_CHECKPOINTS[damage]
    change(out / "checkpoint.npz")
    code = runs.run("sample", "line", "--checkpoint", out / "checkpoint.npz", "--out", out / "drawn.png")
    assert_complaint(code, capsys.readouterr().err, words.removeprefix("cannot resume: "))
    assert not (out / "drawn.png").exists()


# ------------------------------------------------------------------ what can be wrong with the folder
@pytest.mark.parametrize("below", ["", "/below"], ids=["a file", "below a file"])
@pytest.mark.parametrize("action", ["train", "sample"])
def test_an_unwritable_folder_is_one_line(action, below, finished, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    folder = f"{tmp_path}/file{below}"
    if action == "train":
        code = train(folder)
    else:
        code = runs.run("sample", "line", "--checkpoint", finished / "checkpoint.npz", "--out", f"{folder}/drawn.png")
    assert_complaint(code, capsys.readouterr().err, f"cannot write to --out {folder}: ")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(("failure", "code"), [(KeyboardInterrupt, 130), (OSError, 2)], ids=["Ctrl-C", "full disk"])
@pytest.mark.parametrize("at", [0, 6, STEPS])
def test_a_checkpoint_that_could_not_be_written_leaves_the_one_before(at, failure, code, tmp_path, monkeypatch, capsys):
    def half_written(file, **arrays):
        if len(saved) == at:
            file.write(b"PK")
            raise failure("no space left on device")
        saved.append(savez(file, **arrays))

    savez, saved = np.savez, []
    monkeypatch.setattr(common.Run, "SECONDS_BETWEEN_CHECKPOINTS", 0)
    monkeypatch.setattr(np, "savez", half_written)
    assert train(tmp_path) == code
    assert (failure is OSError) == ("no space left on device" in capsys.readouterr().err)
    assert os.listdir(tmp_path) == (["checkpoint.npz"] if at else [])
    assert not at or checkpoint(tmp_path)["done"]["step"] == at - 1


def test_a_folder_that_vanishes_is_one_line(tmp_path, monkeypatch, capsys):
    def vanish(run, model):
        if run.step == 5:
            shutil.rmtree(run.folder)

    monkeypatch.setattr(line, "changed", vanish)
    code = train(tmp_path / "out")
    assert_complaint(code, capsys.readouterr().err, f"No such file or directory: '{tmp_path}/out/")
