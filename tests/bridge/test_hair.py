"""Brows: coordinates of hair that are where hair grows, and alike on both sides."""

import numpy as np
import pytest

from physface_blender.anatomy.template import load_template
from physface_blender.blender import hair


@pytest.fixture(scope="module")
def template():
    return load_template()


def test_brows_lie_over_the_eyes_and_nowhere_else(template):
    values = hair.brow_attributes(template)
    vertices = template.meshes["skin"].vertices
    inside = values[hair.BROW_DISTANCE] < 1.0
    assert inside.sum() > 40
    above = vertices[inside, 1] - template.eye_centers["eye_left"][1]
    assert above.min() > 8.0
    assert above.max() < 35.0
    left, right = inside & (vertices[:, 0] > 0.0), inside & (vertices[:, 0] < 0.0)
    assert abs(int(left.sum()) - int(right.sum())) <= 0.1 * left.sum()
    order = np.argsort(np.abs(vertices[left, 0]))
    assert np.corrcoef(np.abs(vertices[left, 0])[order], values[hair.BROW_ALONG][left][order])[0, 1] > 0.95


def test_other_parts_have_no_hair(template):
    assert hair.attributes(template, "lashes") == {}
    assert set(hair.attributes(template, "skin")) == {hair.BROW_ALONG, hair.BROW_HEIGHT, hair.BROW_DISTANCE}
