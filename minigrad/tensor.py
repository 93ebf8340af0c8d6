"""Tensor: an array, its gradient, and the op that made it. Nothing here computes; conversions stand at the end.

A tensor that the user made is a *leaf* (``op is None``). Every other tensor was made by an op, and that op is the node
of the graph: ``tensor.op.inputs`` are the tensors it came from. How gradients flow along those links is `autograd.py`;
the operators and methods (``x + y``, ``x.sum()``) are defined in `minigrad/ops` and attached to this class there.
"""

from __future__ import annotations

import numpy as np

from .backend import device_of, get_array_module, to_host

FLOAT32 = np.dtype(np.float32)
PLAIN = {np.ndarray, float, int, bool, type(None)}  # types that an op takes unconverted, beside Tensor


class Tensor:
    """A multi-dimensional array that can take part in differentiation.

    Parameters
    ----------
    data : array, number or nested list
        An array is taken as it is (not copied, dtype kept); Python floats become float32 and integers int64.
    requires_grad : bool
        Whether `backward` leaves ∂L/∂self in ``self.grad``. Only floating-point tensors have gradients.

    Attributes
    ----------
    data : the array itself
    grad : Tensor of the same shape, or None before any backward pass
    op : the node that made this tensor, or None for a leaf
    name : what error messages call it; a module names its parameters

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = ("data", "requires_grad", "op", "name", "_grad")
    __array_ufunc__ = None  # so that `ndarray + tensor` asks Tensor.__radd__ instead of looping over the elements

    def __init__(self, data, requires_grad: bool = False, op=None):
        if op is None:
            data = to_array(data)
            if requires_grad and data.dtype.kind != "f":
                raise TypeError(
                    f"requires_grad needs a floating-point tensor, and this one is {data.dtype}: "
                    "only real numbers have gradients; convert it first with .float()"
                )
        self.data = data
        self.requires_grad = requires_grad
        self.op = op
        self.name = None
        self._grad = None

    # ------------------------------------------------------------------ the gradient
    @property
    def grad(self) -> Tensor | None:
        """∂L/∂self. A leaf keeps it, summed over backward passes; another tensor only after `retain_grad()`."""
        return self._grad if self.op is None else self.op.grad

    @grad.setter
    def grad(self, value):
        if value is not None:
            if not isinstance(value, Tensor) or value.dtype != self.dtype:
                value = Tensor(to_array(value, self.dtype))
            if value.shape != self.shape:
                raise ValueError(f"a gradient has its tensor's shape {self.shape}, and this one has {value.shape}")
        if self.op is None:
            self._grad = value
        else:
            self.op.grad = value

    @property
    def is_leaf(self) -> bool:
        return self.op is None

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Switch gradients on or off for a leaf."""
        if self.op is not None and not requires_grad:
            raise RuntimeError("only a leaf can stop requiring a gradient; to cut a graph use .detach()")
        if self.op is None:
            self.requires_grad = Tensor(self.data, requires_grad).requires_grad
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of a tensor that is not a leaf, which backward otherwise drops when it has used it."""
        if not self.requires_grad:
            raise RuntimeError("retain_grad() needs a tensor that requires a gradient")
        if self.op is not None:
            self.op.retains_grad = True

    def detach(self) -> Tensor:
        """The same array outside the graph: nothing flows back through it."""
        detached = Tensor(self.data)
        detached.name = self.name
        return detached

    # ------------------------------------------------------------------ the array
    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def device(self) -> str:
        """Where the array lies: "cpu", "cuda" or "cuda:1"."""
        return device_of(self.data)

    def size(self, axis: int | None = None):
        """The shape, or the length of one axis (PyTorch's meaning, not NumPy's)."""
        return self.data.shape if axis is None else self.data.shape[axis]

    def dim(self) -> int:
        return self.data.ndim

    def numel(self) -> int:
        return self.data.size

    def item(self) -> float | int | bool:
        """The one element as a Python number."""
        if self.data.size != 1:
            raise ValueError(f"item() needs a tensor of one element, and this one has shape {self.shape}")
        return self.data.item()

    def tolist(self):
        return self.data.tolist()

    def numpy(self) -> np.ndarray:
        """The array; a tensor in a graph must be detached first, so that no gradient is lost unseen."""
        if self.requires_grad:
            raise RuntimeError("this tensor requires a gradient, which NumPy would lose: use .detach().numpy()")
        if self.device != "cpu":
            raise TypeError(f"this tensor lies on {self.device}, and NumPy works on the host: copy it, .cpu().numpy()")
        return self.data

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("a 0-d tensor has no len(); .item() gives its number")
        return len(self.data)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if self.data.size != 1:
            raise ValueError(f"the truth of a tensor of shape {self.shape} is ambiguous; compare one element")
        return bool(self.data)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __deepcopy__(self, memo) -> Tensor:
        if self.op is not None:
            raise RuntimeError("only a leaf can be deep-copied; for another tensor take .detach() or .clone()")
        copy = type(self)(self.data.copy(), self.requires_grad)
        copy.name, copy.grad = self.name, None if self._grad is None else self._grad.detach().clone()
        return copy

    __hash__ = object.__hash__  # == compares values, but as a key of a dict a tensor is itself

    def __repr__(self) -> str:
        text = np.array2string(to_host(self.data), separator=", ", prefix="tensor(")
        dtype = "" if self.data.dtype in (np.float32, np.int64, np.bool_) else f", dtype={self.data.dtype}"
        device = "" if self.device == "cpu" else f", device={self.device!r}"
        graph = f", op={type(self.op).__name__}" if self.op else ", requires_grad=True" if self.requires_grad else ""
        return f"tensor({text}{dtype}{device}{graph})"


def to_array(data, dtype=None):
    """An array as it is, a Tensor's array; numbers and lists become float32, int64 or bool arrays."""
    if isinstance(data, Tensor):
        data = data.data
    if get_array_module(data) is np:
        known = isinstance(data, (np.ndarray, np.generic))
        try:
            data = np.asarray(data)
        except ValueError:
            raise ValueError("the lists for a tensor must be nested evenly, each as long as its neighbours") from None
        if data.dtype.kind not in "fiub":
            raise TypeError(f"a tensor holds real numbers or truth values, not {data.dtype.name}")
        if not known and data.dtype == np.float64:
            dtype = dtype or np.float32
    return data if dtype is None else data.astype(dtype, copy=False)


def plain(x):
    """The array of a Tensor; arrays and numbers stay, NumPy scalars become numbers (so that float32 stays float32)."""
    if isinstance(x, Tensor):
        return x.data
    if isinstance(x, np.generic):
        return x.item()
    if type(x) in PLAIN or isinstance(x, np.ndarray) or get_array_module(x) is not np:
        return x
    raise TypeError(f"an op takes tensors, arrays and numbers, not {type(x).__name__}; try minigrad.tensor(...)")


def as_array(output, where: str):
    """A scalar of NumPy as a 0-d array, other arrays as they are."""
    if not hasattr(output, "dtype") or isinstance(output, Tensor):
        raise TypeError(f"{where} must return an array, not {type(output).__name__}: is a return missing?")
    return np.asarray(output) if isinstance(output, np.generic) else output


def without_promotion_by_integers(output, inputs):
    """NumPy widens a float that meets integers; here it keeps its dtype, and integers alone give float32."""
    dtypes = [x.dtype for x in inputs if hasattr(x, "dtype")]
    if output.dtype.kind != "f" or all(dtype.kind == "f" for dtype in dtypes):
        return output
    floats = [dtype for dtype in dtypes if dtype.kind == "f"]
    return output.astype(np.result_type(*floats) if floats else np.float32, copy=False)
