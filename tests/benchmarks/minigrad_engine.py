"""minigrad's adapter for the training-step workloads that are timed against PyTorch: a builder per workload.

Dense weights are given as (in, out) and stored as PyTorch's (out, in). `problem` holds float32 arrays in `.params` and
`.data` and sizes in `.cfg`; a builder returns a function that makes one whole training step and returns its loss.
"""

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import backend, optim


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


def conv_clf(problem):
    p, d = parameters(problem, dense={"w3"}), tensors(problem)
    x, t = d["x"], d["t"]

    def loss():
        h = F.max_pool2d(F.relu(F.conv2d(x, p["w1"], p["b1"], padding=1)), 2)
        h = F.max_pool2d(F.relu(F.conv2d(h, p["w2"], p["b2"], padding=1)), 2)
        return F.cross_entropy(F.linear(h.flatten(1), p["w3"], p["b3"]), t)

    return stepper(p.values(), problem.cfg, loss)


def conv_vae(problem):
    p, d = parameters(problem, dense={"w3", "w4", "w5"}), tensors(problem)
    x, eps = d["x"], d["eps"]

    def loss():
        h = F.relu(F.conv2d(x, p["w1"], p["b1"], stride=2, padding=1))
        h = F.relu(F.conv2d(h, p["w2"], p["b2"], stride=2, padding=1)).flatten(1)
        mu, logvar = F.linear(h, p["w3"], p["b3"]), F.linear(h, p["w4"], p["b4"])
        z = mu + eps * mg.exp(0.5 * logvar)
        h = F.relu(F.linear(z, p["w5"], p["b5"])).view(-1, 64, 7, 7)
        h = F.relu(F.conv_transpose2d(h, p["w6"], p["b6"], stride=2, padding=1))
        return vae_loss(F.conv_transpose2d(h, p["w7"], p["b7"], stride=2, padding=1), x, mu, logvar)

    return stepper(p.values(), problem.cfg, loss)


def dcgan(problem):
    p, d, c = parameters(problem), tensors(problem), problem.cfg
    real, z = d["x"], d["z"]
    g, dis = ({k: v for k, v in p.items() if k.startswith(net)} for net in ("g.", "d."))
    g_opt, d_opt = adam(g.values(), c), adam(dis.values(), c)
    running = {k: (mg.zeros(n), mg.ones(n)) for k, n in (("g.1", 128), ("g.2", 64), ("d.2", 128))}

    def bn(h, key):
        net, k = key.split(".")
        scale, shift = p[f"{net}.gamma{k}"], p[f"{net}.beta{k}"]
        return F.batch_norm(h, *running[key], scale, shift, True, c["bn_momentum"], c["bn_eps"])

    def generate():
        h = F.relu(bn(F.conv_transpose2d(z, p["g.w1"]), "g.1"))
        h = F.relu(bn(F.conv_transpose2d(h, p["g.w2"], stride=2, padding=1), "g.2"))
        return mg.tanh(F.conv_transpose2d(h, p["g.w3"], stride=2, padding=1))

    def discriminate(h):
        h = F.leaky_relu(F.conv2d(h, p["d.w1"], stride=2, padding=1), c["slope"])
        h = F.leaky_relu(bn(F.conv2d(h, p["d.w2"], stride=2, padding=1), "d.2"), c["slope"])
        return F.conv2d(h, p["d.w3"]).flatten()

    one, zero = mg.ones(len(real)), mg.zeros(len(real))
    bce = F.binary_cross_entropy_with_logits

    def step():
        fake = generate()
        d_opt.zero_grad()
        d_loss = bce(discriminate(real), one) + bce(discriminate(fake.detach()), zero)
        d_loss.backward()
        d_opt.step()
        g_loss = bce(discriminate(fake), one)
        for parameter, grad in zip(g.values(), mg.autograd.grad(g_loss, list(g.values()))):
            parameter.grad = grad
        g_opt.step()
        return d_loss.item() + g_loss.item()

    return step


def wgan_gp(problem, critic, p):
    d, c = tensors(problem), problem.cfg
    real, fake, alpha = d["real"], d["fake"], d["alpha"]

    def loss():
        mixed = (alpha * real + (1 - alpha) * fake).requires_grad_()
        (grad,) = mg.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        norm = (grad.flatten(1).square().sum(1) + 1e-12).sqrt()
        return critic(fake).mean() - critic(real).mean() + c["gp"] * ((norm - 1) ** 2).mean()

    return stepper(p.values(), c, loss)


def wgan_gp_mlp(problem):
    p = parameters(problem, dense={"w1", "w2", "w3", "w4"})

    def critic(h):
        for k in "123":
            h = F.relu(F.linear(h, p["w" + k], p["b" + k]))
        return F.linear(h, p["w4"], p["b4"])

    return wgan_gp(problem, critic, p)


def wgan_gp_conv(problem):
    p, slope = parameters(problem), problem.cfg["slope"]

    def critic(h):
        h = F.leaky_relu(F.conv2d(h, p["w1"], p["b1"], stride=2, padding=1), slope)
        h = F.leaky_relu(F.conv2d(h, p["w2"], p["b2"], stride=2, padding=1), slope)
        return F.conv2d(h, p["w3"], p["b3"])

    return wgan_gp(problem, critic, p)


WORKLOADS = {
    f.__name__: f for f in (scalar_chain, mlp_ae, mlp_vae, conv_clf, conv_vae, dcgan, wgan_gp_mlp, wgan_gp_conv)
}
CANNOT = dict.fromkeys(("lstm_lm", "rnn_tanh"), "no recurrent layers yet")
