"""A layer learns what it should: a CNN reads the digits of MNIST after one epoch."""

import os
import statistics

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from minigrad.data import mnist
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
