"""A function of Tensors on the host and on the fake device: the same, bit for bit, and nothing copied to the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..autograd import grad
from ..backend import get_array_module
from ..tensor import Tensor
from .fake_device import installed


def check_on_device(f: Callable, inputs: Sequence, parameters: dict | None = None) -> None:
    """Assert that f computes the same on the device as on the host: values and gradients of two orders, bit for bit.

    It runs ``f(*inputs, **parameters)``, an ordinary backward pass, one under ``create_graph``, and a backward pass
    through the gradients, with random cotangents, in float32 and in float64.

    Parameters
    ----------
    f : takes Tensors and returns one, or a tuple of them
    inputs : arrays of any shapes; those of floats get gradients and are converted to either dtype
    parameters : the keyword arguments of f; arrays in them, also inside tuples and lists, move to the device too

    Raises AssertionError if a result differs or lies on the host, or if anything was copied to the host on the way
    (with the stack of the caller), and what the device raises: TypeError at an ndarray or a NumPy function, ...

    >>> check_on_device(lambda x, y: (x * y).sum(axis=0), [np.ones((2, 3)), np.arange(3.0)])
    >>> check_on_device(lambda x: x * x.sum().item(), [np.ones(3)])
    Traceback (most recent call last):
        ...
    AssertionError: .item(), called from
    ...
    """
    for dtype in (np.float32, np.float64):
        arrays = [np.array(x, dtype if np.asarray(x).dtype.kind == "f" else None, order="K") for x in inputs]
        expected = _results(f, arrays, parameters or {})
        with installed() as device:
            import cupy

            found = _results(f, _moved(arrays, cupy.asarray), _moved(parameters or {}, cupy.asarray))
            assert not device.transfers, str(device.transfers[0])
            for what, array in found.items():
                assert type(array) is cupy.ndarray, f"the {what} on the device is a {type(array).__name__}"
            found = {what: array.get() for what, array in found.items()}
        assert found.keys() == expected.keys(), f"on the device there is {[*found]}, and on the host {[*expected]}"
        for what, array in expected.items():
            np.testing.assert_array_equal(found[what], array, f"the {what}, {dtype.__name__}", strict=True)
            assert found[what].tobytes() == array.tobytes(), f"the {what} differs in the sign of a zero or in a NaN"


def _moved(x, move):
    """x with each NumPy array in it moved, also in tuples, lists and dictionaries."""
    if isinstance(x, (tuple, list)):
        return type(x)(_moved(part, move) for part in x)
    if isinstance(x, dict):
        return {name: _moved(part, move) for name, part in x.items()}
    return move(x) if isinstance(x, np.ndarray) else x


def _results(f, arrays, parameters):
    """The arrays that f and its derivatives give, by what they are."""

    def run():
        inputs = [Tensor(x, x.dtype.kind == "f") for x in arrays]
        outputs = f(*inputs, **parameters)
        return inputs, outputs if isinstance(outputs, tuple) else (outputs,)

    def gradients(what):
        return {f"{what} in input {i}": x.grad.data for i, x in enumerate(inputs) if x.grad is not None}

    inputs, outputs = run()
    found = {f"output {i}": y.data for i, y in enumerate(outputs)}
    loss = _weighted_sum(outputs)
    if loss is None:
        return found
    loss.backward()
    found |= gradients("gradient")
    inputs, outputs = run()
    leaves = [x for x in inputs if x.requires_grad]
    slopes = [g for g in grad(_weighted_sum(outputs), leaves, create_graph=True, allow_unused=True) if g is not None]
    found |= {f"gradient {i} under create_graph": g.data for i, g in enumerate(slopes)}
    loss = _weighted_sum(slopes)
    if loss is None:
        return found
    loss.backward()
    return found | gradients("second derivative")


def _weighted_sum(tensors):
    """One number from all tensors that have a history, with random weights; None if there is no such tensor."""
    rng = np.random.default_rng(0)
    total = None
    for y in tensors:
        if y.requires_grad:
            weights = get_array_module(y.data).asarray(rng.standard_normal(y.shape), dtype=y.dtype)
            term = (y * weights).sum()
            total = term if total is None else total + term
    return total
