"""A package, so that no dependency's own top-level `tests` is found instead of this one."""
