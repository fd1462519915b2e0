"""The optimizer in the gradients' eigenbasis."""

import pytest
import torch

from physface_blender.training import soap
from physface_blender.training.soap import REFRESH_EVERY, Soap


def _ill_conditioned() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A least-squares problem A W B = Y whose sides are mixed and as uneven as 1 to 100 each."""
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(12, 12, generator=generator, dtype=torch.double))[0] for _ in range(2))
    sizes = torch.logspace(0.0, -2.0, 12, dtype=torch.double)
    return left * sizes @ left.T, right * sizes @ right.T, torch.randn(12, 12, generator=generator, dtype=torch.double)


def _left_over(optimizer_kind: type, steps: int) -> float:
    """Loss after so many steps, of what it was; every step sees the problem through noise of its own."""
    left, right, solution = _ill_conditioned()
    weight = torch.zeros(12, 12, dtype=torch.double, requires_grad=True)
    optimizer = optimizer_kind([weight], lr=0.03)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 0.03 * (1.0 - step / steps)
        optimizer.zero_grad()
        (left @ (weight - solution) @ right).square().sum().backward()
        optimizer.step()
    with torch.no_grad():
        return float((left @ (weight - solution) @ right).square().sum() / (left @ solution @ right).square().sum())


def test_uneven_problems_are_solved_where_adam_is_not_done():
    """What is left of the loss after 400 steps."""
    assert _left_over(Soap, 400) < 0.1 * _left_over(torch.optim.Adam, 400)


def test_basis_stays_orthonormal():
    """Also after many turns, on both sides."""
    torch.manual_seed(1)
    weight = torch.randn(6, 9, requires_grad=True)
    optimizer = Soap([weight], lr=1e-2)
    for _ in range(5 * REFRESH_EVERY + 1):
        optimizer.zero_grad()
        (weight @ torch.randn(9, 4)).square().sum().backward()
        optimizer.step()
    for side, size in enumerate(weight.shape):
        basis = optimizer.state[weight][f"basis_{side}"]
        assert torch.allclose(basis.T @ basis, torch.eye(size), atol=1e-5)


def test_long_sides_keep_their_basis(monkeypatch):
    """A matrix with one is turned on its other side alone, and still goes where it should."""
    monkeypatch.setattr(soap, "LARGEST_SIDE", 6)
    torch.manual_seed(3)
    weight, target = torch.zeros(6, 9, requires_grad=True), torch.randn(6, 9)
    optimizer = Soap([weight], lr=0.05)
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.05 * (1.0 - step / 200)
        optimizer.zero_grad()
        (weight - target).square().sum().backward()
        optimizer.step()
    assert "basis_0" in optimizer.state[weight]
    assert "basis_1" not in optimizer.state[weight]
    assert float((weight - target).square().sum().detach()) < 1e-3 * float(target.square().sum())


def test_what_is_no_matrix_is_moved_as_adam_does():
    """Vectors and scalars, but for the first step, which only looks at the gradient."""
    values = torch.tensor([3.0, -2.0], requires_grad=True)
    optimizer = Soap([values], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        values.square().sum().backward()
        optimizer.step()
    assert values.detach().tolist() == pytest.approx([2.9, -1.9], abs=1e-6)


def test_it_goes_on_from_its_state():
    """A run that was stopped and taken up again ends where one in one piece does."""

    def run(stops: tuple[int, ...]) -> torch.Tensor:
        torch.manual_seed(2)
        weight = torch.randn(5, 4, requires_grad=True)
        target = torch.randn(5, 4)
        optimizer = Soap([weight], lr=1e-2)
        for count in stops:
            for _ in range(count):
                optimizer.zero_grad()
                ((weight - target) @ torch.diag(torch.arange(1.0, 5.0))).square().sum().backward()
                optimizer.step()
            state = optimizer.state_dict()
            optimizer = Soap([weight], lr=1e-2)
            optimizer.load_state_dict(state)
        return weight.detach()

    assert torch.equal(run((60,)), run((25, 35)))
