"""Training that diverges: the run stops, says in which step and op, and keeps the last good checkpoint."""

import os

import numpy as np
import pytest

import minigrad as mg
from models import common
from tests.models import line, runs
from tests.models.runs import assert_complaint, assert_same_run, checkpoint, stopping


def train(out, *options):
    return runs.run("line", "--out", out, *options)


def nan_in_an_op(run, x):
    return mg.log(-mg.exp(x)) if run.step == 5 else x


def inf_in_the_weights(run, model):
    if run.step == 6:
        model.weight.data[0, 1] = np.inf


@pytest.fixture(params=[0, 20], ids=["checkpoints after each step", "a checkpoint at the start"])
def every(request, monkeypatch):
    monkeypatch.setattr(common.Run, "SECONDS_BETWEEN_CHECKPOINTS", request.param)
    return request.param


@pytest.mark.parametrize("resumed", [False, True], ids=["in one go", "after a stop"])
def test_the_first_nan_stops_the_run_and_is_named_by_step_and_op(resumed, every, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(line, "seen", nan_in_an_op)
    if resumed:
        with stopping(3):
            train(tmp_path)
    capsys.readouterr()
    code = train(tmp_path, *["--resume"] * resumed)
    found = capsys.readouterr()
    assert_complaint(code, found.err, "Log: the output (8, 2) has 16 NaN of 16 values")
    assert "the last good checkpoint is kept: take a smaller --lr" in found.err
    last = 5 if every == 0 else 3 if resumed else 0
    assert f"\ntraining diverged by step 6; repeating it from step {last + 1} to find the op\nin step 6:\n" in found.out
    assert checkpoint(tmp_path)["done"]["step"] == last


def test_numbers_of_a_part_that_are_not_finite_though_every_op_was_are_named(every, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(line, "changed", inf_in_the_weights)
    code = train(tmp_path)
    words = "step 7: the numbers of model are not finite, though the result of every op was; the last good"
    assert_complaint(code, capsys.readouterr().err, words)
    assert checkpoint(tmp_path)["done"]["step"] == (6 if every == 0 else 0)


def test_a_logged_figure_that_is_not_finite_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(line, "changed", lambda run, model: run.log(figure=float("nan") if run.step == 7 else 1.0))
    words = "step 8: what was logged is not finite, though the result of every op was"
    assert_complaint(train(tmp_path), capsys.readouterr().err, words)


def test_weights_that_start_as_nan_are_a_complaint_before_the_first_step(tmp_path, monkeypatch, capsys):
    def broken(config):
        model = build(config)
        model.weight.data[...] = np.nan
        return model

    build = line.build
    monkeypatch.setattr(line, "build", broken)
    words = "the numbers of model are not finite before the first step"
    assert_complaint(train(tmp_path), capsys.readouterr().err, words)
    assert os.listdir(tmp_path) == []


def test_a_run_that_diverged_continues_once_the_trouble_is_gone(tmp_path, monkeypatch):
    with monkeypatch.context() as m:
        m.setattr(line, "seen", nan_in_an_op)
        assert train(tmp_path / "out") == 2
    assert train(tmp_path / "out", "--resume") == 0
    train(tmp_path / "expected")
    assert_same_run(tmp_path / "out", tmp_path / "expected")


def test_ctrl_c_ends_the_search_for_the_op(tmp_path, monkeypatch, capsys):
    def interrupted_when_repeated(run, model):
        if run.step == 2 and run._diverged:
            raise KeyboardInterrupt

    monkeypatch.setattr(line, "seen", nan_in_an_op)
    monkeypatch.setattr(line, "changed", interrupted_when_repeated)
    assert train(tmp_path) == 130


@pytest.mark.parametrize("rate", ["1e30", "1e300"])
def test_a_learning_rate_far_too_large_is_one_line(rate, tmp_path, capsys):
    assert_complaint(train(tmp_path, "--lr", rate), capsys.readouterr().err, "take a smaller --lr")
