# %% [markdown]
# # 02 · Filters, padding and pooling
# # 필터, 패딩, 풀링
#
# **Deck**: CNN의 구성요소
#
# **Question.** What does a filter see in an image, and what do padding, stride and pooling do to the size of the
# result, to its content, and to its cost?
#
# **질문.** 필터는 이미지에서 무엇을 보는가? 그리고 패딩, 스트라이드, 풀링은 결과의 크기와 내용, 계산 비용을 어떻게
# 바꾸는가?
#
# **Summary.** A filter is laid over every place of an image, multiplied with what lies there, and summed: nine
# numbers make it blur, sharpen, or find edges of one direction. Padding keeps the size and invents what lies beyond
# the border; a stride or a pooling of 2 halves the sides, and so quarters the work of what follows. Keeping one pixel
# of each window loses more of a digit than pooling does, the more so the wider the window, and what is pooled over
# wide windows changes less when the digit moves.
#
# **요약.** 필터는 이미지의 모든 위치에 겹쳐 놓고 겹친 값끼리 곱해 더하는 것으로, 수 아홉 개만으로 이미지를 흐리게도
# 선명하게도 만들고 특정 방향의 경계를 찾아내기도 한다. 패딩은 크기를 유지하는 대신 경계 바깥의 값을 지어내며, 크기
# 2의 스트라이드나 풀링은 가로세로를 절반으로 줄여 다음 층의 계산량을 4분의 1로 만든다. 창마다 픽셀 하나만 남기면
# 풀링할 때보다 숫자의 정보를 더 많이 잃고 창이 넓을수록 더욱 그러하며, 넓은 창으로 풀링한 결과는 숫자가 움직여도 덜
# 변한다.

# %%
import math
import time
from itertools import product

import numpy as np
from lesson import SEED, claim, show, source

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import plot
from minigrad.data import digits, faces
from minigrad.ops.conv import Conv2d
from minigrad.ops.pool import MaxPool2d
from models.metrics import nearest

rng = np.random.default_rng(SEED)
(train, train_labels), (test, test_labels) = digits()
train, test = (images[:, None].astype(np.float32) / 255 for images in (train, test))  # (n, 1, 28, 28), ink is 1

# %% [markdown]
# ## 1. The deck's example, by hand
#
# For an image $x$ with a margin of zeros, and a kernel $w$ of three by three,
#
# $$y_{ij} = \sum_{u=0}^{2} \sum_{v=0}^{2} w_{uv}\, x_{i+u,\,j+v}.$$
#
# Every deep-learning library calls this a convolution. A mathematician would flip $w$ first and call ours a
# cross-correlation; since the kernels are learned, the flip makes no difference.

# %%
image = np.array([
    [60, 113, 56, 139, 85],
    [73, 121, 54, 84, 128],
    [131, 99, 70, 129, 127],
    [80, 57, 115, 69, 134],
    [104, 126, 123, 95, 130],
])  # fmt: skip
kernel = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])


def filtered(x, w):
    """w laid over every place of x in a margin of zeros, and how many multiplications that took."""
    (height, width), (rows, columns), multiplications = x.shape, w.shape, 0
    x, y = np.pad(x, 1), np.zeros_like(x)
    for i, j in product(range(height), range(width)):
        for u, v in product(range(rows), range(columns)):
            y[i, j] += w[u, v] * x[i + u, j + v]
            multiplications += 1
    return y, multiplications


by_hand, multiplications = filtered(image, kernel)
print(by_hand)
claim("row 1 of the deck's result", by_hand[0], "==", [114, 328, -26, 470, 158])
claim("row 2", by_hand[1], "==", [53, 266, -61, -30, 344])
claim("row 3, as far as the deck shows it", by_hand[2, :4], "==", [403, 116, -47, 295])
claim("multiplications: 25 places of 9", multiplications, "==", 25 * 9)

batch, weight = (mg.tensor(array[None, None], dtype=np.float64) for array in (image, kernel))  # (1, 1, 5, 5)
difference = abs(F.conv2d(batch, weight, padding=1).numpy()[0, 0] - by_hand).max()
claim("minigrad's conv2d, largest difference", difference, "==", 0)

# %% [markdown]
# The kernel subtracts from five times a pixel its four neighbours. Where all are equal nothing changes ($5 - 4 = 1$);
# where a pixel is brighter than its neighbours it becomes brighter still. That *sharpens* an image.
#
# minigrad's layer does not loop over pixels. It writes the patch under the kernel at each place as a row of a matrix,
# and one matrix product with all kernels does the rest. Its gradients are convolutions again:

# %%
source(Conv2d)

# %% [markdown]
# Pooling takes one number from each window. The deck's example of max pooling, and who receives the gradient when
# the four results are added up: with the maximum only the winner of each window, with the mean everybody a quarter.

# %%
small = mg.tensor([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], dtype=np.float64, requires_grad=True)
pooled = F.max_pool2d(small.reshape(1, 1, 4, 4), 2)
claim("max pooling of the deck's image", pooled.detach().numpy()[0, 0], "==", [[6, 8], [3, 4]])
pooled.sum().backward()
winners = small.grad.numpy()
print("gradient through max pooling:\n", winners)
claim("... pixels that receive a gradient", int((winners != 0).sum()), "==", 4)

small.grad = None
F.avg_pool2d(small.reshape(1, 1, 4, 4), 2).sum().backward()
claim("gradients through average pooling", np.unique(small.grad.numpy()), "==", [0.25])
source(MaxPool2d)

# %% [markdown]
# ## 2. A bank of filters
#
# A convolutional layer is a bank of such kernels, each making an image of its own, a *feature map*. In a network they
# are learned. Here are eight that people have drawn up, on a handwritten digit.

# %%
filters = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "blur": np.full((3, 3), 1 / 9),
    "sharpen": kernel,
    "outline (Laplace)": [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
    "vertical edges": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "horizontal edges": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "diagonal edges": [[-2, -1, 0], [-1, 0, 1], [0, 1, 2]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
}
bank = mg.tensor(np.array(list(filters.values()), np.float32)[:, None])  # (8, 1, 3, 3)


def feature_maps(images):
    return F.conv2d(mg.tensor(images), bank, padding=1).numpy()


maps = dict(zip(filters, feature_maps(test).swapaxes(0, 1)))  # of each filter (2000, 28, 28)
edge_ratio = (maps["vertical edges"] ** 2).sum(axis=(1, 2)) / (maps["horizontal edges"] ** 2).sum(axis=(1, 2))
ones, sevens = (float(np.median(edge_ratio[test_labels == digit])) for digit in (1, 7))

# %% tags=["key"]
shown = rng.choice(np.flatnonzero(test_labels == 7))
fig, axes = plot.figure(4, 4, 1.75, 1.7)
for k, (name, weights) in enumerate(filters.items()):
    above, below = axes[2 * (k // 4) : 2 * (k // 4) + 2, k % 4]
    for ax, picture in ((above, np.array(weights, float)), (below, maps[name][shown])):
        size = abs(picture).max()
        ax.imshow(picture, cmap="RdBu", vmin=-size, vmax=size)
        ax.set_axis_off()
    above.set_title(name, fontsize=9)
    for i, j in product(range(3), range(3)):
        value = np.array(weights)[i][j]
        text = "1/9" if name == "blur" else f"{value:.0f}"
        above.text(
            j,
            i,
            text,
            ha="center",
            va="center",
            fontsize=8,
            color="white" if abs(value) > 0.6 * np.max(weights) else "black",
        )
fig.suptitle("Eight kernels, and what each makes of a 7 (blue is above 0, red below)", fontsize=10)
show(fig)
claim("energy of vertical over horizontal edges, median of the 1s", ones, ">", 4)
claim(
    "sums of the weights of outline and edge filters, largest",
    float(abs(bank.numpy().sum(axis=(2, 3))[3:7]).max()),
    "==",
    0.0,
)

# %% [markdown]
# White is zero. The weights of the three edge filters and of the outline filter add up to zero, so paper and the
# inside of a thick stroke give nothing: only change counts. "Vertical edges" answers blue where ink begins, from left
# to right, and red where it ends, and hardly sees the bar of the 7; "horizontal edges" is the same, turned. The energy
# of these two maps already says something about the class: in a 1 the vertical edges have several times as much as the
# horizontal ones, in a 7 about as much, and in 2, 3 and 5 clearly less.

# %%
for digit in range(10):
    print(f"{digit}: energy of vertical over horizontal edges {np.median(edge_ratio[test_labels == digit]):.2f}")
claim("... of the 1s over that of the 7s", ones / sevens, ">", 3)
variation = {name: np.abs(np.diff(maps[name], axis=2)).mean() for name in ("identity", "blur", "sharpen")}
claim("mean step to the next pixel, blurred over original", variation["blur"] / variation["identity"], "<", 0.8)
claim("... sharpened over original", variation["sharpen"] / variation["identity"], ">", 2)

# %% [markdown]
# ## 3. Padding: what lies beyond the border?
#
# A kernel of three by three has no place on the outermost pixels, so each layer without padding loses a margin: after
# thirteen of them a digit of 28 x 28 has shrunk to 2 x 2. Padding keeps the size. But it has to invent the pixels
# beyond the border. Zeros are the usual choice, and on black-on-white digits a harmless one, as their margin is empty
# anyway. On a face it is not:

# %%
x = mg.tensor(test[:1])
for _ in range(13):
    x = F.conv2d(x, bank[:1])
claim("28 pixels, thirteen layers later", x.shape[-1], "==", 28 - 13 * 2)

face = mg.tensor(faces(12, seed=SEED + 1)[0][5].astype(np.float32).mean(axis=0) / 255).reshape(1, 1, 32, 32)
blur = mg.full((1, 1, 7, 7), 1 / 49)
margin = (3, 3, 3, 3)
blurred = {
    "no padding": lambda x: F.conv2d(x, blur),
    "zeros": lambda x: F.conv2d(x, blur, padding=3),
    "reflect": lambda x: F.conv2d(F.pad(x, margin, "reflect"), blur),
    "replicate": lambda x: F.conv2d(F.pad(x, margin, "replicate"), blur),
}
fig, axes = plot.figure(1, 5, 1.5, 1.8)
for ax, (name, function) in zip(axes[0], {"original": lambda x: x, **blurred}.items()):
    result = function(face).numpy()[0, 0]
    lost = (32 - len(result)) / 2  # at each side
    ax.imshow(result, cmap="gray", vmin=0, vmax=1, extent=(lost, 32 - lost, 32 - lost, lost))
    ax.set(title=f"{name}\n{result.shape[0]} x {result.shape[1]}", xlim=(0, 32), ylim=(32, 0))
    ax.set_axis_off()
show(fig)
white = mg.ones(1, 1, 32, 32)
corners = {name: float(function(white).numpy()[0, 0, 0, 0]) for name, function in blurred.items()}
claim("a white image blurred, its corner with zeros: (4/7)², off by", abs(corners["zeros"] - (4 / 7) ** 2), "<", 1e-6)
claim("... with its own border continued: 1, off by", abs(corners["replicate"] - 1), "<", 1e-6)

# %% [markdown]
# With zeros a dark frame creeps in from the border; at the corners it takes two thirds of the brightness. A network
# can even make use of that: the frame tells a filter, which otherwise looks the same everywhere, where it is.
#
# ## 4. Stride and pooling: size
#
# With input side $n$, kernel $k$, padding $p$ and stride $s$ a side of the output has
#
# $$\left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1$$
#
# pixels; pooling is the same with its window as kernel and, usually, $s = k$.

# %%
wrong, cases = 0, 0
for n, k, s, p in product(range(4, 13), range(1, 5), range(1, 5), range(3)):
    side = F.conv2d(mg.zeros(1, 1, n, n), mg.zeros(1, 1, k, k), stride=s, padding=p).shape[-1]
    wrong, cases = wrong + (side != (n + 2 * p - k) // s + 1), cases + 1
claim(f"sizes of {cases} layers of which the formula is wrong", wrong, "==", 0)

# %% [markdown]
# ## 5. Stride and pooling: cost
#
# A layer with $C$ channels in and $O$ channels out multiplies $H_{out} W_{out} \cdot O \cdot k^2 C$ times. Halving
# the sides leaves a quarter of that; a kernel of 5 x 5 costs 25/9 of one of 3 x 3. Here is what is counted beside what
# is measured, for 32 images of 16 channels and 28 x 28 pixels, and 32 channels out.

# %%
x = mg.tensor(rng.standard_normal((32, 16, 28, 28)).astype(np.float32))


def cost(k, stride, pool=1):
    """Multiplications of one image, and the seconds for the batch: the least of several measurements."""
    w = mg.tensor(rng.standard_normal((32, 16, k, k)).astype(np.float32))
    seconds = []
    for _ in range(12):
        begin = time.process_time()
        y = F.conv2d(F.max_pool2d(x, pool) if pool > 1 else x, w, stride=stride, padding=k // 2)
        seconds.append(time.process_time() - begin)
    return math.prod(y.shape[1:]) * k * k * 16, min(seconds)


layers = {
    "3 x 3": cost(3, 1),
    "5 x 5": cost(5, 1),
    "1 x 1": cost(1, 1),
    "3 x 3, stride 2": cost(3, 2),
    "max pooling, then 3 x 3": cost(3, 1, pool=2),
}
counted, measured = (np.array(part) / part[0] for part in zip(*layers.values()))
fig, axes = plot.figure(1, 1, 6.4, 2.9)
ax = axes[0, 0]
rows = np.arange(len(layers))
ax.barh(rows - 0.2, counted, 0.4, label="multiplications, counted")
ax.barh(rows + 0.2, measured, 0.4, label="time, measured")
ax.set(yticks=rows, yticklabels=layers, ylabel="layer", xlabel="relative to 3 x 3 with stride 1")
ax.invert_yaxis()
ax.grid(alpha=0.3, axis="x")
ax.legend(fontsize=8)
show(fig)
print(f"3 x 3: {layers['3 x 3'][0]:,} multiplications an image")
claim("multiplications: stride 2 over stride 1", counted[3], "==", 0.25)
print(f"time, here and now: stride 2 over stride 1 {measured[3]:.2f}, 5 x 5 over 3 x 3 {measured[1]:.2f}")

# %% [markdown]
# Time follows the count, not exactly: the patches have to be copied, a copy that outgrows the processor's cache costs
# more than its share, and pooling itself multiplies nothing yet takes its time to compare.
#
# ## 6. Stride and pooling: content
#
# What is left of a digit? Two measurements. First, how well it can still be read: each test digit gets the class of
# the training digit that is nearest in what is left of the pixels. Second, how much the result changes when the digit
# moves by one pixel, $\lVert f(\text{moved}) - f(x) \rVert / \lVert f(x) \rVert$.


# %%
def subsample(x, k):
    return x[:, :, k // 2 :: k, k // 2 :: k]


ways = {"mean": F.avg_pool2d, "maximum": F.max_pool2d, "one pixel": subsample}  # of each window
windows = (1, 2, 4, 7)
read, moved = {}, {}
for name, way in ways.items():
    read[name], moved[name] = [], []
    for k in windows:
        a, b, c = (way(mg.tensor(images), k).numpy() for images in (train, test, np.roll(test, 1, axis=2)))
        read[name].append(float(np.mean(train_labels[nearest(b, a)[1]] == test_labels)))
        moved[name].append(float(np.linalg.norm(c - b) / np.linalg.norm(b)))

two = mg.tensor(test[[rng.choice(np.flatnonzero(test_labels == 2))]])
fig, axes = plot.figure(3, 4, 1.7, 1.5)
for ax_row, (name, way) in zip(axes, ways.items()):
    for ax, k in zip(ax_row, windows):
        ax.imshow(way(two, k).numpy()[0, 0], cmap="gray_r", vmin=0, vmax=1)
        ax.set_title(f"{name}, {k} x {k}" if k > 1 else "all pixels", fontsize=8)
        ax.set_axis_off()
show(fig)

fig, axes = plot.figure(1, 2, 3.9, 3.0)
for ax, values, ylabel in zip(axes[0], (read, moved), ("test digits read rightly", "change when moved by a pixel")):
    for (name, line), marker in zip(values.items(), "os^"):
        ax.plot(windows, line, marker=marker, label=name)
    ax.set(xlabel="side of the window", ylabel=ylabel, xticks=windows, ylim=(0, None))
    ax.grid(alpha=0.3)
axes[0, 0].legend(fontsize=8)
show(fig)
mean, largest, single = ways
claim("2 x 2: read from means, minus from all pixels", read[mean][1] - read[mean][0], ">", 0.01)
claim("4 x 4: read from means, minus from single pixels", read[mean][2] - read[single][2], ">", 0.1)
claim("4 x 4: read from maxima, minus from single pixels", read[largest][2] - read[single][2], ">", 0.05)
claim("4 x 4: change of the means when moved, over that of all pixels", moved[mean][2] / moved[mean][0], "<", 0.7)
claim("4 x 4: change of the maxima, over that of all pixels", moved[largest][2] / moved[largest][0], "<", 0.7)
claim("4 x 4: change of single pixels, over that of all", moved[single][2] / moved[single][0], ">", 0.9)

# %% [markdown]
# Means of 2 x 2 are read even *better* than all pixels: a quarter of the numbers, and what was lost is how exactly the
# stroke ran. For this simple reader the mean also beats the maximum with every window, for the maximum makes all
# strokes thick. Networks often take the maximum all the same, over feature maps rather than ink: whether an edge is
# *somewhere* in the window is what it answers. One pixel of each window throws the rest away unseen, reads worst, and
# is as restless as the full image; a convolution with stride 2 looks at all pixels before it skips places, and is not
# as wasteful as that.
#
# ## Try this
#
# 1. Apply "blur" ten times in a row, and "sharpen" ten times. What happens to the digit, and to the largest pixel?
# 2. Find the kernel that moves an image one pixel to the left, and one that makes edges of every direction bright
#    without signs (two maps and $\sqrt{a^2 + b^2}$).
# 3. Two layers of 3 x 3 see as far as one of 5 x 5. Count the weights and multiplications of both for 16 channels.
# 4. Read the digits from max-pooled *edge maps* instead of ink: does the maximum beat the mean there?
# 5. `dilation=2` lays the nine weights over 5 x 5 pixels. What does "vertical edges" see with it, and at what cost?
#
# **[Homework](homework/README.md)**: 08 padding_and_output_size, 09 convolution_forward,
# 10 convolution_backward, 11 max_pool_backward
