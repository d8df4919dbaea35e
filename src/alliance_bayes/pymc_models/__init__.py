"""From a spec and a panel to a plain `pm.Model`."""
