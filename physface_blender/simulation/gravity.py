"""Gravity, as far as it differs from that of the pose in which faces are captured.

A face is captured upright, so what upright gravity does is in the data already, at rest and in every expression. What
is left to simulate is the load of the difference, rho (g(head) - g(upright)) per volume (paper 002, figure 9; there
the load is that of gravity itself). It depends on no displacement: its energy is linear and it has no Hessian.
"""

from __future__ import annotations

import numpy as np

from .hexahedron import gauss_points, shape_values

DENSITY_KG_PER_MM3 = 1.0e-6
"""Soft tissue of the face is fat (0.95) and muscle (1.05 grams per cubic centimeter; ICRU Report 44, 1989)."""
GRAVITY_N_PER_KG = 9.80665


def head_rotation(pitch_degrees: float, yaw_degrees: float, roll_degrees: float) -> np.ndarray:
    """Return the (3, 3) rotation that takes the head's axes (x to its left, y up, z forward) to the world's.

    The head turns by the yaw, then nods about its own x, then leans about its own z.

    Args:
        pitch_degrees: positive when it nods: 90 is face down, -90 lies on the back.
        yaw_degrees: positive to the character's left; gravity does not see it.
        roll_degrees: positive when it leans to the character's right.
    """
    (a, b, c), (d, e, f) = (
        operation(np.radians([pitch_degrees, yaw_degrees, roll_degrees])) for operation in (np.cos, np.sin)
    )
    pitch = np.array([[1.0, 0.0, 0.0], [0.0, a, -d], [0.0, d, a]])
    yaw = np.array([[b, 0.0, e], [0.0, 1.0, 0.0], [-e, 0.0, b]])
    roll = np.array([[c, -f, 0.0], [f, c, 0.0], [0.0, 0.0, 1.0]])
    return yaw @ pitch @ roll


def gravity_change(rotation: np.ndarray) -> np.ndarray:
    """Return g(head) - g(upright) in the frame of the head, (3,) newton per kilogram, for a head's rotation (3, 3)."""
    upright = np.array([0.0, -GRAVITY_N_PER_KG, 0.0])
    return upright @ rotation - upright


def nodal_masses(volumes: np.ndarray, fill: np.ndarray, hexes: np.ndarray, node_count: int) -> np.ndarray:
    """Return the mass (N,) of soft tissue in kilograms that acts on each node.

    Consistent: the integral of the density times the node's shape function, by the rule that also integrates stress.

    Args:
        volumes: (E, 8) cubic millimeters of the cells that the quadrature points stand for.
        fill: (E,) share of each cell that is tissue.
        hexes: (E, 8) node indices.
        node_count: N.
    """
    corners = DENSITY_KG_PER_MM3 * (volumes * np.asarray(fill)[:, None]) @ shape_values(gauss_points())
    return np.bincount(hexes.ravel(), weights=corners.ravel(), minlength=node_count)
