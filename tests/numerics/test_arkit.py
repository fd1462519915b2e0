"""ARKit names: count, order, groups, mirror pairs, spelling."""

import numpy as np
import pytest

from physface_blender.performance.arkit import (
    ARKIT_COUNT,
    ARKIT_INDEX,
    ARKIT_NAMES,
    GROUPS,
    MIRROR_INDEX,
    expression,
    find_arkit_name,
    mirror_name,
)


def test_there_are_52_distinct_names_in_alphabetical_order():
    assert ARKIT_COUNT == len(set(ARKIT_NAMES)) == 52
    assert list(ARKIT_NAMES) == sorted(ARKIT_NAMES)
    assert ARKIT_NAMES[0] == "browDownLeft"
    assert ARKIT_NAMES[-1] == "tongueOut"


def test_groups_hold_every_name_once():
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == list(ARKIT_NAMES)
    assert {group: len(names) for group, names in GROUPS.items()} == {
        "brows": 5,
        "eyes": 14,
        "cheeks": 3,
        "jaw": 4,
        "mouth": 23,
        "nose": 2,
        "tongue": 1,
    }


def test_mirror_is_an_involution_that_moves_every_sided_name():
    assert np.array_equal(MIRROR_INDEX[MIRROR_INDEX], np.arange(52))
    sided = [index for index, name in enumerate(ARKIT_NAMES) if name.endswith(("Left", "Right"))]
    assert len(sided) == 40
    assert all(MIRROR_INDEX[index] != index for index in sided)
    assert mirror_name("mouthSmileLeft") == "mouthSmileRight"
    assert mirror_name("jawOpen") == "jawOpen"
    with pytest.raises(KeyError):
        mirror_name("mouthSmile")


@pytest.mark.parametrize("spelling", ["jawOpen", "JawOpen", "JAWOPEN", "jaw_open", " JawOpen "])
def test_any_capitalization_finds_the_exact_name(spelling):
    assert find_arkit_name(spelling) == "jawOpen"


@pytest.mark.parametrize("spelling", ["HeadYaw", "LeftEyeYaw", "Timecode", "", "jaw"])
def test_other_words_find_nothing(spelling):
    assert find_arkit_name(spelling) is None


def test_expression_puts_weights_where_they_belong():
    weights = expression(jawOpen=0.5, mouthSmileLeft=1.0)
    assert weights[ARKIT_INDEX["jawOpen"]] == 0.5
    assert weights.sum() == 1.5
    with pytest.raises(KeyError):
        expression(jawopen=1.0)
