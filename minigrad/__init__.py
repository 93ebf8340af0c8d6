"""minigrad: a deep-learning engine to read line by line. PyTorch's names, NumPy's arrays, one formula per gradient.

>>> import minigrad as mg
>>> x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> loss = (x * x).sum()
>>> loss.backward()
>>> x.grad
tensor([2., 4., 6.])
"""

from numpy import float32, float64, int64

from . import autograd, cuda, data, nn, optim, utils
from .autograd import no_grad
from .backend import manual_seed
from .check import gradcheck, gradgradcheck
from .checkpoint import load, save
from .creation import (
    arange, as_tensor, eye, from_numpy, full, is_tensor, linspace, ones, ones_like, rand, randint, randn, randn_like,
    randperm, tensor, zeros, zeros_like,
)  # fmt: skip
from .graph import detect_anomaly
from .ops import (
    abs, add, amax, amin, argmax, argmin, cat, chunk, clamp, clone, cos, div, exp, expm1, flatten, gather, log, log1p,
    log_softmax, logsumexp, matmul, max, maximum, mean, min, minimum, mul, neg, norm, pad, permute, pow, reciprocal,
    relu, reshape, sigmoid, sign, sin, softmax, split, sqrt, square, squeeze, stack, std, sub, sum, tanh, transpose,
    unsqueeze, var, where,
)  # fmt: skip
from .tensor import Tensor
