"""The port of one user's keyed state, and the settings of what the core keeps in it."""
