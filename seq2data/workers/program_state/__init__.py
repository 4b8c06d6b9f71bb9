"""What the program has set reaches the workers: see `state`."""
