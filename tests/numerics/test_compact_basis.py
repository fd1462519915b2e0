import numpy as np
import pytest

from physface_blender.backend.compact_basis import CompactBasis, fit_compact_basis

COUNT, POINTS = 40, 700


def fitted(displacements: np.ndarray, tolerance: float) -> CompactBasis:
    fitting = fit_compact_basis(displacements.astype(np.float32), tolerance)
    while True:
        try:
            assert 0.0 <= next(fitting) <= 1.0
        except StopIteration as end:
            return end.value


def errors(basis: CompactBasis, displacements: np.ndarray) -> np.ndarray:
    mixed = np.einsum("tk,kpx->tpx", basis.weights, basis.shapes.astype(np.float64))
    return np.linalg.norm(mixed - displacements, axis=2)


@pytest.fixture
def mixture() -> np.ndarray:
    """Frames (T, P, 3) mixed from three shapes, the third a hundred times smaller, and off rest on average."""
    generator = np.random.default_rng(3)
    shapes = generator.normal(size=(3, POINTS, 3)) * np.array([5.0, 2.0, 0.02])[:, None, None]
    weights = generator.uniform(0.2, 1.0, size=(COUNT, 3))
    return np.einsum("tk,kpx->tpx", weights, shapes)


def test_as_many_shapes_as_there_are_and_no_more(mixture) -> None:
    basis = fitted(mixture, 0.001)
    assert len(basis.shapes) == 4, "three, and the one that is always on"
    assert errors(basis, mixture).max() < 0.001
    assert basis.weights.min() == 0.0
    assert basis.weights.max(axis=0) == pytest.approx(1.0)


def test_a_coarser_tolerance_leaves_the_small_shape_out(mixture) -> None:
    basis = fitted(mixture, 0.2)
    assert len(basis.shapes) == 3
    assert errors(basis, mixture).max() <= 0.2
    assert basis.error == pytest.approx(errors(basis, mixture).max(), rel=1e-3)


@pytest.mark.parametrize("tolerance", [3.0, 1.0, 0.3])
def test_frames_without_structure_stay_within_the_tolerance(tolerance) -> None:
    displacements = np.random.default_rng(4).normal(size=(COUNT, POINTS, 3))
    basis = fitted(displacements, tolerance)
    assert errors(basis, displacements).max() <= tolerance
    fewer = np.linalg.svd(displacements.reshape(COUNT, -1), full_matrices=False)
    kept = len(basis.shapes) - 2  # one fewer, and without the one that is always on
    if kept >= 0:
        mixed = (fewer.U[:, :kept] * fewer.S[:kept]) @ fewer.Vh[:kept]
        rest = (displacements.reshape(COUNT, -1) - mixed).reshape(COUNT, POINTS, 3)
        assert np.linalg.norm(rest, axis=2).max() > 0.998 * tolerance, "one shape fewer would not do"


def test_weights_of_one_sign_need_no_shape_that_is_always_on() -> None:
    shape = np.random.default_rng(5).normal(size=(1, POINTS, 3))
    for sign in (1.0, -1.0):
        displacements = sign * np.linspace(0.0, 1.0, COUNT)[:, None, None] * shape
        basis = fitted(displacements, 0.001)
        assert len(basis.shapes) == 1
        assert errors(basis, displacements).max() < 0.001


def test_a_face_that_stays_at_rest_has_no_shapes() -> None:
    basis = fitted(np.zeros((5, 10, 3)), 0.1)
    assert basis.shapes.shape == (0, 10, 3)
    assert basis.weights.shape == (5, 0)
    assert basis.error == 0.0


def test_a_single_frame(mixture) -> None:
    assert errors(fitted(mixture[:1], 0.001), mixture[:1]).max() < 0.001
