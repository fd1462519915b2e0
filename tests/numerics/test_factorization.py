"""Tests of the elimination order and the supernodal Cholesky factor."""

import numba
import numpy as np
import pytest
from scipy.sparse import identity

from physface_blender.simulation.dissection import dissect, lattice_coordinates
from physface_blender.simulation.elasticity import ShapeTargeting
from physface_blender.simulation.factorization import SuperLUFactor, factorize
from physface_blender.simulation.stiffness import elastic_stiffness
from physface_blender.simulation.supernodal import FactorizationError, SupernodalFactor

from .blocks import block_mesh, jittered


@pytest.fixture(scope="module")
def system():
    """Stiffness of a block of 9 x 8 x 7 cells held loosely, its lattice and a patch on one side."""
    nodes, hexes, cells = block_mesh((9, 8, 7), 2.0)
    elasticity = ShapeTargeting(jittered(nodes, 0.1, 0), hexes, np.ones(len(hexes)), 0.0017)
    matrix = (elastic_stiffness(elasticity) + 1e-4 * identity(len(nodes))).tocsr()
    lattice = lattice_coordinates(hexes, cells, len(nodes))
    patch = np.flatnonzero((lattice[:, 2] == 0) & (lattice[:, 0] < 5))
    return matrix, lattice, patch


def test_order_is_a_permutation_that_ends_with_the_patch(system):
    matrix, lattice, patch = system
    tree = dissect(lattice, (matrix.indptr, matrix.indices), patch)
    assert np.array_equal(np.sort(tree.order), np.arange(len(lattice)))
    assert np.array_equal(tree.order[-len(patch) :], patch)
    assert tree.parents[-1] == -1
    assert (tree.parents[:-1] > np.arange(len(tree.parents) - 1)).all()


def test_nested_dissection_fills_less_than_the_order_of_the_grid(system):
    matrix, lattice, _ = system
    tree = dissect(lattice, (matrix.indptr, matrix.indices), np.zeros(0, dtype=int))
    band = 9 * 10 + 10 + 1  # half the bandwidth of the best order by planes: a plane of 9 x 8 nodes and its neighbors
    assert tree.factor_entries < 0.9 * len(lattice) * band


@pytest.mark.parametrize("with_patch", [True, False])
def test_double_precision_solves_to_rounding(system, with_patch):
    matrix, lattice, patch = system
    tree = dissect(lattice, (matrix.indptr, matrix.indices), patch if with_patch else patch[:0])
    right = np.random.default_rng(1).normal(size=(len(lattice), 3))
    solution = SupernodalFactor(matrix, tree, np.float64).solve(right)
    assert np.abs(matrix @ solution - right).max() < 1e-11
    np.testing.assert_allclose(SuperLUFactor(matrix, tree).solve(right), solution, rtol=1e-8, atol=1e-8)


@pytest.fixture(scope="module")
def large():
    """A block large enough for branches and a trunk, with a patch that is the root."""
    nodes, hexes, cells = block_mesh((18, 15, 12), 2.0)
    elasticity = ShapeTargeting(jittered(nodes, 0.1, 0), hexes, np.ones(len(hexes)), 0.0017)
    matrix = (elastic_stiffness(elasticity) + 1e-4 * identity(len(nodes))).tocsr()
    lattice = lattice_coordinates(hexes, cells, len(nodes))
    patch = np.flatnonzero((lattice[:, 2] == 0) & (lattice[:, 0] < 9))
    return matrix, lattice, dissect(lattice, (matrix.indptr, matrix.indices), patch)


def test_branches_do_not_need_each_other(large):
    _, _, tree = large
    assert len(tree.branches) >= 4
    assert tree.branches[0, 0] == 0
    assert np.array_equal(tree.branches[1:, 0], tree.branches[:-1, 1])
    trunk = tree.starts[tree.branches[-1, 1]]
    assert len(tree.order) - trunk > 300  # separators as well as the patch
    for begin, end in tree.branches:
        rows = np.concatenate(tree.structure[begin:end])
        own = (rows >= tree.starts[begin]) & (rows < tree.starts[end])
        assert (own | (rows >= trunk)).all()
        assert own.any()
        assert (rows >= trunk).any()


def test_branches_and_trunk_together_solve_to_rounding_by_any_number_of_threads(large):
    matrix, lattice, tree = large
    right = np.random.default_rng(1).normal(size=(len(lattice), 3))
    factor = SupernodalFactor(matrix, tree, np.float64)
    before, solutions = numba.get_num_threads(), []
    for threads in sorted({1, min(2, numba.config.NUMBA_NUM_THREADS)}):
        numba.set_num_threads(threads)
        solutions.append(factor.solve(right))
    numba.set_num_threads(before)
    assert np.abs(matrix @ solutions[0] - right).max() < 1e-11
    assert np.array_equal(solutions[0], solutions[-1])


def test_single_precision_is_good_for_six_digits(system):
    matrix, lattice, patch = system
    right = np.random.default_rng(2).normal(size=(len(lattice), 3))
    solution = factorize(matrix, lattice, patch).solve(right)
    assert np.abs(matrix @ solution - right).max() < 1e-5
    # One step of refinement with the same factor reaches the accuracy of its residual.
    refined = solution + factorize(matrix, lattice, patch).solve(right - matrix @ solution)
    assert np.abs(matrix @ refined - right).max() < 1e-10


def test_compliance_is_the_response_of_the_patch(system):
    matrix, lattice, patch = system
    tree = dissect(lattice, (matrix.indptr, matrix.indices), patch)
    factor = SupernodalFactor(matrix, tree, np.float64)
    load = np.zeros((len(lattice), 3))
    load[patch[4], 0] = load[patch[7], 1] = 1.0
    response = factor.solve(load)
    assert np.abs(response[patch]).max() > 1.0
    np.testing.assert_allclose(factor.compliance[:, 4], response[patch, 0], rtol=1e-9)
    np.testing.assert_allclose(factor.compliance[:, 7], response[patch, 1], rtol=1e-9)


def test_correction_on_the_patch_solves_the_changed_matrix(system):
    """Springs on two patch nodes, once in the matrix and once as a correction through the compliance."""
    matrix, lattice, patch = system
    springs = np.zeros(len(lattice))
    chosen = np.array([3, 9])
    springs[patch[chosen]] = [0.5, 2.0]
    changed = matrix + identity(len(lattice)).multiply(springs[:, None]).tocsr()
    factor = SupernodalFactor(matrix, dissect(lattice, (matrix.indptr, matrix.indices), patch), np.float64)
    local = factor.compliance[np.ix_(chosen, chosen)]
    stiffness = np.diag(springs[patch[chosen]])

    def correct(free):
        return factor.compliance[:, chosen] @ np.linalg.solve(np.eye(2) + stiffness @ local, stiffness @ free[chosen])

    right = np.random.default_rng(3).normal(size=(len(lattice), 3))
    solution = factor.solve(right, correct)
    assert np.abs(changed @ solution - right).max() < 1e-10
    assert np.abs(matrix @ solution - right).max() > 1e-2


def test_indefinite_matrix_is_refused(system):
    matrix, lattice, patch = system
    with pytest.raises(FactorizationError, match="not positive definite"):
        factorize((matrix - 0.01 * identity(len(lattice))).tocsr(), lattice, patch)
