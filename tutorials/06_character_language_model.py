# %% [markdown]
# # 06 · A character language model
# # 문자 단위 언어 모델
#
# **Deck**: RNN의 쓰임새
#
# **Question.** A network that predicts the next character can write. How good can such a prediction become, and how
# much of what it writes did it need a memory for?
#
# **질문.** 다음 문자를 예측하는 신경망은 글을 쓸 수 있다. 그 예측은 얼마나 좋아질 수 있으며, 쓴 글 가운데 기억이
# 필요했던 것은 얼마나 되는가?
#
# **Summary.** A language model gives every next character a probability, and its quality is one number, the bits it
# needs per character. Our text is drawn from a grammar whose true entropy is known, so we know what no model can
# beat, and after a few hundred steps an LSTM lies within a tenth of it, at about half the bits of a trigram model.
# What it knows and short contexts cannot is what the story began with: it gets *He* or *She* right far more often than
# a model with a memory of five characters, though not always; and the temperature of sampling trades mistakes against
# monotony.
#
# **요약.** 언어 모델은 다음에 올 수 있는 모든 문자에 확률을 주며, 그 성능은 문자당 필요한 비트 수 하나로 나타난다.
# 여기의 글은 참 엔트로피가 알려진 문법에서 뽑으므로 어떤 모델도 넘지 못할 한계를 아는데, LSTM은 수백 단계의 학습 만에
# 그 한계의 10% 안까지 오고 필요한 비트는 트라이그램의 절반쯤이다. 짧은 문맥이 알 수 없고 LSTM만 아는 것은 이야기의
# 첫머리여서 LSTM은 다섯 글자만 보는 모델보다 He와 She를 (늘 그런 것은 아니지만) 훨씬 자주 맞히며, 표본을 뽑을 때의
# 온도는 실수와 단조로움을 맞바꾼다.

# %%
import math
import re

import numpy as np
from lesson import SEED, claim, show, source

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim, plot
from minigrad.data import STORIES, Characters, Grammar, streams
from models.char_rnn import CharRNN, generate, log_probabilities, next_probabilities, outputs
from models.metrics import NGram, bits_per_character

mg.manual_seed(SEED)
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## 1. Stories whose entropy is known
#
# Each line is one draw from a probabilistic grammar. Who the hero is decides words far behind: *Ada and **her** cat ...
# **She** ...*. The rest is chance: which verb, which thing.

# %%
grammar = STORIES["en"]
train_text, test_text = grammar.text(400_000, rng), grammar.text(50_000, rng)
characters = Characters(train_text + test_text)
print(train_text[: train_text.index("\n", 500)])
print(f"\n{len(characters)} different characters: {characters.symbols!r}")

# %% [markdown]
# How well can the next character be predicted? A draw with probability $p$ is worth $-\log_2 p$ bits, so a story's
# bits are those of its draws, and what it takes *per character*, in the long run, is the grammar's **entropy**,
#
# $$H = \frac{\mathbb E\,[-\log_2 p(\text{story})]}{\mathbb E\,[\text{length of a story}]}.$$
#
# No model needs fewer bits (Shannon 1948). For a real text nobody knows this number; here it can be computed:

# %%
source(Grammar.entropy, Grammar._expected)
entropy = grammar.entropy()
print(f"\nentropy: {entropy:.3f} bits per character; all characters alike: {math.log2(len(characters)):.2f} bits")

# %% [markdown]
# ## 2. The yardstick: counting
#
# An *n-gram* model predicts a character from the $n - 1$ before it, by counting what followed them in the training
# text. Its memory is $n - 1$ characters and no more. A model's quality is its bits per character on text that it has
# not seen,
#
# $$-\frac1T\sum_{t=1}^{T}\log_2 p(x_t \mid x_1 \dots x_{t-1}).$$

# %%
ngrams = {order: NGram(train_text, order, len(characters)) for order in (1, 2, 3, 6)}
counted = {order: bits_per_character(model.log_probabilities(test_text)) for order, model in ngrams.items()}
for order, needed in counted.items():
    print(f"{order}-grams, memory of {order - 1}: {needed:.3f} bits per character, {needed / entropy:.2f} x entropy")

# %% [markdown]
# ## 3. An LSTM that reads and predicts
#
# The network reads one character at each step, keeps a state, and gives logits for the next one: *many to many* in
# lesson 04's table. Its loss is the very number above, in nats: $-\log p(x_{t+1} \mid x_1 \dots x_t)$, averaged.
#
# The text is one sequence of 400,000 steps, far too long to go back through. So it is cut into 32 streams that are
# read side by side, and these into chunks of 64 characters. The *state* goes on from chunk to chunk, and the
# *gradient* stops at the chunk's beginning: truncated backpropagation through time. In the loop it is one word,
# `detach`.

# %%
source(streams)

# %%
net = CharRNN(len(characters), len(characters), "lstm", hidden=128, layers=1, forget_bias=1)
nn.init.normal_(net.rnn.weight_ih_l0)  # a column is a character's embedding
x, y = streams(characters.encode(train_text), n=32, length=64)
test_tokens = characters.encode(test_text)
STEPS = 800
optimizer = optim.Adam(net.parameters(), lr=0.01)
schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
training, test, drafts, state = [], {}, {}, None
for step in range(STEPS):
    chunk = step % len(x)
    if chunk == 0:
        state = None  # the streams begin anew
    logits, state = net(mg.tensor(x[chunk]), state)
    state = state.detach()
    loss = F.cross_entropy(logits.flatten(0, 1), y[chunk].flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    optimizer.step()
    schedule.step()
    training.append(loss.item() / math.log(2))
    if step + 1 in (1, 3, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, STEPS):
        test[step + 1] = bits_per_character(log_probabilities(net, test_tokens[:10_000]))
    if step + 1 in (1, 10, 30, 100, STEPS):
        drafts[step + 1] = generate(net, characters.symbols, 150, np.random.default_rng(SEED))
bits = bits_per_character(log_probabilities(net, test_tokens))

# %% [markdown]
# What it writes on its way: first characters, then word lengths and spaces, then words, then sentences.

# %%
for step, text in drafts.items():
    print(f"--- after {step} steps\n{text}")

# %% [markdown]
# Look where the line crosses the dashed ones: after so many steps the network is worth a model with a memory of no,
# one, two, five characters. Between the last of them and the entropy lies mostly what only a longer memory can know.

# %% tags=["key"]
fig, axes = plot.figure(1, 1, 6.5, 3.8)
ax = axes[0, 0]
ax.plot(range(1, STEPS + 1), training, color="C0", alpha=0.3, label="LSTM, training chunk")
ax.plot(*zip(*test.items()), "o-", color="C0", label="LSTM, test text")
for order, colour in {1: "C7", 2: "C1", 3: "C2", 6: "C3"}.items():
    ax.axhline(counted[order], color=colour, ls="--", label=f"{order}-grams")
ax.axhline(entropy, color="black", label="entropy of the grammar")
ax.set(xscale="log", xlabel="training step", ylabel="bits per character", ylim=(0, 6))
ax.legend(fontsize=8)
ax.grid(alpha=0.3)
show(fig)
claim("bits per character of the LSTM over the grammar's entropy", bits / entropy, "<", 1.1)
claim("bits per character of the LSTM, above the entropy", bits, ">", entropy)
claim("bits per character of the LSTM over those of trigrams", bits / counted[3], "<", 0.65)

# %% [markdown]
# ## 4. What a memory is good for
#
# Take the test stories whose second sentence begins with *He*, *She* or *They*, and stop just before that word. The
# hero's name stands one whole sentence back. Which of the three initials does each model think likeliest? The 6-grams
# see no further than the end of the first sentence, *"nap. "*, say, and every hero's sentence may end like that: they
# can only guess.

# %%
stories = [line for line in test_text.split("\n") if re.search(r"\. (He|She|They) ", line)][:400]
cuts = [re.search(r"\. (He|She|They) ", story).start() + 2 for story in stories]
initials = np.array([story[cut] for story, cut in zip(stories, cuts)])


def by_network(prompt):
    logits, _ = outputs(net, characters.encode("\n" + prompt)[:, None])
    return [logits[-1, 0, characters.encode(letter)[0]] for letter in "HST"]


def by_counting(prompt):
    return [ngrams[6].log_probabilities(prompt[-5:] + letter)[-1] for letter in "HST"]


share = {}
for name, opinion in {"LSTM": by_network, "6-grams": by_counting}.items():
    best = [np.argmax(opinion(story[:cut])) for story, cut in zip(stories, cuts)]
    share[name] = float(np.mean(np.array(list("HST"))[best] == initials))
    print(f"{name:8} right in {share[name]:.1%} of {len(stories)} stories")
print(f"on average {np.mean(cuts):.0f} characters after the story's beginning")
claim("He, She or They: 6-grams are right", share["6-grams"], "<", 0.6)
claim("He, She or They: how much more often the LSTM is right", share["LSTM"] - share["6-grams"], ">", 0.2)

# %% [markdown]
# The LSTM remembers, but not always. This agreement is the last thing that it learns: hardly one character in fifty
# depends on it, so the loss hardly asks for it, and the gradient must reach back a whole sentence. How far it has come
# after these few steps depends on the seed; in section 3's bits the whole of it is a few hundredths.

# %% [markdown]
# ## 5. Temperature
#
# To write, one draws a character from the predicted probabilities, reads it, draws the next. The *temperature*
# $\tau$ sharpens or flattens them before the draw:
#
# $$p_\tau(c) \propto p(c)^{1/\tau}.$$

# %%
source(next_probabilities, generate)
TEMPERATURES = [0.1, 0.3, 0.5, 0.7, 1.0, 1.3, 1.6, 2.0]
samples = {tau: generate(net, characters.symbols, 2500, np.random.default_rng(SEED), tau) for tau in TEMPERATURES}
for tau in (0.1, 0.5, 1.0, 1.6):
    print(f"\n--- temperature {tau}\n{samples[tau][:250]}")

# %% [markdown]
# Two figures of 2,500 characters at each temperature: the share of words that the grammar has at all, and how many
# different ones of them there are for each hundred words written. Cold, the network spells without a mistake and writes
# the same few words again and again; hot, it invents words. At 1 it draws from what it has learnt: about as varied as
# real stories (dashed), with few mistakes. Whether the pronoun fits the hero is another matter: what the network has
# not learnt, no temperature mends.


# %%
def words_of(text):
    return re.findall(r"[A-Za-z]+", text)


known = {*words_of(train_text)}
real = {tau: np.mean([word in known for word in words_of(text)]) for tau, text in samples.items()}
different = {tau: len({*words_of(text)} & known) / len(words_of(text)) for tau, text in samples.items()}
in_stories = len({*words_of(test_text[:2500])}) / len(words_of(test_text[:2500]))
fig, axes = plot.figure(1, 2, 4, 3)
axes[0, 0].plot(TEMPERATURES, [100 * share for share in real.values()], "o-")
axes[0, 0].set(ylabel="words that exist, %", ylim=(0, 104))
axes[0, 1].plot(TEMPERATURES, [100 * share for share in different.values()], "o-", label="LSTM")
axes[0, 1].axhline(100 * in_stories, color="grey", ls="--", label="real stories")
axes[0, 1].set(ylabel="different existing words, per 100", ylim=(0, None))
axes[0, 1].legend()
for ax in axes[0]:
    ax.set(xlabel="temperature")
    ax.grid(alpha=0.3)
show(fig)
claim("words that exist, temperature 0.5", real[0.5], ">", 0.95)
claim("words that exist, temperature 2", real[2.0], "<", 0.8)
claim("different words, temperature 0.1 over temperature 1", different[0.1] / different[1.0], "<", 0.7)

# %% [markdown]
# ## Try this
#
# 1. Let the state begin anew in every chunk (`state = None` in each step). How many bits does it cost, and which words?
# 2. Cut chunks of 16 instead of 64 characters. Can the network still learn *He* and *She*, though the gradient
#    hardly ever reaches the name?
# 3. Train the Korean stories, `STORIES["ko"]`. A particle depends on the last letter of the word before it, an
#    honorific verb on who did it: which of the two needs the LSTM?
# 4. Replace the LSTM by a tanh network (`"tanh"`). How many bits more, and where in a story are they lost?
# 5. Train for 2,500 steps. Do *He* and *She* become certain? And with a forget bias of 3, which helped in lesson 05?
# 6. Train on a text of your own (`read_text`), and compare with its 6-grams.
#
# **[Homework](homework/README.md)**: 06 softmax_cross_entropy
