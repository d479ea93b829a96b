"""Where text comes from: JSONL folders and the generator, each held to ``sources.lock``."""
