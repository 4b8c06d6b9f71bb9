"""Worker processes, as the training process sees them."""
