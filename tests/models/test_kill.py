"""A real process killed at random moments: a checkpoint is always loadable, and the run ends bit-equal all the same."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.models import runs
from tests.models.runs import checkpoint, metrics

ENDLESS = 1_000_000


def kill_at_a_random_moment(how, moment, name, out, *options):
    """Start or go on with a run, and send it the signal `moment` seconds after its first step."""
    before = checkpoint(out)["done"]["step"] if (out / "checkpoint.npz").exists() else 0
    options = (*options, "--out", out, *(["--resume"] if before else []))
    command = [sys.executable, "-m", "tests.models.killable", name, *map(str, options)]
    with subprocess.Popen(
        command, cwd=runs.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            while not (out / "checkpoint.npz").exists() or checkpoint(out)["done"]["step"] <= before:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.01)
            time.sleep(moment)
            process.send_signal(how)
            errors = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert (process.returncode, errors) == (0 if how == signal.SIGINT else -how, "")
    if how == signal.SIGINT:
        assert metrics(out)["steps_trained"] == checkpoint(out)["done"]["step"]


AUTOENCODER = ("--hidden", 16, "--batch", 50, "--noise", 0.3, "--epochs")


@pytest.mark.parametrize(
    ("name", "options", "length", "kills"),
    [
        ("line", ("--steps",), 1, 2),
        pytest.param("line", ("--steps",), 1, 20, marks=pytest.mark.slow),
        pytest.param("autoencoder", AUTOENCODER, 6, 4, marks=pytest.mark.slow),
    ],
    ids=["line, twice", "line, twenty times", "autoencoder, four times"],
)
def test_a_run_killed_again_and_again_ends_bit_equal(name, options, length, kills, small_mnist, tmp_path):
    """`length` is the number of steps in what the last option counts."""
    rng, out, expected = random.Random(0), tmp_path / "out", tmp_path / "expected"
    options = ("--data", small_mnist, *options)
    for i in range(kills):
        how = (signal.SIGKILL, signal.SIGINT)[i % 2]
        kill_at_a_random_moment(how, rng.uniform(0, 0.2), name, out, *options, ENDLESS)
    count = checkpoint(out)["done"]["step"] // length + 2
    assert runs.run(name, *options, count, "--out", out, "--resume") == 0
    assert runs.run(name, *options, count, "--out", expected) == 0
    runs.assert_same_run(out, expected)
    assert sorted(os.listdir(out)) == sorted(os.listdir(expected))
