"""Optimizers: rules that change parameters in place from their gradients. Read `optimizer.py` first."""

from .adam import Adam
from .optimizer import Optimizer
from .sgd import SGD
