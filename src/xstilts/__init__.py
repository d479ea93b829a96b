"""xstilts: does intermediate-task training still help when its domain moves away from the target's?"""

__version__ = "0.1.0"
