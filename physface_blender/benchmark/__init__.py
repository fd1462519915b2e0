"""How fast and how exact the simulator is on this machine, measured; left out of the extension."""
