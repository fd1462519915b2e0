"""The exponential of rigid motions against SciPy's general one."""

import numpy as np
import pytest
import scipy.linalg
import torch

from physface_blender.training.generalized.losses import inverse
from physface_blender.training.rigid_motion_exponential import rigid_exponential


def _generator(angle: float) -> np.ndarray:
    axis = np.array([0.48, -0.6, 0.64]) * angle
    generator = np.zeros((4, 4))
    generator[:3, :3] = np.cross(np.eye(3), axis)
    generator[:3, 3] = 30.0, -20.0, 50.0
    return generator


@pytest.mark.parametrize("angle", [0.0, 1e-8, 9.9e-3, 1.01e-2, 0.4, 3.1])
def test_it_is_the_matrix_exponential(angle):
    """In both precisions; where the series begins, too."""
    generator = _generator(angle)
    expected = scipy.linalg.expm(generator)
    # Below 0.01 radians the series ends after its first term, a^2/120 of the third coefficient of a^2 v.
    np.testing.assert_allclose(rigid_exponential(torch.as_tensor(generator)[None])[0], expected, atol=1e-8)
    single = rigid_exponential(torch.as_tensor(generator, dtype=torch.float32)[None])[0]
    np.testing.assert_allclose(single, expected, atol=2e-5)
    rotation = rigid_exponential(torch.as_tensor(generator[:3, :3]))
    np.testing.assert_allclose(rotation, expected[:3, :3], atol=1e-9)


def test_the_inverse():
    """By cofactors, against LAPACK's."""
    matrices = torch.eye(3).double() + 0.3 * torch.randn(50, 3, 3, generator=torch.Generator().manual_seed(0)).double()
    torch.testing.assert_close(inverse(matrices), torch.linalg.inv(matrices))
