"""One step of an LSTM, and back · LSTM의 한 단계와 그 기울기 (5 points)

An LSTM keeps two states, the output h and the cell c. Four gates look at the input x and at h:

    a = x·W_x + h·W_h + b,       a = (a_i | a_f | a_g | a_o)
    i = σ(a_i)    f = σ(a_f)    g = tanh(a_g)    o = σ(a_o)
    c' = f·c + i·g
    h' = o·tanh(c')

For N sequences with D features in and H features of the states, x is (N, D), h and c are (N, H), W_x is (D, 4H), W_h is
(H, 4H) and b is (4H,). The columns of a (N, 4H) are four blocks of H each, in PyTorch's order: i (input), f (forget), g
(candidate), o (output). All products but x·W_x and h·W_h are element by element. ``sigmoid`` is given.

Write ``lstm_step(x, h, c, w_x, w_h, b)`` (2 points), which returns the pair h', c'.

Write ``lstm_backward(grad_h, grad_c, x, h, c, w_x, w_h, b)`` (3 points). grad_h = ∂L/∂h' comes from above, from what
uses h' as an output, and grad_c = ∂L/∂c' from the next step; both are (N, H). Return six gradients in this order, each
of the shape of its array: those for x, h, c, w_x, w_h, b. Those for w_x, w_h and b are summed over the N sequences,
with no mean.

c' receives two gradients: grad_c, and the one that comes through h' = o·tanh(c'). Call their sum d. It goes on to f, c,
i and g; from the gates it goes back through σ or tanh, with σ' = σ·(1 − σ), to the four blocks of a. From a it goes to
the rest, as in any layer a = x·W_x + h·W_h + b.

A tiny example: N = D = H = 1, x = 0, h = 0, c = 2, W_x = W_h = [0, 0, 0, 0], b = [0, 0, 0, 0]. Then i = f = o = ½ and
g = 0, so c' = 1 and h' = ½·tanh 1 = 0.3808. With grad_h = 0 and grad_c = 1, d = 1. The gradient for c is 1·f = ½, and
that for b is [1·g·i·(1 − i), 1·c·f·(1 − f), 1·i·(1 − g²), 0] = [0, ½, ½, 0].

LSTM은 두 상태, 출력 h와 셀 c를 유지한다. 네 게이트가 입력 x와 h를 본다. 식은 위와 같다. 시퀀스가 N개, 입력의 특징이
D개, 상태의 특징이 H개이면 x는 (N, D), h와 c는 (N, H), W_x는 (D, 4H), W_h는 (H, 4H), b는 (4H,)이다. 모양이 (N, 4H)인
a의 열은 H개씩 네 블록이고, 순서는 PyTorch와 같이 i(입력), f(망각), g(후보), o(출력)이다. x·W_x와 h·W_h를 뺀 모든 곱은
원소마다 곱한다. ``sigmoid``는 주어져 있다.
h'과 c'의 쌍을 돌려주는 ``lstm_step(x, h, c, w_x, w_h, b)``(2점)를 작성하라.
``lstm_backward(grad_h, grad_c, x, h, c, w_x, w_h, b)``(3점)를 작성하라. grad_h = ∂L/∂h'은 위에서, 곧 h'을 출력으로 쓰는
쪽에서 오고, grad_c = ∂L/∂c'은 다음 단계에서 온다. 둘 다 모양이 (N, H)이다. x, h, c, w_x, w_h, b의 기울기 여섯 개를 이
순서로, 각각 자기 배열과 같은 모양으로 돌려준다. w_x, w_h, b의 기울기는 시퀀스 N개에 대해 더하고 평균하지 않는다.
c'은 기울기를 둘 받는다. 하나는 grad_c이고 다른 하나는 h' = o·tanh(c')을 거쳐 온다. 둘의 합을 d라 하자. d는 f, c, i, g로
이어지고, 게이트에서는 σ나 tanh를 거슬러(σ' = σ·(1 − σ)) a의 네 블록으로 간다. a에서부터는 층 a = x·W_x + h·W_h + b의
기울기와 같다.
예: N = D = H = 1, x = 0, h = 0, c = 2, W_x = W_h = b = [0, 0, 0, 0]이면 i = f = o = ½, g = 0이므로 c' = 1,
h' = ½·tanh 1 = 0.3808이다. grad_h = 0, grad_c = 1이면 d = 1이다. c의 기울기는 1·f = ½이고, b의 기울기는
[1·g·i·(1 − i), 1·c·f·(1 − f), 1·i·(1 − g²), 0] = [0, ½, ½, 0]이다.
"""

import numpy as np


def sigmoid(a):
    """σ(a) = 1 / (1 + e^−a), for large |a|, too."""
    return 0.5 + 0.5 * np.tanh(0.5 * a)


def lstm_step(x, h, c, w_x, w_h, b):
    """The next h and c."""
    # BEGIN SOLUTION
    a_i, a_f, a_g, a_o = np.split(x @ w_x + h @ w_h + b, 4, axis=1)
    new_c = sigmoid(a_f) * c + sigmoid(a_i) * np.tanh(a_g)
    return sigmoid(a_o) * np.tanh(new_c), new_c
    # END SOLUTION


def lstm_backward(grad_h, grad_c, x, h, c, w_x, w_h, b):
    """The gradients for x, h, c, w_x, w_h and b, from those for the next h and c."""
    # BEGIN SOLUTION
    a = np.split(x @ w_x + h @ w_h + b, 4, axis=1)
    i, f, g, o = sigmoid(a[0]), sigmoid(a[1]), np.tanh(a[2]), sigmoid(a[3])
    t = np.tanh(f * c + i * g)
    d = grad_c + grad_h * o * (1 - t * t)
    d_i = d * g * i * (1 - i)
    d_f = d * c * f * (1 - f)
    d_g = d * i * (1 - g * g)
    d_o = grad_h * t * o * (1 - o)
    delta = np.concatenate([d_i, d_f, d_g, d_o], axis=1)
    return delta @ w_x.T, delta @ w_h.T, d * f, x.T @ delta, h.T @ delta, delta.sum(0)
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part

NAMES = ("x", "h", "c", "w_x", "w_h", "b")
SIZES = {"n": (1, 3, 3), "features": (1, 5, 5), "hidden": (1, 3, 2)}


def draw_step(rng, n, features, hidden):
    return {
        "x": rng.standard_normal((n, features)),
        "h": rng.uniform(-1, 1, (n, hidden)),
        "c": rng.standard_normal((n, hidden)),
        "w_x": rng.standard_normal((features, 4 * hidden)) / features**0.5,
        "w_h": rng.standard_normal((hidden, 4 * hidden)) / hidden**0.5,
        "b": rng.uniform(-1, 1, 4 * hidden),
    }


def draw(rng, n, features, hidden):
    above = {name: rng.standard_normal((n, hidden)) for name in ("grad_h", "grad_c")}
    return above | draw_step(rng, n, features, hidden)


def cells(x, h, c, w_x, w_h, b):
    """h' and c', one cell after the other; σ(a) = 1 / (1 + e^−a) and tanh a = 2·σ(2a) − 1"""
    hidden, kind = h.shape[1], np.result_type(x, h, c, w_x, w_h, b)
    new_h, new_c = np.empty(h.shape, kind), np.empty(h.shape, kind)
    for n, j in np.ndindex(h.shape):
        columns = [j + block * hidden for block in range(4)]
        e = np.exp(-(w_x[:, columns].T @ x[n] + w_h[:, columns].T @ h[n] + b[columns]))
        into, kept, out = (1 / (1 + e[k]) for k in (0, 1, 3))
        new_c[n, j] = kept * c[n, j] + into * (2 / (1 + e[2] * e[2]) - 1)
        new_h[n, j] = out * (2 / (1 + np.exp(-2 * new_c[n, j])) - 1)
    return new_h, new_c


def gradients(grad_h, grad_c, **arrays):
    """By a step of i·h: Im L(x + i·h) / h has no rounding error, however small h is"""
    step, found = 1e-30, []
    for name, array in arrays.items():
        found.append(np.empty(array.shape))
        for index in np.ndindex(array.shape):
            moved = array.astype(complex)
            moved[index] += 1j * step
            new_h, new_c = cells(**(arrays | {name: moved}))
            loss = (grad_h * new_h + grad_c * new_c).sum()
            found[-1][index] = loss.imag / step
    return found


def remembers(drawn):
    """The forget gates are open and the input gates shut"""
    hidden = drawn["h"].shape[1]
    b = np.repeat([-60.0, 60.0, 0.0, 0.5], hidden)
    return drawn | {"b": b}


EXAMPLE = {
    "x": np.zeros((1, 1)),
    "h": np.zeros((1, 1)),
    "c": np.full((1, 1), 2.0),
    "w_x": np.zeros((1, 4)),
    "w_h": np.zeros((1, 4)),
    "b": np.zeros(4),
}
PARTS = [
    Part(
        "lstm_step",
        2,
        draw_step,
        SIZES,
        cells,
        cases=lambda rng: {"the text's example": EXAMPLE, "f = 1 and i = 0": remembers(draw_step(rng, 2, 3, 2))},
        returns=("next h", "next c"),
    ),
    Part(
        "lstm_backward",
        3,
        draw,
        SIZES,
        gradients,
        cases=lambda rng: {
            "the text's example": {"grad_h": np.zeros((1, 1)), "grad_c": np.ones((1, 1))} | EXAMPLE,
            "f = 1 and i = 0": remembers(draw(rng, 2, 3, 2)),
            "nothing from the next step": (drawn := draw(rng, 2, 3, 2)) | {"grad_c": 0 * drawn["grad_c"]},
            "nothing from above": (drawn := draw(rng, 2, 3, 2)) | {"grad_h": 0 * drawn["grad_h"]},
        },
        returns=tuple(f"gradient for {name}" for name in NAMES),
    ),
]
HINTS = [
    (
        "np.split(a, 4, axis=1) cuts a into its blocks, and np.concatenate(..., axis=1) joins their gradients again.",
        "np.split(a, 4, axis=1)은 a를 블록으로 나누고, np.concatenate(..., axis=1)은 블록의 기울기를 다시 잇는다.",
    ),
    (
        "d = grad_c + grad_h·o·(1 − tanh² c'). The gate o receives from h' alone, the other three from d.",
        "d = grad_c + grad_h·o·(1 − tanh² c')이다. 게이트 o는 h'에서만 기울기를 받고, 나머지 셋은 d에서 받는다.",
    ),
    (
        "c' = f·c + i·g has two products: each factor receives d times the other factor.",
        "c' = f·c + i·g에는 곱이 둘 있다. 각 인수는 d에 다른 인수를 곱한 것을 받는다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "the order of g and o",
        "a_i, a_f, a_g, a_o =",
        "a_i, a_f, a_o, a_g =",
        "the blocks stand in the order i, f, g, o: g and o are exchanged",
        "블록의 순서는 i, f, g, o이다. g와 o가 서로 바뀌었다",
    ),
    Mistake(
        "h' and c' are exchanged",
        "return sigmoid(a_o) * np.tanh(new_c), new_c",
        "return new_c, sigmoid(a_o) * np.tanh(new_c)",
        "return h' first, then c'",
        "h'을 먼저, c'을 다음에 돌려주어라",
    ),
    Mistake(
        "input and forget gate are exchanged",
        "sigmoid(a_f) * c + sigmoid(a_i) * np.tanh(a_g)",
        "sigmoid(a_i) * c + sigmoid(a_f) * np.tanh(a_g)",
        "the forget gate f multiplies the old c, the input gate i what is new",
        "망각 게이트 f는 이전의 c에, 입력 게이트 i는 새 후보에 곱한다",
    ),
    Mistake(
        "the old cell is lost",
        "sigmoid(a_f) * c + sigmoid(a_i) * np.tanh(a_g)",
        "sigmoid(a_i) * np.tanh(a_g)",
        "the old cell must be carried on: c' = f·c + i·g",
        "이전의 셀을 이어 가야 한다. c' = f·c + i·g이다",
    ),
    Mistake(
        "the output's tanh is missing",
        "sigmoid(a_o) * np.tanh(new_c), new_c",
        "sigmoid(a_o) * new_c, new_c",
        "h' is o·tanh(c'), not o·c'",
        "h'은 o·c'이 아니라 o·tanh(c')이다",
    ),
    Mistake(
        "the candidate has σ",
        "sigmoid(a_i) * np.tanh(a_g)",
        "sigmoid(a_i) * sigmoid(a_g)",
        "the candidate g has tanh; only the three gates i, f and o have σ",
        "후보 g에는 tanh를 쓴다. σ는 세 게이트 i, f, o에만 쓴다",
    ),
    Mistake(
        "grad_c is missing",
        "d = grad_c + grad_h * o",
        "d = grad_h * o",
        "c' also receives grad_c, from the next step",
        "c'은 다음 단계에서 오는 grad_c도 받는다",
    ),
    Mistake(
        "nothing through the output",
        "d = grad_c + grad_h * o * (1 - t * t)",
        "d = grad_c",
        "h' = o·tanh(c') depends on c', too: grad_h·o·(1 − tanh² c') is missing",
        "h' = o·tanh(c')도 c'에 의존한다. grad_h·o·(1 − tanh² c')이 빠졌다",
    ),
    Mistake(
        "tanh' is missing on the way to c'",
        "grad_h * o * (1 - t * t)",
        "grad_h * o",
        "between h' and c' stands tanh: the factor 1 − tanh² c' is missing",
        "h'과 c' 사이에는 tanh가 있다. 인수 1 − tanh² c'이 빠졌다",
    ),
    Mistake(
        "the forget gate is missing on the way to c",
        "d * f, x.T @ delta",
        "d, x.T @ delta",
        "c is multiplied by f: its gradient is d·f",
        "c에는 f를 곱한다. 그 기울기는 d·f이다",
    ),
    Mistake(
        "σ' is missing",
        "d_f = d * c * f * (1 - f)",
        "d_f = d * c",
        "back through the forget gate's σ comes the factor f·(1 − f)",
        "망각 게이트의 σ를 거슬러 갈 때 인수 f·(1 − f)가 붙는다",
    ),
    Mistake(
        "the new cell for the old one",
        "d_f = d * c * f * (1 - f)",
        "d_f = d * (f * c + i * g) * f * (1 - f)",
        "f multiplies the old cell: its gradient is d·c, not d·c'",
        "f는 이전의 셀에 곱한다. 그 기울기는 d·c'이 아니라 d·c이다",
    ),
    Mistake(
        "the order of g and o in the gradient for a",
        "[d_i, d_f, d_g, d_o]",
        "[d_i, d_f, d_o, d_g]",
        "the blocks of the gradient for a stand in the order i, f, g, o, too: g and o are exchanged",
        "a의 기울기에서도 블록의 순서는 i, f, g, o이다. g와 o가 서로 바뀌었다",
    ),
    Mistake(
        "the order of g and o in a",
        "i, f, g, o = sigmoid(a[0]), sigmoid(a[1]), np.tanh(a[2]), sigmoid(a[3])\n"
        "    t = np.tanh(f * c + i * g)\n"
        "    d = grad_c + grad_h * o * (1 - t * t)\n"
        "    d_i = d * g * i * (1 - i)\n"
        "    d_f = d * c * f * (1 - f)\n"
        "    d_g = d * i * (1 - g * g)\n"
        "    d_o = grad_h * t * o * (1 - o)\n"
        "    delta = np.concatenate([d_i, d_f, d_g, d_o], axis=1)",
        "i, f, g, o = sigmoid(a[0]), sigmoid(a[1]), np.tanh(a[3]), sigmoid(a[2])\n"
        "    t = np.tanh(f * c + i * g)\n"
        "    d = grad_c + grad_h * o * (1 - t * t)\n"
        "    d_i = d * g * i * (1 - i)\n"
        "    d_f = d * c * f * (1 - f)\n"
        "    d_g = d * i * (1 - g * g)\n"
        "    d_o = grad_h * t * o * (1 - o)\n"
        "    delta = np.concatenate([d_i, d_f, d_o, d_g], axis=1)",
        "the blocks of a stand in the order i, f, g, o: in lstm_backward g and o are exchanged",
        "a의 블록 순서는 i, f, g, o이다. lstm_backward에서 g와 o가 서로 바뀌었다",
    ),
    Mistake(
        "the order of g and o in a",
        "np.tanh(a[2]), sigmoid(a[3])",
        "np.tanh(a[3]), sigmoid(a[2])",
        "the blocks of a stand in the order i, f, g, o: in lstm_backward g and o are exchanged",
        "a의 블록 순서는 i, f, g, o이다. lstm_backward에서 g와 o가 서로 바뀌었다",
    ),
    Mistake(
        "σ' where tanh' belongs",
        "d_g = d * i * (1 - g * g)",
        "d_g = d * i * g * (1 - g)",
        "g comes from tanh: its slope is 1 − g²",
        "g는 tanh의 값이므로 그 기울기는 1 − g²이다",
    ),
]
OTHERS = [
    """
    def lstm_step(x, h, c, w_x, w_h, b):
        n, m = h.shape
        a = (np.hstack([x, h, np.ones((n, 1))]) @ np.vstack([w_x, w_h, b])).reshape(n, 4, m)
        s = 1 / (1 + np.exp(-a))
        cell = s[:, 1] * c + s[:, 0] * np.tanh(a[:, 2])
        return [s[:, 3] * np.tanh(cell), cell]

    def lstm_backward(grad_h, grad_c, x, h, c, w_x, w_h, b):
        # by the derivatives at a itself, in an array (N, 4, H)
        n, m = h.shape
        z = np.hstack([x, h, np.ones((n, 1))])
        w = np.vstack([w_x, w_h, b])
        a = (z @ w).reshape(n, 4, m)
        s = 1 / (1 + np.exp(-a))
        cell = s[:, 1] * c + s[:, 0] * np.tanh(a[:, 2])
        through = grad_c + grad_h * s[:, 3] / np.cosh(cell) ** 2
        slope = s * (1 - s)
        da = np.empty_like(a)
        da[:, 0] = through * np.tanh(a[:, 2]) * slope[:, 0]
        da[:, 1] = through * c * slope[:, 1]
        da[:, 2] = through * s[:, 0] / np.cosh(a[:, 2]) ** 2
        da[:, 3] = grad_h * np.tanh(cell) * slope[:, 3]
        da = da.reshape(n, 4 * m)
        dz, dw, k = da @ w.T, z.T @ da, x.shape[1]
        return dz[:, :k], dz[:, k:-1], through * s[:, 1], dw[:k], dw[k:-1], dw[-1].astype(np.float32)
    """,
]
# END SOLUTION
