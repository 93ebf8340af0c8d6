# %% [markdown]
# # 09 · BCE or RMSE: which reconstruction loss?
# # BCE인가 RMSE인가: 복원 손실의 선택
#
# **Deck**: RMSE 사용하는 이유
#
# **Question.** An autoencoder must make its output like its input. What does it learn from the cross-entropy (BCE) of
# the pixels, what from their root mean squared error (RMSE), and which one rebuilds images better?
#
# **질문.** 오토인코더의 출력은 입력과 같아져야 한다. 픽셀의 교차 엔트로피(BCE)를 줄일 때와 평균 제곱근 오차(RMSE)를
# 줄일 때 무엇이 다르며, 어느 쪽이 이미지를 더 잘 복원하는가?
#
# **Summary.** For a grey pixel BCE punishes an error towards the nearer of black and white more than the same error
# towards the middle, and the squared error punishes both alike; yet both are least at the same place, the target. RMSE
# is the squared error with a gradient whose length does not shrink as the error does. After the same short training
# RMSE rebuilds digits best, because Adam's step keeps its size, and plain MSE does as well once Adam is made to forget
# its first gradients sooner.
#
# **요약.** 회색 픽셀에서 BCE는 흑과 백 중 가까운 끝 쪽으로 벗어난 오차를 가운데 쪽으로 벗어난 같은 크기의 오차보다 더
# 크게 벌하고 제곱 오차는 둘을 똑같이 다루지만, 최솟값은 둘 다 목표값에서 얻는다. RMSE는 제곱 오차와 같은 것을 재면서도
# 오차가 줄 때 기울기의 길이가 줄지 않는다. 똑같이 짧게 학습하면 RMSE가 숫자를 가장 잘 복원하는데, 이는 Adam의 보폭이
# 유지되기 때문이며, Adam이 초기의 기울기를 더 빨리 잊게 하면 MSE도 그만큼 잘한다.

# %%
import numpy as np
from lesson import SEED, claim, show, source

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import optim, plot
from minigrad.data import digits
from minigrad.ops import rmse_loss
from minigrad.ops.loss import BCEWithLogits, BinaryCrossEntropy, SquaredError
from minigrad.ops.reduce import Norm
from models.autoencoder import Autoencoder

rng = np.random.default_rng(SEED)
(x_train, _), (x_test, labels) = digits()
x_train, x_test = (images.reshape(-1, 784).astype(np.float32) / 255 for images in (x_train, x_test))

# %% [markdown]
# ## 1. Three losses and their gradients
#
# For an output $p$ between 0 and 1, its target $t$, and $n$ pixels:
#
# | loss | of $n$ pixels | gradient for one pixel's $p$ |
# |---|---|---|
# | BCE | $-\frac1n \sum \left[t \log p + (1 - t) \log(1 - p)\right]$ | $\frac1n \frac{p - t}{p\,(1 - p)}$ |
# | MSE | $\frac1n \sum (p - t)^2$ | $\frac1n\, 2\,(p - t)$ |
# | RMSE | $\sqrt{\mathrm{MSE}}$ | $\frac1n \frac{p - t}{\mathrm{RMSE}}$ |
#
# The output usually comes out of a sigmoid, $p = \sigma(l)$, whose slope is $p\,(1 - p)$. For the logit $l$ the
# gradient of BCE becomes simply $p - t$; that of MSE is $2\,(p - t)\,p\,(1 - p)$, and vanishes where the sigmoid is
# saturated, even if the answer there is quite wrong. These are the formulas that run:

# %%
source(BinaryCrossEntropy, BCEWithLogits, SquaredError)
source(rmse_loss, Norm)


# %% [markdown]
# Below, each gradient is what `backward()` gives for a single pixel, for every output $p$ and three targets:


# %%
def gradients(loss, t):
    """∂loss/∂p and ∂loss/∂l at 199 outputs p = σ(l), each a pixel of its own with target t."""
    p = np.linspace(0.005, 0.995, 199)
    found = []
    for start, to_output in ((p, lambda p: p), (np.log(p / (1 - p)), mg.sigmoid)):
        leaf = mg.tensor(start, dtype=np.float64, requires_grad=True)
        loss(to_output(leaf), mg.full(p.shape, t, dtype=np.float64)).backward()
        found.append(leaf.grad.numpy())
    return p - t, *found


single = {  # the sum over pixels, so that each has the gradient that it would have alone
    "BCE": lambda p, t: F.binary_cross_entropy(p, t, reduction="sum"),
    "MSE": lambda p, t: F.mse_loss(p, t, reduction="sum"),
    "RMSE": lambda p, t: mg.sum(mg.norm((p - t).reshape(-1, 1), axis=1)),
}
fig, axes = plot.figure(1, 2, 3.5, 3.4)
for (name, loss), colour in zip(single.items(), ("C0", "C1", "C2")):
    for t, line in ((0.0, "-"), (0.2, "--"), (1.0, ":")):
        error, for_output, for_logit = gradients(loss, t)
        axes[0, 0].plot(error, for_output, line, color=colour, label=f"{name}, t = {t:g}")
        axes[0, 1].plot(error, for_logit, line, color=colour)
axes[0, 0].set(xlabel="error p − t", ylabel="gradient for the output p", ylim=(-6, 6))
axes[0, 1].set(xlabel="error p − t", ylabel="gradient for the logit l")
for ax in axes[0]:
    ax.grid(alpha=0.3)
axes[0, 0].legend(fontsize=7)
show(fig)
error, bce_output, bce_logit = gradients(single["BCE"], 0.2)
_, _, mse_logit = gradients(single["MSE"], 0.0)
p = error + 0.2
claim("BCE, gradient for the logit: off from p − t", abs(bce_logit - error).max(), "<", 1e-12)
claim(
    "BCE, gradient for the output: off from (p − t) / p(1 − p)",
    abs(bce_output - error / (p * (1 - p))).max(),
    "<",
    1e-9,
)
claim("MSE, gradient for the logit where p = 0.995 and t = 0", mse_logit[-1], "<", 0.05)

# %% [markdown]
# Left: the gradient of MSE is one straight line for all targets, that of RMSE of a single pixel only a sign, and that
# of BCE depends on where the output *is*: it grows without bound towards 0 and 1. Right, after the sigmoid: BCE is the
# straight line, and MSE and RMSE go back to zero where the error is largest. A pixel that is surely wrong learns from
# BCE and hardly from the other two.
#
# ## 2. Grey targets: the asymmetry of BCE
#
# BCE is made for targets that are 0 or 1. Pixels are grey. Then two things happen. BCE is not zero for a perfect
# output, but the entropy $H(t)$ of the target. And what it is above that, $\mathrm{BCE} - H(t) = \mathrm{KL}(t\|p)$,
# is lopsided:


# %%
def excess(t, p):
    """BCE above its least value, that at p = t."""
    t, p = (mg.tensor(np.broadcast_to(a, np.shape(p)).astype(np.float64)) for a in (t, p))
    loss = F.binary_cross_entropy(p, t, reduction="none") - F.binary_cross_entropy(t, t, reduction="none")
    return loss.numpy()


fig, axes = plot.figure(1, 2, 3.5, 3.2)
left, right = axes[0]
for t in (0.1, 0.2, 0.5):
    p = np.linspace(0.005, 0.995, 199)
    left.plot(p - t, excess(t, p), label=f"BCE − H, t = {t}")
left.plot(np.linspace(-0.5, 0.5, 101), np.linspace(-0.5, 0.5, 101) ** 2, "k--", label="squared error")
left.set(xlabel="error p − t", ylabel="loss", xlim=(-0.5, 0.5), ylim=(0, 0.5))
targets = np.linspace(0.11, 0.89, 79)
right.plot(targets, excess(targets, targets - 0.1) / excess(targets, targets + 0.1), label="BCE − H")
right.axhline(1, color="k", linestyle="--", label="squared error")
right.set(xlabel="target t", ylabel="loss at t − 0.1 over loss at t + 0.1", ylim=(0, 5))
for ax in (left, right):
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8)
show(fig)
dark, bright = (excess(0.2, np.array([0.2 + step]))[0] for step in (-0.15, 0.15))
claim("t = 0.2: BCE for 0.15 too low over BCE for 0.15 too high", dark / bright, ">", 2)
middle = excess(0.5, np.array([0.35]))[0] / excess(0.5, np.array([0.65]))[0]
claim("t = 0.5: the same, off from 1", abs(middle - 1), "<", 1e-9)
squared = (0.05 - 0.2) ** 2 / (0.35 - 0.2) ** 2
claim("squared error, t = 0.2: the same, off from 1", abs(squared - 1), "<", 1e-9)

# %% [markdown]
# For a target of 0.2 an output that is too low by 0.15 costs over twice as much as one that is too high by the same
# amount. That is the deck's reason for RMSE, and it is true. But is it a fault? Where a network cannot know a pixel, it
# must choose one output for several possible targets; and whatever those are, both losses are least at their *mean*:

# %%
possible = rng.random(1000)  # targets of one pixel that the network cannot tell apart
outputs = np.linspace(0.001, 0.999, 999)
bce_of = [F.binary_cross_entropy(mg.full(1000, p, dtype=np.float64), mg.tensor(possible)).item() for p in outputs]
mse_of = [np.mean((p - possible) ** 2) for p in outputs]
best_bce, best_mse = outputs[np.argmin(bce_of)], outputs[np.argmin(mse_of)]
claim("best output by BCE, off from the mean of the targets", abs(best_bce - possible.mean()), "<=", 0.001)
claim("best output by squared error, off from it", abs(best_mse - possible.mean()), "<=", 0.001)
floor = F.binary_cross_entropy(mg.tensor(x_test), mg.tensor(x_test)).item()
grey = np.mean((x_test > 0.02) & (x_test < 0.98))
print(f"grey pixels (0.02 to 0.98): {grey:.1%} of all; least possible BCE of the test digits: {floor:.4f}")

# %% [markdown]
# So the asymmetry does not make images darker or brighter. It decides only which errors are paid for first when not
# all can be avoided.
#
# ## 3. RMSE is not only MSE under a root
#
# A root does not change where the least value is. It changes the gradient:
#
# $$\nabla \mathrm{RMSE} = \frac{\nabla \mathrm{MSE}}{2\,\mathrm{RMSE}}, \qquad
#   \lVert \nabla \mathrm{MSE} \rVert = \frac{2}{\sqrt n}\,\mathrm{RMSE}, \qquad
#   \lVert \nabla \mathrm{RMSE} \rVert = \frac{1}{\sqrt n}.$$
#
# Near the target MSE calms down by itself, and RMSE pulls as hard as ever, down to the last bit. At an error of exactly
# 0 the formula says $0/0$. minigrad's `rmse_loss` gives 0 there, by the `Norm` above; a root written after a mean
# gives no number:

# %%
n = 100
target = mg.tensor(rng.random(n))
direction = rng.standard_normal(n)
direction /= np.sqrt(np.mean(direction**2))  # so that its RMSE is 1


def gradient_norm(loss, size):
    x = mg.tensor(target.numpy() + size * direction, requires_grad=True)
    loss(x, target).backward()
    return np.linalg.norm(x.grad.numpy())


sizes = 10.0 ** np.arange(-6, 0.1, 0.5)
norms = {
    name: [gradient_norm(loss, size) for size in sizes] for name, loss in (("MSE", F.mse_loss), ("RMSE", rmse_loss))
}
claim(
    "norm of RMSE's gradient over 1/√n, off from 1 at any error",
    np.abs(np.array(norms["RMSE"]) * np.sqrt(n) - 1).max(),
    "<",
    1e-6,
)
claim("norm of MSE's gradient at an error of 1e-6 over that at 1", norms["MSE"][0] / norms["MSE"][-1], "<", 1.01e-6)
claim("norm of RMSE's gradient at an error of 0", gradient_norm(rmse_loss, 0.0), "==", 0.0)
with np.errstate(all="ignore"):
    naive = gradient_norm(lambda x, t: mg.sqrt(F.mse_loss(x, t)), 0.0)
claim("√ of mse_loss at an error of 0: is its gradient a number?", bool(np.isfinite(naive)), "==", False)


# %% [markdown]
# What does that mean for plain gradient descent, $x \leftarrow x - \eta\,\nabla L$?


# %%
def descend(loss, lr, steps=120):
    """The RMSE on the way from an error of 1."""
    x, way = mg.tensor(target.numpy() + direction, requires_grad=True), []
    optimizer = optim.SGD([x], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(x, target).backward()
        optimizer.step()
        way.append(rmse_loss(x.detach(), target).item())
    return way


lr = 1.9
ways = {"MSE": descend(F.mse_loss, 10.0), "RMSE": descend(rmse_loss, lr)}
fig, axes = plot.figure(1, 2, 3.5, 3.0)
for name in ("MSE", "RMSE"):
    axes[0, 0].loglog(sizes, norms[name], "o-", ms=4, label=name)
    axes[0, 1].semilogy(ways[name], label=name)
axes[0, 0].set(xlabel="error (RMSE)", ylabel="norm of the gradient")
axes[0, 1].set(xlabel="step of gradient descent", ylabel="error (RMSE)")
for ax in axes[0]:
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8)
show(fig)
claim("descent on MSE: error after 120 steps", ways["MSE"][-1], "<", 1e-10)
claim("descent on RMSE: larger error of the last two, over a step's η/n", max(ways["RMSE"][-2:]) / (lr / n), ">", 0.49)

# %% [markdown]
# Each step on MSE takes away the same *share* of the error, each step on RMSE the same *amount*. So RMSE arrives in
# finite time, steps over the target, and jumps to and fro about it for ever, unless the learning rate is lowered. MSE
# comes nearer and nearer.
#
# ## 4. The same autoencoder, three losses
#
# One network, 784-256-32 and back (`models/autoencoder.py`); one start, the same batches in the same order, five
# passes over 10,000 digits with Adam. Only the loss differs. Every network is then scored by *both* measures on the
# test images.

# %%
LOSSES = {
    "BCE": F.binary_cross_entropy_with_logits,
    "MSE": lambda logits, x: F.mse_loss(mg.sigmoid(logits), x),
    "RMSE": lambda logits, x: rmse_loss(mg.sigmoid(logits), x),
}
EPOCHS, BATCH = 5, 128


def train(loss_of, beta2=0.999):
    """The trained network, and after each epoch (BCE, RMSE) of the test images."""
    mg.manual_seed(SEED)
    net = Autoencoder(784, [256], 32)
    optimizer = optim.Adam(net.parameters(), lr=1e-3, betas=(0.9, beta2))
    order, scores = np.random.default_rng(SEED), []
    for _ in range(EPOCHS):
        for rows in np.array_split(order.permutation(len(x_train)), len(x_train) // BATCH):
            x = mg.tensor(x_train[rows])
            loss = loss_of(net(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with mg.no_grad():
            logits, x = net(mg.tensor(x_test)), mg.tensor(x_test)
            scores.append([LOSSES[name](logits, x).item() for name in ("BCE", "RMSE")])
    return net, np.array(scores)


nets, scores = {}, {}
for name, loss in LOSSES.items():
    nets[name], scores[name] = train(loss)

print("trained by    test BCE    test RMSE    test MSE")
for name, (bce, rmse) in {name: of[-1] for name, of in scores.items()}.items():
    print(f"{name:10}    {bce:8.4f}    {rmse:9.4f}    {rmse**2:8.4f}")

# %% tags=["key"]
fig, axes = plot.figure(1, 2, 3.5, 3.2)
for ax, k, measure in zip(axes[0], (0, 1), ("BCE", "RMSE")):
    lines = {f"trained by {name}": (np.arange(1, EPOCHS + 1), of[:, k]) for name, of in scores.items()}
    plot.curves(ax, lines, "epoch", f"test {measure}", {"least possible": floor} if k == 0 else {})
    ax.set_title(f"scored by {measure}")
show(fig)
(bce_bce, bce_rmse), (mse_bce, mse_rmse), (rmse_bce, rmse_rmse) = (of[-1] for of in scores.values())
claim("test MSE: trained by RMSE over trained by BCE", (rmse_rmse / bce_rmse) ** 2, "<", 0.97)
claim("test MSE: trained by RMSE over trained by MSE", (rmse_rmse / mse_rmse) ** 2, "<", 0.95)
claim("test BCE: trained by RMSE over trained by BCE, off from 1", abs(rmse_bce / bce_bce - 1), "<", 0.08)

# %%
shown = [rng.choice(np.flatnonzero(labels == digit)) for digit in range(10)]
fig, axes = plot.figure(4, 1, 5.6, 0.8)
with mg.no_grad():
    rebuilt = {f"trained by {name}": mg.sigmoid(net(mg.tensor(x_test[shown]))).numpy() for name, net in nets.items()}
for ax, (title, images) in zip(axes[:, 0], {"test digits": x_test[shown], **rebuilt}.items()):
    plot.image_grid(ax, images.reshape(-1, 28, 28), columns=10, title=title)
show(fig)

# %% [markdown]
# BCE is ahead at first. By the squared error, RMSE then wins clearly, even over MSE, which has the very same goal. By
# the cross-entropy, RMSE is about as good as BCE itself, and MSE is last. In the pictures one has to look twice to see
# it.
#
# So the deck is right to prefer RMSE, here and for so short a training. Is the asymmetry the reason? Hardly: MSE has
# none either, and RMSE beats it as well. Part 3 points to another. Adam divides each gradient by the root of a mean
# over the squares of the last thousand or so ($\beta_2 = 0.999$). While MSE falls its gradients shrink, and are divided
# by the memory of the larger ones: its steps become too short. RMSE's gradients keep their length. If that is why, an
# Adam with a shorter memory, $\beta_2 = 0.9$, must bring MSE up to RMSE:

# %%
_, forgetful = train(LOSSES["MSE"], beta2=0.9)
claim("test MSE, trained by MSE: β₂ = 0.9 over β₂ = 0.999", (forgetful[-1, 1] / mse_rmse) ** 2, "<", 0.95)
claim("... over trained by RMSE, off from 1", abs((forgetful[-1, 1] / rmse_rmse) ** 2 - 1), "<", 0.1)

# %% [markdown]
# It does. Under Adam, then, what RMSE does in place of MSE is to keep the steps long. BCE is fast for the reason seen
# in part 1: behind a sigmoid its gradient does not vanish where the output is surely wrong. In a VAE the choice
# matters once more, as the loss is added to a KL term: the pull of RMSE against it does not fade as the error falls.
#
# ## Try this
#
# 1. Train for 40 epochs instead of 5. Does the order stay?
# 2. Train by SGD with momentum instead of Adam, with the best learning rate that you find for each loss. Which of them
#    is hardest to find one for, and why?
# 3. Round the images to 0 and 1 first. Does BCE gain?
# 4. Start with the last layer's bias at +5 (all pixels black, surely wrong). How long does each loss take to recover?
# 5. Take the root per image instead of over the whole batch. Which images get more weight then?
#
# **[Homework](homework/README.md)**: 07 bce_with_logits, 18 rmse_against_bce
