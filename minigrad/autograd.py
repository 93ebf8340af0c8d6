"""The tape, that is the record of what was computed: Op writes it, `backward` and `grad` read it from newest to oldest.

Read in this order: `Op.__call__` (the forward pass, which records), `_walk` (the backward pass), `backward` and `grad`
(what the user calls). The formulas are elsewhere: one ``grad_<input>`` method per input, beside each op's ``forward``.
Throughout, g is the gradient that arrives at an op's output, ∂L/∂output, also called its cotangent.
"""

from __future__ import annotations

import contextlib
from functools import wraps
from heapq import heapify, heappop, heappush
from itertools import count

import numpy as np

from .backend import changed_since, explained, get_array_module, note_change
from .tensor import FLOAT32, PLAIN, Tensor, as_array, plain, without_promotion_by_integers

_clock = count(1)  # numbers ops as they are recorded and changes in place as they happen: larger is later
_last_change = 0  # an op recorded later than this has nothing to check
_recording = True


class Op:
    """A differentiable function: `forward`, and ``grad_<input>`` for each of its inputs. An instance is used once.

    Called on arrays it returns an array. Called on Tensors it returns a Tensor and, where one of them requires a
    gradient, the instance becomes a node of the graph that keeps its inputs and its output.

    ``grad_<input>(self, g, output, *inputs)`` returns ∂L/∂input from g = ∂L/∂output: a new array, a view, or g itself.
    An ordinary backward pass calls it on arrays. Under ``create_graph`` the engine calls the same text on Tensors, and
    so it is recorded in turn. ``grad_x = None`` says that the output is piecewise constant in x. An op of any number of
    inputs has ``forward(self, *xs)`` and one ``grad_xs(self, g, output, *xs, i)`` for the i-th of them.

    A fused op also has ``reference(self, *inputs)``, the same function composed of plain ops. Its own gradients then
    run on arrays only, and ``create_graph`` differentiates the reference instead.

    >>> class Cube(Op):
    ...     "y = x³"
    ...     def forward(self, x): return x * x * x
    ...     def grad_x(self, g, y, x): return g * (3 * x * x)
    >>> x = Tensor([2.0], requires_grad=True)
    >>> Cube()(x).backward()
    >>> x.grad
    tensor([12.])
    """

    __slots__ = ("number", "__dict__")  # freeing a node deletes its __dict__; its number stays
    broadcasts = False  # True: inputs broadcast as in NumPy; the engine sums each gradient back to its input's shape
    reference = None
    edges = None  # per input the op that made it, the leaf itself, or None: no gradient goes there; None once freed
    retains_grad = False
    grad = None

    def __init_subclass__(cls):
        if not hasattr(cls, "forward"):
            return  # a base class for ops
        code = cls.forward.__code__
        cls.variadic = bool(code.co_flags & 0x04)  # CPython's mark of forward(self, *xs)
        inputs = code.co_varnames[code.co_argcount + code.co_kwonlyargcount :][:1] if cls.variadic else ()
        names = [f"grad_{name}" for name in code.co_varnames[1 : code.co_argcount] + inputs]
        missing = [name for name in names if not hasattr(cls, name)] if names else ["an input in forward(self, x)"]
        if missing:
            raise TypeError(f"{cls.__name__} lacks {', '.join(missing)}; where it is constant write grad_... = None")
        cls.gradient_names = names

    def __call__(self, *inputs):
        arrays, edges, any_tensor, any_edge = [], [], False, False
        for x in inputs:
            edge = None
            if isinstance(x, Tensor):
                any_tensor = True
                if x.requires_grad and _recording:
                    any_edge = True
                    edge = x.op or x
                x = x.data
            elif type(x) not in PLAIN:
                x = plain(x)
            arrays.append(x)
            edges.append(edge)
        if not any_tensor:
            return self.forward(*inputs)
        try:
            output = self.forward(*arrays)
        except (IndexError, TypeError, ValueError) as error:
            raise explained(error, repr(self), arrays, self.broadcasts) from error
        if type(output) is not np.ndarray:
            output = as_array(output, f"forward of {self}")
        if output.dtype is not FLOAT32:
            output = without_promotion_by_integers(output, arrays)
        if not any_edge:
            return Tensor(output)
        if self.edges is not None:
            raise RuntimeError(f"this {self} is a node of the graph already: an instance of an op is used once")
        self.inputs, self.arrays, self.edges, self.output, self.number = inputs, arrays, edges, output, next(_clock)
        return Tensor(output, True, self)

    def __repr__(self):
        return f"<{type(self).__name__}>"


def once(method):
    """For work that several gradients of a fused op share: run once for each g, then remembered."""
    key = f"once {method.__name__}"

    @wraps(method)
    def remembered(self, g, *args):
        if vars(self).get(key, (None,))[0] is not g:
            vars(self)[key] = g, method(self, g, *args)
        return vars(self)[key][1]

    return remembered


@contextlib.contextmanager
def _recording_is(on: bool):
    global _recording
    before, _recording = _recording, on
    try:
        yield
    finally:
        _recording = before


def no_grad():
    """Record nothing inside ``with no_grad():``, or in a function decorated ``@no_grad()``; in all threads at once."""
    return _recording_is(False)


def changed(tensor: Tensor) -> Tensor:
    """Note that the values of `tensor` were overwritten: a graph recorded before that refuses to use them."""
    global _last_change
    _last_change = next(_clock)
    note_change(tensor.data, _last_change, tensor.name)
    return tensor


# ------------------------------------------------------------------ the backward pass
def _walk(gradients: dict, wanted: set, retain_graph: bool | None, create_graph: bool) -> dict:
    """Send gradients from where they are given down to all leaves or, if any are `wanted`, along the paths to those.

    A node is an op or a leaf Tensor; `gradients` maps nodes to ∂L/∂their output: first those to start from, at the end
    those of the leaves (or of `wanted`), as Tensors. The heart of it is, with `op` the newest op that waits::

        g = gradients.pop(op)
        for each input:
            gradients[input] += op.grad_<input>(g, op.output, *op.arrays)

    An op's number is larger than those of all ops that it depends on. So when its turn comes, every gradient that it
    will ever get has arrived and been added up. The rest decides where not to go (`useful`), which arrays may be added
    into (`owned`), calls the same formulas on Tensors (`create_graph`), and frees the graph behind itself.
    """
    retain_graph = create_graph if retain_graph is None else retain_graph
    useful = set(wanted)  # the nodes from which a path leads to one of `wanted`
    if wanted:
        _add_leading_to(useful, gradients, min(getattr(node, "number", 0) for node in wanted))
    waiting = [(-node.number, node) for node in gradients if isinstance(node, Op)]
    heapify(waiting)
    owned, found = set(), {}  # owned: nodes whose gradient array nobody else holds, so it may be added into and kept
    while waiting:
        op = heappop(waiting)[1]
        g = gradients.pop(op)
        if op in wanted:
            found[op] = g
            if op.edges is None or useful.isdisjoint(op.edges):
                continue
        if op.edges is None or op.number < _last_change:
            _refuse(op)
        output, inputs, edges, names, variadic = op.output, op.arrays, op.edges, op.gradient_names, op.variadic
        if create_graph:
            output, inputs = Tensor(output, True, op), _input_tensors(op)
            if op.reference:
                edges = ()
                _splice(op, inputs, g, gradients, waiting, useful)
        for i, edge in enumerate(edges):
            if edge is None or wanted and edge not in useful:
                continue
            gradient = getattr(op, names[0 if variadic else i])
            if gradient is None:
                continue
            gx = gradient(g, output, *inputs, i=i) if variadic else gradient(g, output, *inputs)
            x = inputs[i]
            if gx is None or gx.shape != x.shape or gx.dtype is not x.dtype:
                gx = _fitted(gx, x, op, gradient)
            if edge not in gradients:
                gradients[edge] = gx
                if isinstance(edge, Op):
                    heappush(waiting, (-edge.number, edge))
                elif not (retain_graph or create_graph) and _is_new(gx, g, op):
                    owned.add(edge)
            elif edge in owned:
                gradients[edge] += gx
            else:
                gradients[edge] = gradients[edge] + gx
                if not create_graph:
                    owned.add(edge)
        retained = _as_own_tensor(g if op.grad is None else op.grad.data + g, False) if op.retains_grad else None
        if not retain_graph:
            del op.__dict__
        if retained is not None:
            op.grad = retained
    gradients.update(found)
    return {node: _as_own_tensor(g, node in owned) for node, g in gradients.items()}


def _splice(op, inputs, g, gradients, waiting, useful):
    """Record the reference of a fused op and let the walk go through that instead: it ends at the same inputs."""
    output = op.reference(*inputs)
    if output.op is None or output.op.number < op.number:
        output = output.clone()  # the reference handed out an input: it needs a node of its own
    if output.op is not None:
        gradients[output.op] = g
        heappush(waiting, (-output.op.number, output.op))
        _add_leading_to(useful, [output.op], op.number)


def _add_leading_to(useful, start, oldest):
    """Add to `useful` the ops below `start`, not older than `oldest`, from which a path leads to a node in it."""
    ops, stack = set(), list(start)
    while stack:
        op = stack.pop()
        if isinstance(op, Op) and op not in ops and op.number >= oldest:
            if op.edges is not None:
                ops.add(op)
                stack += op.edges
            elif op not in useful:
                _refuse(op)
    for op in sorted(ops, key=lambda op: op.number):
        if not useful.isdisjoint(op.edges):
            useful.add(op)


def _refuse(op):
    """Raise if the walk cannot use `op`: its graph is gone, or memory that it used holds other values now."""
    if op.edges is None:
        raise RuntimeError("the graph was walked already and is freed; run forward again, or retain_graph=True before")
    if found := changed_since(op.number, (*op.arrays, op.output)):
        advice = "call backward() before the optimizer's step(), or run the forward pass again after it"
        raise RuntimeError(f"{found} was changed after {op} had used it and would give a wrong gradient: {advice}")


def _input_tensors(op):
    """The inputs of `op` as Tensors: what no gradient goes to is a constant, numbers stay numbers."""
    inputs = []
    for x, array, edge in zip(op.inputs, op.arrays, op.edges):
        if edge is None:
            x = Tensor(array) if hasattr(array, "dtype") else array
        elif x.data is not array:
            raise RuntimeError(f"the array of an input of {op} was replaced; create_graph=True needs the old one")
        inputs.append(x)
    return inputs


def _fitted(gx, x, op, gradient):
    """`gx` with the dtype and the shape of the input x: broadcasting repeats, so its gradient sums."""
    if gx is None or gx.shape != x.shape and not (op.broadcasts and _broadcasts_to(x.shape, gx.shape)):
        made = "None" if gx is None else f"a gradient of shape {gx.shape}"
        raise ValueError(f"{gradient.__name__} of {op} returned {made} for an input of shape {x.shape}")
    if gx.shape != x.shape:
        extra = gx.ndim - x.ndim
        axes = tuple(i for i, n in enumerate(gx.shape) if i < extra or n != x.shape[i - extra])
        gx = gx.sum(axis=axes, keepdims=True).reshape(x.shape)
    return gx if gx.dtype == x.dtype else gx.astype(x.dtype)


def _broadcasts_to(small, large):
    return len(small) <= len(large) and all(m in (1, n) for m, n in zip(small[::-1], large[::-1]))


def _is_new(gx, g, op):
    """Whether the op made `gx` for this call alone: not a view, not g passed on, nothing that it keeps."""
    shared = op.reference or any(key.startswith("once") for key in vars(op))
    return gx.base is None and not shared and not any(gx is a for a in (g, *op.arrays, *vars(op).values()))


def _as_own_tensor(g, owned):
    """g as a Tensor; an array that others may hold is copied, so that a gradient can be changed in place."""
    if isinstance(g, Tensor):
        return g
    return Tensor(g if owned and g.flags.c_contiguous else get_array_module(g).array(g, order="C"))


def _first_gradient(output: Tensor, g, create_graph: bool):
    """∂L/∂output to start from: 1 for a scalar; never the very array given, as ops know what they did by identity."""
    if not output.requires_grad:
        cuts = "comparisons, argmax, integers, detach() and no_grad() cut it off"
        raise RuntimeError(f"backward from a tensor without history: nothing with requires_grad=True led to it; {cuts}")
    if g is None and output.data.size != 1:
        raise RuntimeError(f"backward from shape {output.shape}: reduce it to a scalar first, as in loss.mean()")
    if not isinstance(g, Tensor):
        g = Tensor(get_array_module(output.data).ones_like(output.data) if g is None else g)
    if g.shape != output.shape:
        raise ValueError(f"the gradient given has shape {g.shape}, and the tensor it belongs to {output.shape}")
    g = g if g.dtype == output.dtype else g.astype(output.dtype)
    return g[...] if create_graph else g.data[...]


def backward(self: Tensor, gradient=None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
    """Add ∂self/∂leaf to ``leaf.grad`` for every leaf that requires a gradient and that self depends on.

    Parameters
    ----------
    gradient : Tensor or array of self's shape, the cotangent ∂L/∂self; a scalar needs none (1)
    retain_graph : keep the graph, so that a second backward pass can walk it; default: `create_graph`
    create_graph : record the gradients' own computation, so that they can be differentiated again
    """
    with _recording_is(create_graph):
        first = {self.op or self: _first_gradient(self, gradient, create_graph)}
        found = _walk(first, set(), retain_graph, create_graph)
        for leaf, g in found.items():
            leaf.grad = leaf.grad + g if leaf.grad is not None else g.clone() if create_graph else g


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=False):
    """∂outputs/∂inputs as a tuple of Tensors, one per input; no leaf's ``.grad`` is touched.

    Several outputs count as their sum, each weighted with its cotangent in `grad_outputs`. Only the paths that lead to
    `inputs` are walked. An input that the outputs do not depend on is an error, or None under `allow_unused`.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> (slope,) = grad(x**3, x, create_graph=True)
    >>> slope, grad(slope, x)
    (tensor(12., op=Mul), (tensor(12.),))
    """
    outputs, inputs = _as_list(outputs), _as_list(inputs)
    cotangents = [None] * len(outputs) if grad_outputs is None else _as_list(grad_outputs)
    for i, x in enumerate(inputs or [None]):
        if not (isinstance(x, Tensor) and x.requires_grad):
            raise RuntimeError(f"grad() needs inputs with requires_grad=True, and input {i} is {x!r:.60}")
    with _recording_is(create_graph):
        first = {}
        for y, g in zip(outputs, cotangents, strict=True):
            g, node = _first_gradient(y, g, create_graph), y.op or y
            first[node] = first[node] + g if node in first else g
        nodes = [x.op or x for x in inputs]
        found = _walk(first, set(nodes), retain_graph, create_graph)
    for i, (x, node) in enumerate(zip(inputs, nodes)):
        if node not in found and not allow_unused:
            raise RuntimeError(f"the outputs do not depend on input {i} of shape {x.shape}; allow_unused gives None")
    return tuple(found.get(node) for node in nodes)


def _as_list(tensors):
    return list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]


Tensor.backward = backward
