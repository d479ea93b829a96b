"""Cells: one training each, finished ones kept by key, run by an executor, reused under DVC."""
