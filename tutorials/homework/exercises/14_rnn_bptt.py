"""Back through time: the gradients of an RNN · 시간을 거슬러: RNN의 기울기 (5 points)

A recurrent network reads a sequence of T steps and keeps a state h. For N sequences at once, with D features in and H
features of the state,

    hₜ = tanh(xₜ·W_x + hₜ₋₁·W_h + b),      t = 1 ... T

xₜ is (N, D), hₜ is (N, H), W_x is (D, H), W_h is (H, H) and b is (H,). Every step uses the same W_x, W_h and b. The
loss L sees all states h₁ ... h_T. In arrays, x has the shape (T, N, D), and x[0] is x₁.

Write ``rnn_step(x, h, w_x, w_h, b)`` (1 point): from x (N, D) and the state before, h (N, H), the next state (N, H).

Write ``rnn_backward(g, x, h0, w_x, w_h, b)`` (4 points). g has the shape (T, N, H): g[t] is what comes from above to
the state of step t alone, not yet what comes to it from later steps. x is (T, N, D), h0 is (N, H). It returns five
gradients in this order, each of the shape of its array: those for x, h0, w_x, w_h, b. They are those of L = Σ g·h,
summed over all steps and sequences, with no mean. First compute all states, then go from the last step to the first. A
state receives two gradients, one from above and one from the step after it:

    δₜ = (gₜ + δₜ₊₁·W_hᵀ) · (1 − hₜ²),      δ_{T+1} = 0

where the product with 1 − hₜ² is element by element. δₜ is the gradient for what stands in the tanh of step t; from
there it goes on to xₜ, hₜ₋₁, W_x, W_h and b. The last three receive something at every step.

A tiny example: T = 2, N = D = H = 1, W_x = 1, W_h = 2, b = 0, h₀ = 0, x = [0, 1], and g = [0, 1]. Then h₁ = 0 and
h₂ = tanh 1 = 0.7616, so δ₂ = 1 − 0.58 = 0.42 and δ₁ = (0 + 0.42·2)·(1 − 0) = 0.84. The gradients are, for x, [0.84,
0.42]; for h₀, 0.84·2 = 1.68; for W_x, 0.84·0 + 0.42·1 = 0.42; for W_h, 0.84·h₀ + 0.42·h₁ = 0; for b, 0.84 + 0.42 =
1.26.

순환 신경망은 T 단계의 시퀀스를 읽으며 상태 h를 유지한다. 시퀀스 N개를 한꺼번에 다루고 입력의 특징이 D개, 상태의 특징이
H개이면 위의 첫 식이 성립한다. xₜ는 (N, D), hₜ는 (N, H), W_x는 (D, H), W_h는 (H, H), b는 (H,)이다. 모든 단계가 같은
W_x, W_h, b를 쓴다. 손실 L은 h₁부터 h_T까지 모든 상태를 본다. 배열 x의 모양은 (T, N, D)이고 x[0]이 x₁이다.
``rnn_step(x, h, w_x, w_h, b)``(1점)를 작성하라. x (N, D)와 직전 상태 h (N, H)에서 다음 상태 (N, H)를 구한다.
``rnn_backward(g, x, h0, w_x, w_h, b)``(4점)를 작성하라. g의 모양은 (T, N, H)이고, g[t]는 위에서 단계 t의 상태로 바로
내려온 기울기이며 뒤의 단계에서 오는 기울기는 아직 들어 있지 않다. x는 (T, N, D), h0는 (N, H)이다. x, h0, w_x, w_h, b의
기울기 다섯 개를 이 순서로, 각각 자기 배열과 같은 모양으로 돌려준다. L = Σ g·h의 기울기이며, 모든 단계와 시퀀스에 대해
더하고 평균하지 않는다. 먼저 모든 상태를 계산하고, 그다음 마지막 단계에서 첫 단계로 거슬러 가라. 상태는 위에서, 그리고
다음 단계에서 기울기를 하나씩 받는다. 그 식이 위의 둘째 식이고, 1 − hₜ²은 원소마다 곱한다. δₜ는 단계 t의 tanh 안에 있는
값의 기울기이다. 여기서 xₜ, hₜ₋₁, W_x, W_h, b로 기울기가 이어지며, W_x, W_h, b는 모든 단계에서 기울기를 받는다.
예: T = 2, N = D = H = 1, W_x = 1, W_h = 2, b = 0, h₀ = 0, x = [0, 1], g = [0, 1]이면 h₁ = 0, h₂ = tanh 1 = 0.7616이고
δ₂ = 0.42, δ₁ = 0.84이다. 기울기는 x가 [0.84, 0.42], h₀가 1.68, W_x가 0.42, W_h가 0, b가 1.26이다.
"""

import numpy as np


def rnn_step(x, h, w_x, w_h, b):
    """The next state."""
    # BEGIN SOLUTION
    return np.tanh(x @ w_x + h @ w_h + b)
    # END SOLUTION


def rnn_backward(g, x, h0, w_x, w_h, b):
    """The gradients for x, h0, w_x, w_h and b, from those for all states."""
    # BEGIN SOLUTION
    states = [h0]
    for x_t in x:
        states.append(rnn_step(x_t, states[-1], w_x, w_h, b))
    grad_x, grad_w_x, grad_w_h, grad_b = np.zeros(x.shape), np.zeros(w_x.shape), np.zeros(w_h.shape), np.zeros(b.shape)
    from_later = np.zeros(h0.shape)
    for t in reversed(range(len(x))):
        h_before, h = states[t], states[t + 1]
        delta = (g[t] + from_later) * (1 - h * h)
        grad_w_x += x[t].T @ delta
        grad_w_h += h_before.T @ delta
        grad_b += delta.sum(0)
        grad_x[t] = delta @ w_x.T
        from_later = delta @ w_h.T
    return grad_x, from_later, grad_w_x, grad_w_h, grad_b
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part

STEP = {"n": (1, 3, 2), "features": (1, 5, 5), "hidden": (1, 3, 3)}
SIZES = {"steps": (1, 5, 4), "n": (1, 3, 2), "features": (1, 5, 5), "hidden": (1, 3, 3)}
NAMES = ("x", "h0", "w_x", "w_h", "b")


def weights(rng, features, hidden):
    """So large that no gradient dies on its way through the steps"""
    return {
        "w_x": rng.standard_normal((features, hidden)) / features**0.5,
        "w_h": rng.standard_normal((hidden, hidden)) / hidden**0.5,
        "b": rng.uniform(-1, 1, hidden),
    }


def draw_step(rng, n, features, hidden):
    x, h = rng.standard_normal((n, features)), rng.uniform(-1, 1, (n, hidden))
    return {"x": x, "h": h} | weights(rng, features, hidden)


def draw(rng, steps, n, features, hidden):
    x, h0 = rng.standard_normal((steps, n, features)), rng.uniform(-1, 1, (n, hidden))
    return {"g": rng.standard_normal((steps, n, hidden)), "x": x, "h0": h0} | weights(rng, features, hidden)


def neurons(x, h, w_x, w_h, b):
    """The state, one neuron after the other; tanh a = 1 − 2 / (e^2a + 1)"""
    new = np.empty(h.shape, np.result_type(x, h, w_x, w_h, b))
    for n, j in np.ndindex(h.shape):
        a = b[j] + sum(x[n, i] * w_x[i, j] for i in range(len(w_x))) + sum(h[n, i] * w_h[i, j] for i in range(len(w_h)))
        new[n, j] = 1 - 2 / (np.exp(2 * a) + 1)
    return new


def states(x, h0, w_x, w_h, b):
    found = []
    for each in x:
        found.append(h0 := neurons(each, h0, w_x, w_h, b))
    return np.array(found)


def gradients(g, **arrays):
    """By a step of i·h: Im L(x + i·h) / h has no rounding error, however small h is"""
    h, found = 1e-30, []
    for name, array in arrays.items():
        found.append(np.empty(array.shape))
        for index in np.ndindex(array.shape):
            moved = array.astype(complex)
            moved[index] += 1j * h
            loss = (g * states(**(arrays | {name: moved}))).sum()
            found[-1][index] = loss.imag / h
    return found


def cases(rng):
    last = draw(rng, 4, 2, 3, 2)
    last["g"][:-1] = 0
    return {"g = 0 but for the last step": last, "one step": draw(rng, 1, 2, 3, 2)}


PARTS = [
    Part("rnn_step", 1, draw_step, STEP, neurons),
    Part(
        "rnn_backward", 4, draw, SIZES, gradients, cases=cases, returns=tuple(f"gradient for {name}" for name in NAMES)
    ),
]
HINTS = [
    (
        "Keep h0 and all states in one list: states[t] is then the one before step t, and states[t + 1] the one after.",
        "h0와 모든 상태를 한 목록에 두어라. 그러면 states[t]는 단계 t의 직전 상태, states[t + 1]은 직후 상태이다.",
    ),
    (
        "Carry one array from step to step: δₜ·W_hᵀ, for the state before. What it is in the end is for h0.",
        "직전 상태의 기울기 δₜ·W_hᵀ을 배열 하나에 담아 넘겨라. 마지막에 남는 것이 h0의 기울기이다.",
    ),
    (
        "For a product a·W the gradients are δ·Wᵀ for a and aᵀ·δ for W; the bias gets the sum of δ over the batch.",
        "곱 a·W에서 a의 기울기는 δ·Wᵀ, W의 기울기는 aᵀ·δ이다. 편향은 δ를 배치에 대해 합한 것을 받는다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "b is missing",
        "h @ w_h + b",
        "h @ w_h",
        "the bias b is not added",
        "편향 b를 더하지 않았다",
    ),
    Mistake(
        "W_h is transposed",
        "np.tanh(x @ w_x + h @ w_h + b)",
        "np.tanh(x @ w_x + h @ w_h.T + b)",
        "forward it is h·W_h, without a transpose",
        "순전파는 전치 없이 h·W_h이다",
    ),
    Mistake(
        "no gradient from later steps",
        "(g[t] + from_later) *",
        "g[t] *",
        "a state also receives a gradient from the step after it: what goes to hₜ₋₁ must be carried to the next turn",
        "상태는 다음 단계에서도 기울기를 받는다. hₜ₋₁로 가는 기울기를 다음 차례로 넘겨야 한다",
    ),
    Mistake(
        "only the last step's g",
        "(g[t] + from_later) *",
        "(g[-1] if t == len(x) - 1 else from_later) *",
        "every state has a g of its own: add g[t] at each step, not at the last one alone",
        "상태마다 자기 g가 있다. 마지막 단계만이 아니라 모든 단계에서 g[t]를 더하라",
    ),
    Mistake(
        "h after the step for h before it",
        "h_before.T @ delta",
        "h.T @ delta",
        "W_h was multiplied by hₜ₋₁, the state before the step, not by hₜ",
        "W_h에 곱한 것은 hₜ가 아니라 그 직전 상태 hₜ₋₁이다",
    ),
    Mistake(
        "W_h is not transposed",
        "delta @ w_h.T",
        "delta @ w_h",
        "back to hₜ₋₁ it is δₜ·W_hᵀ, with the transpose",
        "hₜ₋₁로 돌아갈 때는 전치하여 δₜ·W_hᵀ이다",
    ),
    Mistake(
        "tanh' is missing",
        "(g[t] + from_later) * (1 - h * h)",
        "g[t] + from_later",
        "on the way back through tanh comes the factor 1 − hₜ²",
        "tanh를 거슬러 갈 때 인수 1 − hₜ²이 붙는다",
    ),
    Mistake(
        "what comes from later steps is added after tanh'",
        "(g[t] + from_later) * (1 - h * h)",
        "g[t] * (1 - h * h) + from_later",
        "both gradients of a state go back through its tanh: add first, then multiply by 1 − hₜ²",
        "상태가 받는 두 기울기는 모두 그 tanh를 거슬러 간다. 먼저 더하고 나서 1 − hₜ²을 곱하라",
    ),
    Mistake(
        "δ is carried on without W_h",
        "from_later = delta @ w_h.T\n    return grad_x, from_later,",
        "from_later = delta\n    return grad_x, from_later,",
        "hₜ₋₁ comes into the tanh by way of W_h: what goes back to it is δₜ·W_hᵀ, not δₜ",
        "hₜ₋₁은 W_h를 거쳐 tanh로 들어간다. 거기로 돌아가는 것은 δₜ가 아니라 δₜ·W_hᵀ이다",
    ),
    Mistake(  # only h0 gets it with W_h
        "δ is carried on without W_h",
        "from_later = delta @ w_h.T\n    return grad_x, from_later,",
        "from_later = delta\n    return grad_x, from_later @ w_h.T,",
        "hₜ₋₁ comes into the tanh by way of W_h: what goes back to it is δₜ·W_hᵀ, not δₜ",
        "hₜ₋₁은 W_h를 거쳐 tanh로 들어간다. 거기로 돌아가는 것은 δₜ가 아니라 δₜ·W_hᵀ이다",
    ),
    Mistake(
        "tanh' at the wrong state",
        "(1 - h * h)",
        "(1 - h_before * h_before)",
        "the slope of step t's tanh is 1 − hₜ², with the state after the step",
        "단계 t의 tanh의 기울기는 그 단계의 결과 hₜ로 나타낸 1 − hₜ²이다",
    ),
    Mistake(
        "one step's gradient only",
        "grad_w_x += x[t].T @ delta\n        grad_w_h += h_before.T @ delta\n        grad_b += delta.sum(0)",
        "grad_w_x = x[t].T @ delta\n        grad_w_h = h_before.T @ delta\n        grad_b = delta.sum(0)",
        "all steps use the same weights: their gradients add up, and here the last one computed replaces the others",
        "모든 단계가 같은 가중치를 쓰므로 기울기를 더해야 하는데, 마지막에 계산한 값이 앞의 값을 대신했다",
    ),
    Mistake("not summed", "grad_b += delta.sum(0)", "grad_b = grad_b + delta"),
]
OTHERS = [
    """
    def rnn_step(x, h, w_x, w_h, b):
        joined = np.concatenate([x, h, np.ones((len(x), 1))], axis=1)
        return np.tanh(joined @ np.concatenate([w_x, w_h, b[None]]))

    def rnn_backward(g, x, h0, w_x, w_h, b):
        # a recursion over what is left of the sequence
        if not len(x):
            return [np.zeros(a.shape) for a in (x, h0, w_x, w_h, b)]
        h1 = rnn_step(x[0], h0, w_x, w_h, b)
        gx, gh, gwx, gwh, gb = rnn_backward(g[1:], x[1:], h1, w_x, w_h, b)
        d = (gh + g[0]) * (1 - h1**2)
        gwx = gwx + np.einsum("ni,nj->ij", x[0], d)
        gwh = gwh + np.einsum("ni,nj->ij", h0, d)
        return [np.concatenate([(d @ w_x.T)[None], gx]), d @ w_h.T, gwx, gwh, gb + np.einsum("nj->j", d)]
    """,
    """
    def rnn_backward(g, x, h0, w_x, w_h, b):
        # all δ first, then each gradient in one product over steps and sequences, in float32
        g, x, h0, w_x, w_h, b = (a.astype(np.float32) for a in (g, x, h0, w_x, w_h, b))
        before = [h0]
        for t in range(len(x)):
            before.append(rnn_step(x[t], before[t], w_x, w_h, b))
        h = np.stack(before)
        d = np.zeros((len(x) + 1, *h0.shape), np.float32)
        for t in range(len(x) - 1, -1, -1):
            d[t] = (g[t] + d[t + 1] @ w_h.T) * (1 - h[t + 1]) * (1 + h[t + 1])
        d = d[:-1]
        both = lambda a: np.tensordot(a, d, ((0, 1), (0, 1)))
        return d @ w_x.T, d[0] @ w_h.T, both(x), both(h[:-1]), d.sum((0, 1))
    """,
]
# END SOLUTION
