# %% [markdown]
# # 03 · A CNN against a dense network
# # CNN과 완전연결 신경망의 대결
#
# **Deck**: CNN의 특징
#
# **Question.** What does a convolutional network gain from weight sharing, padding and pooling, and how much of it
# is left when each of them is taken away?
#
# **질문.** 합성곱 신경망은 가중치 공유, 패딩, 풀링에서 각각 무엇을 얻으며, 하나씩 빼면 무엇이 남는가?
#
# **Summary.** A CNN makes about half the mistakes of a dense network with as many parameters when it reads digits,
# and about two thirds of those of one with as many multiplications, and its lead grows when the digits are moved by a
# pixel or two. Without weight sharing it learns the training images as well but makes clearly more mistakes on new
# ones, and so it does without pooling, above all on moved digits; leaving out the padding does no harm on these
# digits, whose margins are empty. No network here knows that a moved digit is the same digit: a convolution only
# moves its answer along, and pooling forgives a pixel or two.
#
# **요약.** 숫자를 읽을 때 CNN의 오답은 매개변수 수가 같은 완전연결 신경망의 절반쯤, 곱셈 횟수가 같은 완전연결
# 신경망의 3분의 2쯤이며, 숫자를 한두 픽셀 옮기면 그 차이는 더 벌어진다. 가중치 공유를 없애면 훈련 이미지는 똑같이 잘
# 외우지만 새 이미지에서 뚜렷이 더 많이 틀리고 풀링을 없애도 그러한데(특히 옮겨진 숫자에서), 패딩은 가장자리가 비어
# 있는 이 숫자들에서는 없어도 해가 없다. 여기의 어떤 신경망도 옮겨진 숫자가 같은 숫자라는 것을 알지는 못하며, 합성곱은
# 답을 함께 옮길 뿐이고 풀링은 한두 픽셀을 눈감아 줄 뿐이다.

# %%
import time

import numpy as np
from lesson import SEED, claim, show, source

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, ops, optim, plot
from minigrad.backend import keep_freed_memory
from minigrad.data import digits
from models import common

keep_freed_memory()
(x, y), (x_test, y_test) = [(images[:, None].astype(np.float32) / 255, labels) for images, labels in digits()]
some = np.random.default_rng(SEED).permutation(len(x))[:2000]  # few, so that overfitting shows
x, y = x[some], y[some]
mg.manual_seed(SEED)

# %% [markdown]
# ## 1. What a convolution is, and what it saves
#
# A dense layer gives every output a weight for every pixel. A convolution makes two assumptions about images:
#
# - **Locality**: what stands at a place is told by its neighbourhood, here 3 × 3 pixels.
# - **Weight sharing**: what is worth seeing at one place is worth seeing at every place, with the same weights $w$.
#
# $$y_{o,i,j} = b_o + \sum_{c}\sum_{u=0}^{2}\sum_{v=0}^{2} w_{o,c,u,v}\; x_{c,\,i+u,\,j+v}$$
#
# Since $w$ is used at all places, its gradient is a sum over all of them,
# $\dfrac{\partial L}{\partial w_{o,c,u,v}} = \sum_{i,j} \dfrac{\partial L}{\partial y_{o,i,j}}\, x_{c,i+u,j+v}$:
# each image gives a filter as many examples as it has places. In minigrad the sum is one matrix product; look at how
# each gradient of a convolution is another convolution:

# %%
source(ops.conv.Conv2d, ops.conv.Conv2dWeightGrad)

# %% [markdown]
# What each assumption saves, for a layer that makes 8 maps of 28 × 28 values from an image of 28 × 28 pixels:

# %%
conv = nn.Conv2d(1, 8, 3, padding=1)
places = 28 * 28
print(f"a convolution of 8 filters: {8 * 9 + 8} parameters")
print(f"8 filters of its own at each of {places} places: {places * (8 * 9 + 8):,} parameters")
print(f"a dense layer from 784 pixels to as many values: {784 * 8 * places + 8 * places:,} parameters")

# %% [markdown]
# ## 2. A convolution without weight sharing
#
# The layer between the two is called *locally connected*: 3 × 3 windows as before, but each place has filters of its
# own. It takes nothing but slicing, `stack` and a matrix product for each place; the gradients come by themselves.


# %%
class LocallyConnected2d(nn.Module):
    """A convolution without weight sharing: 3 x 3 filters, and others at each of size x size places."""

    def __init__(self, channels: int, filters: int, size: int):
        bound = 1 / np.sqrt(9 * channels)  # as Conv2d starts
        self.size = size
        self.weight = nn.Parameter(mg.zeros(size * size, channels * 9, filters)).uniform_(-bound, bound)
        self.bias = nn.Parameter(mg.zeros(size * size, 1, filters)).uniform_(-bound, bound)

    def forward(self, x):
        n, channels, size = x.shape[0], x.shape[1], self.size
        x = mg.pad(x, (1, 1, 1, 1))
        window = [x[:, :, i : i + size, j : j + size] for i in range(3) for j in range(3)]
        patches = mg.stack(window, -1).permute(2, 3, 0, 1, 4).reshape(size * size, n, channels * 9)
        y = patches @ self.weight + self.bias  # one matrix product for each place: (places, n, filters)
        return y.permute(1, 2, 0).reshape(n, -1, size, size)


local = LocallyConnected2d(1, 8, 28)
local.weight.data[:] = conv.weight.data.reshape(8, 9).T  # the same filters everywhere
local.bias.data[:] = conv.bias.data
claim(
    "locally connected with the same filters at all places, against the convolution: largest difference",
    np.abs(local(mg.tensor(x[:10])).data - conv(mg.tensor(x[:10])).data).max(),
    "<",
    1e-5,
)

# %% [markdown]
# ## 3. Six networks, one training
#
# - The **CNN**: two convolutions, each followed by ReLU and 2 × 2 max pooling, and one linear layer that reads the
#   digit off.
# - Two **dense** networks with one hidden layer: one with as many parameters as the CNN (12 hidden units are all
#   that they buy), and one with as many multiplications for an image, which has some thirty times as many
#   parameters.
# - The CNN with one thing switched off: **weight sharing**, **padding** (then 28 × 28 becomes 26 × 26, and only
#   5 × 5 values of each map reach the linear layer instead of 7 × 7), or **pooling**.
#
# All train alike, on 2,000 digits only, so that there is something to overfit.


# %%
def cnn(first, second, pooled, values):
    pool = [nn.MaxPool2d(2)] * pooled
    return nn.Sequential(first, nn.ReLU(), *pool, second, nn.ReLU(), *pool, nn.Flatten(), nn.Linear(values, 10))


def dense(hidden):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 10))


networks = {
    "CNN": cnn(nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1), True, 16 * 7 * 7),
    "dense, as many parameters": dense(12),
    "dense, as many products": dense(365),
    "no weight sharing": cnn(LocallyConnected2d(1, 8, 28), LocallyConnected2d(8, 16, 14), True, 16 * 7 * 7),
    "no padding": cnn(nn.Conv2d(1, 8, 3), nn.Conv2d(8, 16, 3), True, 16 * 5 * 5),
    "no pooling": cnn(nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1), False, 16 * 28 * 28),
}
parameters = {name: sum(p.data.size for p in net.parameters()) for name, net in networks.items()}
products_cnn = 28**2 * 8 * 9 + 14**2 * 16 * 8 * 9 + 16 * 7 * 7 * 10
claim("parameters of the CNN", parameters["CNN"], "<", parameters["dense, as many parameters"])
claim("multiplications of the CNN over those of the wide dense network", products_cnn / (784 * 365 + 3650), "<", 1.01)


# %%
def train(net, epochs=15, batch=50):
    """Train on the images; milliseconds of computation for each step."""
    rng, steps = np.random.default_rng(SEED), epochs * len(x) // batch
    optimizer = optim.Adam(net.parameters(), lr=3e-3)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)  # to 0, so that the end is not a matter of luck
    start = time.process_time()
    for _ in range(epochs):
        for rows in rng.permutation(len(x)).reshape(-1, batch):
            loss = F.cross_entropy(net(mg.tensor(x[rows])), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return 1000 * (time.process_time() - start) / steps


def shifted(images, pixels):
    """Each image moved by so many pixels: right, left, down, up in turn."""
    m = pixels
    padded, moved = np.pad(images, ((0, 0), (0, 0), (m, m), (m, m))), np.empty_like(images)
    for turn, (i, j) in enumerate([(m, 0), (m, 2 * m), (0, m), (2 * m, m)]):
        moved[turn::4] = padded[turn::4, :, i : i + 28, j : j + 28]
    return moved


def accuracy(net, images, labels):
    return float(np.mean(common.outputs(net, net, images, 500).argmax(axis=1) == labels))


shifts = range(5)
ms = {name: train(net) for name, net in networks.items()}
seen = {name: accuracy(net, x, y) for name, net in networks.items()}
found = {name: [accuracy(net, shifted(x_test, s), y_test) for s in shifts] for name, net in networks.items()}

# %% [markdown]
# The training time is the processor's, in milliseconds for a step of 50 images; accuracies are in percent, on the
# training images, and on 2,000 test images as they are and moved by one to four pixels, a quarter each to the right,
# left, down and up. No network has seen a moved digit in training.

# %%
print(" " * 26 + "parameters  ms a step  training |  test: as it is, moved by 1, 2, 3, 4 pixels")
for name in networks:
    row = "  ".join(f"{100 * a:5.1f}" for a in found[name])
    print(f"{name:26}{parameters[name]:10,}{ms[name]:11.1f}{100 * seen[name]:10.1f} | {row}")

# %% [markdown]
# ## 4. At equal parameters the CNN wins, and more so on moved digits
#
# Left, look at how the lines fan out: all fall as the digits move, those of the dense networks faster than the CNN's.
# Right, the same networks on the digits as they are: except for the narrow dense network, almost nothing is left to
# learn on the training images (pale), so what tells the networks apart is how much of it holds for new ones. What is
# dark is overfitting.

# %% tags=["key"]
fig, axes = plot.figure(1, 2, 4.6, 3.8)
for name in networks:
    axes[0, 0].plot(shifts, [100 * a for a in found[name]], "o--" if name.startswith("no ") else "o-", label=name)
axes[0, 0].set(xlabel="pixels the test digits are moved by", ylabel="read rightly, %", ylim=(0, 100), xticks=shifts)
axes[0, 0].grid(alpha=0.3)
axes[0, 0].legend(fontsize=8)
rows = np.arange(len(networks))
colours = [f"C{i}" for i in rows]
axes[0, 1].barh(rows, [100 - 100 * a[0] for a in found.values()], color=colours)
axes[0, 1].barh(rows, [100 - 100 * a for a in seen.values()], color="white", alpha=0.7)
axes[0, 1].set_yticks(rows, [name.replace(", ", ",\n") for name in networks])
axes[0, 1].invert_yaxis()
axes[0, 1].set(xlabel="read wrongly, % (pale: training digits)", ylabel="network")
show(fig)

CNN, narrow, wide = found["CNN"], found["dense, as many parameters"], found["dense, as many products"]
claim(
    "equal parameters: mistakes of the CNN over those of the dense network", (1 - CNN[0]) / (1 - narrow[0]), "<", 0.75
)
lead = np.subtract(CNN, narrow)
claim(
    "equal parameters: the CNN's lead on digits moved by 2 pixels over that on digits as they are",
    lead[2] / lead[0],
    ">",
    1.5,
)
claim(
    "equal multiplications: mistakes of the CNN over those of the dense network",
    (1 - CNN[0]) / (1 - wide[0]),
    "<",
    0.85,
)

# %% [markdown]
# ## 5. Each part switched off
#
# **Weight sharing.** Without it the network makes the same multiplications and has about 33 times as many parameters.
# It learns its training images as well as the CNN, but on new digits it makes clearly more mistakes. This is what
# sharing is for: 2,000 digits are few examples for a filter that sees one place, and many for one that sees all.
#
# **Pooling.** Without it the second convolution runs over four times as many places, which takes the time, and the
# linear layer has sixteen times as many values to read, each tied to its pixel. It overfits, and moved digits hurt
# it more. Pooling keeps the largest of 2 × 2 values and forgets which one it was.
#
# **Padding.** Taking it away costs nothing here: the unpadded network has fewer parameters, takes less time, and
# reads the digits about as well. MNIST's digits have margins, so at the border there is nothing to see. What padding
# buys is the shape: with it, a layer keeps 28 × 28, and one can stack as many as one likes; without it two small
# layers and poolings are down to 5 × 5.

# %%
unshared, unpooled, unpadded = found["no weight sharing"], found["no pooling"], found["no padding"]
gap = {name: seen[name] - found[name][0] for name in networks}
claim("no weight sharing: training accuracy", seen["no weight sharing"], ">", 0.97)
claim(
    "no weight sharing: training minus test accuracy, over the CNN's", gap["no weight sharing"] / gap["CNN"], ">", 1.1
)
claim("no weight sharing: mistakes on test digits over the CNN's", (1 - unshared[0]) / (1 - CNN[0]), ">", 1.1)
claim("no pooling: mistakes on digits moved by 1 pixel over the CNN's", (1 - unpooled[1]) / (1 - CNN[1]), ">", 1.1)
claim("no pooling: accuracy on digits moved by 2 pixels, below the CNN's", CNN[2] - unpooled[2], ">", 0.03)
claim("no padding: accuracy on test digits, above the CNN's", unpadded[0] - CNN[0], ">", -0.015)

# %% [markdown]
# ## 6. Feature maps: what moves along
#
# A digit and the same digit moved by three pixels, and what the first layer makes of them. With weight sharing the
# maps of the moved digit are the moved maps, exactly: *equivariance*. Without it each place answers in its own way,
# and a moved digit is a new pattern. Note that equivariance alone does not recognise a moved digit: the linear layer
# still has a weight for each place, which is why all lines above fall. (A map that is empty belongs to a filter whose
# answer is nowhere above 0 on this digit, so that ReLU cuts it off.)

# %%
image = x_test[y_test == 4][1]
moved = np.pad(image, ((0, 0), (0, 0), (3, 0)))[:, :, :28]
fig, axes = plot.figure(5, 1, 7.5, 1.15)
off = {}
for name, (first, second) in {"CNN": axes[:2, 0], "no weight sharing": axes[2:4, 0]}.items():
    maps, maps_moved = common.outputs(networks[name], networks[name][:2], np.stack([image, moved]))
    off[name] = np.linalg.norm(maps_moved[:, :, 3:] - maps[:, :, :-3]) / np.linalg.norm(maps)
    for ax, picture, each, what in ((first, image, maps, "a digit"), (second, moved, maps_moved, "moved by 3 pixels")):
        plot.image_grid(ax, [picture[0], *each / maps.max()], 9, f"{name}: {what}, and its 8 maps of 28 x 28")
deep = common.outputs(networks["CNN"], networks["CNN"][:5], image[None])[0]
plot.image_grid(axes[4, 0], deep / deep.max(), 16, "CNN: the 16 maps of 14 x 14 of the second layer (digit not moved)")
show(fig)
claim("CNN: maps of the moved digit, off the moved maps (relative)", off["CNN"], "<", 1e-5)
claim("no weight sharing: the same", off["no weight sharing"], ">", 0.3)

# %% [markdown]
# ## Try this
#
# 1. Train on moved digits too: `x[rows]` moved by a random `shifted(...)` in each step. How much of the CNN's lead is
#    left, and how many epochs does the dense network need?
# 2. Replace each max pooling by stride 2 in the convolution before it. Does it come nearer to the CNN or to *no
#    pooling*?
# 3. Put `x = mg.amax(x, (2, 3))` in place of the flattening, so that the linear layer sees only *whether* a filter has
#    answered. What happens to the line over shifts, and to the digits that are not moved? Try with 64 filters.
# 4. Train on 200, 2,000 and 10,000 digits. When does the locally connected network catch up?
# 5. Cut the digits' margins off (`x[:, :, 4:24, 4:24]`) and repeat the run without padding. Does padding matter now?
#
# **[Homework](homework/README.md)**: 06 softmax_cross_entropy
