"""The synthetic actors' style maps: what they must keep, and that the nine differ."""

import numpy as np
import pytest

from physface_blender.performance.arkit import ARKIT_INDEX, ARKIT_NAMES, MIRROR_INDEX, expression
from physface_blender.performance.range_of_motion import range_of_motion
from physface_blender.training.expressions import make_plausible
from physface_blender.training.style.actors import style_maps
from physface_blender.training.style.semantic_shapes import SHAPE_NAMES, semantic_weights
from physface_blender.training.style.style_map import EXACT

MAPS = style_maps()
ASKED = make_plausible(np.concatenate([range_of_motion(8.0).weights, semantic_weights()]))


def test_nineteen_shapes_and_the_neutral():
    assert len(SHAPE_NAMES) == 19
    assert np.linalg.matrix_rank(semantic_weights()) == 19


@pytest.mark.parametrize("index", range(9))
def test_what_every_actor_keeps(index):
    """Nothing asked, nothing done; results are weights; lids and gaze do what they are told."""
    perform = MAPS[index]
    assert np.array_equal(perform(np.zeros((1, 52))), np.zeros((1, 52)))
    done = perform(ASKED)
    assert done.min() >= 0.0
    assert done.max() <= 1.0
    # Lids that are asked to close and to widen at once may not: make_plausible takes the common part away.
    kept = tuple(word for word in EXACT if not word.startswith(("eyeBlink", "mouth")))
    told = [ARKIT_INDEX[name] for name in ARKIT_NAMES if name.startswith(kept)]
    assert np.array_equal(done[:, told], ASKED[:, told])
    assert np.array_equal(perform(ASKED), perform(ASKED))


def test_nine_different_people():
    """Any two actors differ more in a smile than a slider's step of 0.1 does."""
    smile = expression(mouthSmileLeft=1.0, mouthSmileRight=1.0)[None]
    smiles = np.concatenate([perform(smile) for perform in MAPS])
    distance = np.abs(smiles[:, None] - smiles[None]).max(axis=2)
    assert distance[~np.eye(9, dtype=bool)].min() > 0.1


def test_asymmetry_saturation_and_recruitment():
    """What a symmetric request becomes is neither symmetric nor proportional nor alone."""
    half, full = (expression(mouthSmileLeft=w, mouthSmileRight=w)[None] for w in (0.5, 1.0))
    symmetric = np.stack([row for row in ASKED if np.array_equal(row, row[MIRROR_INDEX])])
    for perform in MAPS:
        one, two = perform(half)[0], perform(full)[0]
        done = perform(symmetric)
        assert np.abs(done - done[:, MIRROR_INDEX]).max() > 0.1
        assert np.abs(2.0 * one - two).max() > 0.05
        assert (two > 0.05).sum() > 2
