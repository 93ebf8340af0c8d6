"""Layers learn what they should: a CNN the digits of MNIST in one epoch, an LSTM to add over 50 steps, an RNN not."""

import os
import statistics

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from minigrad.data import adding_problem, mnist
from minigrad.utils.data import DataLoader, TensorDataset

pytestmark = pytest.mark.slow
SEEDS = (0, 1, 2)


def spread(name, values):
    print(f"{name}: median {statistics.median(values):.4f} ({min(values):.4f} to {max(values):.4f})")
    return statistics.median(values)


# ------------------------------------------------------------------ a CNN
def test_a_cnn_reads_most_digits_after_one_epoch():
    """With filters that do not learn it reads 92 %."""
    if "MINIGRAD_DATA" not in os.environ:
        pytest.skip("needs MNIST: set MINIGRAD_DATA to a folder that has mnist/ in it")
    train, test = mnist(os.path.join(os.environ["MINIGRAD_DATA"], "mnist"))
    assert spread("CNN, test accuracy after one epoch", [accuracy(seed, train, test) for seed in SEEDS]) >= 0.96


def accuracy(seed, train, test):
    mg.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = optim.Adam(net.parameters(), lr=1e-3)
    (images, labels), (test_images, test_labels) = (prepared(*part) for part in (train, test))
    for x, t in DataLoader(TensorDataset(images, labels), batch_size=128, shuffle=True):
        optimizer.zero_grad()
        F.cross_entropy(net(x), t).backward()
        optimizer.step()
    with mg.no_grad():
        guesses = [net(mg.from_numpy(x)).argmax(1).data for x in np.split(test_images, 20)]
    return float((np.concatenate(guesses) == test_labels).mean())


def prepared(images, labels):
    return (images.reshape(-1, 1, 28, 28) / np.float32(255)).astype(np.float32), labels.astype(np.int64)


# ------------------------------------------------------------------ the adding problem
def error_after(layer, seed, steps):
    mg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    rnn, out = layer(2, 64), nn.Linear(64, 1)
    optimizer = optim.Adam([*rnn.parameters(), *out.parameters()], lr=5e-3)
    for _ in range(steps):
        x, t = map(mg.from_numpy, adding_problem(64, 50, rng))
        optimizer.zero_grad()
        F.mse_loss(out(rnn(x)[0][-1]), t).backward()
        nn.utils.clip_grad_norm_([*rnn.parameters(), *out.parameters()], 1)
        optimizer.step()
    with mg.no_grad():
        x, t = map(mg.from_numpy, adding_problem(1000, 50, np.random.default_rng(99)))
        return F.mse_loss(out(rnn(x)[0][-1]), t).item()


def test_an_lstm_adds_two_numbers_50_steps_apart_and_a_tanh_rnn_does_not():
    """Always saying 1, the mean, errs by 1/6."""
    assert spread("LSTM, adding problem", [error_after(nn.LSTM, seed, 1500) for seed in SEEDS]) < 0.01
    assert spread("tanh RNN, adding problem", [error_after(nn.RNN, seed, 1500) for seed in SEEDS]) > 0.1
