"""Cartoon faces: attributes independent of each other, each seen in every face and only where it belongs."""

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.data import draw_faces, faces
from minigrad.data.faces import BINARY, CONTINUOUS, X, Y, _arc, _box, _ellipse


@pytest.fixture(scope="module")
def many():
    return faces(4000, seed=7)


# ---------------------------------------------------------------------------------------------- what comes out
def test_images_are_bytes_in_three_colours(many):
    images, _ = many
    assert (images.shape, images.dtype) == ((4000, 3, 32, 32), np.uint8)


def test_attributes_are_bools_and_float32(many):
    _, attributes = many
    assert {name: (a.shape, a.dtype) for name, a in attributes.items()} == {
        name: ((4000,), dtype) for names, dtype in ((BINARY, np.bool_), (CONTINUOUS, np.float32)) for name in names
    }


def test_edges_are_smooth(many):
    """Parts have 20 colours at most; those between two of them are pixels that an edge runs through."""
    assert min(len(np.unique(image.reshape(3, -1), axis=1).T) for image in many[0][:100]) > 60


def test_no_faces_are_an_empty_set():
    images, attributes = faces(0)
    assert (images.shape, {len(a) for a in attributes.values()}) == ((0, 3, 32, 32), {0})


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(0, 150), st.integers(0, 150))
def test_fewer_faces_are_the_first_of_more(seed, m, n):
    m, n = sorted((m, n))
    (few, few_attributes), (more, attributes) = faces(m, seed), faces(n, seed)
    np.testing.assert_array_equal(few, more[:m])
    for name in attributes:
        np.testing.assert_array_equal(few_attributes[name], attributes[name][:m])


def test_another_seed_gives_other_people():
    (images, attributes), (others, other_attributes) = faces(50, seed=1), faces(50, seed=2)
    assert (images != others).any(axis=(1, 2, 3)).all()
    assert all((attributes[name] != other_attributes[name]).any() for name in attributes)


def test_the_seed_of_draw_faces_decides_the_colours_that_are_no_attributes(many):
    _, attributes = many
    some = {name: a[:200] for name, a in attributes.items()}
    corners = draw_faces(some, seed=1)[:, :, 0, 0], draw_faces(some, seed=2)[:, :, 0, 0]
    assert 0.6 < (corners[0] != corners[1]).any(axis=1).mean() < 0.9  # one of four backgrounds


# ---------------------------------------------------------------------------------------------- independence
def test_all_combinations_of_binary_attributes_are_equally_likely(many):
    _, attributes = many
    combination = sum(attributes[name].astype(int) << i for i, name in enumerate(BINARY))
    assert scipy.stats.chisquare(np.bincount(combination, minlength=32)).pvalue > 1e-3


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_attributes_are_uniform(many, name):
    low, high = CONTINUOUS[name]
    assert scipy.stats.kstest(many[1][name], "uniform", (low, high - low)).pvalue > 1e-3


@pytest.mark.parametrize("a, b", [*itertools.combinations([*BINARY, *CONTINUOUS], 2)])
def test_attributes_are_pairwise_uncorrelated(many, a, b):
    assert scipy.stats.spearmanr(many[1][a], many[1][b]).pvalue > 1e-4


@pytest.mark.parametrize("name", [*BINARY, *CONTINUOUS])
@pytest.mark.parametrize("y, x", [(0, 0), (31, 16)], ids=["background", "clothes"])
def test_random_colours_do_not_tell_an_attribute(many, name, y, x):
    images, attributes = many
    colour = np.unique(images[:, :, y, x], axis=0, return_inverse=True)[1].ravel()
    high = attributes[name] > np.median(attributes[name]) if name in CONTINUOUS else attributes[name]
    assert colour.max() == 3
    assert scipy.stats.chi2_contingency(scipy.stats.contingency.crosstab(colour, high).count).pvalue > 1e-4


# ---------------------------------------------------------------------------------------------- each attribute is seen
def rows_and_columns(top, bottom, left=0, right=32):
    box = np.zeros((32, 32), bool)
    box[top:bottom, left:right] = True
    return box


WHERE = {  # the only pixels that an attribute may change
    "smile": rows_and_columns(19, 28, 8, 24),
    "glasses": rows_and_columns(11, 21, 4, 28),
    "long_hair": ~rows_and_columns(11, 22, 10, 22),
    "beard": rows_and_columns(14, 31, 6, 26),
    "hat": rows_and_columns(0, 13),
}
SEEN = {"smile": 12, "glasses": 35, "long_hair": 65, "beard": 65, "hat": 115}  # pixels that change much, at least


@pytest.fixture(scope="module")
def everyone():
    """All combinations of the binary attributes with the extremes of the continuous ones, four times."""
    combinations = np.array([*itertools.product(*[(0, 1)] * len(BINARY), *CONTINUOUS.values())] * 4)
    attributes = dict(zip([*BINARY, *CONTINUOUS], combinations.T, strict=True))
    return {name: a.astype(bool) if name in BINARY else a for name, a in attributes.items()}


@pytest.mark.parametrize("name", BINARY)
def test_an_attribute_is_seen_in_every_face_and_only_where_it_belongs(everyone, name):
    before, after = draw_faces(everyone, seed=3), draw_faces({**everyone, name: ~everyone[name]}, seed=3)
    change = np.abs(before.astype(int) - after).max(axis=1)
    assert not change[:, ~WHERE[name]].any()
    assert (change > 30).sum(axis=(1, 2)).min() >= SEEN[name]


def test_a_face_that_looks_left_is_the_mirror_image_of_one_that_looks_right(everyone):
    looking_back = draw_faces({**everyone, "pose": -everyone["pose"]}, seed=3)
    difference = draw_faces(everyone, seed=3).astype(int) - looking_back[..., ::-1]
    assert np.abs(difference).max() <= 1  # rounding


@pytest.fixture
def bare(many):
    """200 of many with short hair and nothing on."""
    return {name: a[:200] for name, a in many[1].items()} | dict.fromkeys(BINARY, np.zeros(200, bool))


def test_pose_turns_the_face_to_the_left_or_right_of_the_picture(bare):
    """Seen by where glasses come to be when they are put on."""
    change = (draw_faces(bare) != draw_faces({**bare, "glasses": np.ones(200)})).any(axis=1)
    middle = (change * X).sum(axis=(1, 2)) / change.sum(axis=(1, 2))
    assert np.corrcoef(middle, bare["pose"])[0, 1] > 0.98
    assert np.ptp(middle) > 4


def test_a_long_face_is_higher_and_narrower_than_a_round_one(bare):
    silhouettes = []
    for shape in (-1, 1):
        images = draw_faces({**bare, "face_shape": np.full(200, shape)})
        silhouettes.append((images != images[:, :, :1, :1]).any(axis=1))  # what is not background
    (round_height, long_height), (round_width, long_width) = (
        [person.any(axis=2).sum(axis=1) for person in silhouettes],
        [person[:, 20].sum(axis=1) for person in silhouettes],
    )
    assert (long_height > round_height).all()
    assert (long_width < round_width).all()


def test_skin_gets_darker_with_skin_tone(bare):
    bare["pose"] = np.zeros(200)
    foreheads = [draw_faces({**bare, "skin_tone": np.full(200, tone)})[:, :, 13, 16] for tone in (0, 0.3, 0.6, 1)]
    assert (np.diff(np.asarray(foreheads, int), axis=0) < -20).all()


# ---------------------------------------------------------------------------------------------- shapes
def arc(x, y):
    return (abs(y - 14 - 0.14 * (x - 15.3) ** 2) < 2) & (abs(x - 15.3) < 5)


SHAPES = {
    "circle": (_ellipse(15.3, 14.1, 6, 6), lambda x, y: (x - 15.3) ** 2 + (y - 14.1) ** 2 < 36),
    "ellipse": (_ellipse(16, 17.4, 9.5, 7.5), lambda x, y: ((x - 16) / 9.5) ** 2 + ((y - 17.4) / 7.5) ** 2 < 1),
    "box": (
        _box(15.3, 14.7, 8, 5, 3),
        lambda x, y: np.hypot(np.maximum(abs(x - 15.3) - 5, 0), np.maximum(abs(y - 14.7) - 2, 0)) < 3,
    ),
    "arc": (_arc(15.3, 14, 5, 0.14, 2), arc),
}


@pytest.mark.parametrize("distance, inside", SHAPES.values(), ids=SHAPES)
def test_a_pixel_is_covered_by_its_share_inside_the_shape(distance, inside):
    fine = (np.arange(32 * 16) + 0.5) / 16
    share = inside(fine[None], fine[:, None]).reshape(32, 16, 32, 16).mean(axis=(1, 3))
    cover = np.clip(0.5 - distance, 0, 1)
    assert np.abs(cover - share).max() < 0.3
    assert cover.sum() == pytest.approx(share.sum(), rel=0.03)


def test_the_distance_to_a_circle_is_exact():
    np.testing.assert_allclose(_ellipse(15.3, 14.1, 6, 6), np.hypot(X - 15.3, Y - 14.1) - 6, atol=1e-4)


# ---------------------------------------------------------------------------------------------- misuse
ONE = {name: np.zeros(1) for name in (*BINARY, *CONTINUOUS)}
MISUSES = {
    "missing": (
        {name: a for name, a in ONE.items() if name != "hat"},
        "has the attributes smile, .*hat, .*these are smile",
    ),
    "unknown": (ONE | {"moustache": np.zeros(1)}, "these are .*moustache"),
    "none": ({}, "these are none"),
    "lengths": (ONE | {"hat": np.zeros(2)}, r"one length; .*\(1,\), \(2,\)"),
    "numbers": (dict.fromkeys(ONE, 0), r"one length; .*\(\)"),
    "too large": (ONE | {"pose": np.array([1.5])}, "pose is between -1 and 1"),
    "too small": (ONE | {"skin_tone": np.array([-0.1])}, "skin_tone is between 0 and 1"),
    "not a number": (ONE | {"face_shape": np.array([np.nan])}, "face_shape is between -1 and 1"),
    "between": (ONE | {"smile": np.array([0.5])}, "smile is True or False"),
}


@pytest.mark.parametrize("attributes, words", MISUSES.values(), ids=MISUSES)
def test_attributes_that_no_face_has_are_named(attributes, words):
    with pytest.raises(ValueError, match=words):
        draw_faces(attributes)
