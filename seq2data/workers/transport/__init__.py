"""How arrays cross from a worker to its parent: written once, never copied again."""
