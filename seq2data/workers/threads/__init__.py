"""Readers in the threads of the training process."""
