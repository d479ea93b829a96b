"""Data checks: what must hold of a corpus before anything is trained on it or scored with it."""

from xstilts.guards.checkpoint import CheckResult, Outcome, check_corpus, failure
from xstilts.guards.flags import comparable
from xstilts.guards.waivers import Waiver, load_waivers

__all__ = ["CheckResult", "Outcome", "Waiver", "check_corpus", "comparable", "failure", "load_waivers"]
