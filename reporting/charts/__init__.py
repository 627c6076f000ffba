"""One chart a file; each says in words what it shows, or why it cannot be drawn."""
