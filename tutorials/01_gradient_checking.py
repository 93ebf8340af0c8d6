# %% [markdown]
# # 01 · Gradient checking: is a derivative the derivative?
# # 기울기 검사: 이 미분은 정말 미분인가?
#
# **Deck**: -
#
# **Question.** A wrong gradient often still trains, only worse. How do we find out that a formula for a gradient is
# the derivative of its function?
#
# **질문.** 기울기가 틀려도 학습은 대개 조금 나쁘게나마 진행된다. 기울기 공식이 정말 그 함수의 미분인지 어떻게
# 확인할 수 있는가?
#
# **Summary.** Move an input a little, see how the output changes, and compare: the step must be neither too large
# nor too small, and float32 is too coarse for it. The check must weigh the outputs at random, because under equal
# weights many a wrong formula is right by chance, and it must know a kink when it meets one. And the way in which two
# gradients differ says which mistake was made.
#
# **요약.** 입력을 조금 움직여 출력이 얼마나 변하는지 보고 공식과 비교하면 되는데, 그 간격은 너무 커도 너무 작아도
# 안 되며 float32로는 정밀도가 모자란다. 출력에 똑같은 가중치를 주면 틀린 공식도 우연히 맞아 보이므로 가중치는
# 무작위로 주어야 하고, 함수가 꺾이는 점은 따로 알아보아야 한다. 그리고 두 기울기가 어긋난 모양을 보면 어떤 실수를
# 했는지 알 수 있다.

# %%
import numpy as np
from lesson import SEED, claim, show, source

import minigrad as mg
from minigrad import nn, plot
from minigrad.autograd import Op
from minigrad.check import GradientError, numeric_grad
from minigrad.tensor import plain

rng = np.random.default_rng(SEED)
mg.manual_seed(SEED)

# %% [markdown]
# ## 1. How small is a small step?
#
# The derivative is a limit, and a computer cannot go to the limit. It can take a step $h$ to both sides,
#
# $$\frac{f(x+h) - f(x-h)}{2h} = f'(x) + \underbrace{\frac{h^2}{6} f'''(x) + \dots}_{\text{truncation}}
#   \;\pm\; \underbrace{\frac{\varepsilon\,|f(x)|}{h}}_{\text{rounding}},$$
#
# or to one side, which costs an error of $\frac h2 f''(x)$. A large step suffers from truncation. A small one
# subtracts two nearly equal numbers, each rounded by $\varepsilon$ of its size, and divides what is left, mostly
# rounding, by $h$. The two errors are equal near $h = \varepsilon^{1/3}$.
#
# Here is the error at 1,000 random places of $f(x) = e^{\sin x}$, whose derivative minigrad has by formula:


# %%
def f(x):
    return mg.exp(mg.sin(x))


x = mg.tensor(rng.uniform(-2, 2, 1000).astype(np.float32), dtype=np.float64, requires_grad=True)
(exact,) = mg.autograd.grad(f(x).sum(), [x])


def median_error(h, dtype, central=True):
    """Of the slope by differences with step h, all computed in `dtype`."""
    at, h = x.data.astype(dtype), dtype(h)
    slope = (f(at + h) - f(at - h)) / (2 * h) if central else (f(at + h) - f(at)) / h
    return np.median(abs(slope - exact.data))


steps = 10.0 ** np.arange(-14, 0.1, 0.25)
errors = {
    "float32": [median_error(h, np.float32) for h in steps if h > 1e-7],
    "float64": [median_error(h, np.float64) for h in steps],
    "float64, to one side": [median_error(h, np.float64, central=False) for h in steps],
}

# %% tags=["key"]
fig, axes = plot.figure(1, 1, 6.2, 3.8)
ax = axes[0, 0]
for (name, error), marker in zip(errors.items(), "osx"):
    ax.loglog(steps[-len(error) :], error, marker=marker, ms=4, label=name)
for epsilon, colour in ((np.finfo(np.float32).eps, "C0"), (np.finfo(np.float64).eps, "C1")):
    ax.axvline(epsilon ** (1 / 3), color=colour, linestyle=":", label=f"ε^⅓, ε = {epsilon:.0e}")
ax.set(xlabel="step h", ylabel="median error of the slope", title="Too large and too small a step: the error is a U")
ax.grid(alpha=0.3)
ax.legend(fontsize=8)
show(fig)
claim("smallest error in float64", min(errors["float64"]), "<", 1e-9)
claim("smallest error in float32", min(errors["float32"]), ">", 1e-6)
claim("error in float32 at h = 1e-5, the best step of float64", median_error(1e-5, np.float32), ">", 1e-4)

# %% [markdown]
# Read the U from the right. First each ten times smaller step makes the central difference a hundred times better,
# and the one-sided one ten times. Then the rounding takes over and each ten times smaller step makes it ten times
# *worse*. The dotted lines are $\varepsilon^{1/3}$ of the two formats, near the bottoms of their U. In float32 the best
# that can be had is some five digits: nobody can tell a small mistake from rounding there. So gradients are checked
# in float64, whatever they are trained in.


# %%
def power(name, low, high):
    """The exponent of h that the error follows between two steps."""
    hs, error = steps[-len(errors[name]) :], np.array(errors[name])
    inside = (hs > low) & (hs < high)
    return np.polyfit(np.log(hs[inside]), np.log(error[inside]), 1)[0]


claim("large steps, central: the error goes like h², exponent off by", abs(power("float64", 1e-4, 0.1) - 2), "<", 0.1)
claim("one-sided: like h, off by", abs(power("float64, to one side", 1e-6, 0.1) - 1), "<", 0.1)
claim("small steps: like 1/h, off by", abs(power("float64", 1e-13, 1e-7) + 1), "<", 0.15)

# %% [markdown]
# ## 2. A gradient check in ten lines
#
# A function of many inputs with many outputs has a matrix of slopes, the Jacobian $J$. Backpropagation never
# computes it: it gets weights for the outputs, the *cotangent* $c$, and returns $J^\top c$, the gradient of the one
# number $L = \sum_i c_i\, f_i(x)$. So that is what is checked, one input after the other:


# %%
def gradient_error(f, x, c):
    """Largest difference between the gradient of Σ c·f(x) by formula and by central differences, over max |c|."""
    leaf = mg.tensor(x, requires_grad=True)
    (by_formula,) = mg.autograd.grad(f(leaf), [leaf], [mg.tensor(c)])
    by_differences = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        h = np.zeros_like(x)
        h[i] = 1e-5
        by_differences[i] = np.sum(c * (plain(f(x + h)) - plain(f(x - h)))) / 2e-5
    return abs(by_formula.data - by_differences).max() / abs(c).max()


points, weights = rng.standard_normal((2, 3, 4))
functions = {"tanh": mg.tanh, "sigmoid": mg.sigmoid, "softmax": lambda x: mg.softmax(x, -1)}
for name, function in functions.items():
    claim(f"error of the gradient of {name}", gradient_error(function, points, weights), "<", 1e-8)

# %% [markdown]
# `minigrad.check.numeric_grad` does the same for any number of inputs, and `mg.gradcheck` compares. It is what
# minigrad's own formulas are tested by, whole layers included, every one of their weights. An LSTM, the heaviest of
# them, and what `gradcheck` says:

# %%
source(numeric_grad)

# %%
lstm = nn.LSTMCell(3, 4)
checked = mg.gradcheck(lstm, mg.randn(2, 3))
print(checked)
claim(
    "entries that agree: the input and all weights",
    checked.agree,
    "==",
    2 * 3 + sum(p.numel() for p in lstm.parameters()),
)

# %% [markdown]
# ## 3. Kinks
#
# ReLU, |x| and max pooling have points where the slope jumps, and there the derivative does not exist. A central
# difference that steps over such a point sees a part of each side. It then contradicts a formula that is right.


# %%
class ReLU(Op):
    """y = max(x, 0)"""

    def forward(self, x):
        return np.maximum(x, 0)

    def grad_x(self, g, y, x):
        return g * (x > 0)


def slope_across(x, h):
    return (np.maximum(x + h, 0) - np.maximum(x - h, 0)) / (2 * h)


inputs = rng.standard_normal(1_000_000)
shares = {h: np.mean(abs(slope_across(inputs, h) - (inputs > 0)) > 1e-3) for h in (1e-1, 1e-2, 1e-3)}
for h, share in shares.items():
    expected = 2 * h / np.sqrt(2 * np.pi)  # the probability that |x| < h, x ~ N(0, 1)
    claim(f"h = {h}: false alarms among 1,000,000 ReLUs, over P(|x| < h)", abs(share / expected - 1), "<", 0.2)

# %% [markdown]
# About one ReLU in a hundred raises a false alarm at $h = 0.01$, and proportionally fewer at smaller steps. In a
# network with thousands of them that is enough to make a check useless. Loosening the tolerance would let real
# mistakes through; what helps is to *recognise* a kink. Where a function is smooth, how much it bends over a step,
#
# $$b(h) = \frac{|f(x+h) - 2 f(x) + f(x-h)|}{h} \approx h\,|f''(x)|,$$
#
# falls with $h$. At a kink it stays what it is: the jump of the slope.

# %%
steps_to_0 = 10.0 ** np.arange(-5, 0.1, 0.5)


def bend(f, x):
    return [abs(f(x + h) - 2 * f(x) + f(x - h)) / h for h in steps_to_0]


fig, axes = plot.figure(1, 2, 4.0, 3.1)
left, right = axes[0]
places = np.linspace(-2, 2, 401)
left.plot(places, slope_across(places, 1.0), label="by differences")
left.step(places, places > 0, "--", label="by formula")
left.set(xlabel="x / h", ylabel="slope of ReLU at x", title="Stepping over a kink")
right.loglog(steps_to_0, bend(lambda x: np.maximum(x, 0), 0.0), "o-", label="ReLU at 0")
right.loglog(steps_to_0, bend(np.tanh, 0.5), "s-", label="tanh at 0.5")
right.set(xlabel="step h", ylabel="bend b(h)", title="Kink or curve?")
for ax in (left, right):
    ax.legend(fontsize=8)
    ax.grid(alpha=0.3)
show(fig)
claim("the bend of ReLU at 0, h from 1e-5 to 1, changes by", np.ptp(bend(lambda x: np.maximum(x, 0), 0.0)), "<", 1e-9)
claim("the bend of tanh at 0.5: h = 1e-3 over h = 1e-4", bend(np.tanh, 0.5)[4] / bend(np.tanh, 0.5)[2], ">", 9)

# %% [markdown]
# So `gradcheck` counts kinks apart, and there accepts any slope between those on the two sides, which is what
# every sensible convention gives. A slope outside of them it still calls wrong (its figures are multiplied by a random
# cotangent; part 4 tells why):

# %%
at = np.array([-1.0, 0.0, 2.0])
print("ReLU at -1, 0, 2:", mg.gradcheck(ReLU(), at))
claim("kinks found", mg.gradcheck(ReLU(), at).kinks, "==", 1)
ReLU.grad_x = lambda self, g, y, x: g * (x >= 0)
claim("kinks found, with slope 1 at 0", mg.gradcheck(ReLU(), at).kinks, "==", 1)
ReLU.grad_x = lambda self, g, y, x: g * ((x > 0) + 2 * (x == 0))
try:
    mg.gradcheck(ReLU(), at)
    refused = False
except GradientError as error:
    print(error)
    refused = True
claim("with slope 2 at 0 it is refused", refused, "==", True)

# %% [markdown]
# ## 4. Wrong, and right under ones
#
# The cotangent that comes to mind first is all ones, $L = \sum_i f_i$. It is a bad choice. Each of the five formulas
# below is wrong, and a check under ones passes all of them. Softmax sums to 1 and a centred row to 0, so that under
# ones the gradient is 0, and every formula will do that gives 0 there; where all entries of $g$ are equal, $g\cdot n$
# is as good as $\sum g$, and $g$ as good as $g$ flipped; and a formula that forgot its factor $g$ is right where
# $g = 1$.


# %%
class Softmax(Op):
    """right: y·(g − Σ g·y)"""

    def forward(self, x):
        return mg.softmax(x, -1)

    def grad_x(self, g, y, x):
        return y * (g - mg.mean(g, -1, keepdims=True))


class LogSoftmax(Op):
    """right: g − eʸ Σ g"""

    def forward(self, x):
        return mg.log_softmax(x, -1)

    def grad_x(self, g, y, x):
        return g - mg.exp(y) * g * x.shape[-1]


class Flip(Op):
    """right: g, flipped"""

    def forward(self, x):
        return x[:, ::-1]

    def grad_x(self, g, y, x):
        return g


class Centre(Op):
    """right: g − mean g"""

    def forward(self, x):
        return x - mg.mean(x, -1, keepdims=True)

    def grad_x(self, g, y, x):
        return 0 * g


class Square(Op):
    """right: g·2x"""

    def forward(self, x):
        return x * x

    def grad_x(self, g, y, x):
        return 2 * x


def error_of(op, cotangent):
    return gradient_error(lambda x: op()(x), points, cotangent)


wrong = [Softmax, LogSoftmax, Flip, Centre, Square]
under_ones = [error_of(op, np.ones((3, 4))) for op in wrong]
under_random = [error_of(op, weights) for op in wrong]

fig, axes = plot.figure(1, 1, 6.2, 3.0)
ax = axes[0, 0]
ax.scatter(under_ones, range(5), marker="s", label="cotangent of ones")
ax.scatter(under_random, range(5), marker="o", label="random cotangent")
ax.axvline(1e-6, linestyle=":", color="grey", label="what a check allows")
ax.set(xlabel="error of the gradient", ylabel="wrong formula", title="The same mistakes under two cotangents")
ax.set(xscale="log", yticks=range(5), yticklabels=[op.__name__ for op in wrong])
ax.grid(alpha=0.3)
ax.legend(fontsize=8, loc="center")
show(fig)
claim("largest error under ones", max(under_ones), "<", 1e-8)
claim("smallest error under a random cotangent", min(under_random), ">", 0.02)

# %% [markdown]
# On the left of the dotted line a mistake goes unnoticed. All five cross it when the weights are random. That is no
# luck: each of them is affine in $c$, and an affine map that differs from $J^\top c$ agrees with it on a subspace of
# lower dimension at most, where a random vector lies with probability 0. `gradcheck` always draws one.
#
# ## 5. Which mistake is it?
#
# "Wrong" is a start. But the usual mistakes leave marks. A forgotten minus turns the gradient round, a mean taken for
# a sum divides it by a whole number, a lost transposition puts the right numbers into wrong places. So `gradcheck`
# takes the wrong and the right gradient and tries the known mistakes one after the other. Let us plant some in a
# linear layer, whose three formulas are:


# %%
class Linear(Op):
    """y = x·wᵀ + b for x (n, in), w (out, in), b (out,)"""

    def forward(self, x, w, b):
        return x @ w.T + b

    def grad_x(self, g, y, x, w, b):
        return g @ w

    def grad_w(self, g, y, x, w, b):
        return g.T @ x

    def grad_b(self, g, y, x, w, b):
        return mg.sum(g, 0)


class Neighbours(Op):
    """y[i] = x[i−1] + x[i] + x[i+1], with zeros beyond both ends: it is its own adjoint"""

    def forward(self, x):
        y = x.copy()
        y[1:] += x[:-1]
        y[:-1] += x[1:]
        return y

    def grad_x(self, g, y, x):
        return Neighbours()(g)


class Tanh(Op):
    """y = tanh x"""

    def forward(self, x):
        return np.tanh(x)

    def grad_x(self, g, y, x):
        return g * (1 - y * y)


def with_formula(op, **formula):
    """The op with one of its formulas replaced."""
    return type(op.__name__, (op,), formula)()


INPUTS = {
    Linear: (rng.standard_normal((5, 4)), rng.standard_normal((4, 4)), rng.standard_normal(4)),
    Neighbours: rng.standard_normal(7),
    Tanh: rng.standard_normal(7),
    Softmax: points,
    Flip: points,
}
for op in (Linear, Neighbours, Tanh):
    checked = mg.gradcheck(op(), INPUTS[op], order=2)
    claim(f"{op.__name__} with the right formulas: entries in doubt of {sum(checked)}", checked.open, "==", 0)

planted = {  # what was done: where, how, and the kind of mistake that gradcheck should name
    "x: a minus too many": (Linear, {"grad_x": lambda self, g, y, x, w, b: -g @ w}, "factor"),
    "w: a mean over the batch": (Linear, {"grad_w": lambda self, g, y, x, w, b: g.T @ x / len(x)}, "factor"),
    "w: transposed": (Linear, {"grad_w": lambda self, g, y, x, w, b: x.T @ g}, "transposed"),
    "b: not summed": (Linear, {"grad_b": lambda self, g, y, x, w, b: g}, "not summed"),
    "b: the first example only": (Linear, {"grad_b": lambda self, g, y, x, w, b: g[0]}, "not summed"),
    "x: without g": (Linear, {"grad_x": lambda self, g, y, x, w, b: g**0 @ w}, "cotangent"),
    "an end forgotten": (Neighbours, {"grad_x": lambda self, g, y, x: Neighbours()(g) * (np.arange(7) > 0)}, "border"),
    "the softmax above": (Softmax, {}, "centring"),
    "the flip above": (Flip, {}, "flipped"),
    "y as a constant": (Tanh, {"grad_x": lambda self, g, y, x: g * (1 - plain(y) ** 2)}, "constant"),
    "y for y²": (Tanh, {"grad_x": lambda self, g, y, x: g * (1 - y)}, "unknown"),
}
reports = {}
for what, (op, formula, kind) in planted.items():
    try:
        mg.gradcheck(with_formula(op, **formula), INPUTS[op], order=2 if op is Tanh else 1)
    except GradientError as error:
        reports[what] = error.report
        claim(what, error.report.diagnosis.kind, "==", kind)
        print("   ", error.report.diagnosis.text)
claim("planted mistakes that were caught", len(reports), "==", len(planted))

# %% [markdown]
# Ten of the eleven are named for what they are. The last is caught but not named: `1 − y` for `1 − y²` is just a
# wrong formula, and there are too many of those to know them by their marks. The last but one is right as a gradient
# and wrong only when it is differentiated again, as a gradient penalty does: only `order=2` sees it. A report is data,
# and can be drawn. The lost transposition, with equal numbers mirrored at the diagonal:

# %%
show(reports["w: transposed"].draw())

# %% [markdown]
# What a gradient check cannot see: it compares a formula with the `forward` that stands beside it. If that computes
# the wrong function, its gradient can be perfectly right.
#
# ## Try this
#
# 1. Check a gradient in float32 by `gradient_error` (let everything in it be float32). What is the smallest error
#    that you reach, and with which step?
# 2. The four-point formula $\frac{8\,(f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))}{12h}$ has an error like $h^4$. Put it
#    into the first figure. Where is the bottom of its U, and how deep?
# 3. Plant a mistake of your own in `Linear`. Can you find one that `gradcheck` names wrongly?
# 4. Check max pooling, `lambda x: mg.nn.functional.max_pool2d(x, 2)`, on an image in which all pixels are equal. How
#    many kinks are there? Then give the gradient to *every* pixel of a tie instead of one: is that still accepted?
# 5. Find a cotangent other than ones under which the wrong `Flip` passes. What must be true of it?
#
# **[Homework](homework/README.md)**: 05 gradient_checker
