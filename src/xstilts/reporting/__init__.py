"""The report: one self-contained page, its figures, and the rows behind DVC's plots."""

from xstilts.reporting.page import build_report
from xstilts.reporting.plots import gain_against_divergence

__all__ = ["build_report", "gain_against_divergence"]
