"""PCA and the linear autoencoder · 주성분 분석과 선형 오토인코더 (4 points)

Of all linear maps to k numbers and back, PCA's keep the most of the data; a linear autoencoder learns the same by
gradient steps. The data x have the shape (N, D), one example a row.

PCA. The mean m of shape (D,) goes over the examples. The covariance matrix S = (1/N) Σ (x[n] − m)ᵀ(x[n] − m), of shape
(D, D), has eigenvectors, which are the components, and eigenvalues, which are the variances along them.
Write ``pca(x, k)`` (1 point), 1 ≤ k ≤ min(N − 1, D), which returns three arrays: m (D,); the k components of largest
variance as the rows of a matrix (k, D), each of length 1, the one of largest variance first; and their shares of the
variance (k,), that is, each one's eigenvalue divided by the sum of all D eigenvalues. Components' signs are free.
Write ``reconstruct(x, mean, components)`` (1 point). Of x (N, D) it keeps only what the components span, about the
mean: x̂ = m + (x − m)·Vᵀ·V, where V is the matrix of the components as rows. x̂ is (N, D).

Linear autoencoder. Encoder E (D, K), decoder W (K, D), no bias; z = x·E is the code and x̂ = z·W the output. The loss
is

    L = Σ (x̂ − x)²,  and if REDUCTION is "mean", divided by the number N·D of all elements

Here REDUCTION is "«REDUCTION»". x is taken as it is, without subtracting a mean.
Write ``encoder_gradient(x, encoder, decoder)``, ∂L/∂E of shape (D, K) (1 point), and
``decoder_gradient(x, encoder, decoder)``, ∂L/∂W of shape (K, D) (1 point).

A tiny example: x = [[1, 0], [3, 0]], k = 1 has m = [2, 0], S = [[1, 0], [0, 0]], the component [1, 0] and the share 1.
With E = [[1], [0]] and W = [[2, 0]] the output is x̂ = [[2, 0], [6, 0]], Σ (x̂ − x)² = 1 + 9 = 10, and the sum's
gradients are [[40], [0]] for E and [[20, 0]] for W; the mean's are a quarter of that, [[10], [0]] and [[5, 0]].

수 k개를 거쳐 되돌아오는 선형 변환 가운데 PCA가 자료를 가장 잘 보존하고, 선형 오토인코더는 기울기로 같은 것을 배운다.
자료 x의 모양은 (N, D)이고 한 행이 표본 하나이다.
PCA. 모양이 (D,)인 평균 m은 표본에 대한 평균이다. 모양이 (D, D)인 공분산 행렬 S = (1/N) Σ (x[n] − m)ᵀ(x[n] − m)의
고유벡터가 주성분이고, 고윳값은 그 방향의 분산이다. ``pca(x, k)``(1점)를 작성하라. 1 ≤ k ≤ min(N − 1, D)이고, 배열
셋을 돌려준다. 평균 m (D,), 분산이 가장 큰 주성분 k개를 행으로 하는 행렬 (k, D)(각 행의 길이는 1이고 분산이 가장 큰 것이
먼저이다), 그리고 각 주성분의 분산 비율 (k,), 곧 그 고윳값을 고윳값 D개 전체의 합으로 나눈 것이다. 주성분의 부호는
마음대로 골라도 된다.
``reconstruct(x, mean, components)``(1점)를 작성하라. x (N, D)에서 평균을 기준으로 주성분들이 생성하는 부분만 남긴다.
x̂ = m + (x − m)·Vᵀ·V이고, V는 주성분을 행으로 하는 행렬이다. x̂의 모양은 (N, D)이다.
선형 오토인코더. 인코더 E는 (D, K), 디코더 W는 (K, D)이고 편향은 없다. 코드는 z = x·E, 출력은 x̂ = z·W이다. 손실은
L = Σ (x̂ − x)²이고, REDUCTION이 "mean"이면 이것을 전체 원소의 수 N·D로 나눈다. 여기서 REDUCTION은 "«REDUCTION»"이다.
x는 평균을 빼지 않고 그대로 쓴다. 모양이 (D, K)인 ∂L/∂E를 돌려주는 ``encoder_gradient(x, encoder, decoder)``(1점)와
모양이 (K, D)인 ∂L/∂W를 돌려주는 ``decoder_gradient(x, encoder, decoder)``(1점)를 작성하라.
예: x = [[1, 0], [3, 0]], k = 1이면 m = [2, 0], S = [[1, 0], [0, 0]], 주성분은 [1, 0], 비율은 1이다. E = [[1], [0]],
W = [[2, 0]]이면 x̂ = [[2, 0], [6, 0]], Σ (x̂ − x)² = 1 + 9 = 10이고, 합의 기울기는 E가 [[40], [0]], W가 [[20, 0]]이다.
평균의 기울기는 그 4분의 1인 [[10], [0]]과 [[5, 0]]이다.
"""

import numpy as np

REDUCTION = "mean"  # edition: "mean", "sum"


def pca(x, k):
    """The mean, the first k components, and their shares of the variance."""
    # BEGIN SOLUTION
    mean = x.mean(0)
    _, values, rows = np.linalg.svd(x - mean, full_matrices=False)
    variances = values**2
    return mean, rows[:k], variances[:k] / variances.sum()
    # END SOLUTION


def reconstruct(x, mean, components):
    """What is left of x when only the components are kept."""
    # BEGIN SOLUTION
    codes = (x - mean) @ components.T
    return mean + codes @ components
    # END SOLUTION


def encoder_gradient(x, encoder, decoder):
    """∂L/∂E."""
    # BEGIN SOLUTION
    error = 2 * (x @ encoder @ decoder - x)
    if REDUCTION == "mean":
        error = error / x.size
    return x.T @ (error @ decoder.T)
    # END SOLUTION


def decoder_gradient(x, encoder, decoder):
    """∂L/∂W."""
    # BEGIN SOLUTION
    code = x @ encoder
    rest = 2 * (code @ decoder - x)
    return code.T @ rest / (x.size if REDUCTION == "mean" else 1)
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def data(rng, n, features):
    """Points about a mean that is not 0, of another variance in each of some random directions"""
    turned = np.linalg.qr(rng.standard_normal((features, features)))[0]
    spread = rng.standard_normal((n, features)) * 1.5 ** -np.arange(features)
    return spread @ turned + rng.uniform(1, 3, features)


def draw_pca(rng, n, features, k):
    if k > min(n - 1, features):
        return None
    return {"x": data(rng, n, features), "k": k}


def draw_reconstruct(rng, n, features, k):
    if k > features:
        return None
    components = np.linalg.qr(rng.standard_normal((features, features)))[0][:k]
    return {"x": data(rng, n, features), "mean": rng.uniform(1, 3, features), "components": components}


def draw_autoencoder(rng, n, features, k):
    if k > features:
        return None
    encoder, decoder = rng.standard_normal((features, k)), rng.standard_normal((k, features))
    return {"x": data(rng, n, features), "encoder": encoder, "decoder": decoder}


def without_signs(pca, x, k):
    """Each component v as the matrix vᵀv, which is the same for v and −v"""
    found = pca(x, k)
    if not isinstance(found, (list, tuple)) or len(found) != 3:
        raise TypeError("pca should return three arrays: mean, components, shares")
    components = np.asarray(found[1])
    if components.ndim != 2:
        raise TypeError(f"the components should be a matrix (k, D), and have the shape {components.shape}")
    return {
        "mean": found[0],
        "components (each row v as the matrix vᵀv)": components[:, :, None] * components[:, None, :],
        "shares of the variance": found[2],
    }


def by_scipy(x, k):
    """The powers of the covariance matrix, by its eigenvectors"""
    import scipy.linalg

    features = x.shape[1]
    covariance = np.cov(x, rowvar=False, bias=True).reshape(features, features)
    largest, vectors = scipy.linalg.eigh(covariance, subset_by_index=(features - k, features - 1))
    return {
        "mean": np.array([sum(column) / len(column) for column in x.T]),
        "components (each row v as the matrix vᵀv)": np.array([np.outer(v, v) for v in vectors.T[::-1]]),
        "shares of the variance": largest[::-1] / np.trace(covariance),
    }


def nearest(x, mean, components):
    """The nearest points of the plane through the mean, by least squares"""
    codes = np.linalg.lstsq(components.T, (x - mean).T, rcond=None)[0]
    return np.einsum("kn,kd->nd", codes, components) + mean


def loss(x, encoder, decoder):
    total = sum(((x[n] @ encoder) @ decoder - x[n]) @ ((x[n] @ encoder) @ decoder - x[n]) for n in range(len(x)))
    return {"mean": total / x.shape[0] / x.shape[1], "sum": total}[REDUCTION]


def slopes(name):
    """The gradient for this array: the loss is a parabola in each element, so that differences are exact"""

    def of(**arrays):
        found = np.empty(arrays[name].shape)
        for index in np.ndindex(found.shape):
            step = np.zeros(found.shape)
            step[index] = 0.5
            up, down = (loss(**(arrays | {name: arrays[name] + sign * step})) for sign in (1, -1))
            found[index] = up - down
        return found

    return of


EXAMPLE = {
    "x": np.array([[1.0, 0.0], [3.0, 0.0]]),
    "encoder": np.array([[1.0], [0.0]]),
    "decoder": np.array([[2.0, 0.0]]),
}
SIZES = {"n": (1, 7, 7), "features": (1, 5, 5), "k": (1, 3, 3)}
PARTS = [
    Part(
        "pca",
        1,
        draw_pca,
        SIZES,
        by_scipy,
        drive=without_signs,
        cases=lambda rng: {
            "the text's example": {"x": EXAMPLE["x"], "k": 1},
            "fewer examples than features": draw_pca(rng, 4, 7, 3),
            "all components": draw_pca(rng, 11, 3, 3),
        },
    ),
    Part(
        "reconstruct",
        1,
        draw_reconstruct,
        SIZES,
        nearest,
        returns=("reconstruction",),
        cases=lambda rng: {"one example": draw_reconstruct(rng, 1, 4, 2)},
    ),
    *(
        Part(
            f"{name}_gradient",
            1,
            draw_autoencoder,
            SIZES,
            slopes(name),
            returns=(f"gradient for {name}",),
            cases=lambda _: {"the text's example": EXAMPLE},
        )
        for name in ("encoder", "decoder")
    ),
]
HINTS = [
    (
        "np.linalg.svd(x − m, full_matrices=False) has the components as the rows of its last result, sorted; N times "
        "the eigenvalues are the squares of its singular values.",
        "np.linalg.svd(x − m, full_matrices=False)의 마지막 결과의 행이 정렬된 주성분이고, 특잇값의 제곱이 고윳값의 "
        "N배이다.",
    ),
    (
        "np.linalg.eigh sorts from the smallest eigenvalue on, and has the eigenvectors as columns.",
        "np.linalg.eigh는 가장 작은 고윳값부터 정렬하고, 고유벡터를 열로 돌려준다.",
    ),
    (
        "Begin with ∂L/∂x̂, of x's shape. Of a product a·B the gradients are g·Bᵀ for a and aᵀ·g for B.",
        "x와 모양이 같은 ∂L/∂x̂에서 시작하라. 곱 a·B에서 a의 기울기는 g·Bᵀ, B의 기울기는 aᵀ·g이다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "the mean is not subtracted",
        "np.linalg.svd(x - mean, full_matrices=False)",
        "np.linalg.svd(x, full_matrices=False)",
        "PCA is about the mean: subtract it first, or the first component points to the mean",
        "PCA는 평균을 기준으로 한다. 먼저 평균을 빼지 않으면 첫 주성분이 평균을 향한다",
    ),
    Mistake(
        "the mean as a row",
        "mean = x.mean(0)\n",
        "mean = x.mean(0, keepdims=True)\n",
        "the mean should have the shape (D,), and not (1, D): leave keepdims out",
        "평균의 모양은 (1, D)가 아니라 (D,)여야 한다. keepdims를 빼라",
    ),
    Mistake(
        "the smallest variances",
        "variances = values**2",
        "values, rows = values[::-1], rows[::-1]\n    variances = values**2",
        "these are the components of smallest variance: sort from the largest on",
        "분산이 가장 작은 주성분들이다. 큰 것부터 정렬하라",
    ),
    Mistake(
        "singular values are not squared",
        "variances = values**2",
        "variances = values",
        "the variances are the squares of the singular values",
        "분산은 특잇값의 제곱이다",
    ),
    Mistake(
        "shares of the first k only",
        "variances[:k] / variances.sum()",
        "variances[:k] / variances[:k].sum()",
        "the shares are those of the whole variance, of all D eigenvalues",
        "비율은 고윳값 D개 전체의 합에 대한 것이다",
    ),
    Mistake(
        "columns for rows",
        "rows[:k], variances",
        "np.linalg.svd(x - mean)[2].T[:k], variances",
        "the eigenvectors are the columns of this matrix, and its rows were taken",
        "이 행렬에서 고유벡터는 열인데 행을 골랐다",
    ),
    Mistake(
        "components as columns",
        "rows[:k], variances",
        "rows[:k].T, variances",
        "the components should be the rows of a matrix (k, D), not the columns of one (D, k)",
        "주성분은 (D, k) 행렬의 열이 아니라 (k, D) 행렬의 행이어야 한다",
    ),
    Mistake(
        "the mean is not added again",
        "return mean + codes @ components",
        "return codes @ components",
        "the mean that was subtracted must be added again",
        "뺀 평균을 다시 더해야 한다",
    ),
    Mistake(
        "the reconstruction is not about the mean",
        "(x - mean) @ components.T",
        "x @ components.T",
        "the codes are those of x − m: subtract the mean first",
        "코드는 x − m의 것이다. 먼저 평균을 빼라",
    ),
    Mistake(
        "no mean at all",
        "codes = (x - mean) @ components.T\n    return mean + codes @ components",
        "return x @ components.T @ components",
        "this keeps what the components span about 0: subtract the mean first, and add it again at the end",
        "이것은 0을 기준으로 한 것이다. 먼저 평균을 빼고, 끝에 다시 더하라",
    ),
    Mistake(
        "another mean",
        "codes = (x - mean)",
        "mean = x.mean(0)\n    codes = (x - mean)",
        "take the mean that is given, which may be that of other data, and not the mean of this x",
        "이 x의 평균이 아니라 주어진 평균을 써라. 그것은 다른 자료의 평균일 수 있다",
    ),
    Mistake("factor", "error = 2 * (x", "error = (x"),
    Mistake("factor", "error = 2 * (x", "error = 2 / len(x) * (x"),
    Mistake("factor", "code @ decoder - x)", "x - code @ decoder)"),
    Mistake(
        "the target is missing",
        "2 * (code @ decoder - x)",
        "2 * (code @ decoder)",
        "the error is x̂ − x, and this is the gradient of Σ x̂²",
        "오차는 x̂ − x인데, 이것은 Σ x̂²의 기울기이다",
    ),
    Mistake("transposed", "code.T @ rest / (x", "rest.T @ code / (x"),
    Mistake(
        "encoder for decoder",
        "(error @ decoder.T)",
        "(error @ encoder)",
        "back from x̂ to the code it is error·Wᵀ, by the decoder",
        "x̂에서 코드로 돌아갈 때는 디코더를 써서 오차·Wᵀ이다",
    ),
]
OTHERS = [
    """
    def pca(x, k):
        mean = np.sum(x, axis=0) / len(x)
        c = x - mean
        values, columns = np.linalg.eigh(c.T @ c / len(x))
        order = np.argsort(values)[::-1][:k]
        return mean, -columns[:, order].T, values[order] / np.sum(values)

    def reconstruct(x, mean, components):
        out = np.zeros(x.shape) + mean
        for v in components:
            out += np.outer(np.dot(x - mean, v), v)
        return out.astype(np.float32)

    def encoder_gradient(x, encoder, decoder):
        # by the second moments of x alone
        s = np.einsum("ni,nj->ij", x, x) / (x.size if REDUCTION == "mean" else 1)
        return 2 * s @ (encoder @ decoder @ decoder.T - decoder.T)

    def decoder_gradient(x, encoder, decoder):
        s = np.einsum("ni,nj->ij", x, x) / (x.size if REDUCTION == "mean" else 1)
        return 2 * encoder.T @ s @ (encoder @ decoder - np.eye(len(s)))
    """,
]
# END SOLUTION
