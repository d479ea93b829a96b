"""The model that MLflow loads from code: no pickle, weights from safetensors."""

import json
import warnings
from pathlib import Path
from typing import Any

import mlflow
from mlflow.pyfunc import PythonModel, PythonModelContext

with warnings.catch_warnings():
    # MLflow asks for type hints, which it would read as a schema, and puts a filter of its own before any of ours.
    warnings.showwarning = lambda *_, **__: None

    class TaskPredictor(PythonModel):  # type: ignore[misc]
        """Predicts rows with a trained model folder."""

        def load_context(self, context: PythonModelContext) -> None:
            """Load the folder that was logged as artifact ``model``."""
            from xstilts.training.predictor import Predictor

            self.predictor = Predictor.load(Path(context.artifacts["model"]))

        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
            """Predict each row.

            Args:
                context: unused.
                model_input: a table with the family's input columns; a list of tokens is a list, an array or JSON text.
                params: unused.

            Returns:
                For each row a list of tags, or a label.
            """
            rows = [
                {name: _tokens(value) if name == "tokens" else value for name, value in row.items()}
                for row in model_input.to_dict("records")
            ]
            return self.predictor.predict(rows)


def _tokens(value: Any) -> list[str]:
    return [str(token) for token in (json.loads(value) if isinstance(value, str) else value)]


mlflow.models.set_model(TaskPredictor())
