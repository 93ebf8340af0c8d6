"""Changes in place, outside a graph: on a leaf, or under ``no_grad()``. A graph that used the old values notices."""

import operator

from .. import autograd
from ..backend import advice_for_mixed, generator, get_array_module
from ..tensor import Tensor, plain


def _writable(x):
    if x.op is not None and autograd._recording:
        raise RuntimeError(
            "an in-place change would overwrite a value that is part of a graph, whose gradient needs it: "
            "write x = x + y and the like, or work under no_grad()"
        )
    return x.data


def _operand(name, x, other):
    other = plain(other)
    if advice := advice_for_mixed((x.data, other)):
        raise TypeError(f"{name} works on one device{advice}")
    if not autograd._broadcasts_to(getattr(other, "shape", ()), x.shape):
        raise ValueError(f"{name}: values of shape {other.shape} do not broadcast into the tensor's {x.shape}")
    return other


def zero_(x):
    """Set every element to 0."""
    return fill_(x, 0)


def fill_(x, value):
    """Set every element to `value`."""
    _writable(x)[...] = _operand("fill_", x, value)
    return autograd.changed(x)


def copy_(x, source):
    """Overwrite x with `source`, whose shape broadcasts to x's."""
    _writable(x)[...] = _operand("copy_", x, source)
    return autograd.changed(x)


def add_(x, other, *, alpha=1):
    """x += alpha·other"""
    array = _writable(x)
    other = _operand("add_", x, other)
    array += other if alpha == 1 else alpha * other
    return autograd.changed(x)


def mul_(x, other):
    """x *= other"""
    array = _writable(x)
    array *= _operand("mul_", x, other)
    return autograd.changed(x)


def clamp_(x, min=None, max=None):
    """Hold x between min and max in place."""
    array = _writable(x)
    get_array_module(array).clip(array, min, max, out=array)
    return autograd.changed(x)


def uniform_(x, a=0.0, b=1.0):
    """Fill with draws from U(a, b)."""
    return copy_(x, _on_device_of(x, generator().uniform(a, b, x.shape)))


def normal_(x, mean=0.0, std=1.0):
    """Fill with draws from N(mean, std²)."""
    return copy_(x, _on_device_of(x, generator().normal(mean, std, x.shape)))


def _on_device_of(x, draws):
    return get_array_module(x.data).asarray(draws, dtype=x.dtype)


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
        getattr(operator, change)(x.data, _operand(change, x, other))
        return autograd.changed(x)

    return assign


for change in ("iadd", "isub", "imul", "itruediv"):
    setattr(Tensor, f"__{change}__", _assigning(change))
for method in (zero_, fill_, copy_, add_, mul_, clamp_, uniform_, normal_):
    setattr(Tensor, method.__name__, method)
