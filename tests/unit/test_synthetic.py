"""The generator: right grammar, balanced labels, a planted truth, the same bytes every time."""

import json
import re
from collections import Counter

import pytest

from xstilts.arms.overlap import comparable
from xstilts.errors import XstiltsError
from xstilts.files import sha256_of_json
from xstilts.sources.synthetic import BOUND, DOMAINS, FIXED, generate, oracle_accuracy, polarity
from xstilts.sources.synthetic.grammar import Choice, tagged, text
from xstilts.sources.synthetic.lexicon import NOUNS
from xstilts.tasks import TASKS

ROWS = {"train": 120, "dev": 40, "test": 40}
CUES = {cue.en: cue for cue in (*BOUND, *FIXED)}


def made(corpus: str = "synthetic-reviews", kappa: float = 0.6, seed: int = 0) -> dict[tuple[str, str], list[dict]]:
    return generate(corpus, seed=seed, rows=ROWS, kappa=kappa)


def sentence(language: str, noun: str, cue: str, template: int, adverb: int = 0, style: int = 0) -> str:
    words = next(each for nouns in NOUNS.values() for each in nouns if each["en"][1] == noun)
    return text(tagged(language, Choice(template, adverb, words, CUES[cue], style)))


@pytest.mark.parametrize(
    ("language", "noun", "cue", "template", "adverb", "style", "wanted"),
    [
        ("en", "soup", "hot", 0, 0, 0, "The soup was hot."),
        ("en", "screen", "thin", 2, 1, 1, "To be honest, the screen was really thin. That is all."),
        ("en", "plot", "dark", 6, 0, 4, "The plot is still dark. See you soon!"),
        ("de", "cheese", "old", 1, 0, 0, "Ich fand den Käse alt."),
        ("de", "battery", "useless", 3, 2, 0, "Meine Schwester sagt, dass der Akku einfach nutzlos war."),
        ("de", "soup", "cold", 5, 0, 3, "Am Ende war die Suppe kalt. Vielen Dank."),
        ("de", "film", "great", 6, 0, 0, "Der Film ist immer noch großartig."),
        ("es", "soup", "cold", 0, 0, 0, "La sopa estaba fría."),
        ("es", "film", "old", 2, 1, 0, "Sinceramente, la película era realmente vieja."),
        ("es", "bread", "soft", 6, 0, 1, "El pan todavía está blando. Eso es todo."),
        ("es", "phone", "perfect", 1, 0, 0, "Encontré el teléfono perfecto."),
        ("fr", "screen", "dark", 0, 0, 0, "L'écran était sombre."),
        ("fr", "soup", "soft", 1, 0, 0, "J'ai trouvé la soupe molle."),
        ("fr", "story", "old", 4, 1, 1, "Nous pensions tous que l'histoire était vraiment vieille. C'est tout."),
        ("fr", "cable", "disappointing", 6, 0, 0, "Le câble est toujours décevant."),
    ],
)
def test_sentences_agree(
    language: str, noun: str, cue: str, template: int, adverb: int, style: int, wanted: str
) -> None:
    assert sentence(language, noun, cue, template, adverb, style) == wanted


def test_the_same_seed_gives_the_same_rows() -> None:
    assert made() == made()
    assert made() != made(seed=1)
    text = sha256_of_json([[list(key), rows] for key, rows in sorted(made().items())])
    assert (
        text
        == json.loads((__import__("pathlib").Path(__file__).parent / "data" / "synthetic.json").read_text())["sha256"]
    )


def test_labels_and_bound_cues_have_their_shares() -> None:
    for (_, split), rows in made().items():
        for domain in DOMAINS:
            mine = [row for row in rows if row["domain"] == domain]
            assert len(mine) == ROWS[split]
            assert Counter(row["label"] for row in mine) == {"negative": ROWS[split] / 2, "positive": ROWS[split] / 2}
    english = made()["en", "train"]
    bound = [row for row in english if re.search(rf"\b({'|'.join(cue.en for cue in BOUND)})\b", row["text"])]
    assert len(bound) / len(english) == pytest.approx(0.6)


def test_no_cue_is_praise_by_itself() -> None:
    for domain in DOMAINS:
        assert sum(polarity(cue, domain) for cue in BOUND) == len(BOUND) / 2
    assert all(polarity(cue, "kitchen") != polarity(cue, "phones") for cue in BOUND)


def test_test_rows_are_parallel() -> None:
    corpora = made()
    english = corpora["en", "test"]
    for language in ("de", "es", "fr"):
        assert [(row["id"], row["label"]) for row in corpora[language, "test"]] == [
            (row["id"], row["label"]) for row in english
        ]


@pytest.mark.parametrize("corpus", ["synthetic-reviews", "synthetic-tags"])
def test_no_text_stands_twice(corpus: str) -> None:
    texts = []
    for (language, _), rows in made(corpus).items():
        texts += [(language, comparable(row["text"] if "text" in row else " ".join(row["tokens"]))) for row in rows]
    assert len(texts) == len(set(texts))


def test_tags_are_universal_and_as_many_as_tokens() -> None:
    for rows in made("synthetic-tags").values():
        for row in rows:
            assert len(row["tokens"]) == len(row["tags"])
            assert set(row["tags"]) <= set(TASKS["udpos"].labels)


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(XstiltsError, match="distinct sentences"):
        generate("synthetic-reviews", seed=0, rows={"dev": 5000}, kappa=0.6)


def test_the_oracle_knows_the_planted_truth() -> None:
    assert oracle_accuracy({"kitchen": 1.0}, "kitchen", 0.6) == 100.0
    assert oracle_accuracy({"phones": 1.0}, "kitchen", 0.6) == pytest.approx(40.0)
    assert oracle_accuracy({"kitchen": 0.5, "phones": 0.5}, "kitchen", 0.6) == pytest.approx(70.0)
    assert oracle_accuracy({"phones": 1.0}, "kitchen", 0.0) == 100.0
    assert oracle_accuracy({"films": 1.0}, "kitchen", 1.0) == pytest.approx(75.0)
