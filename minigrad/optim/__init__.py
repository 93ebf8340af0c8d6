"""Optimizers: rules that change parameters in place from their gradients. Read `optimizer.py` first."""

from . import lr_scheduler
from .adam import Adam
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD
