"""Module: a container that finds its parameters by looking at its own attributes; Parameter; ModuleList; Sequential.

A module's attributes, in the order in which they were set, are all the registry there is. A `Parameter` among them is
a parameter, a `Module` is a child, and so parameters come in the order in which the code defines them. What lies in a
list or is a plain Tensor is neither found nor trained: `ModuleList` holds layers, `Parameter` marks weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ..autograd import changed
from ..backend import destination
from ..tensor import Tensor, plain


class Parameter(Tensor):
    """A leaf tensor that a module owns and an optimizer changes."""

    __slots__ = ()

    def __init__(self, data, requires_grad: bool = True):
        super().__init__(data, requires_grad)


class Module:
    """Base of all layers and models: set parameters and layers as attributes, and define `forward`.

    >>> from minigrad import nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         self.hidden = nn.Linear(2, 8)
    ...         self.out = nn.Linear(8, 1)
    ...     def forward(self, x):
    ...         return self.out(self.hidden(x).tanh())
    >>> Net()
    Net(
      (hidden): Linear(in_features=2, out_features=8, bias=True)
      (out): Linear(in_features=8, out_features=1, bias=True)
    )
    >>> [name for name, _ in Net().named_parameters()]
    ['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias']
    """

    training = True  # train() and eval() switch it, for layers that differ between the two
    _buffers: frozenset[str] = frozenset()

    def __setattr__(self, name, value):
        if isinstance(value, Parameter):
            value.name = value.name or name
        elif value is not None and isinstance(vars(self).get(name), Parameter):
            raise TypeError(
                f"{type(self).__name__}.{name} is a Parameter, and a {type(value).__name__} would be none: "
                "change it in place with copy_() and the like, or assign an nn.Parameter"
            )
        object.__setattr__(self, name, value)

    def forward(self, *inputs):
        raise TypeError(f"{type(self).__name__} defines no forward(): say there how it computes its output")

    def __call__(self, *inputs, **options):
        return self.forward(*inputs, **options)

    # ------------------------------------------------------------------ what is inside
    def named_children(self) -> Iterator[tuple[str, Module]]:
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def children(self) -> Iterator[Module]:
        """The modules directly inside, in order; one that stands in two places comes twice."""
        return (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module ('') and all below it, parents before children, each once."""
        return _each_once(self._places(prefix))

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(path, parameter) in definition order, each once; messages name the parameter by its path from then on."""
        for path, tensor in _each_once(self._tensors()):
            if isinstance(tensor, Parameter):
                tensor.name = path
                yield path, tensor

    def parameters(self) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters())

    def register_buffer(self, name: str, tensor: Tensor) -> None:
        """An attribute that is saved with the parameters but not trained, such as a running mean."""
        setattr(self, name, tensor)
        self._buffers |= {name}

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        return ((path, tensor) for path, tensor in _each_once(self._tensors()) if not isinstance(tensor, Parameter))

    def buffers(self) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers())

    def _places(self, path: str = "") -> Iterator[tuple[str, Module]]:
        """As `named_modules`, but a module that stands in two places comes twice, as in PyTorch's state dicts."""
        yield path, self
        for name, child in self.named_children():
            yield from child._places(_join(path, name))

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every parameter and buffer by its path, as often as it stands somewhere."""
        for path, module in self._places():
            for name, value in vars(module).items():
                if isinstance(value, Parameter) or (isinstance(value, Tensor) and name in module._buffers):
                    yield _join(path, name), value

    # ------------------------------------------------------------------ switches
    def train(self, mode: bool = True) -> Module:
        """Training mode for this module and all below it."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Evaluation mode for this module and all below it."""
        return self.train(False)

    def zero_grad(self) -> None:
        for parameter in self.parameters():
            parameter.grad = None

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Freeze (False) or unfreeze all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def apply(self, function: Callable[[Module], object]) -> Module:
        """Call `function` on every module, children before parents; for initialising by hand."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def to(self, device=None, dtype=None) -> Module:
        """Move parameters, gradients and buffers to a device, convert what floats to a dtype, or both; in place.

        ``to("cuda")``, ``to(np.float64)`` and ``to("cuda", np.float64)`` are understood. The state of an optimizer
        follows at its next step.
        """
        device, dtype = destination(device, dtype)
        if dtype is not None and dtype.kind != "f":
            raise TypeError(f"a module computes in floating point, not in {dtype}")
        for tensor in (*self.parameters(), *self.buffers()):
            new = tensor.detach().to(device, dtype if tensor.dtype.kind == "f" else None)
            gradient = None if tensor.grad is None else tensor.grad.to(device, dtype)
            tensor.data, tensor.grad = new.data, gradient
            changed(tensor)
        return self

    def cuda(self) -> Module:
        return self.to("cuda")

    def cpu(self) -> Module:
        return self.to("cpu")

    def float(self) -> Module:
        return self.to(np.float32)

    def double(self) -> Module:
        return self.to(np.float64)

    # ------------------------------------------------------------------ saving
    def state_dict(self) -> dict[str, Tensor]:
        """Every parameter and buffer by its path, as a detached tensor that shares memory (clone it for a snapshot)."""
        return {path: tensor.detach() for path, tensor in self._tensors()}

    def load_state_dict(self, state_dict: dict, strict: bool = True) -> None:
        """Copy values in from a state dict of Tensors or arrays, or list all that does not fit and change nothing.

        With ``strict=False`` missing and unexpected names are passed over. A shape that differs is always an error.
        """
        own = self.state_dict()
        missing = [f"missing: {name}" for name in own if name not in state_dict]
        unexpected = [f"unexpected: {name}" for name in state_dict if name not in own]
        arrays = {name: plain(value) for name, value in state_dict.items() if name in own}
        shapes = [
            f"shape: {name} is {own[name].shape} here and {getattr(array, 'shape', ())} in the state dict"
            for name, array in arrays.items()
            if getattr(array, "shape", ()) != own[name].shape
        ]
        problems = shapes + (missing + unexpected if strict else [])
        if problems:
            raise RuntimeError(f"the state dict does not fit {type(self).__name__}:\n  " + "\n  ".join(problems))
        for name, array in arrays.items():
            own[name].copy_(array)

    # ------------------------------------------------------------------ looking at it
    def extra_repr(self) -> str:
        """What stands in the parentheses of a layer's line: the arguments of its constructor, where it keeps them."""
        kept = ((name, vars(self).get(name)) for name in inspect.signature(type(self).__init__).parameters)
        return ", ".join(f"{name}={value!r}" for name, value in kept if isinstance(value, (int, float, str, tuple)))

    def _unusual(self, usual: dict) -> str:
        """What `extra_repr` adds for attributes that are not as usual."""
        unusual = [name for name, value in usual.items() if getattr(self, name, value) != value]
        return "".join(f", {name}={getattr(self, name)!r}" for name in unusual)

    def __repr__(self):
        lines = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        lines = [self.extra_repr(), *lines] if self.extra_repr() else lines
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


def _join(path, name):
    return f"{path}.{name}" if path else name


def at_least_one(what: str, layer: Module, *sizes: int) -> None:
    """Each of the `sizes` that a layer is made with must be 1 or more."""
    if min(sizes) < 1:
        listed = " and ".join(", ".join(map(str, sizes)).rsplit(", ", 1))  # 3, 0 and 2
        raise ValueError(f"{type(layer).__name__} needs at least one {what}, not {listed}")


def _each_once(pairs):
    """The (path, thing) pairs without those whose thing came before."""
    first = {}
    for path, thing in pairs:
        first.setdefault(id(thing), (path, thing))
    return iter(first.values())


class ModuleList(Module):
    """A list of layers whose parameters are found; it calls none of them.

    >>> from minigrad import nn
    >>> hidden = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
    >>> len(hidden), [name for name, _ in hidden.named_parameters()][:2]
    (3, ['0.weight', '0.bias'])
    """

    def __init__(self, modules: Iterable[Module] = ()):
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> ModuleList:
        """Add a layer at the end."""
        i = len(self)
        if not isinstance(module, Module):
            kind = type(self).__name__
            raise TypeError(f"{kind} takes layers such as nn.ReLU(), and number {i} is {module!r:.60}")
        setattr(self, str(i), module)
        return self

    def __len__(self):
        return len(list(self.children()))

    def __iter__(self):
        return self.children()

    def __getitem__(self, i):
        layers = list(self.children())[i]
        return ModuleList(layers) if isinstance(i, slice) else layers


class Sequential(ModuleList):
    """Layers one after another; each takes the output of the one before.

    >>> from minigrad import nn
    >>> nn.Sequential(nn.Linear(784, 10), nn.ReLU())
    Sequential(
      (0): Linear(in_features=784, out_features=10, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *layers: Module):
        super().__init__(layers)

    def forward(self, x):
        for layer in self.children():
            x = layer(x)
        return x

    def __getitem__(self, i):
        layers = super().__getitem__(i)
        return Sequential(*layers) if isinstance(i, slice) else layers
