"""Bones stay under the skin of whoever they are shaped for."""

from dataclasses import replace

import numpy as np
import pytest

from physface_blender.anatomy.template import load_template
from physface_blender.networks.generalized import load_generalized
from physface_blender.training.bone_clearance import bone_clearance
from physface_blender.training.seeds import random_identities


@pytest.fixture(scope="module")
def template():
    return load_template()


def test_no_bone_pierces_the_skin_of_random_identities(template):
    results = bone_clearance(template, load_generalized(), random_identities(6))
    assert [result.pairs for result in results] == [0] * 6
    assert max(result.thickness_change_mm for result in results) < 1.5  # tissue keeps its thickness


def test_a_mandible_that_is_pushed_out_is_noticed(template):
    mandible = template.meshes["mandible"]
    pushed = mandible.with_vertices(mandible.vertices + np.array([0.0, 0.0, 15.0]))
    changed = replace(template, meshes={**template.meshes, "mandible": pushed})
    [result] = bone_clearance(changed, load_generalized(), random_identities(1))
    assert result.pairs > 50
