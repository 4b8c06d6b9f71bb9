"""Puts names and methods back that Keras 3 has removed."""
