"""Encoders: facts about each, and how each kind becomes a standard checkpoint folder."""
