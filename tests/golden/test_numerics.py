"""The bits that ``NUMERICS_VERSION`` stands for: losses and predictions of a tiny model, for each family.

When one of these changes, finished cells would be reused although they could no longer be made: raise
``xstilts.cells.spec.NUMERICS_VERSION`` and write the new values with ``python -m tests.golden.test_numerics``.
Losses and predicted numbers are compared to five digits, which kinds of processors share; other predictions exactly.
"""

import itertools
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from tests.conftest import WORDS, sentences, write_tiny_encoder
from xstilts.cells.spec import FROZEN_NUMERICS_VERSION, NUMERICS_VERSION, CellSpec, Labels
from xstilts.families import family_of
from xstilts.files import read_json, read_jsonl, sha256_of_json
from xstilts.seeds import generator
from xstilts.tables import read_rows, write_rows
from xstilts.tasks import TASKS, task_with
from xstilts.training import states

GOLDEN = Path(__file__).with_name("numerics.json")
TASK_OF = {
    "token_tagging": "udpos",
    "sentence_classification": "sentiment",
    "pair_classification": "pawsx",
    "sentence_retrieval": "tatoeba",
    "bitext_mining": "bucc2018",
    "span_qa": "xquad",
    "multiple_choice": "cosmosqa",
    "pair_regression": "stsb",
    "masked_lm": "masked_lm",
    "multi_task": "multi_task",
}
GOLD = ("tags", "label", "answers", "score", "gold")
SEVERAL = ("sentiment", "udpos")


def rows_for(family: str, language: str, count: int) -> list[dict[str, Any]]:
    """Rows of a family, whose labels follow from the words."""
    tagged = sentences(language, count, 5, f"{language}-{family}")
    texts = [" ".join(row["tokens"]) for row in tagged]
    first = [WORDS[language].index(row["tokens"][0]) % 2 for row in tagged]
    if family == "token_tagging":
        return tagged
    if family == "multi_task":
        single = dict(zip(SEVERAL, ("sentence_classification", "token_tagging"), strict=True))
        made = {name: rows_for(each, language, count) for name, each in single.items()}
        several = family_of(task_with(family, SEVERAL))
        chosen = [(name, made[name][n]) for n, name in zip(range(count), itertools.cycle(SEVERAL))]
        wrapped = [several.rows_of(name, [row])[0] for name, row in chosen]  # type: ignore[attr-defined]
        return [{column: row[column] for column in ("id", "task", "content", "gold")} for row in wrapped]
    labels = TASKS[TASK_OF[family]].labels
    if family == "masked_lm":
        columns = [{"text": text} for text in texts]
    elif family == "sentence_classification":
        columns = [{"text": text, "label": labels[number]} for text, number in zip(texts, first, strict=True)]
    elif family == "pair_classification":
        other = generator(1, family).permutation(texts)
        columns = [
            {"text_a": text, "text_b": str(pair), "label": labels[number]}
            for text, pair, number in zip(texts, other, first, strict=True)
        ]
    elif family == "span_qa":
        columns = [
            {"question": row["tokens"][2], "context": text, "answers": [{"text": row["tokens"][2], "start": at}]}
            for row, text in zip(tagged, texts, strict=True)
            for at in [len(" ".join([*row["tokens"][:2], ""]))]
        ]
    elif family == "multiple_choice":
        columns = [
            {"text": text, "choices": row["tokens"][:4], "label": str(number)}
            for row, text, number in zip(tagged, texts, first, strict=True)
        ]
    elif family == "pair_regression":
        columns = [
            {"text_a": text, "text_b": row["tokens"][0], "score": 1.0 + 3.5 * number}
            for row, text, number in zip(tagged, texts, first, strict=True)
        ]
    elif family == "bitext_mining":
        columns = [
            {"text": text, "sentence_id": str(n), "side": ("source", "english")[n % 2], "bitext": "test"}
            for n, text in enumerate(texts)
        ]
    else:
        columns = [{"text_a": text, "text_b": text[::-1]} for text in texts]
    return [{"id": row["id"], **each} for row, each in zip(tagged, columns, strict=True)]


def run_family(
    family: str, folder: Path, *, frozen: int = 0, architecture: str = "bert", found: str = "", pooling: str = "mean"
) -> dict[str, Any]:
    """Train four steps and predict two languages; ``found`` is the hash of an encoder that is there."""
    from xstilts.training.cell import run_cell

    task = task_with(TASK_OF[family], SEVERAL)
    trained = task.family.trained
    encoder = folder / "encoder" if found else write_tiny_encoder(folder / "encoder", architecture)
    files = {"base": str(encoder)}
    columns = tuple(rows_for(family, "en", 1)[0])
    if trained:
        files |= {"train": str(folder / "train.parquet"), "dev": str(folder / "dev.parquet")}
        write_rows(folder / "train.parquet", rows_for(family, "en", 24), columns)
        write_rows(folder / "dev.parquet", rows_for(family, "en", 8), columns)
    inputs = tuple(column for column in columns if column not in GOLD)
    for language in ("de", "zh"):
        files[f"inputs/{language}"] = str(folder / f"{language}.parquet")
        write_rows(folder / f"{language}.parquet", rows_for(family, language, 4), inputs)
    identity = {
        "numerics": NUMERICS_VERSION, "precision": "float32", "deterministic": True, "encoder": found or "tiny",
        "versions": {},
        "task": {"name": task.name, "version": task.version, "labels": list(task.labels)},
        "settings": {"learning_rate": 1e-2, "batch_size": 8, "steps": 4 if trained else 0, "warmup_fraction": 0.25,
                     "weight_decay": 0.01, "max_length": 40, "frozen_layers": frozen,
                     "pooling": pooling},
        "train": "train", "dev": "dev", "inputs": {"de": "de", "zh": "zh"},
        "seeds": {"head": 1, "order": 2, "dropout": 3}, "keeps_weights": False,
    }  # fmt: skip
    spec = CellSpec(Labels("s", "target", "tiny", "a", "b", "", task.name, 0), identity, files, "cpu")
    run_cell(spec, folder / "cells")
    cell = folder / "cells" / spec.key
    losses = [event["value"] for event in read_jsonl(cell / "events.jsonl") if event["name"] == "loss"]
    predictions = {
        language: [row["prediction"] for row in read_jsonl(cell / "predictions" / f"{language}.jsonl")]
        for language in ("de", "zh")
    }
    return {"losses": losses, "dev": read_json(cell / "result.json")["dev"]["score"], "predictions": predictions}


@pytest.mark.parametrize("family", sorted(TASK_OF))
def test_the_bits_of_each_family(family: str, tmp_path: Path) -> None:
    golden = read_json(GOLDEN)
    assert golden["numerics_version"] == NUMERICS_VERSION, "new values belong to a new version, and the other way round"
    expected, found = golden["families"][family], run_family(family, tmp_path)
    assert found["losses"] == pytest.approx(expected["losses"], rel=1e-5)
    assert found["dev"] == pytest.approx(expected["dev"])
    for language, values in expected["predictions"].items():
        assert found["predictions"][language] == [_near(value) for value in values]


def _near(value: Any) -> Any:
    """A predicted number, or the score of a mined pair, to five digits."""
    if isinstance(value, dict):
        return {key: _near(each) for key, each in value.items()}
    return pytest.approx(value, rel=1e-5) if isinstance(value, float) else value


def test_the_bits_above_frozen_layers(tmp_path: Path) -> None:
    golden = read_json(GOLDEN)
    assert golden["frozen_numerics_version"] == FROZEN_NUMERICS_VERSION
    expected, found = golden["frozen"], run_family("token_tagging", tmp_path, frozen=1)
    assert found["losses"] == pytest.approx(expected["losses"], rel=1e-5)
    assert found["predictions"] == expected["predictions"]


@pytest.mark.parametrize("architecture", ["bert", "roberta", "xlm-roberta"])
@pytest.mark.parametrize("family", ["sentence_classification", "token_tagging", "masked_lm"])
def test_kept_states_stand_for_frozen_layers(
    family: str, architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = run_family(family, tmp_path / "kept", frozen=1, architecture=architecture)
    monkeypatch.setattr(states, "ALIKE", ())
    anew = run_family(family, tmp_path / "anew", frozen=1, architecture=architecture)
    assert len(list((tmp_path / "kept" / "encoded").rglob("*.texts.npy"))) == 4
    assert list((tmp_path / "anew" / "encoded").rglob("*.texts.npy")) == []
    assert kept["losses"] == pytest.approx(anew["losses"], rel=1e-4)
    assert kept["predictions"] == anew["predictions"]


def test_kept_states_are_used_again_and_belong_to_their_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run_family("token_tagging", tmp_path, frozen=1)
    files = sorted((tmp_path / "encoded").rglob("*.texts.npy"))
    shutil.rmtree(tmp_path / "cells")
    with monkeypatch.context() as patch:
        patch.setattr(states, "_states", None)  # nothing is computed
        assert run_family("token_tagging", tmp_path, frozen=1) == first
    assert sorted((tmp_path / "encoded").rglob("*.texts.npy")) == files
    shutil.rmtree(tmp_path / "cells")
    weights = load_file(tmp_path / "encoder" / "model.safetensors")
    name = next(name for name in weights if "layer.0." in name and name.endswith("weight"))
    save_file({**weights, name: weights[name] + 0.5}, tmp_path / "encoder" / "model.safetensors", {"format": "pt"})
    changed = run_family("token_tagging", tmp_path, frozen=1, found="another")
    assert changed["losses"] != first["losses"]
    assert len(list((tmp_path / "encoded").rglob("*.texts.npy"))) == 2 * len(files)


def test_a_text_that_another_group_has_is_copied_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_family("sentence_classification", tmp_path, frozen=1)
    expected = {path.name: path.read_bytes() for path in (tmp_path / "encoded").rglob("states-*/*.npy")}
    shutil.rmtree(tmp_path / "cells")
    for path in (tmp_path / "encoded").rglob("states-*/*"):
        if not path.name.startswith(sha256_of_json("train")[:40]):
            path.unlink()
    texts, copied = read_rows(tmp_path / "dev.parquet"), states._copied
    counts: list[tuple[int, int]] = []

    def counted(found: Any, names: Any, folder: Path) -> list[int]:
        left = copied(found, names, folder)
        counts.append((len(names), len(left)))
        return left

    monkeypatch.setattr(states, "_copied", counted)
    run_family("sentence_classification", tmp_path, frozen=1, found="tiny")
    assert (len(texts), 0) in counts, "the first eight training sentences are the dev sentences"
    assert {path.name: path.read_bytes() for path in (tmp_path / "encoded").rglob("states-*/*.npy")} == expected


def test_every_family_has_golden_values() -> None:
    from xstilts.tasks import Family

    assert set(TASK_OF) == {family.value for family in Family}


if __name__ == "__main__":
    values = {}
    for each in sorted(TASK_OF):
        with tempfile.TemporaryDirectory() as place:
            values[each] = run_family(each, Path(place))
    with tempfile.TemporaryDirectory() as place:
        frozen_values = run_family("token_tagging", Path(place), frozen=1)
    everything = {
        "numerics_version": NUMERICS_VERSION, "families": values,
        "frozen_numerics_version": FROZEN_NUMERICS_VERSION, "frozen": frozen_values,
    }  # fmt: skip
    text = json.dumps(everything, ensure_ascii=False, indent=1)
    GOLDEN.write_text(text + "\n", "utf-8")
    print(f"wrote {GOLDEN.name}", file=sys.stderr)
