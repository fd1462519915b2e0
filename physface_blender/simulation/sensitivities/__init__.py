"""How the pose that a solve found changes with what it was asked for: derivatives through the minimum, by an adjoint."""
