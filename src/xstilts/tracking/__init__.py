"""MLflow: the only package that imports it. Cells write files; ``sync`` mirrors the files."""
