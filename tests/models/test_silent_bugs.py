"""Bugs that train without a complaint: each is planted in the source, and a test that is named here must fail on it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WGAN = "tests/models/test_wgan.py::"
STEP = "            critic_optimizer.step()\n"
CLIP = (
    '            if config["lipschitz"] == "clip":\n                clip_weights_(critic.parameters(), config["clip"])'
)
DETACHED = "            with mg.no_grad():\n                fake = generator(noise())"
# bug, file, what stands there, what stands there with the bug, the test that notices
BUGS = [
    ("penalty without a graph of second order", "models/wgan.py", "between, create_graph=True)", "between)",
     WGAN + "test_the_penaltys_gradient_in_a_convolutional_critic_is_the_numeric_one"),
    ("penalty's norm over one axis", "models/wgan.py", "slope.flatten(1).norm(axis=1)", "slope.norm(axis=1)",
     WGAN + "test_the_penalty_is_of_each_examples_own_slope_at_one_place_between_its_pair"),
    ("penalty's norm over the whole batch", "models/wgan.py", "slope.flatten(1).norm(axis=1)", "slope.norm()",
     WGAN + "test_the_penalty_is_of_each_examples_own_slope_at_one_place_between_its_pair"),
    ("α per pixel", "models/wgan.py", "mg.rand(len(real), *[1] * (real.ndim - 1), ", "mg.rand(real.shape, ",
     WGAN + "test_the_penalty_is_of_each_examples_own_slope_at_one_place_between_its_pair"),
    ("batch norm in a critic with penalty", "models/wgan.py", "if any(isinstance(", "if False and any(isinstance(",
     WGAN + "test_batch_norm_in_a_critic_under_the_penalty_is_refused"),
    ("clipping before the step", "models/wgan.py", STEP + CLIP,
     CLIP + "\n" + STEP + "            if 0:\n                0",
     WGAN + "test_clipped_weights_lie_in_their_box_after_every_step"),
    ("generator's loss of the wrong sign", "models/wgan.py", "return -critic(fake).mean()",
     "return critic(fake).mean()",
     WGAN + "test_the_critic_learns_to_tell_and_the_generator_to_please_it"),
    ("fake not detached in the critic's step", "models/wgan.py", DETACHED,
     DETACHED.replace("with mg.no_grad()", "if True"),
     WGAN + "test_the_critics_steps_send_no_gradient_into_the_generator"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("file", "right", "wrong", "test"), [bug[1:] for bug in BUGS], ids=[bug[0] for bug in BUGS])
def test_a_silent_bug_is_noticed(file, right, wrong, test, tmp_path):
    for folder in ("minigrad", "models", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    source = (tmp_path / file).read_text()
    assert source.count(right) == 1
    command = [sys.executable, "-m", "pytest", "-q", "-m", "", "-p", "no:cacheprovider", test]
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    (tmp_path / file).write_text(source.replace(right, wrong))
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1 and f"FAILED {test}" in done.stdout, done.stdout[-2000:]
