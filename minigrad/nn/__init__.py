"""Layers and losses. Read `module.py` first."""

from . import functional, init, utils
from .activation import Identity, LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Softplus, Tanh
from .conv import Conv2d, ConvTranspose2d
from .image import (
    AdaptiveAvgPool2d, AvgPool2d, Flatten, MaxPool2d, ReflectionPad2d, ReplicationPad2d, Unflatten, Upsample, ZeroPad2d,
)  # fmt: skip
from .linear import Embedding, Linear
from .loss import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, GaussianKL, L1Loss, MSELoss, NLLLoss, RMSELoss
from .module import Module, ModuleList, Parameter, Sequential
from .norm import BatchNorm1d, BatchNorm2d, Dropout, LayerNorm, MinibatchDiscrimination
from .recurrent import LSTM, LSTMCell, RNN, RNNCell
