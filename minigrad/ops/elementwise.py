"""Functions of each element: arithmetic, powers, exponentials, trigonometry, activations, choices between two inputs.

`forward` computes the formula in the docstring; ``grad_x`` is ∂L/∂x = g · ∂y/∂x with g = ∂L/∂y. A comparison counts as
1 where it holds and 0 where not. The functions that people call follow at the end.
"""

import numpy as np

from ..autograd import Op
from ..backend import destination, device_of, get_array_module, to_device
from ..tensor import Tensor, plain

# fmt: off


# ------------------------------------------------------------------ arithmetic
class Add(Op):
    """z = x + y, element by element; shapes broadcast"""
    broadcasts = True
    def forward(self, x, y):      return x + y
    def grad_x(self, g, z, x, y): return g
    def grad_y(self, g, z, x, y): return g


class Sub(Op):
    """z = x − y, element by element; shapes broadcast"""
    broadcasts = True
    def forward(self, x, y):      return x - y
    def grad_x(self, g, z, x, y): return g
    def grad_y(self, g, z, x, y): return -g


class Mul(Op):
    """z = x·y, element by element; shapes broadcast"""
    broadcasts = True
    def forward(self, x, y):      return x * y
    def grad_x(self, g, z, x, y): return g * y
    def grad_y(self, g, z, x, y): return g * x


class Div(Op):
    """z = x / y, element by element; shapes broadcast"""
    broadcasts = True
    def forward(self, x, y):      return x / y
    def grad_x(self, g, z, x, y): return g / y
    def grad_y(self, g, z, x, y): return -g * z / y      # ∂z/∂y = −x/y² = −z/y


class Neg(Op):
    """y = −x"""
    def forward(self, x):         return -x
    def grad_x(self, g, y, x):    return -g


class Pow(Op):
    """z = xʸ, with ∂z/∂x = 0 where y = 0 and ∂z/∂y = 0 where x = 0 and y ≥ 0"""
    broadcasts = True
    def forward(self, x, y):      return x ** y
    def grad_x(self, g, z, x, y): return g * (y * where((x == 0) * (y == 0), 1.0, x) ** (y - 1))    # y·xʸ⁻¹, never 0·∞
    def grad_y(self, g, z, x, y): return g * (z * log(x + (x == 0)))      # z·log x, never 0·∞ at x = 0


class Square(Op):
    """y = x²"""
    def forward(self, x):         return x * x
    def grad_x(self, g, y, x):    return g * (2 * x)


class Sqrt(Op):
    """y = √x; its slope at 0 is infinite and stays so"""
    def forward(self, x):         return get_array_module(x).sqrt(x)
    def grad_x(self, g, y, x):    return g / (2 * y)


class Abs(Op):
    """y = |x|, with slope 0 at 0"""
    def forward(self, x):         return get_array_module(x).abs(x)
    def grad_x(self, g, y, x):    return g * sign(x)


class Sign(Op):
    """y = −1, 0 or 1: constant in pieces"""
    grad_x = None
    def forward(self, x):         return get_array_module(x).sign(x)


# ------------------------------------------------------------------ exponentials and trigonometry
class Exp(Op):
    """y = eˣ"""
    def forward(self, x):         return get_array_module(x).exp(x)
    def grad_x(self, g, y, x):    return g * y


class Expm1(Op):
    """y = eˣ − 1, accurate near 0"""
    def forward(self, x):         return get_array_module(x).expm1(x)
    def grad_x(self, g, y, x):    return g * (y + 1)


class Log(Op):
    """y = log x, the natural logarithm"""
    def forward(self, x):         return get_array_module(x).log(x)
    def grad_x(self, g, y, x):    return g / x


class Log1p(Op):
    """y = log(1 + x), accurate near 0"""
    def forward(self, x):         return get_array_module(x).log1p(x)
    def grad_x(self, g, y, x):    return g / (1 + x)


class Sin(Op):
    """y = sin x, x in radians"""
    def forward(self, x):         return get_array_module(x).sin(x)
    def grad_x(self, g, y, x):    return g * cos(x)


class Cos(Op):
    """y = cos x, x in radians"""
    def forward(self, x):         return get_array_module(x).cos(x)
    def grad_x(self, g, y, x):    return -g * sin(x)


# ------------------------------------------------------------------ activations
class Tanh(Op):
    """y = tanh x"""
    def forward(self, x):         return get_array_module(x).tanh(x)
    def grad_x(self, g, y, x):    return g * (1 - y * y)


class Sigmoid(Op):
    """y = σ(x) = 1 / (1 + e⁻ˣ), accurate to the last digits on both sides"""
    def forward(self, x):
        with np.errstate(over="ignore"):                 # e⁻ˣ = ∞ gives y = 0, as it should
            y = get_array_module(x).exp(-x)
        y += 1
        return 1 / y
    def grad_x(self, g, y, x):    return g * (y * (1 - y))


class ReLU(Op):
    """y = max(x, 0), with slope 0 at 0; where x ≤ 0 the gradient is g·0, which is NaN for an infinite g"""
    def forward(self, x):         return get_array_module(x).maximum(x, 0)
    def grad_x(self, g, y, x):    return g * (y > 0)


class LeakyReLU(Op):
    """y = x where x > 0, else slope·x"""
    def __init__(self, slope):    self.slope = slope
    def forward(self, x):
        xp = get_array_module(x)
        return (xp.maximum if self.slope <= 1 else xp.minimum)(x, self.slope * x)
    def grad_x(self, g, y, x):
        positive = astype(x > 0, x.dtype)
        return g * (positive * (1 - self.slope) + self.slope)


class Softplus(Op):
    """y = log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|)"""
    def forward(self, x):
        xp = get_array_module(x)
        return xp.maximum(x, 0) + xp.log1p(exp_minus_abs(x))
    def grad_x(self, g, y, x):    return g * sigmoid(x)


def exp_minus_abs(x):
    """e^−|x| on arrays: it cannot overflow."""
    xp = get_array_module(x)
    return xp.exp(-xp.abs(x))


def sigmoid_from_exp(x, e):
    """σ(x) on arrays from e = e^−|x|, without overflow or cancellation.

    It is 1/(1 + e) where x ≥ 0 and e/(1 + e) elsewhere; as e ≤ 1, both numerators are max(e, [x ≥ 0]).
    """
    return get_array_module(x).maximum(e, x >= 0) / (1 + e)


# ------------------------------------------------------------------ choices
class Maximum(Op):
    """z = max(x, y); a tie gives each half of the gradient"""
    broadcasts = True
    def forward(self, x, y):      return get_array_module(x, y).maximum(x, y)
    def grad_x(self, g, z, x, y): return 0.5 * (g * (x > y) + g * (x >= y))
    def grad_y(self, g, z, x, y): return 0.5 * (g * (y > x) + g * (y >= x))


class Minimum(Op):
    """z = min(x, y); a tie gives each half of the gradient"""
    broadcasts = True
    def forward(self, x, y):      return get_array_module(x, y).minimum(x, y)
    def grad_x(self, g, z, x, y): return 0.5 * (g * (x < y) + g * (x <= y))
    def grad_y(self, g, z, x, y): return 0.5 * (g * (y < x) + g * (y <= x))


class Clamp(Op):
    """y = x held between low and high (either may be None); slope 1 inside and at the bounds, 0 outside"""
    def __init__(self, low, high):
        self.low, self.high = low, high
    def forward(self, x):         return get_array_module(x).clip(x, self.low, self.high)
    def grad_x(self, g, y, x):    return g * (x == y)


class Where(Op):
    """z = x where the condition holds, else y"""
    broadcasts = True
    grad_condition = None
    def forward(self, condition, x, y):      return get_array_module(condition).where(condition, x, y)
    def grad_x(self, g, z, condition, x, y): return where(condition, g, 0.0)     # not g·condition: ∞·0 is no number
    def grad_y(self, g, z, condition, x, y): return where(condition, 0.0, g)


class AsType(Op):
    """y = x in another floating-point dtype"""
    def __init__(self, dtype):    self.dtype = dtype
    def forward(self, x):         return x.astype(self.dtype)
    def grad_x(self, g, y, x):    return astype(g, x.dtype)


class Clone(Op):
    """y = a copy of x, which gradients flow back through"""
    def forward(self, x):         return x.copy()
    def grad_x(self, g, y, x):    return g


class Move(Op):
    """y = x on another device"""
    def __init__(self, device):   self.device = device
    def forward(self, x):
        self.source = device_of(x)
        return to_device(x, self.device)
    def grad_x(self, g, y, x):    return Move(self.source)(g)
# fmt: on


# ------------------------------------------------------------------ what people call
def function_of(op):
    """The function that makes an op of one input, or of two, and applies it at once."""

    def of_one(x):
        return op()(x)

    def of_two(x, y):
        return op()(x, y)

    return named_after(op, of_one if len(op.gradient_names) == 1 else of_two)


def named_after(op, function):
    """`function` under the name of the op that it applies, and with its formula."""
    function.__name__ = function.__qualname__ = op.__name__.lower()
    function.__doc__ = op.__doc__
    return function


add, sub, mul, div, neg = map(function_of, (Add, Sub, Mul, Div, Neg))
square, sqrt, abs, sign = map(function_of, (Square, Sqrt, Abs, Sign))
exp, expm1, log, log1p, sin, cos = map(function_of, (Exp, Expm1, Log, Log1p, Sin, Cos))
tanh, sigmoid, relu, softplus = map(function_of, (Tanh, Sigmoid, ReLU, Softplus))
maximum, minimum, clone = map(function_of, (Maximum, Minimum, Clone))


def where(condition, x, y):
    """x where the condition holds, else y; shapes broadcast."""
    return Where()(condition, x, y)


def pow(x, y):
    """xʸ, element by element, shapes broadcast."""
    return Square()(x) if type(y) is int and y == 2 else Pow()(x, y)


def reciprocal(x):
    """1 / x"""
    return Div()(1.0, x)


def leaky_relu(x, negative_slope=0.01):
    """x where x > 0, else negative_slope·x."""
    return LeakyReLU(float(negative_slope))(x)


def clamp(x, min=None, max=None):
    """x held between the numbers min and max, either of which may be None."""
    if min is None and max is None:
        raise ValueError("clamp needs min, max or both")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        raise TypeError("clamp takes numbers; between tensors it is minimum(maximum(x, low), high)")
    return Clamp(plain(min), plain(max))(x)


def astype(x, dtype):
    """x in another dtype, x itself if it has it; gradients flow back between float dtypes and stop at integers.

    >>> Tensor([1.5, 2.0]).astype("int64")
    tensor([1, 2])
    """
    if x.dtype == dtype:
        return x
    if isinstance(x, Tensor) and (x.dtype.kind != "f" or get_array_module(x.data).dtype(dtype).kind != "f"):
        return Tensor(x.data.astype(dtype))
    return AsType(dtype)(x)


def to(x, device=None, dtype=None):
    """x on another device, in another dtype, or both; x itself where nothing changes. Gradients find their way back.

    to("cuda"), to(np.float64) and to("cuda", np.float64) are understood; a device is "cpu", "cuda" or "cuda:1".

    >>> Tensor([1.5, 2.0]).to("cpu", "float64").dtype
    dtype('float64')
    """
    device, dtype = destination(device, dtype)
    x = x if dtype is None else astype(x, dtype)
    return x if device in (None, x.device) else Move(device)(x)
