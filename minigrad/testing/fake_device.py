"""A stand-in for CuPy: test code that is meant for a GPU on a machine without one.

Inside ``with installed() as device:`` the statement ``import cupy`` gives a module that computes with NumPy, bit for
bit, but is as strict as CuPy or stricter, so that what runs on it does nothing that would fail, wait for the host or
silently go wrong on a GPU. Code that is to be tested need not know of minigrad:

>>> import numpy as np
>>> from minigrad.testing import fake_device
>>> with fake_device.installed() as device:
...     import cupy
...     x = cupy.asarray(np.arange(3.0))
...     y = (x * x).sum()                                 # an array on the device, of shape ()
...     print(float(y), x.get())
5.0 [0. 1. 2.]
>>> [transfer.call for transfer in device.transfers]      # each was a copy to the host, and device.uploads are to it
['float()', '.get()']
>>> print(device.transfers[0].stack[-1].line)             # with the stack of who asked for it
print(float(y), x.get())
>>> np.exp(x)
Traceback (most recent call last):
    ...
TypeError: NumPy's exp was called with a device array: call cupy.exp, or copy to the host with .get()

What raises: NumPy functions on a device array; an ndarray among device arrays, as operand, argument, index or value; a
name or an argument that CuPy lacks (`cupy_names.py` is the frozen list, with its source); a device array as a shape or
an axis; an index out of range, which CuPy wraps around; with ``installed(devices=2)``, computing with an array that
does not lie on the current device. What shows up as NaN (in integers as the most extreme number):
elements that an assignment names twice, ``x[i] = v`` or ``x[i] += v`` with repeats in i, where the device keeps
whichever write comes last. What is counted: copies between host and device; but not the size of ``x[mask]`` and of
``nonzero``, for which CuPy waits too.

Read from the end: `installed`, the modules, how their functions are made from the list, the arrays. `on_device.py` uses
all this to compare a function of minigrad's Tensors on host and device.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import operator
import sys
import traceback
import types
from typing import NamedTuple

import numpy as np

from .. import backend
from . import cupy_names as names


class Transfer(NamedTuple):
    """One copy between host and device: the call that made it, and the stack of its caller, outermost first."""

    call: str
    stack: traceback.StackSummary

    def __str__(self):
        return f"{self.call}, called from\n" + "".join(self.stack.format()[-3:])


class FakeDevice:
    """What happened since the device was installed. Clear the lists to count from there.

    transfers : list of `Transfer` to the host, of arrays and of single numbers
    uploads : list of `Transfer` to the device, of arrays, lists and numbers that were made arrays
    count : how many devices there are
    current : the number of the one that computes
    """

    def __init__(self, count: int = 1):
        self.transfers: list[Transfer] = []
        self.uploads: list[Transfer] = []
        self.count, self.current = count, 0


COMPARISONS = {np.less, np.less_equal, np.equal, np.not_equal, np.greater, np.greater_equal}
_device = FakeDevice()  # the one that is installed


def _record(log, call):
    frames = traceback.StackSummary.extract(traceback.walk_stack(sys._getframe()), lookup_lines=False)
    outside = [frame for frame in reversed(frames) if frame.filename != __file__]
    log.append(Transfer(call, traceback.StackSummary.from_list(outside)))


# ------------------------------------------------------------------ arrays
class ndarray:
    """An array on the device: a NumPy array that nothing gets at but the names in `cupy_names.py`."""

    __slots__ = ("_array", "_number", "base", "__weakref__")
    __hash__ = None

    def __init__(self, shape, dtype=float):
        self._array, self._number, self.base = np.empty(shape, dtype), _device.current, None

    # ---- what NumPy asks of it
    def __array__(self, dtype=None, copy=None):
        raise TypeError("a device array does not become a NumPy array by itself: copy it to the host with .get()")

    def __array_function__(self, function, types, args, kwargs):
        raise _not_numpy(function.__name__)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        number = inputs[0]  # of np.float32(2) * x, which Python asks NumPy for first
        if ufunc in COMPARISONS and isinstance(number, np.ndarray):
            number = number[()]  # NumPy compares scalars as 0-d arrays
        if method == "__call__" and isinstance(number, np.generic) and not kwargs:
            return _on_host(ufunc, number, *inputs[1:])
        raise _not_numpy(ufunc.__name__)

    def __getattr__(self, name):
        raise AttributeError(_missing(f"cupy.ndarray.{name}"))

    # ---- the array itself
    @property
    def flags(self):
        known = {name: getattr(self._array.flags, name) for name in names.FLAGS}
        return types.SimpleNamespace(**known)

    @property
    def device(self):
        return Device(self._number)

    def __len__(self):
        return len(self._array)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index):
        parts = index if isinstance(index, tuple) else (index,)
        if not any(part is Ellipsis for part in parts):
            parts += (Ellipsis,)  # so that one element is a 0-d view, not a scalar
        return _on_host(operator.getitem, self, parts)

    def __setitem__(self, index, value):
        _on_host(operator.setitem, self, index, value)
        parts = [_lowered(part) for part in (index if isinstance(index, tuple) else (index,))]
        if np.size(_lowered(value)) > 1 and _has_integers(parts):
            times = np.zeros(self.shape, int)
            np.add.at(times, tuple(parts), 1)
            self._array[times > 1] = _unknown(self._array[times > 1])

    def scatter_add(self, index, value):
        _at(np.add, self, index, value)

    def set(self, array, stream=None):
        _record(_device.uploads, ".set()")
        self._array[...] = array

    # ---- copies to the host
    def _copied(self, call):
        _record(_device.transfers, call)
        return self._array.copy(order="K")

    def get(self, stream=None, order="C", out=None, blocking=True):
        host = self._copied(".get()")
        if out is None:
            return np.asarray(host, order=order)
        out[...] = host
        return out

    def item(self):
        return self._copied(".item()").item()

    def tolist(self):
        return self._copied(".tolist()").tolist()

    def tobytes(self, order="C"):
        return self._copied(".tobytes()").tobytes(order)

    def __reduce__(self):
        return _uploaded, (self._copied("pickle"),)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()


def _uploaded(array):
    return sys.modules["cupy"].asarray(array)


def _has_integers(parts):
    """Whether an index names single places, and may name one twice; masks and slices cannot."""
    return any(isinstance(part, (list, tuple, np.ndarray)) and np.asarray(part).dtype.kind in "iu" for part in parts)


def _unknown(values):
    """What stands where several writes meet: NaN, the most extreme integer, the other truth value."""
    kind = values.dtype.kind
    if kind == "b":
        return ~values
    return np.nan if kind in "fc" else np.iinfo(values.dtype).max


def _at(ufunc, array, index, values):
    """cupy.<ufunc>.at and, with add, cupyx.scatter_add: index by index, however often a place is named."""
    kinds = names.AT[ufunc.__name__].split()
    if array.dtype.name not in kinds:
        raise TypeError(f"cupy.{ufunc.__name__}.at works on {', '.join(kinds)} only, and this array is {array.dtype}")
    _on_host(ufunc.at, array, index, values)


# ------------------------------------------------------------------ from the device to NumPy and back
def _on_host(function, *args, **kwargs):
    """function(...) of the NumPy arrays inside device arrays, its result on the device again."""
    inputs = []
    result = function(*_lowered(args, inputs), **_lowered(kwargs, inputs))
    for x in inputs:
        if x._number != _device.current:
            raise ValueError(f"an array lies on device {x._number}, and the current device is {_device.current}")
    return _raised(result, inputs)


def _lowered(x, inputs=None):
    """x with the NumPy array inside for each device array, also in lists and tuples; `inputs` lists the latter."""
    if isinstance(x, ndarray):
        if inputs is not None:
            inputs.append(x)
        return x._array
    if isinstance(x, np.ndarray):
        raise TypeError(
            "a NumPy array met a device array, and neither moves by itself: "
            "take cupy.asarray(x) of the one, or .get() of the other"
        )
    if isinstance(x, (tuple, list)):
        return type(x)(_lowered(part, inputs) for part in x)
    return {name: _lowered(part, inputs) for name, part in x.items()} if isinstance(x, dict) else x


def _raised(result, inputs):
    """A NumPy result as device arrays, scalars as 0-d ones: the input itself, a view of one, or a new array."""
    if isinstance(result, (tuple, list)):
        return type(result)(_raised(part, inputs) for part in result)
    if result is None:
        return None
    result = np.asarray(result)
    for x in inputs:
        if x._array is result:
            return x
    array = ndarray.__new__(ndarray)
    array._array, array._number = result, _device.current
    owners = (x if x.base is None else x.base for x in inputs if _memory(x._array) is _memory(result))
    array.base = next(owners, None)
    return array


def _memory(array):
    """The object that owns an array's memory."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return array


# ------------------------------------------------------------------ what the list of names says, as functions
def _not_numpy(name):
    return TypeError(
        f"NumPy's {name} was called with a device array: call cupy.{name}, or copy to the host with .get()"
    )


def _missing(name):
    return f"{name} is not on the list of names that the fake device takes over from CuPy {names.VERSION}"


def _take_over(group, numpy, call):
    """The functions of `group`: each is ``call(NumPy's function, ...)``, where CuPy takes the arguments."""
    stubs = [stub for stub in vars(group).values() if inspect.isfunction(stub)]
    return {stub.__name__: _checked(stub, functools.partial(call, getattr(numpy, stub.__name__))) for stub in stubs}


def _checked(stub, function):
    signature = inspect.signature(stub)

    @functools.wraps(stub)
    def checked(*args, **kwargs):
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"CuPy {names.VERSION} has {stub.__name__}{signature}: {error}") from None
        for name in names.ON_HOST & given.keys():
            _lowered(given[name], arrays := [])
            if arrays:
                raise TypeError(f"{stub.__name__} takes numbers for {name}, and a device array is none: see int()")
        return function(*args, **kwargs)

    return checked


def _of_arrays(function, *args, **kwargs):
    given = []
    _lowered((args, kwargs), given)
    if not given:
        raise TypeError(f"cupy.{function.__name__} takes arrays on the device, and there is none among its arguments")
    return _on_host(function, *args, **kwargs)


def _of_operands(function, *args, **kwargs):
    for x in args:
        if not isinstance(x, (ndarray, np.ndarray, np.generic, int, float, complex)):
            raise TypeError(f"{function.__name__} takes device arrays and numbers, not a {type(x).__name__}")
    return _on_host(function, *args, **kwargs)


def _creating(function, *args, **kwargs):
    of_array = args and isinstance(args[0], ndarray)
    if function not in (np.array, np.asarray, np.asanyarray) or of_array and args[0]._number == _device.current:
        return _on_host(function, *args, **kwargs)
    if not of_array:  # an array of another device moves without the host
        _record(_device.uploads, f"{function.__name__}()")
    return _raised(function(*(_lowered(args) if of_array else args), **kwargs).copy(order="K"), [])


def _answering(function, *args, **kwargs):
    return function(*_lowered(args), **_lowered(kwargs))


class ufunc:
    """cupy.exp, cupy.add, ..."""

    def __init__(self, name):
        self.__name__ = name
        self._ufunc = getattr(np, name)

    def __call__(self, *args, **kwargs):
        if foreign := kwargs.keys() - names.UFUNC_KEYWORDS:
            raise TypeError(f"cupy.{self.__name__} in CuPy {names.VERSION} takes no {', '.join(foreign)}=")
        return _of_operands(self._ufunc, *args, **kwargs)

    def __getattr__(self, name):
        if name == "at" and self.__name__ in names.AT:
            return functools.partial(_at, self._ufunc)
        raise AttributeError(_missing(f"cupy.{self.__name__}.{name}"))


def _operator(function, reflected=False):
    def method(self, *others):
        if any(getattr(type(x), "__array_ufunc__", "any") is None for x in others):
            return NotImplemented  # the type asks to be the one that answers
        return _of_operands(function, *others, self) if reflected else _of_operands(function, self, *others)

    return method


def _conversion(function):
    return lambda self, *spec: function(self._copied(f"{function.__name__}()"), *spec)


def _add_operators_and_methods():
    for function in (bool, int, float, complex, repr, str, format):
        setattr(ndarray, f"__{function.__name__}__", _conversion(function))
    for name in ("neg", "pos", "abs", "invert", "lt", "le", "eq", "ne", "gt", "ge"):
        setattr(ndarray, f"__{name}__", _operator(getattr(operator, name)))
    arithmetic = "add sub mul truediv floordiv mod pow matmul lshift rshift and or xor divmod".split()
    for name in arithmetic:
        function = divmod if name == "divmod" else getattr(operator, f"__{name}__")
        setattr(ndarray, f"__{name}__", _operator(function))
        setattr(ndarray, f"__r{name}__", _operator(function, reflected=True))
        if name not in ("matmul", "divmod"):  # CuPy's x @= y is x = x @ y
            setattr(ndarray, f"__i{name}__", _operator(getattr(operator, f"__i{name}__")))
    for name, method in _take_over(names.Methods, np.ndarray, _on_host).items():
        setattr(ndarray, name, method)
    for name in names.ATTRIBUTES:
        setattr(ndarray, name, _attribute(name))


def _attribute(name):
    def read(self):
        value = getattr(self._array, name)
        return _raised(value, [self]) if isinstance(value, np.ndarray) else value

    return property(read)


_add_operators_and_methods()


class Device:
    """cupy.cuda.Device: a device by its number, the current one without it."""

    def __init__(self, device=None):
        self.id = _device.current if device is None else device
        if not 0 <= self.id < _device.count:
            raise RuntimeError(f"there is no fake device {device}: they are {_device.count}, numbered from 0")
        self._before = []

    def __enter__(self):
        self._before.append(_device.current)
        self.use()
        return self

    def __exit__(self, *error):
        _device.current = self._before.pop()

    def __eq__(self, other):
        return isinstance(other, Device) and other.id == self.id

    def use(self):
        _device.current = self.id

    def synchronize(self):
        pass


def _device_count():
    if _device.count == 0:
        raise RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
    return _device.count


# ------------------------------------------------------------------ the modules
def _module(name, members):
    module = types.ModuleType(name, f"The fake device's stand-in for {name} {names.VERSION}.")
    vars(module).update(members)

    def missing(attribute):
        raise AttributeError(_missing(f"{name}.{attribute}"))

    module.__getattr__ = missing
    return module


@functools.cache
def _modules():
    """The modules by the names under which they are imported."""
    runtime = _module("cupy.cuda.runtime", {"getDeviceCount": _device_count})
    cuda = _module("cupy.cuda", {"Device": Device, "is_available": lambda: _device.count > 0, "runtime": runtime})
    strides = _take_over(names.Strides, np.lib.stride_tricks, _of_arrays)
    tricks = _module("cupy.lib.stride_tricks", strides)
    lib = _module("cupy.lib", {"stride_tricks": tricks})
    cupy = _module(
        "cupy",
        {name: getattr(np, name) for name in names.CONSTANTS}
        | {name: ufunc(name) for name in names.UFUNCS}
        | _take_over(names.Functions, np, _of_arrays)
        | _take_over(names.Creation, np, _creating)
        | _take_over(names.Questions, np, _answering)
        | {"__version__": names.VERSION, "ndarray": ndarray, "ufunc": ufunc, "cuda": cuda, "lib": lib}
        | {"asnumpy": asnumpy, "get_array_module": get_array_module},
    )
    cupyx = _module("cupyx", {"scatter_add": lambda a, slices, value: _at(np.add, a, slices, value)})
    return {module.__name__: module for module in (cupy, cuda, runtime, lib, tricks, cupyx)}


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    """A copy on the host."""
    return a.get(stream, order, out, blocking) if isinstance(a, ndarray) else np.asarray(a, order=order)


def get_array_module(*args):
    """The stand-in for CuPy if any of the arguments is an array on the device, else NumPy."""
    return sys.modules["cupy"] if any(isinstance(x, ndarray) for x in args) else np


@contextlib.contextmanager
def installed(devices: int = 1):
    """Let ``import cupy`` and ``import cupyx`` find the stand-ins, and yield the `FakeDevice` that counts copies.

    ``devices=0`` is a machine with CuPy and without a GPU.

    Afterwards what stood there before is back (also a real CuPy), and minigrad knows the arrays of the device no more.
    """
    global _device
    before = {name: sys.modules.get(name) for name in _modules()}
    outer, _device = _device, FakeDevice(devices)
    sys.modules.update(_modules())
    try:
        yield _device
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
        backend.forget(ndarray)
        _device = outer
