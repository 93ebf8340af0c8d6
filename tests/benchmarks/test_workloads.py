"""The workloads learn, and on the fake device they make the same steps and copy nothing but the loss to the host."""

import dataclasses

import numpy as np
import pytest

import minigrad
from minigrad.testing import fake_device
from tests.benchmarks.workloads import PROBLEMS, WORKLOADS

LOSSES_READ = dict.fromkeys(WORKLOADS, 1) | {"dcgan": 2}
SMALL = {
    "conv_clf": dict(batch=8, channels=4), "conv_vae": dict(batch=8, channels=4), "dcgan": dict(batch=8, channels=8),
    "wgan_gp_mlp": dict(batch=16, hidden=32), "wgan_gp_conv": dict(batch=8, channels=8),
    "lstm_lm": dict(batch=4, T=12, hidden=16), "rnn_tanh": dict(batch=4, T=12, hidden=16),
}  # fmt: skip


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_step_on_the_device_equals_one_on_the_host_and_copies_the_loss_alone(name):
    problem = PROBLEMS[name](**SMALL.get(name, {}))
    step = WORKLOADS[name](minigrad, problem)
    expected = [step() for _ in range(3)]
    with fake_device.installed() as device:
        step = WORKLOADS[name](minigrad, dataclasses.replace(problem, device="cuda"))
        device.transfers.clear()
        device.uploads.clear()
        found = [step() for _ in range(3)]
        assert [transfer.call for transfer in device.transfers] == [".item()"] * (3 * LOSSES_READ[name])
        assert not device.uploads, str(device.uploads[0])
    assert found == expected
    assert np.isfinite(found).all() and len(set(found)) == (1 if name == "scalar_chain" else 3)
