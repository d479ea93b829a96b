"""Telemetry off, progress noise down, for every process that xstilts starts."""

import os
import warnings
from collections.abc import Mapping

SETTINGS: Mapping[str, str] = {
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "true",
    "ITERATIVE_DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "TQDM_DISABLE": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def quiet() -> None:
    """Put the settings into the environment, where the user has not set them otherwise."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", category=FutureWarning)
