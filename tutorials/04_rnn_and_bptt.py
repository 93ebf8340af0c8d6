# %% [markdown]
# # 04 · A recurrent network, backpropagation through time, and why tanh
# # 순환 신경망, 시간에 따른 역전파, 그리고 왜 tanh인가
#
# **Deck**: RNN의 구조, 활성화 함수, BPTT
#
# **Question.** How does a network with a memory learn, and what happens to its gradient on the way back through time?
#
# **질문.** 기억을 가진 신경망은 어떻게 학습하며, 시간을 거슬러 가는 동안 그 기울기에는 무슨 일이 일어나는가?
#
# **Summary.** A recurrent network is one layer used again at every time step, and backpropagation through time is
# ordinary backpropagation through all these uses, whose gradients add up. On the way back the gradient is multiplied
# by the same matrix and a slope at every step, so over 50 steps it vanishes by more than ten orders of magnitude with
# tanh as it usually starts, and explodes with ReLU when the weights are one and a half times what is recommended for
# it. What tanh buys is not a gradient that lasts but a state that stays between −1 and 1, while with such weights
# ReLU's state grows without bound together with its gradient.
#
# **요약.** 순환 신경망은 시점마다 다시 쓰이는 하나의 층이며, 시간에 따른 역전파는 이 모든 쓰임을 거쳐 가는 보통의
# 역전파로서 쓰일 때마다의 기울기를 모두 더한 것이다. 거슬러 가는 길에 기울기에는 시점마다 같은 행렬과 활성화 함수의
# 미분이 곱해지므로, 50시점을 지나면 흔히 쓰는 초깃값의 tanh에서는 100억분의 1보다도 작아져 소실되고 가중치가 권장값의
# 1.5배인 ReLU에서는 폭발한다. tanh가 주는 것은 오래가는 기울기가 아니라 −1과 1 사이에 머무는 상태이고, 그런
# 가중치에서 ReLU의 상태는 기울기와 함께 한없이 커진다.

# %%
import math

import numpy as np
from lesson import SEED, claim, show, source

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, ops, optim, plot
from models.memory import gradient_norms

mg.manual_seed(SEED)
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## 1. One layer, used at every step
#
# A recurrent network reads $x_1, x_2, \dots, x_T$ and keeps a state $h_t$ of what it has read:
#
# $$a_t = W x_t + U h_{t-1} + b, \qquad h_t = \varphi(a_t), \qquad h_0 = 0.$$
#
# The same $W$, $U$ and $b$ serve every step: weight sharing over time, as a convolution shares over places. What the
# network says is read off its states, and depending on which states are asked, the same layer does three kinds of work:
#
# | kind | what goes in | what is read off | an example |
# |---|---|---|---|
# | one to many | one input, then nothing | every state | a digit → its name, letter by letter |
# | many to one | a sequence | the last state | two numbers, bit by bit → which one is larger |
# | many to many | a sequence | every state | two numbers, bit by bit → their sum, bit by bit |


# %%
class Network(nn.Module):
    """x (T, N, inputs) → what a linear layer reads off each state, (T, N, outputs)."""

    def __init__(self, inputs: int, hidden: int, outputs: int, nonlinearity: str = "tanh"):
        self.rnn = nn.RNN(inputs, hidden, nonlinearity=nonlinearity)
        self.readout = nn.Linear(hidden, outputs)

    def forward(self, x):
        states, last = self.rnn(x)
        return self.readout(states)


def train(net, draw, steps):
    """draw() gives x and the answers to the network's last outputs, (L, N); the loss of every step."""
    optimizer, losses = optim.Adam(net.parameters(), lr=0.01), []
    for _ in range(steps):
        x, y = draw()
        logits = net(mg.tensor(x))[-len(y) :]
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)  # section 4
        optimizer.step()
        losses.append(loss.item())
    return losses


def right(net, x, y):
    """For which sequences all of the last outputs are right, (N,)."""
    return (net(mg.tensor(x)).data[-len(y) :].argmax(axis=-1) == y).all(axis=0)


# %% [markdown]
# **One to many.** Only the first step has an input: which of ten digits to write. From then on the state alone has to
# know what has been written.

# %%
NAMES = "zero one two three four five six seven eight nine".split()
letters = " " + "".join(sorted({*"".join(NAMES)}))
x_names = np.zeros((6, 10, 10), np.float32)
x_names[0] = np.eye(10)
y_names = np.array([[letters.index(letter) for letter in name.ljust(6)] for name in NAMES]).T
writer = Network(10, 32, len(letters))
losses = {"one to many": train(writer, lambda: (x_names, y_names), steps=200)}
written = writer(mg.tensor(x_names)).data.argmax(axis=-1)
print(*("".join(letters[i] for i in word) for word in written.T))
claim("names written without a mistake", int(right(writer, x_names, y_names).sum()), "==", 10)

# %% [markdown]
# **Many to one.** Two numbers come in step by step, the least significant bits first, and after the last pair the
# network says which number was larger. The state must remember which of the two leads, and every new difference
# overrules the older ones.
#
# **Many to many.** The same two numbers, and after every pair of bits the bit of their sum. The state must carry.
#
# Both train on numbers of 8 bits and are tested on numbers of 32 bits: who has learnt the rule and not the examples
# can use it for four times as many steps. (The sum has as many bits as the numbers; the last carry is dropped.)


# %%
def two_numbers(n, length):
    """The bits of n pairs of different numbers, the least significant first: (length, n) each."""
    a, b = rng.integers(0, 2, (2, length, n))
    b[0] = 1 - a[0]
    return a, b


def larger(n, length):
    a, b = two_numbers(n, length)
    worth = 2.0 ** np.arange(length)
    return np.stack([a, b], axis=-1).astype(np.float32), (worth @ a > worth @ b).astype(int)[None]


def addition(n, length):
    (a, b), carry = two_numbers(n, length), 0
    y = np.empty_like(a)
    for t in range(length):
        carry, y[t] = np.divmod(a[t] + b[t] + carry, 2)
    return np.stack([a, b], axis=-1).astype(np.float32), y


comparer, adder = Network(2, 16, 2), Network(2, 16, 2)
losses["many to one"] = train(comparer, lambda: larger(64, 8), steps=600)
losses["many to many"] = train(adder, lambda: addition(64, 8), steps=600)
x, y = addition(1000, 32)
bits = adder(mg.tensor(x)).data.argmax(axis=-1)
for what, row in {"  a": x[:, 0, 0], "+ b": x[:, 0, 1], "  =": bits[:, 0]}.items():
    print(what, "".join(str(int(bit)) for bit in row[::-1]))
claim("32 bits: comparisons that are right", float(right(comparer, *larger(1000, 32)).mean()), ">", 0.97)
claim("32 bits: sums of which every bit is right", float(right(adder, x, y).mean()), ">", 0.97)

# %% [markdown]
# The adder has 16 units for a carry of one bit. Where is it? Below are its states while it adds the two numbers printed
# above; the top row is the carry, and under it stand the units, ordered by how well they tell it. Look at the first of
# them: the network has found a memory cell of its own for the carry, or several.

# %%
states = adder.rnn(mg.tensor(x))[0].data  # (T, N, 16)
carry = (x.sum(axis=-1) - y)[1:] % 2  # what enters the next step: sum bit = a + b + carry, modulo 2
tells = np.array([np.corrcoef(states[:-1, :, unit].ravel(), carry.ravel())[0, 1] for unit in range(16)])
order = np.argsort(-np.abs(tells))
fig, axes = plot.figure(1, 1, 7.5, 3.2)
rows = [2 * carry[:, 0] - 1, *(np.sign(tells) * states[:-1, 0])[:, order].T]
drawn = axes[0, 0].imshow(rows, cmap="RdBu", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
axes[0, 0].set_yticks([0, 1, 16], ["carry", "unit 1", "unit 16"])
axes[0, 0].set(xlabel="time step (bit, from the least significant)", ylabel="ordered by correlation with the carry")
fig.colorbar(drawn, ax=axes[0, 0], label="state (sign turned to agree)")
show(fig)
claim("correlation of the best unit with the carry", np.abs(tells).max(), ">", 0.8)

# %% [markdown]
# ## 2. Backpropagation through time, written out
#
# Let $L = \sum_t \ell_t(h_t)$ and $\delta_t = \partial L / \partial a_t$. The state $h_t$ is used twice, by $\ell_t$
# and by the next step, so it is paid twice; from the last step to the first,
#
# $$\frac{\partial L}{\partial h_t} = \frac{\partial \ell_t}{\partial h_t} + U^\top \delta_{t+1}, \qquad
# \delta_t = \frac{\partial L}{\partial h_t} \odot \varphi'(a_t), \qquad \tanh'(a_t) = 1 - h_t^2.$$
#
# The weights are used at every step, so their gradients are sums over the steps:
#
# $$\frac{\partial L}{\partial W} = \sum_t \delta_t x_t^\top, \qquad
# \frac{\partial L}{\partial U} = \sum_t \delta_t h_{t-1}^\top, \qquad \frac{\partial L}{\partial b} = \sum_t
# \delta_t.$$
#
# As a program, with sequences in rows, for $\ell_t = \frac12 \lVert h_t - r_t \rVert^2$ with some targets $r_t$:


# %%
def bptt(x, r, W, U, b):
    """The gradients of ½ Σ ‖hₜ − rₜ‖² for hₜ = tanh(W xₜ + U hₜ₋₁ + b), from x (T, N, inputs) and r (T, N, hidden)."""
    h = [np.zeros(r.shape[1:])]
    for x_t in x:
        h.append(np.tanh(x_t @ W.T + h[-1] @ U.T + b))
    dW, dU, db, from_later = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b), np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        dh = (h[t + 1] - r[t]) + from_later  # h[0] is the start, so h[t + 1] is the state after x[t]
        delta = dh * (1 - h[t + 1] ** 2)
        dW += delta.T @ x[t]
        dU += delta.T @ h[t]
        db += delta.sum(axis=0)
        from_later = delta @ U
    return dW, dU, db


small = nn.RNN(3, 5).double()
x, r = rng.standard_normal((8, 4, 3)), rng.standard_normal((8, 4, 5))
(0.5 * (small(mg.tensor(x))[0] - r).square().sum()).backward()
W, U, b_ih, b_hh = (parameter.data for parameter in small.parameters())  # two biases, of which only the sum counts
for name, by_hand, parameter in zip("WUb", bptt(x, r, W, U, b_ih + b_hh), small.parameters()):
    claim(f"∂L/∂{name} by hand against minigrad", np.abs(by_hand - parameter.grad.data).max(), "<", 1e-12)

# %% [markdown]
# minigrad's own recurrent layer does the same. Its `reference` is the forward pass in plain ops, whose gradient
# autograd finds by itself, by walking back through time; the code that runs is faster since it collects all
# $\delta_t$ first and then sums over the steps in one matrix product:

# %%
source(ops.recurrent.RNN.reference, ops.recurrent.RNN.bptt, ops.recurrent.Recurrent.d_weights)

# %% [markdown]
# ## 3. What the way back does to the gradient
#
# What does the last state tell an input $k$ steps earlier? On the way stands a product of $k$ Jacobians,
#
# $$\frac{\partial h_T}{\partial h_{T-k}} = \prod_{t=T-k+1}^{T} \operatorname{diag}\big(\varphi'(a_t)\big)\, U,$$
#
# the latest factor leftmost, and a product of many alike factors goes like a power. If the $H \times H$ entries of
# $U$ are drawn with standard deviation $g/\sqrt H$, each factor multiplies the gradient's norm by about
#
# $$\lambda = g\,\sqrt{\overline{\varphi'(a)^2}},$$
#
# with the mean over the units. Below 1 it vanishes, above 1 it explodes, and there is little between. The slopes:
# $\tanh' \le 1$, and for ReLU it is 1 for about half of the units and 0 for the rest, so
# $\lambda \approx g/\sqrt2$.
#
# `gradient_norms` measures it: the norm of $\partial L/\partial x_t$ for each step $t$, where $L$ is a random
# projection of the last state. Both activations get weights as large as PyTorch and minigrad start them ($g =
# 1/\sqrt3$), and larger ones, one and a half times what He et al. recommend for ReLU ($g = 1.5\sqrt2$):

# %%
source(gradient_norms)

HIDDEN, STEPS, LAG = 128, 101, 50
GAINS = {"usual weights": 1 / math.sqrt(3), "large weights": 1.5 * math.sqrt(2)}


def look(nonlinearity, gain, networks=7):
    """Of the median new network: gradient norms over the lag, divided by that of lag 0; size of the state; λ."""
    norms, sizes, factors = [], [], []
    for _ in range(networks):
        rnn = nn.RNN(32, HIDDEN, nonlinearity=nonlinearity).double()
        nn.init.normal_(rnn.weight_hh_l0, 0, gain / math.sqrt(HIDDEN))
        x = rng.standard_normal((STEPS, 4, 32))
        gradient = gradient_norms(rnn, x, rng)[::-1]
        h = rnn(mg.tensor(x))[0].data
        slope = 1 - h**2 if nonlinearity == "tanh" else h > 0
        norms.append(gradient / gradient[0])
        sizes.append(np.sqrt((h**2).mean(axis=(1, 2))))
        factors.append(gain * np.sqrt((slope[-LAG:] ** 2).mean()))
    return np.median(norms, axis=0), np.median(sizes, axis=0), np.median(factors)


seen = {(phi, size): look(phi, gain) for phi in ("tanh", "relu") for size, gain in GAINS.items()}
decades = {key: float(np.log10(norms[LAG])) for key, (norms, _, _) in seen.items()}
print("powers of ten over 50 steps:     measured   50 log λ   size of the last state")
for (phi, size), (_, sizes, factor) in seen.items():
    print(f"{phi:5} {size:25} {decades[phi, size]:9.1f} {LAG * math.log10(factor):10.1f} {sizes[-1]:14.2g}")

# %% [markdown]
# Left, look at how straight the lines are on a logarithmic axis: powers of $\lambda$, as the formula says. Solid blue
# is the tanh network of every textbook: what happened 50 steps ago reaches it with less than a hundred-billionth of
# the weight of what happens now. Dashed orange is the ReLU network whose gradient explodes. But look at the other two
# lines as well: with the same usual weights ReLU vanishes even faster than tanh, for half of its slopes are zero; and
# with the same large weights tanh explodes too, only more slowly. **Whether the gradient vanishes or explodes is
# decided by the weights; the activation changes the rate.**
#
# Right is the difference that matters for "why tanh". With large weights ReLU's *state* grows like its gradient,
# and numbers of that size help nobody. Tanh's state stays between −1 and 1, whatever the weights are, and where it
# saturates, its slope $1 - h^2$ damps the gradient.

# %% tags=["key"]
fig, axes = plot.figure(1, 2, 4.4, 3.6)
for (phi, size), (norms, sizes, _) in seen.items():
    style = dict(color="C0" if phi == "tanh" else "C1", ls="-" if size == "usual weights" else "--")
    axes[0, 0].plot(norms, label=f"{'ReLU' if phi == 'relu' else phi}, {size}", **style)
    axes[0, 1].plot(range(1, STEPS + 1), sizes, **style)
axes[0, 0].set(yscale="log", xlabel="time lag in steps", ylabel="gradient norm, over that at lag 0", xlim=(0, 60))
axes[0, 0].set(ylim=(1e-25, 1e15), title="the gradient on its way back")
axes[0, 1].set(
    yscale="log", xlabel="time step", ylabel="size of a unit's state (rms)", title="the state on its way forward"
)
for ax in axes[0]:
    ax.grid(alpha=0.3)
axes[0, 0].legend(fontsize=8, loc="lower left")
show(fig)
claim("tanh, usual weights: powers of ten over 50 steps", decades["tanh", "usual weights"], "<", -11)
claim("ReLU, large weights: powers of ten over 50 steps", decades["relu", "large weights"], ">", 6)
claim(
    "tanh, large weights: size of the last state, which cannot exceed 1", seen["tanh", "large weights"][1][-1], ">", 0.5
)
claim("ReLU, large weights: size of the last state", seen["relu", "large weights"][1][-1], ">", 1e6)

# %%
off = max(abs(decades[key] - LAG * math.log10(factor)) for key, (_, _, factor) in seen.items())
claim("all four: powers of ten off the formula 50 log λ, at most", off, "<", 2)
claim("ReLU, usual weights, vanishes too", decades["relu", "usual weights"], "<", decades["tanh", "usual weights"])
claim("tanh, large weights, explodes too", decades["tanh", "large weights"], ">", 1.5)

# %% [markdown]
# ## 4. Clipping
#
# Against a gradient that vanishes nothing can be done afterwards: lesson 05 builds a cell in which it need not. One
# that explodes can be cut to size. If $\lVert g \rVert > c$, replace $g$ by $c\,g/\lVert g \rVert$: the direction
# stays, the step is bounded (Pascanu, Mikolov & Bengio 2013).

# %%
source(nn.utils.clip_grad_norm_)


# %%
def run(clip, steps=800):
    """Train a ReLU network with large weights by SGD to compare 20-bit numbers, while the loss is a number."""
    mg.manual_seed(SEED)
    net = Network(2, 32, 2, "relu")
    nn.init.normal_(net.rnn.weight_hh_l0, 0, GAINS["large weights"] / math.sqrt(32))
    optimizer, losses, norms = optim.SGD(net.parameters(), lr=0.1), [], []
    while len(losses) < steps:
        x, y = larger(64, 20)
        loss = F.cross_entropy(net(mg.tensor(x))[-1], y[0])
        if not np.isfinite(loss.item()):
            break
        optimizer.zero_grad()
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(net.parameters(), clip).item())  # the norm before clipping
        optimizer.step()
        losses.append(loss.item())
    return losses, norms, float(right(net, *larger(1000, 20)).mean())


with np.errstate(all="ignore"):  # overflow is what we are here to see
    free = run(clip=np.inf)
clipped = run(clip=1.0)
print(f"not clipped: {len(free[0])} of 800 steps with a finite loss, the last of them {free[0][-1]:.3g}")

fig, axes = plot.figure(1, 2, 4.4, 3)
for name, (losses, norms, _) in {"not clipped": free, "clipped at 1": clipped}.items():
    style = dict(color="C3" if name == "not clipped" else "C0", label=name, marker="X", markevery=[-1], ms=9)
    axes[0, 0].plot(range(1, len(losses) + 1), losses, **style)
    axes[0, 1].plot(range(1, len(norms) + 1), norms, **style)
axes[0, 0].axhline(math.log(2), color="grey", ls=":", label="guessing")
axes[0, 0].set(ylabel="loss in nats")
axes[0, 1].set(ylabel="gradient norm before clipping")
for ax in axes[0]:
    ax.set(yscale="log", xscale="log", xlabel="step", ylim=(1e-3, 1e10))
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8)
show(fig)
claim("not clipped: comparisons that are right in the end", free[2], "<", 0.65)
claim("clipped at 1: comparisons that are right in the end", clipped[2], ">", 0.85)

# %% [markdown]
# Same network, same task, same learning rate; a cross marks the last step of each run. Without clipping one of the
# first steps throws the weights so far away that the next loss is no number any more, or so large that nothing can be
# learnt. With clipping, look at the norms: they begin large, and the clipped steps lead out of the region where they
# are.
#
# ## Try this
#
# 1. Start $U$ as an orthogonal matrix, `nn.init.orthogonal_(rnn.weight_hh_l0)`, for which $g = 1$. How far does tanh
#    reach then?
# 2. Train the comparer on 8 bits and test it on 200. Why is that no contradiction to a vanishing gradient?
# 3. Let the adder read the *most* significant bits first. What is its accuracy, and why can no training help?
# 4. Replace SGD by Adam in the run without clipping. Why does it survive the first steps?
# 5. Clip each entry with `nn.utils.clip_grad_value_` instead. What happens to the direction of the gradient?
#
# **[Homework](homework/README.md)**: 14 rnn_bptt, 15 clip_by_global_norm
