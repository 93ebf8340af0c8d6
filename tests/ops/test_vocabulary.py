"""Formulas keep to words that mean the same on arrays and on Tensors, since the engine runs them on both.

That is what ``grad_<input>`` of a plain op and ``reference`` of a fused one may be made of: operators, comparisons,
indexing, ``.shape``, ``.ndim``, ``.dtype``, ``.reshape(tuple)``, the op's own parameters, and functions of
`minigrad.ops`. Helpers that they call are read as well.
"""

import ast
import builtins
import inspect
import math
import textwrap

import numpy as np
import pytest

from minigrad import ops
from minigrad.autograd import Op
from minigrad.ops import elementwise
from tests.ops.test_ops import kinds_of

ATTRIBUTES = {"shape", "ndim", "dtype", "reshape"}
BUILTINS = {"enumerate", "len", "range", "slice", "sorted", "tuple", "zip"}  # for shapes, axes and indices
PUBLIC = {getattr(ops, name) for name in ops.__all__}


def strangers(function, op, seen=None):
    """The words in a method of `op`, or in a helper that it calls, that are outside the vocabulary."""
    seen = set() if seen is None else seen
    if function in seen:
        return set()
    seen.add(function)
    nodes = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))))
    local = {n.arg for n in nodes if isinstance(n, ast.arg)}
    local |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    owners = {n.value for n in nodes if isinstance(n, ast.Attribute)}
    found = set()
    for node in nodes:
        if isinstance(node, ast.Attribute):
            found |= _attribute(node, local, function, op, seen)
        elif isinstance(node, ast.Name) and node.id not in local and node not in owners:
            found |= _name(node.id, function, op, seen)
    return found


def _attribute(node, local, function, op, seen):
    owner = node.value
    if isinstance(owner, ast.Name) and owner.id == "self":  # a parameter of the instance, or a method of it
        method = getattr(op, node.attr, None)
        return strangers(method, op, seen) if inspect.isfunction(method) else set()
    if isinstance(owner, ast.Name) and owner.id not in local:
        known = function.__globals__.get(owner.id) in (math, builtins)
    else:
        known = node.attr in ATTRIBUTES or ast.unparse(owner).startswith("self.")
    return set() if known else {ast.unparse(node)}


def _name(name, function, op, seen):
    """A function of minigrad.ops, an op, a number or a builtin; a helper is read in turn; all else is a stranger."""
    value = function.__globals__.get(name)
    if value is None:
        return set() if name in BUILTINS else {name}
    if isinstance(value, (int, float)) or value in PUBLIC or inspect.isclass(value) and issubclass(value, Op):
        return set()
    is_helper = inspect.isfunction(value) and value.__module__.startswith("minigrad.ops")
    return strangers(value, op, seen) if is_helper else {name}


def formulas():
    """The methods that the engine runs on Tensors as well."""
    return [
        pytest.param(op, name, id=f"{op.__name__}.{name}")
        for op in kinds_of(Op)
        if op.__module__.startswith("minigrad.ops")
        for name in (["reference"] if op.reference else op.gradient_names)
        if getattr(op, name) is not None
    ]


@pytest.mark.parametrize("op, name", formulas())
def test_a_formula_keeps_to_the_vocabulary(op, name):
    assert strangers(getattr(op, name), op) == set()


class Strange(elementwise.Tanh):
    """Formulas with a word in them that is outside the vocabulary."""

    def numpy(self, g, y, x):
        return g * np.exp(x)

    def array_module(self, g, y, x):
        xp = elementwise.get_array_module(x)
        return g * xp.cos(x)

    def the_array(self, g, y, x):
        return g * x.data

    def a_method(self, g, y, x):
        return (g * x).sum(axis=0)

    def a_question_of_type(self, g, y, x):
        return g if isinstance(g, np.ndarray) else -g

    def a_property(self, g, y, x):
        return g @ x.T

    def for_arrays_only(self, g, y, x):
        return g * elementwise.exp_minus_abs(x)

    def in_a_helper(self, g, y, x):
        return self.a_property(g, y, x)

    def a_number(self, g, y, x):
        return g * float(y)


@pytest.mark.parametrize("name", [name for name, method in vars(Strange).items() if inspect.isfunction(method)])
def test_a_strange_word_is_found(name):
    assert strangers(getattr(Strange, name), Strange)
