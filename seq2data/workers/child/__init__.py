"""What runs in the fork server and in the workers."""
