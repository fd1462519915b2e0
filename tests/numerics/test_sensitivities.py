"""Derivatives through the minimum against central differences of whole solves, in float64, with and without contact."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

from physface_blender.simulation.conditions import Conditions
from physface_blender.simulation.mandible_shape import MandibleShape
from physface_blender.simulation.membrane import Membrane
from physface_blender.simulation.sensitivities.adjoint import SensitivityError
from physface_blender.simulation.sensitivities.sensitivities import sensitivities
from physface_blender.simulation.simulator import SimulationInputError, SimulationSettings, Simulator, Status

from .blocks import box_surface, collision_patch, jittered, lips

STEP = 1e-4
"""Of the central differences: their error is of second order, and the solves are exact to 1e-9 mm."""
FLOOR = 1e-3
"""Every derivative that is compared is larger than this, or it would prove nothing."""
EXACT = SimulationSettings(
    tolerance_mm=1e-9, linear_tolerance=1e-6, max_linear_iterations=1000, max_iterations=1000, attachment_stiffness=100.0
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

    def slope(self, changes):
        """The central difference along a path: changes(t) are the arguments of `solve` at t."""
        slope = (self.value(**changes(STEP)) - self.value(**changes(-STEP))) / (2.0 * STEP)
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
    exact = contact.exact(surface)
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
    slope = frame.slope(lambda t: {"paralysis": frame.paralysis + t * direction})
    assert found.paralysis @ direction == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("axis", range(3))
def test_by_the_scale_of_the_mandible(frame, found, axis):
    slope = frame.slope(lambda t: {"scale": frame.scale + t * np.eye(3)[axis]})
    assert found.bones.mandible_scale[axis] == pytest.approx(slope, rel=1e-4)
