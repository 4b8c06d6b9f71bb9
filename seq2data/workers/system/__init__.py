"""What the operating system has, allows and reports."""
