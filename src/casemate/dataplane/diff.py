"""diff(observed, desired) -> what to do, in order. Pure."""
