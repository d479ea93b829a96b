"""Folders as others leave them: XTREME's download folder, CCGbank. Readers of their formats, and where files are."""
