import bpy

from physface_blender.blender import compat


def test_curves_are_made_once_and_found_again(still_face) -> None:
    first = compat.ensure_fcurve(still_face, "location", 2, "PhysFace")
    again = compat.ensure_fcurve(still_face, "location", 2, "PhysFace")
    assert first == again
    assert first.group.name == "PhysFace"
    assert [(curve.data_path, curve.array_index) for curve in compat.fcurves(still_face)] == [("location", 2)]


def test_an_object_without_animation_has_no_curves(still_face) -> None:
    assert list(compat.fcurves(still_face)) == []
    assert still_face.animation_data is None


def test_two_objects_on_one_action_keep_their_curves_apart(still_face) -> None:
    other = bpy.data.objects.new("other", None)
    compat.ensure_fcurve(still_face, "location", 0)
    compat.ensure_fcurve(other, "scale", 0)
    assert [curve.data_path for curve in compat.fcurves(other)] == ["scale"]


def test_new_shape_keys_do_not_deform(still_face) -> None:
    compat.add_shape_key(still_face, "Basis")
    assert compat.add_shape_key(still_face, "More").value == 0.0
