from dataclasses import replace

import bpy
import numpy as np
import pytest

from physface_blender.blender import live, properties, requests
from physface_blender.performance.arkit import ARKIT_NAMES


def test_the_sliders_have_the_exact_names_and_can_be_keyed_driven_and_overridden(still_face) -> None:
    group = still_face.physface.expression
    names = [entry.identifier for entry in group.bl_rna.properties if entry.type == "FLOAT"]
    assert sorted(names) == sorted(ARKIT_NAMES)
    for name in names:
        slider = group.bl_rna.properties[name]
        assert slider.is_animatable
        assert slider.is_overridable
        assert (slider.soft_min, slider.soft_max) == (0.0, 1.0)
    assert still_face.keyframe_insert("physface.expression.jawOpen", frame=1)
    assert still_face.driver_add("physface.expression.mouthPucker") is not None


def test_expression_and_identity_come_back_as_written(still_face) -> None:
    weights = np.linspace(0.0, 1.0, 52)
    properties.write_expression(still_face, weights)
    assert still_face.physface.expression.jawOpen == pytest.approx(weights[ARKIT_NAMES.index("jawOpen")])
    assert np.allclose(properties.read_expression(still_face), weights, atol=1e-7)
    coefficients = np.random.default_rng(0).normal(size=100)
    properties.write_identity(still_face, coefficients)
    assert np.allclose(properties.read_identity(still_face), coefficients, atol=1e-6)


def test_a_moved_slider_only_marks_its_own_face(still_face) -> None:
    still_face.physface.live = True
    live.stop()
    other = bpy.data.objects.new("other", None)
    other.physface.expression.jawOpen = 0.4
    assert not live.is_pending(other)
    still_face.physface.expression.jawOpen = 0.4
    assert live.is_pending(still_face)


def test_what_an_animator_sets_can_be_overridden(still_face) -> None:
    settings = still_face.physface
    style = settings.styles.add()
    for group in (settings.effects, settings.retarget, settings.bake, style):
        for entry in group.bl_rna.properties:
            if entry.identifier not in ("rna_type", "name") and not entry.is_hidden:
                assert entry.is_overridable, entry.identifier
    own = (
        "live",
        "live_physics",
        "contact",
        "preview_resolution",
        "preview_as_bake",
        "stiffness",
        "solo",
        "styles",
        "identity_0",
    )
    for name in own:
        assert settings.bl_rna.properties[name].is_overridable, name
    assert style.bl_rna.properties["weight"].is_animatable


def test_the_preview_takes_the_cells_of_the_bake_when_asked(still_face) -> None:
    settings = still_face.physface
    settings.preview_resolution, settings.bake.resolution = 6.8, 3.2
    assert requests.preview_character(still_face).resolution_mm == pytest.approx(6.8)
    settings.preview_as_bake = True
    assert requests.preview_character(still_face).resolution_mm == pytest.approx(3.2)
    bake = requests.bake_character(still_face)
    assert replace(bake, character="") == replace(requests.preview_character(still_face), character="")
