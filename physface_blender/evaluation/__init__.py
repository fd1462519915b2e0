"""Experiments on whole faces that compare what we do with what the papers report; left out of the extension's zip."""
