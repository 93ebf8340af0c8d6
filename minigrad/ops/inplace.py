"""Changes in place, outside a graph: on a leaf, or under ``no_grad()``. A graph that used the old values notices."""

import operator

from .. import autograd
from ..backend import advice_for_mixed, generator, get_array_module, to_device
from ..tensor import Tensor, plain


def _overwritten(name, x, change, other=0):
    """x, after change(its array, other) has overwritten the array; `name` is what an error calls it."""
    if x.op is not None and autograd._recording:
        raise RuntimeError(
            "an in-place change would overwrite a value that is part of a graph, whose gradient needs it: "
            "write x = x + y and the like, or work under no_grad()"
        )
    other = plain(other)
    if advice := advice_for_mixed((x.data, other)):
        raise TypeError(f"{name} works on one device{advice}")
    if not autograd._broadcasts_to(getattr(other, "shape", ()), x.shape):
        raise ValueError(f"{name}: values of shape {other.shape} do not broadcast into the tensor's {x.shape}")
    change(x.data, other)
    return autograd.changed(x)


def zero_(x):
    """Set every element to 0."""
    return fill_(x, 0)


def fill_(x, value):
    """Set every element to `value`."""
    return copy_(x, value)


def copy_(x, source):
    """Overwrite x with `source`, whose shape broadcasts to x's; it may lie on another device."""
    source = to_device(plain(source), x.device)
    return _overwritten("copy_", x, lambda array, values: operator.setitem(array, ..., values), source)


def add_(x, other, *, alpha=1):
    """x += alpha·other"""
    return _overwritten("add_", x, lambda array, y: operator.iadd(array, y if alpha == 1 else alpha * y), other)


def mul_(x, other):
    """x *= other"""
    return _overwritten("mul_", x, operator.imul, other)


def clamp_(x, min=None, max=None):
    """Hold x between min and max in place."""
    return _overwritten("clamp_", x, lambda array, _: get_array_module(array).clip(array, min, max, out=array))


def uniform_(x, a=0.0, b=1.0):
    """Fill with draws from U(a, b)."""
    return copy_(x, generator().uniform(a, b, x.shape))


def normal_(x, mean=0.0, std=1.0):
    """Fill with draws from N(mean, std²)."""
    return copy_(x, generator().normal(mean, std, x.shape))


def _assigning(change):
    """``x += y``: in place under no_grad(); otherwise x = x + y, but not for a leaf, which would stop being one."""

    def assign(x, other):
        if autograd._recording and x.requires_grad and x.is_leaf:
            raise RuntimeError(
                "x += y and the like would replace a leaf that requires a gradient by a tensor computed from it: "
                "to update it write them under no_grad()"
            )
        if autograd._recording:
            return getattr(operator, change[1:])(x, other)
        return _overwritten(change, x, getattr(operator, change), other)

    return assign


for change in ("iadd", "isub", "imul", "itruediv"):
    setattr(Tensor, f"__{change}__", _assigning(change))
for method in (zero_, fill_, copy_, add_, mul_, clamp_, uniform_, normal_):
    setattr(Tensor, method.__name__, method)
