"""Layers and losses. Read `module.py` first."""

from . import functional, init
from .activation import LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Softplus, Tanh
from .embedding import Embedding
from .linear import Linear
from .loss import BCELoss, BCEWithLogitsLoss, MSELoss, RMSELoss
from .module import Module, Parameter, Sequential
from .recurrent import LSTM, LSTMCell, RNN, RNNCell
