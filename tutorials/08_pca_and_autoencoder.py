# %% [markdown]
# # 08 · PCA against the autoencoder
# # PCA와 오토인코더
#
# **Deck**: Auto Encoder, PCA vs AE
#
# **Question.** An autoencoder squeezes an image through a few numbers and back: what does it do that principal
# component analysis, the best linear way, does not?
#
# **질문.** 오토인코더는 이미지를 몇 개의 수로 압축했다가 되살린다. 가장 좋은 선형 방법인 주성분 분석(PCA)이 하지
# 못하는 어떤 일을 하는가?
#
# **Summary.** Without nonlinear layers an autoencoder trained on squared error finds PCA's plane, but not exactly PCA's
# axes. With them, two numbers rebuild digits better than PCA's two and keep the classes much better apart, while plain
# SGD lags behind Adam after as many steps. Trained to undo noise, an autoencoder beats not only PCA but the best linear
# filter there is.
#
# **요약.** 비선형 층이 없는 오토인코더를 제곱 오차로 학습시키면 PCA의 평면을 찾지만, 축까지 정확히 같지는 않다. 비선형
# 층을 넣으면 같은 두 개의 수로도 숫자를 PCA보다 더 잘 복원하고 클래스도 훨씬 잘 구분하며, 단순한 SGD는 같은 횟수만큼
# 학습해도 Adam에 뒤처진다. 잡음을 없애도록 학습시킨 오토인코더는 PCA뿐 아니라 가장 좋은 선형 필터보다도 낫다.

# %%
import numpy as np
from lesson import SEED, claim, show, source

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim, plot
from minigrad.backend import keep_freed_memory
from minigrad.ops.loss import BCEWithLogits, SquaredError
from models.autoencoder import LinearAutoencoder
from models.common import load_digits, outputs
from models.metrics import PCA, knn_accuracy, mean_squared_error

keep_freed_memory()
mg.manual_seed(SEED)
rng = np.random.default_rng(SEED)
(x, y), (x_test, y_test) = load_digits(None)  # pixels (n, 784) between 0 and 1, 1 is ink

# %% [markdown]
# ## 1. Two ways to two numbers
#
# **PCA** subtracts the mean $m$ and projects on the $k$ orthonormal directions $U$ of largest variance:
# $z = U^\top(x - m)$, $\hat x = m + Uz$. No other linear map through $k$ numbers has a smaller squared error.
#
# An **autoencoder** learns both ways, encoder $f$ and decoder $g$, from the error of $\hat x = g(f(x))$. If both are
# linear, $z = Ax + a$ and $\hat x = Wz + b$, the error has one minimum and no other valley to be caught in (Baldi &
# Hornik 1989). There the columns of $W$ span the plane of $U$; but any $W = UM$ with invertible $M$ does as well, for
# the encoder can undo $M$. The plane is determined, its axes are not.
#
# Training needs the gradient of the loss, and a rule that turns gradients into steps. These run:

# %%
source(SquaredError, optim.SGD.update, optim.Adam.update)

# %% [markdown]
# One loop trains every autoencoder of this lesson. The learning rate falls to 0 along a cosine, so that the last
# steps do not jump about the minimum.


# %%
def train(model, optimizer, loss_of, epochs, noise=0.0):
    """Yield after each epoch."""
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * 79)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(x)), 79):  # batches of 126 or 127
            clean = mg.from_numpy(x[rows])
            seen = clean + noise * mg.randn_like(clean) if noise else clean
            loss = loss_of(model(seen), clean)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        yield


pca = PCA(x, 2)
pca_error = mean_squared_error(pca.decode(pca.encode(x_test)), x_test)
rules = {
    "Adam, lr 0.01": lambda parameters: optim.Adam(parameters, lr=0.01),
    "SGD, lr 10": lambda parameters: optim.SGD(parameters, lr=10),
}
linear, angles, errors = {}, {}, {}
for name, rule in rules.items():
    mg.manual_seed(SEED)
    model = linear[name] = LinearAutoencoder(784, 2)
    training = train(model, rule(model.parameters()), F.mse_loss, epochs=40)
    angles[name] = [model.angle_to(pca.directions) for _ in training]
    errors[name] = mean_squared_error(outputs(model, model, x_test), x_test) / pca_error
adam, sgd = rules
encoder, decoder = (layer[0].weight.detach().numpy() for layer in (linear[adam].encoder, linear[adam].decoder))

fig, axes = plot.figure(1, 3, 3, 2.7)
for name, angle in angles.items():
    axes[0, 0].semilogy(range(1, 41), angle, label=name)
axes[0, 0].set(xlabel="epoch", ylabel="angle to PCA's plane, °", title="linear autoencoder")
axes[0, 0].legend()
axes[0, 0].grid(alpha=0.3)
for ax, title, images in (
    (axes[0, 1], "PCA's directions", pca.directions.T),
    (axes[0, 2], "decoder's columns", (decoder / np.linalg.norm(decoder, axis=0)).T),
):
    plot.image_grid(ax, images.reshape(2, 28, 28), 2, title, (-0.1, 0.1))
show(fig)
lengths = np.linalg.norm(decoder, axis=0)
between = np.degrees(np.arccos(decoder[:, 0] @ decoder[:, 1] / lengths.prod()))
print(f"between the decoder's two columns: {between:.0f}°; between PCA's two directions: 90°")
to_nearest = np.degrees(np.arccos(abs(decoder.T / lengths[:, None] @ pca.directions).max(axis=1)))
claim("from a column to the nearest of PCA's directions, degrees, larger", to_nearest.max(), ">", 2)
claim("largest angle between the planes, degrees, by Adam", angles[adam][-1], "<", 2)
claim("test MSE over PCA's, less 1, by Adam", abs(errors[adam] - 1), "<", 0.005)
claim("encoder times decoder: off the identity", abs(encoder @ decoder - np.eye(2)).max(), "<", 0.05)

# %% [markdown]
# The angle goes to 0 (note the logarithmic scale). The columns span PCA's plane, but they need be neither PCA's
# directions, even where they look like them, nor at right angles; and since $AW = I$, the encoder finds exactly the $z$
# that the decoder needs.
#
# By SGD the plane is still off after as many steps, by several degrees or by tens of them, as the first weights would
# have it, although the error is nearly as small: PCA's third direction holds almost as much variance as its second, so
# the valley is flat where the plane turns from one to the other. SGD's learning rate must be a thousand times Adam's
# because the loss is a mean over 784 pixels, so the gradient is small, and Adam divides by the gradient's size while
# SGD does not.

# %%
claim("largest angle between the planes, degrees, by SGD", angles[sgd][-1], ">", 3)
claim("test MSE over PCA's, less 1, by SGD", abs(errors[sgd] - 1), "<", 0.02)

# %% [markdown]
# ## 2. Bending the plane
#
# Now 784-256-64-2 and back, with ReLU between layers: the decoder's image of the plane of codes is a curved sheet.
# As pixels lie between 0 and 1, $\hat x = \sigma(l)$, and the loss is the cross-entropy. It has the simplest of
# gradients with respect to the logits $l$, $\sigma(l) - x$:

# %%
source(BCEWithLogits)


class Autoencoder(nn.Module):
    def __init__(self, *sizes):
        self.encoder, self.decoder = (
            nn.Sequential(*[layer for a, b in zip(s, s[1:]) for layer in (nn.Linear(a, b), nn.ReLU())][:-1])
            for s in (sizes, sizes[::-1])
        )
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.xavier_uniform_(parameter)

    def forward(self, x):
        return self.decoder(self.encoder(x))

    def encode(self, images):
        return outputs(self, self.encoder, images)

    def rebuild(self, images):
        return outputs(self, lambda x: mg.sigmoid(self(x)), images)


rules = {
    "Adam, lr 0.002": lambda parameters: optim.Adam(parameters, lr=0.002),
    "SGD, lr 10": lambda parameters: optim.SGD(parameters, lr=10),
}
two, curves = {}, {}
for name, rule in rules.items():
    mg.manual_seed(SEED)
    two[name] = Autoencoder(784, 256, 64, 2)
    training = train(two[name], rule(two[name].parameters()), F.binary_cross_entropy_with_logits, epochs=20)
    curves[name] = [mean_squared_error(two[name].rebuild(x_test), x_test) for _ in training]

# %% tags=["key"]
adam, sgd = rules
codes = {"autoencoder": two[adam].encode(x_test), "PCA": pca.encode(x_test)}
accuracy = {
    "autoencoder": knn_accuracy(two[adam].encode(x), y, codes["autoencoder"], y_test),
    "PCA": knn_accuracy(pca.encode(x), y, codes["PCA"], y_test),
}
fig, axes = plot.figure(1, 2, 3.7, 3.2)
for ax, (name, z) in zip(axes[0], codes.items()):
    plot.classes(ax, z, y_test, f"{name}: 5-NN accuracy {accuracy[name]:.0%}", ("code 1", "code 2"))
show(fig)
claim("5-NN accuracy on two numbers, autoencoder less PCA", accuracy["autoencoder"] - accuracy["PCA"], ">", 0.1)
claim("test MSE of two numbers, autoencoder over PCA", curves[adam][-1] / pca_error, "<", 0.88)

# %% [markdown]
# Each point is a test image the network has not seen, coloured by a label neither method was told. *5-NN accuracy* asks
# the five nearest training codes for the class. PCA's classes lie on top of each other around the middle. The
# autoencoder's spread out from it each its own way, though 4, 9 and 7 remain mixed, as do 3, 5 and 8: two numbers are
# few.
#
# Plain SGD, the textbook's rule, gets there late. (Of the learning rates 1, 3 and 10 the last was best; at 1 it was
# hardly better than PCA.) After twenty epochs its error is still above Adam's, though its codes, too, tell the classes
# better than PCA's:

# %%
fig, axes = plot.figure(1, 1, 5, 2.8)
lines = {name: (np.arange(1, 21), curve) for name, curve in curves.items()}
plot.curves(axes[0, 0], lines, "epoch", "test MSE per pixel", {"PCA": pca_error})
show(fig)
sgd_accuracy = knn_accuracy(two[sgd].encode(x), y, two[sgd].encode(x_test), y_test)
print(f"5-NN accuracy: Adam {accuracy['autoencoder']:.3f}, SGD {sgd_accuracy:.3f}, PCA {accuracy['PCA']:.3f}")
claim("test MSE, SGD over Adam", curves[sgd][-1] / curves[adam][-1], ">", 1.03)
claim("5-NN accuracy, SGD less PCA", sgd_accuracy - accuracy["PCA"], ">", 0.03)

# %% [markdown]
# ## 3. Taking noise away
#
# A **denoising** autoencoder (Vincent et al. 2008) sees $x + n$ and must give $x$: the noise does not fit on the sheet
# of digits, so what comes out of the decoder is the digit that was likely there. We train one with 64 numbers on noise
# of standard deviation .5, another one as usual, and compare with two linear ways: PCA, which throws away all noise but
# that in its 64 directions, and the **Wiener filter**, which shrinks every direction by the share of it that is signal,
# $\lambda_i/(\lambda_i + .5^2)$, and is the best linear map from $x + n$ to $x$.

# %%
NOISE = 0.5
noisy = (x_test + NOISE * rng.standard_normal(x_test.shape)).astype(np.float32)
autoencoders = {"autoencoder, not told of noise": 0.0, "denoising autoencoder": NOISE}
for name, noise in autoencoders.items():
    model = autoencoders[name] = Autoencoder(784, 256, 64)
    optimizer = optim.Adam(model.parameters(), lr=0.002)
    for _ in train(model, optimizer, F.binary_cross_entropy_with_logits, epochs=12, noise=noise):
        pass

every = PCA(x, 784)
some = PCA(x, 64)
cleaned = {
    "PCA, 64 numbers": some.decode(some.encode(noisy)),
    "Wiener filter, best linear map": every.decode(every.encode(noisy) * every.variance / (every.variance + NOISE**2)),
} | {name: model.rebuild(noisy) for name, model in autoencoders.items()}
shown = [np.flatnonzero(y_test == digit)[3] for digit in range(10)]
fig, axes = plot.figure(6, 1, 6, 0.88)
for ax, (name, images) in zip(axes[:, 0], {"clean": x_test, "what is seen": noisy, **cleaned}.items()):
    error = mean_squared_error(images, x_test)
    plot.image_grid(ax, images[shown].reshape(-1, 28, 28), 10, f"{name}: MSE {error:.4f}" if error else name)
show(fig)

# %%
mse = {name: mean_squared_error(images, x_test) for name, images in cleaned.items()}
ours = mse["denoising autoencoder"]
claim("MSE of the denoising autoencoder over PCA's", ours / mse["PCA, 64 numbers"], "<", 0.7)
claim("... over the Wiener filter's", ours / mse["Wiener filter, best linear map"], "<", 0.97)
claim("... over that of the autoencoder not told of noise", ours / mse["autoencoder, not told of noise"], "<", 0.7)

# %% [markdown]
# The Wiener filter is a hard rival; it leaves a grey veil, because it must treat every image alike, while the
# autoencoder's background is white. In an autoencoder that never saw noise whole strokes get lost. And there is a
# price: on clean images the denoising one is the worse of the two, for it smooths what it takes for noise.

# %%
plain, denoising = (mean_squared_error(model.rebuild(x_test), x_test) for model in autoencoders.values())
claim("MSE on clean images, denoising over not told of noise", denoising / plain, ">", 1.1)

# %% [markdown]
# ## Try this
#
# 1. Give SGD `momentum=0.9` and a third of its learning rate in section 1. How far does the angle fall? What happens at
#    the full learning rate, and why?
# 2. Train the linear autoencoder with cross-entropy and a sigmoid (`F.binary_cross_entropy_with_logits`). Does its
#    decoder still span PCA's plane?
# 3. Take 32 numbers instead of 2 in section 2. The error falls well below PCA's; does 5-NN accuracy still differ?
# 4. Train the denoising autoencoder with noise .25 or 1 and test with .5. Which is the safer mistake?
# 5. Replace the noise by black squares at random places. Can the denoising autoencoder see behind them?
#
# **[Homework](homework/README.md)**: 17 pca_linear_autoencoder
