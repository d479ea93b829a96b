"""Parameters: typed, refused with a reason, read as DVC reads them."""

from pathlib import Path
from typing import Any

import pytest

from xstilts.config import load_study, read_yaml, study_from
from xstilts.errors import XstiltsError
from xstilts.families import family_of
from xstilts.sources.corpora import CORPORA
from xstilts.sources.corpus import Corpus, language_of
from xstilts.sources.jsonl import part_and_split
from xstilts.tasks import TASKS
from xstilts.tuning import search_space

ROOT = Path(__file__).parents[2]
STUDIES = ["params.yaml", *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("studies/*/params.yaml")))]


def changed(path: str, value: Any) -> Any:
    """The default study's parameters with one key set."""
    values = read_yaml(ROOT / "params.yaml")
    *inner, last = path.split(".")
    place = values
    for key in inner:
        place = place[key]
    place[last] = value
    return values


def message(values: Any) -> str:
    with pytest.raises(XstiltsError) as error:
        study_from(values, "params.yaml")
    return str(error.value)


@pytest.mark.parametrize("path", STUDIES)
def test_the_studies_of_the_project_are_valid(path: str) -> None:
    assert load_study(ROOT, path).params == path


@pytest.mark.parametrize("path", STUDIES)
def test_the_studies_ask_for_languages_that_their_locked_files_have(path: str) -> None:
    locked = read_yaml(ROOT / "sources.lock")["corpora"]
    for name, target in load_study(ROOT, path).targets.items():
        corpus = CORPORA[target.corpus]
        files = locked.get(target.corpus, {}).get("files", {})
        if corpus.source == "jsonl":
            assert files, target.corpus
            parts = [part for part, split in map(part_and_split, files) if split in scored_splits(corpus)]
            assert set(target.languages) <= set(map(language_of, parts)), name


def scored_splits(corpus: Corpus) -> set[str]:
    """The corpus's own names of the splits that its task is scored on."""
    return {corpus.splits[split] for split in family_of(TASKS[corpus.task]).test_splits if split in corpus.splits}


def test_an_unknown_key_is_answered_with_the_nearest_one() -> None:
    told = message(changed("target.default.learning_rat", 1e-5))
    assert "Unknown key 'learning_rat', did you mean 'learning_rate'?" in told
    assert "params.yaml, target.default" in told
    assert "Allowed: batch_size, " in told


def test_an_unknown_top_level_key_is_refused() -> None:
    assert "did you mean 'seeds'" in message(changed("seedz", [1]))


def test_an_unknown_corpus_is_answered_with_the_nearest_one() -> None:
    told = message(changed("targets.kitchen.corpus", "synthetic-review"))
    assert "Unknown corpus 'synthetic-review', did you mean 'synthetic-reviews'?" in told


def test_no_arms_is_refused() -> None:
    told = message(changed("arms.blocks", {}))
    assert "The study has no arms" in told
    assert "Next: add a block" in told


@pytest.mark.parametrize(
    ("path", "value", "wanted"),
    [
        ("target.default.learning_rate", "fast", "a number"),
        ("target.default.learning_rate", 0, "a number above 0"),
        ("target.default.batch_size", 1.5, "a whole number"),
        ("target.default.warmup_fraction", 1.5, "a fraction from 0 to 1"),
        ("target.default.frozen_layers", -1, "0 or more layers"),
        ("target.default.pooling", "max", "'mean' or 'cls'"),
        ("targets.kitchen.pooling", "cls", "others have target.default.pooling"),
        ("targets.kitchen.layer", 7, "no other target has one"),
        ("tune.intermediate_learning_rate", [1e-3, 1e-4], "the lower one first"),
        ("seeds", [], "at least one entry"),
        ("seeds", [1, 1], "each once"),
        ("encoders", "e5-small-q4", "a list"),
        ("precision", "float16", "'float32'"),
        ("targets.kitchen.languages", ["de"], "'en', the source language"),
        ("study", "../up", "a name of"),
    ],
)
def test_wrong_values_say_what_is_allowed(path: str, value: Any, wanted: str) -> None:
    assert wanted in message(changed(path, value))


def test_a_missing_section_is_named() -> None:
    values = read_yaml(ROOT / "params.yaml")
    del values["tune"]
    assert "Key 'tune' is missing" in message(values)


def test_yaml_is_read_as_dvc_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("rate: 1e-5\nlanguages: [no, en]\n")
    assert read_yaml(path) == {"rate": 1e-5, "languages": ["no", "en"]}


def test_overrides_are_typed_as_what_they_stand_for() -> None:
    chosen = {"batch_size": 4.0, "passes": 3, "pooling": "mean"}
    study = study_from(changed("target.overrides", {"kitchen": chosen}), "params.yaml")
    assert study.target.training("kitchen").batch_size == 4
    assert study.target.training("phones").batch_size == 16
    assert [study.target.training(name).pooling for name in ("kitchen", "phones")] == ["mean", "cls"]
    for wrong, wanted in (({"batch_size": 1.5}, "a whole number"), ({"pooling": 1}, "'mean' or 'cls'")):
        assert wanted in message(changed("target.overrides", {"kitchen": wrong}))
    assert "did you mean 'passes'" in message(changed("target.overrides", {"kitchen": {"pases": 3}}))


def test_the_intermediate_phase_is_tuned_in_its_own_range_if_it_has_one() -> None:
    tune = study_from(changed("tune.intermediate_learning_rate", [1e-3, 2e-3]), "params.yaml").tune
    ends = {phase: search_space(tune, phase)["learning_rate"] for phase in ("intermediate", "target")}
    assert (ends["intermediate"].low, ends["intermediate"].high) == (1e-3, 2e-3)
    assert (ends["target"].low, ends["target"].high) == tune.learning_rate
