"""The public surface, to the name: PyTorch's for the subset that minigrad has, and nothing beyond it."""

import pytest

import minigrad as mg
from minigrad import nn, optim

OPS = """
    abs amax amin argmax argmin clamp cos exp expm1 log log1p logsumexp log_softmax max mean min norm pow reciprocal
    relu sigmoid sign sin softmax sqrt square std sum tanh var
"""
SURFACE = [
    (mg, OPS + """
        Tensor arange as_tensor autograd cat chunk cuda detect_anomaly eye float32 float64 from_numpy full gather
        gradcheck gradgradcheck int64 is_tensor linspace load manual_seed matmul maximum minimum no_grad ones ones_like
        pad rand randint randn randn_like randperm save split stack tensor where zeros zeros_like
    """),
    (mg.Tensor, OPS + """
        T add_ astype backward broadcast_to clamp_ clone copy_ cpu cuda data detach device dim double dtype expand fill_
        flatten flip float grad is_leaf item mul_ name ndim normal_ numel numpy op permute repeat requires_grad
        requires_grad_ reshape retain_grad shape size squeeze swapaxes to tolist transpose uniform_ unsqueeze view zero_
    """),
    (nn, """
        AdaptiveAvgPool2d AvgPool2d BCELoss BCEWithLogitsLoss BatchNorm1d BatchNorm2d Conv2d ConvTranspose2d
        CrossEntropyLoss Dropout Embedding Flatten GaussianKL Identity L1Loss LSTM LSTMCell LayerNorm LeakyReLU Linear
        LogSoftmax MSELoss MaxPool2d MinibatchDiscrimination Module ModuleList NLLLoss Parameter RMSELoss RNN RNNCell
        ReLU ReflectionPad2d ReplicationPad2d Sequential Sigmoid Softmax Softplus Tanh Unflatten Upsample ZeroPad2d
    """),
    (nn.Module, """
        apply buffers children cpu cuda double eval float load_state_dict modules named_buffers named_modules
        named_parameters parameters register_buffer requires_grad_ state_dict to train zero_grad
    """),
    (nn.functional, """
        avg_pool2d batch_norm binary_cross_entropy binary_cross_entropy_with_logits conv2d conv_transpose2d
        cross_entropy dropout embedding interpolate l1_loss layer_norm leaky_relu linear log_softmax max_pool2d
        mse_loss nll_loss one_hot pad relu softmax softplus
    """),
    (nn.init, """
        constant_ kaiming_normal_ kaiming_uniform_ normal_ ones_ orthogonal_ uniform_ xavier_normal_ xavier_uniform_
        zeros_
    """),
    (nn.utils, "clip_grad_norm_ clip_grad_value_ clip_weights_ spectral_norm"),
    (optim, "Adam Optimizer RMSprop SGD lr_scheduler"),
    (optim.lr_scheduler, "CosineAnnealingLR StepLR"),
    (mg.cuda, "is_available"),
    (mg.utils.data, "DataLoader TensorDataset"),
]  # fmt: skip


@pytest.mark.parametrize("owner, names", SURFACE, ids=[owner.__name__ for owner, _ in SURFACE])
def test_every_name_is_there(owner, names):
    assert [name for name in names.split() if not hasattr(owner, name)] == []


def test_layers_are_those_and_no_others():
    assert {name for name in vars(nn) if name[0].isupper()} == set(dict(SURFACE)[nn].split())


@pytest.mark.parametrize("name", dict(SURFACE)[nn].split())
def test_a_layer_explains_itself(name):
    assert vars(getattr(nn, name))["__doc__"]
