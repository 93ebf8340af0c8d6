"""Optimizers: rules that change parameters in place from their gradients. Read `optimizer.py` first."""

from . import lr_scheduler
from .optimizer import Optimizer
from .rules import SGD, Adam, RMSprop
