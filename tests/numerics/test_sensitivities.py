"""Derivatives through the minimum against central differences of whole solves, in float64, with and without contact."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

from physface_blender.simulation.conditions import Conditions
from physface_blender.simulation.mandible_shape import MandibleShape
from physface_blender.simulation.sensitivities.adjoint import SensitivityError
from physface_blender.simulation.sensitivities.exact_contact import ExactContact
from physface_blender.simulation.sensitivities.sensitivities import sensitivities
from physface_blender.simulation.simulator import SimulationInputError, SimulationSettings, Simulator, Status

from .blocks import box_surface, collision_patch, jittered, lips

STEP = 1e-5
"""Of the central differences: their error is of second order, and the solves are exact to 1e-10 mm."""
FLOOR = 1e-3
"""Every derivative that is compared is larger than this, or it would prove nothing."""
EXACT = SimulationSettings(
    tolerance_mm=1e-10,
    linear_tolerance=1e-6,
    max_linear_iterations=1000,
    max_iterations=1000,
    attachment_stiffness=100.0,
)
"""Soft attachments: with stiff ones, what moves the bones would move all nodes alike."""
CONDYLES = np.array([[40.0, -30.0, -20.0], [-16.0, -30.0, -20.0]])


class Frame:
    """Two slabs pressed together (or through each other, without contact), and all that a frame can be asked for."""

    def __init__(self, *, contact):
        space, patches = lips(edge=4.0)
        rest = space.node_positions
        border = np.flatnonzero(rest[:, 0] == 0.0).astype(np.int32)
        space = replace(space, border_nodes=border)
        tooth = box_surface((9.0, -0.75, 5.0), (16.0, -0.3, 11.0))
        geometry = collision_patch(patches, rest, space.hexes, 4.0, lower=tooth) if contact else None
        self.simulator = Simulator(space, rest, collision=geometry, settings=EXACT)
        self.rest, self.contact = rest, contact
        self.target = jittered(rest, 0.1, 0)
        self.target[rest[:, 1] < -0.5, 1] += 1.0
        self.jaw = expm(twist([0.02, 0.01, -0.03, 0.2, 1.1, 0.1]))
        self.paralysis = np.random.default_rng(1).uniform(0.1, 0.6, len(rest))
        self.scale = np.array([1.02, 0.97, 1.03])
        self.actuation = None
        self.loss = np.random.default_rng(2).normal(size=rest.shape)
        self.base = self.solve()

    def conditions(self, paralysis=None, scale=None):
        shape = MandibleShape(CONDYLES, self.scale if scale is None else scale)
        return Conditions(
            gravity=(1.0, -3.0, 2.0), paralysis=self.paralysis if paralysis is None else paralysis, mandible=shape
        )

    def solve(self, target=None, jaw=None, actuation=None, start=None, **conditions):
        result = self.simulator.solve(
            self.target if target is None else target,
            self.jaw if jaw is None else jaw,
            start,
            actuation=self.actuation if actuation is None else actuation,
            conditions=self.conditions(**conditions),
        )
        assert result.status is Status.CONVERGED
        return result

    def value(self, **changes):
        return float(np.vdot(self.loss, self.solve(start=self.base.state, **changes).state.positions))

    def slope(self, changes, step=STEP):
        """The central difference along a path: changes(t) are the arguments of `solve` at t."""
        slope = (self.value(**changes(step)) - self.value(**changes(-step))) / (2.0 * step)
        assert abs(slope) > FLOOR
        return slope

    def sensitivities(self):
        return sensitivities(
            self.simulator, self.base, self.loss, conditions=self.conditions(), actuation=self.actuation
        )


def twist(values):
    """The (4, 4) generator of a rotation vector and a velocity."""
    (x, y, z), generator = values[:3], np.zeros((4, 4))
    generator[:3, :3] = [[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]]
    generator[:3, 3] = values[3:]
    return generator


@pytest.fixture(scope="module", params=[False, True], ids=["free", "contact"])
def frame(request):
    frame = Frame(contact=request.param)
    assert frame.base.state.collision_free == request.param
    return frame


@pytest.fixture(scope="module")
def found(frame):
    return frame.sensitivities()


def test_the_frame_with_contact_has_contacts_with_skin_and_tooth(frame):
    if not frame.contact:
        pytest.skip("the frame without contact has none")
    surface = frame.simulator.collision.surface(frame.base.state.positions, frame.base.state.pose)
    contact = frame.simulator._tissue.contact
    assert contact.expand(surface).pairs > 20
    exact = ExactContact.at(contact, surface)
    direction = np.random.default_rng(5).normal(size=(len(contact.geometry.patch_nodes), 3))
    assert np.linalg.norm(exact.obstacle_product(direction)) > 1e-3


def test_by_the_target(frame, found):
    direction = np.random.default_rng(3).normal(size=frame.rest.shape)
    slope = frame.slope(lambda t: {"target": frame.target + t * direction})
    assert np.vdot(found.target_nodes, direction) == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("axis", range(6))
def test_by_the_jaw(frame, found, axis):
    generator = twist(np.eye(6)[axis])
    slope = frame.slope(lambda t: {"jaw": expm(t * generator) @ frame.jaw})
    assert (found.bones.jaw * (generator @ frame.jaw)).sum() == pytest.approx(slope, rel=1e-4)


def test_by_the_paralysis(frame, found):
    direction = np.random.default_rng(4).normal(size=len(frame.rest))
    slope = frame.slope(lambda t: {"paralysis": frame.paralysis + t * direction}, step=3e-4)
    assert found.paralysis @ direction == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("axis", range(3))
def test_by_the_scale_of_the_mandible(frame, found, axis):
    slope = frame.slope(lambda t: {"scale": frame.scale + t * np.eye(3)[axis]})
    assert found.bones.mandible_scale[axis] == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("bone", ["skull", "mandible"])
def test_by_the_points_of_a_bone(frame, found, bone):
    """The bones are edited behind the simulator's back: points of attachment and, with contact, the tooth."""
    gradient = getattr(found.bones, bone)
    attachments = frame.simulator._tissue.attachments
    attached = getattr(attachments, f"_{bone}_rest")
    edited = frame.conditions().mandible.applied(attached) if bone == "mandible" else attached
    np.testing.assert_allclose(gradient.points[: len(attached)], edited, atol=1e-12)
    assert (len(gradient.points) > len(attached)) == (frame.contact and bone == "mandible")
    direction = np.random.default_rng(6).normal(size=attached.shape)
    kept = attached.copy()
    unedited = replace(frame.conditions(), mandible=None)
    frame.conditions, conditions = lambda: unedited, frame.conditions
    try:
        base = frame.solve(start=frame.base.state)
        found = sensitivities(frame.simulator, base, frame.loss, conditions=unedited)
        expected = np.vdot(getattr(found.bones, bone).gradient[: len(attached)], direction)

        def moved(t):
            attached[:] = kept + t * direction
            return {}

        slope = frame.slope(moved)
    finally:
        attached[:] = kept
        frame.conditions = conditions
    assert expected == pytest.approx(slope, rel=1e-4)
    assert found.bones.mandible_scale is None


@pytest.fixture(scope="module")
def actuated(frame):
    """The same frame with actuation tensors of its own, which the target then only begins with."""
    actuated = Frame(contact=frame.contact)
    noise = np.random.default_rng(7).normal(scale=0.05, size=(len(actuated.simulator.space.hexes), 8, 3, 3))
    actuated.actuation = np.diag([1.1, 0.95, 1.0]) + noise + noise.swapaxes(2, 3)
    actuated.base = actuated.solve()
    return actuated


def test_by_the_actuation(actuated):
    found = actuated.sensitivities()
    direction = np.random.default_rng(8).normal(size=actuated.actuation.shape)
    direction += direction.swapaxes(2, 3)
    slope = actuated.slope(lambda t: {"actuation": actuated.actuation + t * direction})
    assert np.vdot(found.actuation, direction) == pytest.approx(slope, rel=1e-4)
    np.testing.assert_array_equal(found.actuation, found.actuation.swapaxes(2, 3))
    slope = actuated.slope(lambda t: {"paralysis": actuated.paralysis * (1.0 + t)}, step=3e-4)
    assert found.paralysis @ actuated.paralysis == pytest.approx(slope, rel=1e-4)
    follows = np.flatnonzero(found.target_nodes.any(axis=1))
    assert set(follows) <= set(actuated.simulator.space.border_nodes)
    direction = np.random.default_rng(9).normal(size=actuated.rest.shape)
    slope = actuated.slope(lambda t: {"target": actuated.target + t * direction})
    assert np.vdot(found.target_nodes, direction) == pytest.approx(slope, rel=1e-4)


def test_the_actuation_of_a_target_gives_what_the_target_gives(frame):
    by_target = frame.solve()
    tensors = frame.simulator.tissue_in(by_target.state).elasticity.actuation
    assert np.abs(tensors - np.eye(3)).max() > 0.02
    by_actuation = frame.solve(actuation=tensors)
    np.testing.assert_allclose(by_actuation.state.positions, by_target.state.positions, atol=1e-7)


def test_one_tensor_for_each_cell_holds_at_all_its_points(frame):
    tensors = np.broadcast_to(np.diag([1.05, 1.0, 0.97]), (len(frame.simulator.space.hexes), 3, 3)).copy()
    tensors[3] = np.diag([1.2, 0.9, 1.0])
    each = frame.solve(actuation=tensors).state.positions
    repeated = frame.solve(actuation=np.repeat(tensors[:, None], 8, axis=1)).state.positions
    np.testing.assert_allclose(repeated, each, atol=1e-7)  # both are exact to 1e-10 mm where the tissue is stiff


@pytest.mark.parametrize("fault", ["shape", "nan", "strong", "skew"])
def test_absurd_actuation_is_refused(frame, fault):
    tensors = np.broadcast_to(np.eye(3), (len(frame.simulator.space.hexes), 8, 3, 3)).copy()
    if fault == "shape":
        tensors = tensors[:-1]
    else:
        tensors[2, 5, 0, 1] = {"nan": np.nan, "strong": 1e6, "skew": 0.1}[fault]
    with pytest.raises(SimulationInputError, match="actuation"):
        frame.simulator.solve(frame.target, frame.jaw, actuation=tensors)


def test_a_pose_that_is_no_minimum_has_no_derivatives(frame):
    stopped = replace(frame.base, status=Status.NOT_CONVERGED)
    with pytest.raises(SensitivityError, match="did not converge"):
        sensitivities(frame.simulator, stopped, frame.loss, conditions=frame.conditions())
    flattened = replace(frame.base.state, positions=frame.rest * [0.05, 0.04, 0.06], collision_free=False)
    with pytest.raises(SensitivityError, match="not a minimum"):
        sensitivities(frame.simulator, replace(frame.base, state=flattened), frame.loss, conditions=frame.conditions())
    with pytest.raises(SimulationInputError, match="must be finite numbers of the shape"):
        sensitivities(frame.simulator, frame.base, frame.loss[:-1], conditions=frame.conditions())


def test_friction_is_refused_where_surfaces_touch(frame):
    rough = replace(frame.conditions(), friction=0.5)
    if not frame.contact:
        sensitivities(frame.simulator, frame.base, frame.loss, conditions=rough)
        return
    with pytest.raises(SensitivityError, match="frame before"):
        sensitivities(frame.simulator, frame.base, frame.loss, conditions=rough)


def test_friction_of_another_frame_leaves_no_trace(frame, found):
    frame.simulator.solve(
        frame.target, frame.jaw, frame.base.state, conditions=replace(frame.conditions(), friction=1.0)
    )
    again = frame.sensitivities()
    np.testing.assert_allclose(again.bones.jaw, found.bones.jaw, rtol=1e-6, atol=1e-9)


def test_a_number_that_depends_on_nothing_has_no_derivatives(frame):
    found = sensitivities(frame.simulator, frame.base, np.zeros_like(frame.loss), conditions=frame.conditions())
    assert not found.target_nodes.any()
    assert not found.bones.jaw.any()
