"""Layers and losses. Read `module.py` first."""

from . import functional, init, utils
from .activation import Identity, LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Softplus, Tanh
from .linear import Linear
from .loss import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, GaussianKL, L1Loss, MSELoss, NLLLoss, RMSELoss
from .module import Module, ModuleList, Parameter, Sequential
from .norm import BatchNorm1d, BatchNorm2d, Dropout, LayerNorm, MinibatchDiscrimination
