# %% [markdown]
# # 11 · Latent arithmetic and morphing
# # 잠재 공간의 벡터 연산과 모핑
#
# **Deck**: 벡터 연산, 얼굴합성
#
# **Question.** If faces are points in a space of codes, is "with glasses" a direction in it, and what lies on the way
# from one face to another?
#
# **질문.** 얼굴이 코드 공간의 점이라면 "안경을 쓴"이라는 성질은 그 공간의 한 방향인가? 또 한 얼굴에서 다른 얼굴로 가는
# 길에는 무엇이 있는가?
#
# **Summary.** In the codes of a variational autoencoder that never saw a label, the mean code of those who have an
# attribute minus that of those who have not is a vector that gives the attribute, or takes it, in nearly every test
# face and mostly leaves the others as they are. It must be averaged over many faces: the difference of one face and one
# other changes much else. Halfway between two codes lies a face, halfway between two images a double exposure, though
# for a smile, which changes few pixels, arithmetic on the pixels themselves is nearer to the truth.
#
# **요약.** 레이블을 한 번도 보지 못한 변분 오토인코더의 코드 공간에서, 어떤 속성을 가진 얼굴들의 평균 코드에서 그렇지
# 않은 얼굴들의 평균 코드를 빼면, 거의 모든 시험 얼굴에 그 속성을 더하거나 없애면서 다른 속성은 대체로 그대로 두는
# 벡터가 된다. 이 벡터는 많은 얼굴로 평균해야 하며, 두 얼굴만의 차이는 다른 것까지 많이 바꾼다. 두 코드의 한가운데에는
# 얼굴이 있고 두 이미지의 한가운데에는 겹쳐 찍힌 사진이 있지만, 바뀌는 픽셀이 적은 미소에서는 픽셀 자체의 연산이 정답에
# 더 가깝다.

# %%
import numpy as np
from lesson import SEED, claim, show, show_animation, source

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim, plot
from minigrad.backend import keep_freed_memory
from minigrad.data import draw_faces, faces
from minigrad.data.faces import BINARY
from minigrad.ops import gaussian_kl
from models import vae
from models.common import outputs

keep_freed_memory()
mg.manual_seed(SEED)
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## 1. Faces of which everything is known
#
# The faces are cartoons, drawn by a program from five yes-or-no attributes, face shape, pose and skin tone, and random
# colours. So we know what each face has, and can even draw the same person with one attribute changed: what arithmetic
# *should* give is known for every pixel.

# %%
images, attributes = faces(10_000, seed=0)
test_images, test_attributes = faces(2_000, seed=1)
images, test_images = images / np.float32(255), test_images / np.float32(255)
has, test_has = (np.stack([a[name] for name in BINARY], axis=1) for a in (attributes, test_attributes))


def redrawn(n, **changes):
    """The first n test faces with some attributes changed, drawn by the program."""
    changed = {name: values[:n] for name, values in test_attributes.items()} | changes
    return draw_faces(changed, seed=1) / np.float32(255)


fig, axes = plot.figure(1, 1, 7, 2)
same = [redrawn(8)] + [redrawn(8, glasses=~test_attributes["glasses"][:8])]
plot.image_grid(axes[0, 0], np.concatenate(same), 8, "test faces; the same people, glasses changed")
show(fig)

# %% [markdown]
# A convolutional VAE learns to draw faces by a code of 32 numbers; it sees images only, never an attribute. Each pixel
# is Gaussian with $\sigma = .2$ about what the decoder gives:
#
# $$L = \frac{\|x - \hat x\|^2}{2\sigma^2} + \mathrm{KL}(N(\mu, \sigma_z^2)\,\|\,N(0, I)), \qquad
# z = \mu + \sigma_z \varepsilon.$$

# %%
source(vae.convolutional, vae.VAE.forward)


def batches(n, size):
    return np.array_split(rng.permutation(n), n // size)


model = vae.convolutional((3, 32, 32), 16, 32)
model.decoder = nn.Sequential(*model.decoder, nn.Sigmoid())
optimizer = optim.Adam(model.parameters(), lr=2e-3)
for _ in range(9):
    for rows in batches(len(images), 32):
        x = mg.from_numpy(images[rows])
        rebuilt, mu, log_var = model(x)
        squares = F.mse_loss(rebuilt, x, reduction="sum") / len(rows)
        loss = squares / (2 * 0.2**2) + gaussian_kl(mu, log_var)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def encode(x):
    """μ (n, 32)"""
    return outputs(model, model.encoder, x)[:, :32]


def decode(z):
    return outputs(model, model.decoder, z.astype(np.float32), 500)


# %% [markdown]
# A judge is needed that says what a picture shows: a CNN that learns the five attributes from 5,000 *other* faces of
# the program, with their true attributes. It has nothing to do with the VAE.

# %%
judge = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32 * 8 * 8, 64), nn.ReLU(), nn.Linear(64, 5),
)  # fmt: skip
optimizer = optim.Adam(judge.parameters(), lr=2e-3)
schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 5 * (5000 // 64))
others, other_attributes = faces(5_000, seed=2)
truth = np.stack([other_attributes[name] for name in BINARY], axis=1).astype(np.float32)
for _ in range(5):
    for rows in batches(len(others), 64):
        logits = judge(mg.from_numpy(others[rows] / np.float32(255)))
        loss = F.binary_cross_entropy_with_logits(logits, mg.from_numpy(truth[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def judged(x):
    """What each picture shows, (n, 5) bool"""
    return outputs(judge, judge, x, 500) > 0


claim("test faces judged rightly, worst attribute", (judged(test_images) == test_has).mean(axis=0).min(), ">", 0.98)

# %% [markdown]
# ## 2. An attribute is a vector
#
# Take the mean code of all who wear glasses minus that of all who do not. As the attributes are independent of one
# another, everything else is averaged out and glasses are left (Larsen et al. 2016):
#
# $$v_a = \operatorname{mean}\{\mu(x) : x \text{ has } a\} - \operatorname{mean}\{\mu(x) : x \text{ has not } a\}.$$

# %%
source(vae.attribute_vectors)
codes, test_codes = encode(images), encode(test_images)
vectors = vae.attribute_vectors(codes, {name: attributes[name] for name in BINARY})
length = {name: np.linalg.norm(vector) for name, vector in vectors.items()}
unit = np.stack([vectors[name] / length[name] for name in BINARY])
print("lengths:", {name: round(float(value), 1) for name, value in length.items()})
print("largest cosine between two of them:", round(float(abs(unit @ unit.T - np.eye(5)).max()), 2))

# %% [markdown]
# Now every test face: $1.25\,v_a$ is added to the code of those without $a$ and subtracted from that of those with it,
# and the judge looks at what the decoder draws. (At 1.00 one arrives at the *mean* of those who have it, and in a few
# faces the judge still sees too little.)

# %% tags=["key"]
STRENGTH = 1.25
before = judged(decode(test_codes))


def change(codes, has, vector, strength=STRENGTH):
    """Codes with the vector added, or subtracted for those who have the attribute."""
    return codes + np.where(has, -strength, strength)[:, None] * vector


changed = np.stack(
    [
        (judged(decode(change(test_codes, test_has[:, i], vectors[name]))) != before).mean(axis=0)
        for i, name in enumerate(BINARY)
    ]
)
labels = [name.replace("_", " ") for name in BINARY]
fig, axes = plot.figure(1, 2, 3.5, 3.2)
plain = np.flatnonzero(test_has.sum(axis=1) == 0)[0]
steps = np.linspace(0, STRENGTH, 6)[:, None]
strips = np.concatenate([decode(test_codes[plain] + steps * vectors[name]) for name in BINARY])
axes[0, 0].imshow(plot.sheet(strips, 6), interpolation="nearest")
axes[0, 0].set(title="one test face plus 0 ... 1.25 times", xlabel="strength", ylabel="attribute vector")
axes[0, 0].set_yticks(34 * np.arange(5) + 16, labels)
axes[0, 0].set_xticks(34 * np.arange(6) + 16, [f"{t:g}" for t in steps[:, 0]])
axes[0, 1].imshow(changed, cmap="Blues", vmin=0, vmax=1)
for (i, j), share in np.ndenumerate(changed):
    axes[0, 1].text(j, i, f"{share:.0%}", ha="center", va="center", color="white" if share > 0.5 else "black")
axes[0, 1].set_xticks(range(5), labels, rotation=30)
axes[0, 1].set_yticks(range(5), labels)
axes[0, 1].set(title="changes seen by the judge", xlabel="change seen in", ylabel="vector added or subtracted")
show(fig)
claim("faces whose attribute flips, worst attribute", np.diag(changed).min(), ">", 0.9)
claim("faces in which another one flips, worst pair", (changed - np.diag(np.diag(changed))).max(), "<", 0.2)

# %% [markdown]
# The diagonal is what was asked for, and off the diagonal is what was not: above all long hair, which frames the
# cheeks, and there at times gives or hides a beard. Is it the *direction* that does it? Random vectors of the same
# lengths tell:

# %%
random = rng.standard_normal((5, 32))
random *= np.array([length[name] for name in BINARY])[:, None] / np.linalg.norm(random, axis=1, keepdims=True)
by_chance = [
    (judged(decode(change(test_codes[:500], test_has[:500, i], random[i]))) != before[:500])[:, i].mean()
    for i in range(5)
]
claim("faces whose attribute flips by a random vector, mean", np.mean(by_chance), "<", 0.4)

# %% [markdown]
# ## 3. Against the truth, and against pixels
#
# The judge sees attributes only. The drawing program knows more: the same person with the attribute changed. How far,
# in squared error per pixel, is the decoded code from that picture? Two rivals: leaving the reconstruction as it is,
# and the same arithmetic *on pixels*, the mean image of those with the attribute minus that of those without.

# %%
n = 1000
pixels = images.reshape(len(images), -1)
errors, examples = {"left as it is": [], "on pixels": [], "on codes": []}, []
for i, name in enumerate(BINARY):
    target = redrawn(n, **{name: ~test_has[:n, i]})
    difference = vae.attribute_vectors(pixels, {name: attributes[name]})[name]
    on_pixels = change(test_images[:n].reshape(n, -1), test_has[:n, i], difference, strength=1)
    results = {
        "left as it is": decode(test_codes[:n]),
        "on pixels": on_pixels.clip(0, 1).reshape(target.shape),
        "on codes": decode(change(test_codes[:n], test_has[:n, i], vectors[name], strength=1)),
    }
    for way, result in results.items():
        errors[way].append(((result - target) ** 2).mean())
    examples += [[test_images[k], target[k], results["on pixels"][k], results["on codes"][k]] for k in (0, plain)]

print("MSE to the face redrawn with this attribute changed")
print(f"{'':14}" + "".join(f"{label:>10}" for label in labels))
for way, error in errors.items():
    print(f"{way:14}" + "".join(f"{each:10.4f}" for each in error))
fig, axes = plot.figure(1, 1, 6, 2.8)
axes[0, 0].imshow(plot.sheet(np.stack(examples, axis=1).reshape(-1, 3, 32, 32), 10), interpolation="nearest")
axes[0, 0].set(xlabel="attribute changed", ylabel="arithmetic")
axes[0, 0].set_xticks(68 * np.arange(5) + 33, labels)
axes[0, 0].set_yticks(34 * np.arange(4) + 16, ["test face", "redrawn", "on pixels", "on codes"])
show(fig)
claim(
    "MSE, codes over pixels, mean of all attributes",
    np.mean(errors["on codes"]) / np.mean(errors["on pixels"]),
    "<",
    0.95,
)
claim("... for the smile alone", errors["on codes"][0] / errors["on pixels"][0], ">", 1.2)

# %% [markdown]
# The second row is the truth. Pixels can only lay the same stencil over every face: a ghost of long hair, glasses
# beside the eyes of a head that is turned, a hat of the mean of all colours where it should have that of the clothes.
# Codes put things where the head is. But a VAE blurs all of a face, and where few pixels change, as with a smile, that
# costs more than the stencil's faults: there pixels win.

# %% [markdown]
# ## 4. How many faces make a vector?
#
# The famous example takes *three*: "man with glasses" − "man" + "woman" = "woman with glasses" (Radford et al. 2016). A
# vector from one face with and one without an attribute holds all else, too, by which the two differ; averaged over $n$
# faces on either side that shrinks like $1/\sqrt n$.


# %%
def vector_of(i, count):
    """The attribute's vector by `count` random faces on either side, and the two means it is made of."""
    with_it, without = (
        codes[rng.choice(np.flatnonzero(who), count, False)].mean(axis=0) for who in (has[:, i], ~has[:, i])
    )
    return with_it - without, with_it, without


counts, flips, strays = [1, 3, 10, 30, 100, 1000], [], []
for count in counts:
    seen = []
    for i in [0, 1, 2, 3, 4] * 2:
        after = judged(decode(change(test_codes[:500], test_has[:500, i], vector_of(i, count)[0])))
        share = (after != before[:500]).mean(axis=0)
        seen.append((share[i], np.delete(share, i).mean()))
    flip, stray = np.mean(seen, axis=0)
    flips.append(flip)
    strays.append(stray)

fig, axes = plot.figure(1, 2, 3.5, 2.7)
axes[0, 0].semilogx(counts, flips, "o-", label="the attribute flips")
axes[0, 0].semilogx(counts, strays, "s-", label="another one does, mean of four")
axes[0, 0].set(xlabel="faces averaged on either side", ylabel="share of test faces", ylim=(0, 1.05))
axes[0, 0].legend(loc="center right")
axes[0, 0].grid(alpha=0.3)
equations = []
for count in (1, 3, 1000):
    vector, with_it, without = vector_of(BINARY.index("glasses"), count)
    equations += [with_it, without, test_codes[plain], test_codes[plain] + STRENGTH * vector]
axes[0, 1].imshow(plot.sheet(decode(np.stack(equations)), 4), interpolation="nearest")
axes[0, 1].set(title="glasses  −  none  +  a face  =", xlabel="means, a face, the result")
axes[0, 1].set_ylabel("faces averaged")
axes[0, 1].set_xticks([])
axes[0, 1].set_yticks(34 * np.arange(3) + 16, ["1", "3", "1000"])
show(fig)
claim("others that flip by a vector of 1000 and 1000 faces", strays[-1], "<", 0.05)
claim("... of 1 and 1 faces, over that", strays[0] / strays[-1], ">", 5)
claim("the attribute itself flips even by 1 and 1 faces", flips[0], ">", 0.7)

# %% [markdown]
# Flipping the attribute is easy, even with one pair of faces. Changing *nothing else* is what the averaging is for: in
# the row of 1 other things than glasses come along, in the row of 1000 both means are nearly the same mean face, but
# for the glasses.
#
# ## 5. Morphing
#
# From one face to another on the straight line between their codes, and on that between their pixels. Look at the
# middle of each strip: mixed pixels are a double exposure, with two pairs of eyes and a hat one can see through. Mixed
# codes decode to one head that turns and takes on the features, softer than a real one; only what can but be there or
# not, such as glasses or a hat, fades here as well.

# %%
t = np.linspace(0, 1, 7)[:, None]


def morph(a, b):
    """By codes and by pixels, from test face a to test face b"""
    by_codes = decode((1 - t) * test_codes[a] + t * test_codes[b])
    return by_codes, (1 - t[..., None, None]) * test_images[a] + t[..., None, None] * test_images[b]


fig, axes = plot.figure(4, 1, 4.2, 0.8)
for (above, below), (a, b) in zip(axes[:, 0].reshape(2, 2), ((8, 20), (5, 14))):
    for ax, name, strip in zip((above, below), ("mixing codes", "mixing pixels"), morph(a, b)):
        plot.image_grid(ax, strip, 7, name)
show(fig)

# %% [markdown]
# The same round trip as an animation, codes on the left, pixels on the right:

# %%
frames = []
for a, b in ((3, 8), (8, 5), (5, 20), (20, 3)):
    for pair in list(zip(*morph(a, b)))[:-1]:
        fig, axes = plot.figure(1, 2, 1.2, 1.4)
        for ax, name, face in zip(axes[0], ("codes", "pixels"), pair):
            plot.image_grid(ax, face[None], 1, name)
        frames.append(fig)
show_animation(frames, 0.15)

# %% [markdown]
# Is the face in the middle the *right* one? Draw 1,000 people turned fully left and fully right. Halfway is the same
# person from the front, which the program can draw:

# %%
left, right, front = (redrawn(n, pose=np.full(n, pose, np.float32)) for pose in (-1, 1, 0))
middles = {"codes": decode((encode(left) + encode(right)) / 2), "pixels": (left + right) / 2}
error = {name: ((middle - front) ** 2).mean() for name, middle in middles.items()}
own = ((decode(encode(front)) - front) ** 2).mean()
print(f"MSE to the face from the front: codes {error['codes']:.4f}, pixels {error['pixels']:.4f}")
print(f"its own reconstruction, which codes can hardly beat: {own:.4f}")
claim("MSE of the middle, codes over pixels", error["codes"] / error["pixels"], "<", 0.9)

# %% [markdown]
# ## Try this
#
# 1. Draw the share of flips over the strength, from 0 to 2. Where does each attribute flip in half of the faces, and
#    when do others begin to change?
# 2. Make beard and hat dependent: keep only training faces that have both or neither. What does the vector of the hat
#    do now? What of the "as the attributes are independent"?
# 3. Add two vectors, glasses and hat. Do the two attributes flip as often as each does alone?
# 4. Train a plain autoencoder (`z = mu`, no KL term) of the same networks. Do its vectors flip attributes as well, and
#    are its midpoints faces?
# 5. Pose is a number. Take the mean code of heads turned right minus that of heads turned left, and compare strengths
#    −1 ... 1 with the faces that the program draws.
#
# **[Homework](homework/README.md)**: 21 attribute_vector
