"""Data, losses, loops and evaluation of the networks; left out of the extension's zip."""
