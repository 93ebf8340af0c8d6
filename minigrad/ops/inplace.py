"""Changes in place, outside a graph: on a leaf, or under ``no_grad()``. Each one moves the tensor's version on."""

from ..autograd import changed, is_grad_enabled
from ..backend import generator, get_array_module
from ..tensor import Tensor, plain


def _writable(name, x):
    if x.op is not None and is_grad_enabled():
        raise RuntimeError(
            f"{name} would overwrite a value that is part of a graph, whose gradient needs it: "
            "write x = x + y instead of an in-place change, or work under no_grad()"
        )
    changed(x)
    return x.data


def zero_(x):
    """Set every element to 0."""
    return fill_(x, 0)


def fill_(x, value):
    """Set every element to `value`."""
    _writable("fill_", x)[...] = plain(value)
    return x


def copy_(x, source):
    """Overwrite x with `source`, whose shape broadcasts to x's."""
    array = plain(source)
    _writable("copy_", x)[...] = array
    return x


def add_(x, other, *, alpha=1):
    """x += alpha·other"""
    array = _writable("add_", x)
    array += plain(other) if alpha == 1 else alpha * plain(other)
    return x


def mul_(x, other):
    """x *= other"""
    array = _writable("mul_", x)
    array *= plain(other)
    return x


def clamp_(x, min=None, max=None):
    """Hold x between min and max in place."""
    array = _writable("clamp_", x)
    get_array_module(array).clip(array, min, max, out=array)
    return x


def uniform_(x, a=0.0, b=1.0):
    """Fill with draws from U(a, b)."""
    return copy_(x, _on_device_of(x, generator().uniform(a, b, x.shape)))


def normal_(x, mean=0.0, std=1.0):
    """Fill with draws from N(mean, std²)."""
    return copy_(x, _on_device_of(x, generator().normal(mean, std, x.shape)))


def _on_device_of(x, draws):
    return get_array_module(x.data).asarray(draws, dtype=x.dtype)


for method in (zero_, fill_, copy_, add_, mul_, clamp_, uniform_, normal_):
    setattr(Tensor, method.__name__, method)
