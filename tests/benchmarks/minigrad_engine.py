"""minigrad's adapter for the training-step workloads that are timed against PyTorch: a builder per workload.

Dense weights are given as (in, out) and stored as PyTorch's (out, in). `problem` holds float32 arrays in `.params` and
`.data` and sizes in `.cfg`; a builder returns a function that makes one whole training step and returns its loss.
"""

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import backend, nn, optim


def setup(threads):
    backend.keep_freed_memory()


def parameters(problem, *, dense=()):
    return {k: mg.tensor(v.T.copy() if k in dense else v, requires_grad=True) for k, v in problem.params.items()}


def tensors(problem):
    return {k: mg.from_numpy(v) for k, v in problem.data.items()}


def adam(params, cfg):
    return optim.Adam(params, lr=cfg["lr"], betas=cfg["betas"], eps=cfg["eps"])


def stepper(params, cfg, loss_of):
    """A training step: loss, backward, Adam."""
    opt = adam(params, cfg)

    def step():
        opt.zero_grad()
        loss = loss_of()
        loss.backward()
        opt.step()
        return loss.item()

    return step


def scalar_chain(problem):
    p, n = parameters(problem), problem.cfg["n_ops"]
    x, w, b = p["x"], p["w"], p["b"]

    def step():
        x.grad = w.grad = b.grad = None
        y = x
        for k in range(n):
            y = y * w if k % 3 == 0 else y + b if k % 3 == 1 else mg.tanh(y)
        loss = y.sum()
        loss.backward()
        return loss.item()

    return step


def mlp_ae(problem):
    p, x = parameters(problem, dense={"w1", "w2", "w3", "w4"}), tensors(problem)["x"]

    def loss():
        h = x
        for k in "123":
            h = F.relu(F.linear(h, p["w" + k], p["b" + k]))
        return F.mse_loss(mg.sigmoid(F.linear(h, p["w4"], p["b4"])), x)

    return stepper(p.values(), problem.cfg, loss)


def vae_loss(logits, x, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
    return (bce + kl) / len(x)


def mlp_vae(problem):
    p, d = parameters(problem, dense={"w1", "w2", "w3", "w4", "w5"}), tensors(problem)
    x, eps = d["x"], d["eps"]

    def loss():
        h = F.relu(F.linear(x, p["w1"], p["b1"]))
        mu, logvar = F.linear(h, p["w2"], p["b2"]), F.linear(h, p["w3"], p["b3"])
        z = mu + eps * mg.exp(0.5 * logvar)
        return vae_loss(F.linear(F.relu(F.linear(z, p["w4"], p["b4"])), p["w5"], p["b5"]), x, mu, logvar)

    return stepper(p.values(), problem.cfg, loss)


def wgan_gp_mlp(problem):
    p, d, c = parameters(problem, dense={"w1", "w2", "w3", "w4"}), tensors(problem), problem.cfg
    real, fake, alpha = d["real"], d["fake"], d["alpha"]

    def critic(h):
        for k in "123":
            h = F.relu(F.linear(h, p["w" + k], p["b" + k]))
        return F.linear(h, p["w4"], p["b4"])

    def loss():
        mixed = (alpha * real + (1 - alpha) * fake).requires_grad_()
        (grad,) = mg.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        norm = (grad.flatten(1).square().sum(1) + 1e-12).sqrt()
        return critic(fake).mean() - critic(real).mean() + c["gp"] * ((norm - 1) ** 2).mean()

    return stepper(p.values(), c, loss)


def recurrent_lm(problem, layer):
    """A character model around a recurrent layer; its second bias stays zero, as the problem has one."""
    d, cfg = tensors(problem), problem.cfg
    p = parameters(problem, dense={"wx", "wh", "wo"})
    sources = {"weight_ih_l0": "wx", "weight_hh_l0": "wh", "bias_ih_l0": "b"}
    for name, source in sources.items():
        setattr(layer, name, nn.Parameter(p.pop(source).data))
    layer.bias_hh_l0.zero_().requires_grad_(False)
    params = [x for x in (*layer.parameters(), *p.values()) if x.requires_grad]
    target = d["t"].reshape(-1, 1)

    def loss():
        h, _ = layer(p["embed"][d["x"]])
        return -mg.gather(F.log_softmax(F.linear(h, p["wo"], p["bo"]).flatten(0, 1), 1), 1, target).mean()

    return stepper(params, cfg, loss)


def lstm_lm(problem):
    return recurrent_lm(problem, nn.LSTM(problem.cfg["embed"], problem.cfg["hidden"]))


def rnn_tanh(problem):
    return recurrent_lm(problem, nn.RNN(problem.cfg["embed"], problem.cfg["hidden"]))


WORKLOADS = {f.__name__: f for f in (scalar_chain, mlp_ae, mlp_vae, wgan_gp_mlp, lstm_lm, rnn_tanh)}
CANNOT = dict.fromkeys(("conv_clf", "conv_vae", "dcgan", "wgan_gp_conv"), "no convolution yet")
