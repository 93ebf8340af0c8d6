"""What the models share, piece by piece: the command line, options, data, batches, Ctrl-C and the progress line."""

import argparse
import contextlib
import io
import math
import re
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.testing import fake_device
from models import common, progress
from models.__main__ import MODELS, main
from tests.models import line, runs


# ------------------------------------------------------------------ python -m models
@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]], ids=["no name", "-h", "--help"])
def test_the_models_are_listed_each_with_its_first_line(arguments, capsys):
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert re.findall(r"^  (\w+) +\S.*[.:]", out, re.MULTILINE) == list(MODELS)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(["autoencode"], "autoencode"), (["os"], "os"), (["sample"], ""), (["sample", "../models"], "../models")],
    ids=["misspelt", "a module", "sample alone", "sample of a folder"],
)
def test_an_unknown_name_is_one_line_that_says_what_there_is(arguments, name, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"models: there is no model {name!r}; there is {', '.join(MODELS)}\n"


def test_a_complaint_of_a_real_process_is_one_line_too():
    command = [sys.executable, "-m", "models", "autoencoder", "--seed", "-1"]
    done = subprocess.run(command, cwd=runs.ROOT, capture_output=True, text=True, timeout=120)
    words = "argument --seed: needs a whole number of at least 0, not -1"
    runs.assert_complaint(done.returncode, done.stderr, words, "autoencoder")


BAD_OPTIONS = [
    (["--steps"], "argument --steps: expected one argument"),
    (["--steps", "0"], "argument --steps: needs a whole number of at least 1, not 0"),
    (["--steps", "1.5"], "argument --steps: needs a whole number of at least 1, not '1.5'"),
    (["--lr", "0"], "argument --lr: needs a number above 0, not 0"),
    (["--nope"], "unrecognized arguments: --nope"),
    (["nope"], "unrecognized arguments: nope"),
    (["--ste", "2"], "unrecognized arguments: --ste 2"),
    (["--device", "gpu"], "argument --device: needs cpu, cuda or cuda:1, not 'gpu'"),
    (["--device", "float32"], "argument --device: needs cpu, cuda or cuda:1, not 'float32'"),
    (["--device", "cuda:1"], "argument --device: a GPU needs CuPy, which cannot be imported here"),
    (["--resume"], "checkpoint.npz; train first: python -m models line"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD_OPTIONS, ids=[" ".join(row[0]) for row in BAD_OPTIONS])
def test_a_bad_option_is_one_line_and_makes_no_folder(arguments, words, tmp_path, capsys):
    code = runs.run("line", "--out", tmp_path / "new", *arguments)
    runs.assert_complaint(code, capsys.readouterr().err, words)
    assert not (tmp_path / "new").exists()


# ------------------------------------------------------------------ the types of options
@pytest.mark.parametrize(
    ("convert", "text", "expected"),
    [
        (common.number(int, 1, 784), "1", 1),
        (common.number(int, 1, 784), "784", 784),
        (common.number(int, 0), "1" + 30 * "0", 10**30),
        (common.number(float, 0), "0", 0.0),
        (common.number(float, above=0), "1e-3", 0.001),
        (common.numbers, "512,256", [512, 256]),
        (common.numbers, "5", [5]),
        (common.device, "cpu", "cpu"),
    ],
)
def test_a_text_is_converted(convert, text, expected):
    value = convert(text)
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("convert", "text", "message"),
    [
        (common.number(int, 1, 784), "0", "needs a whole number from 1 to 784, not 0"),
        (common.number(int, 1, 784), "785", "needs a whole number from 1 to 784, not 785"),
        (common.number(int, 1), "0", "needs a whole number of at least 1, not 0"),
        (common.number(int, 1), "2.0", "needs a whole number of at least 1, not '2.0'"),
        (common.number(int), "", "needs a whole number, not ''"),
        (common.number(float), "one", "needs a number, not 'one'"),
        (common.number(float), "-inf", "needs a number, not -inf"),
        (common.number(float, 0), "-0.1", "needs a number of at least 0, not -0.1"),
        (common.number(float, 0), "nan", "needs a number of at least 0, not nan"),
        (common.number(float, above=0), "0", "needs a number above 0, not 0"),
        (common.number(float, above=0), "inf", "needs a number above 0, not inf"),
        (common.numbers, "", "needs a whole number from 1 to 65536, not ''"),
        (common.numbers, "5,,6", "needs a whole number from 1 to 65536, not ''"),
        (common.numbers, "5,-6", "needs a whole number from 1 to 65536, not -6"),
        (common.numbers, "1000000000000", "needs a whole number from 1 to 65536, not 1000000000000"),
    ],
)
def test_another_text_is_refused(convert, text, message):
    with pytest.raises(argparse.ArgumentTypeError) as error:
        convert(text)
    assert str(error.value) == message


@pytest.mark.parametrize(("name", "there"), [("cuda", "cuda"), ("cuda:0", "cuda"), ("cuda:1", "cuda:1")])
def test_a_gpu_that_is_there_is_taken(name, there):
    with fake_device.installed(devices=2):
        assert common.device(name) == there


# ------------------------------------------------------------------ data
def cut_short(folder):
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:1000])


def without_nines(folder):
    path = folder / "t10k-labels-idx1-ubyte"
    labels = np.frombuffer(path.read_bytes()[8:], np.uint8)
    runs.write_idx(path, np.where(labels == 9, 8, labels))


def of_other_size(folder):
    runs.write_idx(folder / "t10k-images-idx3-ubyte", np.zeros((50, 14, 56), np.uint8))


NO_MNIST = "is not MNIST: it takes images of 28 x 28 pixels, at least two of each digit"
BAD_DIGITS = [
    (cut_short, "train-images-idx3-ubyte is damaged: its header announces 235,200 bytes and 984 follow"),
    (without_nines, NO_MNIST),
    (of_other_size, NO_MNIST),
    (shutil.rmtree, "there is no train-images-idx3-ubyte (or train-images-idx3-ubyte.gz) in"),
]


@pytest.mark.parametrize(("damage", "words"), BAD_DIGITS, ids=[row[0].__name__ for row in BAD_DIGITS])
def test_bad_digits_are_a_complaint(damage, words, small_mnist, tmp_path):
    folder = Path(shutil.copytree(small_mnist, tmp_path / "bad"))
    damage(folder)
    with pytest.raises(common.UserError, match=re.escape(words)):
        common.load_digits(str(folder))


def test_digits_of_a_folder_are_rows_of_784_numbers_from_0_to_1(small_mnist, small_digits):
    for (x, y), (images, labels) in zip(common.load_digits(str(small_mnist)), small_digits, strict=True):
        np.testing.assert_array_equal(x, images.reshape(-1, 784) / np.float32(255))
        np.testing.assert_array_equal(y, labels)
        assert x.dtype == np.float32


def test_without_a_folder_the_digits_are_the_embedded_ones():
    assert [x.shape for x, _ in common.load_digits(None)] == [(10_000, 784), (2_000, 784)]


# ------------------------------------------------------------------ batches, moments, outputs
@given(n=st.integers(1, 60), size=st.integers(1, 70), seed=st.integers(0, 2**40), epoch=st.integers(0, 1000))
def test_each_epoch_takes_every_row_once_in_batches_of_the_size(n, size, seed, epoch):
    per_epoch = math.ceil(n / size)
    batches = [common.batch(n, size, seed, step) for step in range(epoch * per_epoch, (epoch + 1) * per_epoch)]
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert [len(b) for b in batches[:-1]] == [size] * (per_epoch - 1)


def test_the_order_is_another_in_each_epoch_and_with_each_seed_and_does_not_hang_on_what_was_asked_before():
    orders = [tuple(common.batch(20, 20, seed, step)) for seed in (0, 1) for step in (0, 1)]
    common._order.cache_clear()
    again = [tuple(common.batch(20, 20, seed, step)) for seed, step in ((1, 1), (1, 0), (0, 1), (0, 0))]
    assert len(set(orders)) == 4 and again == orders[::-1]


@given(steps=st.integers(1, 5000), count=st.integers(2, 60))
def test_moments_are_steps_with_the_first_and_the_last_ever_further_apart(steps, count):
    moments = sorted(common.moments(steps, count))
    gaps = np.diff(moments)
    assert (moments[0], moments[-1]) == (0, steps - 1) and len(moments) <= count
    assert all(b >= a - 1 for a, b in zip(gaps, gaps[1:]))  # but for rounding


@pytest.mark.parametrize("where", ["cpu", "cuda"])
def test_outputs_come_in_batches_without_a_graph_as_arrays_of_the_host(where):
    sizes, x = [], np.arange(14.0).reshape(7, 2)

    def doubled(part):
        sizes.append(len(part))
        assert part.dtype == np.float32 and part.device == where
        return part * model.weight.sum() * 2

    with fake_device.installed():
        model = nn.Linear(1, 1).to(where)
        model.weight.requires_grad_().data.fill(1)
        found = common.outputs(model, doubled, x, size=3)
    np.testing.assert_array_equal(found, 2 * x)
    assert sizes == [3, 3, 1]


# ------------------------------------------------------------------ drawing from a checkpoint
@pytest.mark.parametrize("shape", [(4, 3, 3), (4, 1, 3, 3), (4, 3, 3, 3), (4, 2)], ids=["grey", "1", "3", "points"])
def test_samples_are_drawn_into_a_folder_that_is_made(shape, tmp_path, capsys):
    common.draw_samples(np.linspace(0, 1, math.prod(shape)).reshape(shape), tmp_path / "new" / "drawn.png")
    assert matplotlib.image.imread(tmp_path / "new" / "drawn.png")[..., :3].std() > 0.02
    assert capsys.readouterr().out == f"4 samples are in {tmp_path}/new/drawn.png\n"


def test_restored_is_the_network_in_evaluation_mode_with_the_weights():
    net = common.restored({"parts": {"net": {"weight": np.full((1, 2), 3.0)}}}, "net", nn.Linear(2, 1, bias=False))
    assert not net.training and net.weight.tolist() == [[3.0, 3.0]]


@pytest.mark.parametrize(
    "parts", [{}, {"net": {}}, {"net": {"weight": np.ones((2, 2))}}], ids=["no part", "no weight", "another shape"]
)
def test_restoring_what_does_not_fit_is_a_complaint_of_one_line(parts):
    with pytest.raises(common.UserError, match=r"^the checkpoint does not fit this model \(.*\)$"):
        common.restored({"parts": parts}, "net", nn.Linear(2, 1, bias=False))


# ------------------------------------------------------------------ Ctrl-C
@pytest.fixture
def handler():
    """A handler of our own for SIGINT, which counts the signals that reach it."""
    calls = []
    before = signal.signal(signal.SIGINT, lambda *arguments: calls.append(arguments))
    yield types.SimpleNamespace(calls=calls, function=signal.getsignal(signal.SIGINT))
    signal.signal(signal.SIGINT, before)


def test_the_first_interrupt_is_only_noted(handler):
    with common.StopOnInterrupt() as stop:
        assert stop.requested is False
        signal.raise_signal(signal.SIGINT)
        assert (stop.requested, handler.calls) == (True, [])


def test_the_second_interrupt_reaches_the_handler_before(handler):
    with common.StopOnInterrupt():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert len(handler.calls) == 1


@pytest.mark.parametrize("interrupts", [0, 1, 2])
def test_afterwards_the_handler_before_is_back(interrupts, handler):
    with common.StopOnInterrupt():
        for _ in range(interrupts):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is handler.function


@pytest.mark.parametrize("trouble", ["in the loop", "in the model", "none"])
def test_after_a_run_the_handler_and_numpys_warnings_are_back(trouble, handler, tmp_path, monkeypatch):
    before = np.geterr()
    broken = {"in the loop": (common.Progress, "show"), "in the model": (line, "seen"), "none": (line, "PER_EPOCH")}
    monkeypatch.setattr(*broken[trouble], 4 if trouble == "none" else lambda *arguments: 1 / 0)
    with contextlib.suppress(ZeroDivisionError):
        runs.run("line", "--out", tmp_path)
    assert signal.getsignal(signal.SIGINT) is handler.function
    assert np.geterr() == before


# ------------------------------------------------------------------ the progress line
@pytest.fixture
def clock(monkeypatch):
    """The time that Progress reads, in `clock.now`."""
    clock = types.SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.mark.parametrize(
    ("done", "left"), [(0, 30), (3, 75)], ids=["5 steps took 10 s, 15 are left", "2 steps took 10 s, 15 are left"]
)
def test_time_left_is_what_the_steps_of_this_run_took(done, left, clock, capsys):
    bar = common.Progress(20, done, per_epoch=5)
    clock.now += 10
    bar.show(5, "loss 1")
    assert capsys.readouterr().out == f"step 5/20  epoch 1/4  loss 1  {left} s left\n"


@pytest.mark.parametrize(
    ("steps", "per_epoch", "shown"),
    [(6, 2, [2, 4, 6]), (40, None, list(range(2, 41, 2))), (41, None, [*range(3, 41, 3), 41]), (3, None, [1, 2, 3])],
    ids=["each epoch", "20 times", "and at the end", "few steps"],
)
def test_a_file_gets_a_line_each_epoch_or_20_times_a_run(steps, per_epoch, shown, clock, capsys):
    bar = common.Progress(steps, 0, per_epoch)
    for done in range(1, steps + 1):
        clock.now += 1
        bar.show(done, "")
    assert [int(done) for done in re.findall(r"^step (\d+)/", capsys.readouterr().out, re.MULTILINE)] == shown


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_in_a_terminal_the_line_is_redrawn_until_the_last_step(clock):
    bar = common.Progress(40, 0, None)
    with contextlib.redirect_stdout(Terminal()) as terminal:
        for done in (1, 40):
            clock.now += 10
            bar.show(done, "loss 1")
    assert terminal.getvalue() == "\rstep 1/40  loss 1  390 s left\033[K\rstep 40/40  loss 1  0 s left\033[K\n"


def test_in_a_terminal_the_line_is_redrawn_at_most_ten_times_a_second(clock):
    bar = common.Progress(10_000, 0, None)
    with contextlib.redirect_stdout(Terminal()) as terminal:
        for done in range(1, 101):
            clock.now += 0.01
            bar.show(done, "")
    assert 9 <= terminal.getvalue().count("\r") <= 10


def test_the_line_shows_means_of_the_last_hundred_steps_of_what_the_last_step_noted():
    run = common.Run("line", line.options(), [])
    for run.step in range(150):
        run.log(a=run.step, **({"b": 1.0} if run.step == 10 else {}))
    run.step += 1
    assert run._recent() == f"a {np.mean(range(50, 150)):.4f}"
    assert run.history == {"a": (list(range(1, 151)), list(map(float, range(150)))), "b": ([11], [1.0])}


def test_mg_is_seeded_by_the_run():
    for seed in (0, 7):
        common.Run("line", line.options(), ["--seed", str(seed)])
        drawn = mg.randn(3).tolist()
        mg.manual_seed(seed)
        assert drawn == mg.randn(3).tolist()
