"""Layers and losses. Read `module.py` first."""

from . import functional, init
from .activation import LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Softplus, Tanh
from .conv import Conv2d, ConvTranspose2d
from .image import (
    AdaptiveAvgPool2d, AvgPool2d, Flatten, MaxPool2d, ReflectionPad2d, ReplicationPad2d, Unflatten, Upsample, ZeroPad2d,
)  # fmt: skip
from .linear import Linear
from .loss import BCELoss, BCEWithLogitsLoss, MSELoss, RMSELoss
from .module import Module, Parameter, Sequential
