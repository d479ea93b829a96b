"""Performing the intents of stage ``register``: pyfunc models from code, versions, aliases, cards."""

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.families import family_of
from xstilts.files import Json, read_json
from xstilts.layout import Layout
from xstilts.tasks import TASKS
from xstilts.tracking.runs import Runs
from xstilts.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

CONTENT = "xstilts.content"
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "pandas", "pyarrow", "mlflow")


def register_models(store: Store, runs: Runs, study_run: str, layout: Layout) -> int:
    """Bring every intent into the registry; a content that is there already is only given its aliases.

    Returns:
        How many versions were made.
    """
    path = layout.results("register", "intents.json")
    if not path.is_file():
        return 0
    made = 0
    for intent in read_json(path):
        folder = layout.root / intent["folder"]
        if not folder.is_dir():
            continue
        version = _version_with(store, intent)
        if version is None:
            version = _log(store, runs, study_run, intent, folder)
            made += 1
        for alias in intent["aliases"]:
            store.client.set_registered_model_alias(intent["name"], alias, version)
    return made


def _version_with(store: Store, intent: Json) -> str | None:
    found = store.client.search_model_versions(f"name = '{intent['name']}'")
    return next((each.version for each in found if each.tags.get(CONTENT) == intent["sha256"]), None)


def signature_of(family: Any, example: Json) -> "ModelSignature":
    """The inputs of a task family as an MLflow signature; the output is a list."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, Schema

    kinds = {
        name: Array(DataType.string) if isinstance(example[name], list) else DataType.string for name in family.inputs
    }
    return ModelSignature(inputs=Schema([ColSpec(kind, name) for name, kind in kinds.items()]))


def _log(store: Store, runs: Runs, study_run: str, intent: Json, folder: Path) -> str:
    import mlflow
    import pandas as pd

    example = read_json(folder / "example.json")
    family = family_of(TASKS[read_json(folder / "model.json")["task"]])
    identity = f"{study_run}/model/{intent['name']}/{intent['sha256']}"
    run = runs.run("model", identity, f"register {intent['name']}", {"stage": "register", **intent["tags"]}, study_run)
    with mlflow.start_run(run_id=run):
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("serving.py")),
            artifacts={"model": str(folder)},
            signature=signature_of(family, example),
            input_example=pd.DataFrame([example]),
            pip_requirements=[
                "xstilts",
                *(f"{name}=={importlib.metadata.version(name).split('+')[0]}" for name in PACKAGES),
            ],
            metadata={"xstilts": intent["tags"]},
        )
        for name, value in intent["metrics"].items():
            mlflow.log_metric(name, value)
    if not store.client.search_registered_models(f"name = '{intent['name']}'"):
        store.client.create_registered_model(intent["name"], {"study": intent["tags"]["study"], "kind": intent["kind"]})
    version = store.client.create_model_version(
        intent["name"], logged.model_uri, run_id=run, tags={**intent["tags"], CONTENT: intent["sha256"]},
        description=intent["card"], model_id=logged.model_id,
    )  # fmt: skip
    runs.finish(run, intent["sha256"])
    return str(version.version)
