"""The generator: right grammar, balanced labels, a planted truth, the same bytes every time."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from xstilts.arms.overlap import comparable
from xstilts.errors import XstiltsError
from xstilts.files import read_json, sha256_of_json
from xstilts.sources.corpora import CORPORA
from xstilts.sources.synthetic import DOMAINS, LANGUAGES, generate, mixture_distance, oracle_accuracy
from xstilts.sources.synthetic.grammar import Choice, tagged, text
from xstilts.sources.synthetic.lexicon import lexicon
from xstilts.sources.synthetic.morphology import (
    french_adjective,
    french_article,
    russian_adjective,
    spanish_adjective,
    swahili_adjective,
    swahili_predicate,
    turkish_past,
)
from xstilts.tasks import TASKS

ROWS = {"train": 400, "dev": 40, "test": 40}
GENERATED = sorted(name for name, corpus in CORPORA.items() if corpus.source == "generator")
NOUNS = {noun.name: noun for noun in lexicon().nouns}
CUES = {cue.name: cue for cue in lexicon().cues}
Made = dict[tuple[str, str], list[dict[str, Any]]]


def made(corpus: str = "synthetic-reviews", kappa: float = 0.6, seed: int = 0) -> Made:
    return generate(corpus, seed=seed, rows=ROWS, kappa=kappa)


def sentence(language: str, noun: str, cue: str, template: int = 0, adverb: int = 0, *, this: bool = False) -> str:
    words = lexicon()
    choice = Choice(words.sentences[template], words.adverbs[adverb], NOUNS[noun], this, CUES[cue])
    return text(language, tagged(language, choice))


@pytest.mark.parametrize(
    ("language", "wanted", "arguments"),
    [
        ("en", "The soup was hot.", ("soup", "hot")),
        ("en", "To be honest, the screen was really thin.", ("screen", "thin", 1, 1)),
        ("de", "Meine Schwester sagt, dass der Akku vollkommen nutzlos war.", ("battery", "useless", 2, 2)),
        ("de", "Am Ende war die Suppe kalt.", ("soup", "cold", 4)),
        ("de", "Das Kabel ist immer noch großartig.", ("cable", "great", 5)),
        ("es", "La sopa estaba fría.", ("soup", "cold")),
        ("es", "Sinceramente, la cámara era realmente encantadora.", ("camera", "delightful", 1, 1)),
        ("es", "El pan todavía está blando.", ("bread", "soft", 5)),
        ("es", "La lámpara era sin valor.", ("lamp", "worthless")),
        ("fr", "L'écran était métallique.", ("screen", "metallic")),
        ("fr", "Le haut-parleur était noir.", ("speaker", "black")),
        ("fr", "Nous pensions tous que l'omelette était vraiment molle.", ("omelette", "soft", 3, 1)),
        ("fr", "Le câble est toujours décevant.", ("cable", "disappointing", 5)),
        ("ru", "Суп был горячий.", ("soup", "hot")),
        ("ru", "Надо сказать, что мясо было действительно хорошее.", ("meat", "good", 7, 1)),
        ("ru", "Камера всё ещё плохая.", ("camera", "bad", 5)),
        ("ru", "Печенье было без запаха.", ("biscuit", "odourless")),
        ("zh", "汤是热的。", ("soup", "hot")),
        ("zh", "我姐姐说手机真的是防水的。", ("phone", "waterproof", 2, 1)),
        ("sw", "Supu ilikuwa ya moto.", ("soup", "hot")),
        ("sw", "Kifaa bado kinatoa moshi.", ("device", "smoking", 5)),
        ("sw", "Jana yai lilikuwa halivunjiki.", ("egg", "unbreakable", 6)),
        ("sw", "Mkate bado ni mweusi.", ("bread", "black", 5)),
        ("tr", "Çorba sıcaktı.", ("soup", "hot")),
        ("tr", "İşlemci hâlâ soğuk.", ("processor", "cold", 5)),
        ("tr", "Dün telefon tamamen kötüydü.", ("phone", "bad", 6, 2)),
        ("tr", "Hepimize göre kablo su geçirmezdi.", ("cable", "waterproof", 3)),
        ("de", "Am Ende war der Akku eingedrückt.", ("battery", "dented", 4)),
        ("es", "La pantalla estaba agrietada.", ("screen", "cracked")),
        ("es", "El queso era granuloso.", ("cheese", "grainy")),
        ("fr", "La soupe était fraîche.", ("soup", "fresh")),
        ("fr", "L'écran était poussiéreux.", ("screen", "dusty")),
        ("fr", "La batterie était vieille.", ("battery", "old")),
        ("ru", "Каша была подгоревшая.", ("porridge", "burnt")),
        ("ru", "Кнопка была кривая.", ("button", "crooked")),
        ("ru", "Мясо было свежее.", ("meat", "fresh")),
        ("zh", "屏幕是开裂的。", ("screen", "cracked")),
        ("sw", "Supu ilikuwa nyepesi.", ("soup", "light")),
        ("sw", "Mkate ulikuwa mzito.", ("bread", "heavy")),
        ("sw", "Jana yai lilikuwa limepasuka.", ("egg", "cracked", 6)),
        ("sw", "Keki ilikuwa kuukuu.", ("cake", "old")),
        ("tr", "Ekmek altın sarısıydı.", ("bread", "golden")),
        ("tr", "Ekran çatlaktı.", ("screen", "cracked")),
    ],
)
def test_sentences_agree(language: str, wanted: str, arguments: tuple[Any, ...]) -> None:
    assert sentence(language, *arguments) == wanted


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        ("en", "This egg was soft."),
        ("de", "Dieses Ei war weich."),
        ("es", "Este huevo estaba blando."),
        ("fr", "Cet œuf était mou."),
        ("ru", "Это яйцо было мягкое."),
        ("zh", "这个鸡蛋是软的。"),
        ("sw", "Yai hili lilikuwa laini."),
        ("tr", "Bu yumurta yumuşaktı."),
    ],
)
def test_a_thing_is_pointed_at(language: str, wanted: str) -> None:
    assert sentence(language, "egg", "soft", this=True) == wanted


@pytest.mark.parametrize(
    ("masculine", "feminine", "neuter"),
    [
        ("горячий", "горячая", "горячее"),
        ("хороший", "хорошая", "хорошее"),
        ("плохой", "плохая", "плохое"),
        ("мягкий", "мягкая", "мягкое"),
        ("чёрный", "чёрная", "чёрное"),
        ("дымящийся", "дымящаяся", "дымящееся"),
        ("выдающийся", "выдающаяся", "выдающееся"),
    ],
)
def test_russian_adjectives(masculine: str, feminine: str, neuter: str) -> None:
    assert [russian_adjective(masculine, gender) for gender in "mfn"] == [masculine, feminine, neuter]


@pytest.mark.parametrize(
    ("stem", "forms"),
    [
        ("zuri", ["mzuri", "zuri", "kizuri", "nzuri"]),
        ("baya", ["mbaya", "baya", "kibaya", "mbaya"]),
        ("kubwa", ["mkubwa", "kubwa", "kikubwa", "kubwa"]),
        ("gumu", ["mgumu", "gumu", "kigumu", "ngumu"]),
        ("nene", ["mnene", "nene", "kinene", "nene"]),
        ("eusi", ["mweusi", "jeusi", "cheusi", "nyeusi"]),
        ("embamba", ["mwembamba", "jembamba", "chembamba", "nyembamba"]),
    ],
)
def test_swahili_adjectives(stem: str, forms: list[str]) -> None:
    assert [swahili_adjective(stem, noun_class) for noun_class in "3579"] == forms


def test_swahili_predicates() -> None:
    assert [swahili_predicate("-a", each)[0] for each in "3579"] == ["wa", "la", "cha", "ya"]
    assert [swahili_predicate("-enye", each)[0] for each in "3579"] == ["wenye", "lenye", "chenye", "yenye"]
    assert [swahili_predicate("+me:yeyuka", each)[0] for each in "3579"] == [
        "umeyeyuka", "limeyeyuka", "kimeyeyuka", "imeyeyuka",
    ]  # fmt: skip
    assert [swahili_predicate("!vunjiki", each)[0] for each in "3579"] == [
        "hauvunjiki", "halivunjiki", "hakivunjiki", "haivunjiki",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "past"),
    [
        ("sıcak", "sıcaktı"), ("yumuşak", "yumuşaktı"), ("iyi", "iyiydi"), ("kötü", "kötüydü"), ("kuru", "kuruydu"),
        ("korkunç", "korkunçtu"), ("küçük", "küçüktü"), ("kalın", "kalındı"), ("ideal", "idealdi"),
        ("vasat", "vasattı"), ("harika", "harikaydı"), ("gibi", "gibiydi"), ("nahoş", "nahoştu"),
    ],
)  # fmt: skip
def test_turkish_past(word: str, past: str) -> None:
    assert turkish_past(word) == past


def test_romance_forms() -> None:
    assert [spanish_adjective(form, "f") for form in ("frío", "caliente", "encantador/encantadora", "ideal")] == [
        "fría", "caliente", "encantadora", "ideal",
    ]  # fmt: skip
    assert [french_adjective(form, "f") for form in ("chaud", "gonflé", "ennuyeux", "rustique", "bon/bonne")] == [
        "chaude", "gonflée", "ennuyeuse", "rustique", "bonne",
    ]  # fmt: skip
    assert [french_article("m", "yaourt", this=this) for this in (False, True)] == ["le", "ce"]
    assert [french_article("m", "écran", this=this) for this in (False, True)] == ["l'", "cet"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cue_and_a_noun_are_one_word_of_a_language_and_no_others(language: str) -> None:
    """A translation keeps the truth only if no two cues, and no two things, fall together."""
    assert len({cue.forms[language] for cue in CUES.values()}) == len(CUES)
    assert len({noun.forms[language][1] for noun in NOUNS.values()}) == len(NOUNS)
    pieces = [each[language] for group in (lexicon().sentences, lexicon().adverbs) for each in group]
    assert len(set(pieces)) == len(pieces)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_can_be_read_back(language: str) -> None:
    """From the words of a language alone, thing and cue are found again, for every pair of them."""
    words = lexicon()
    seen: dict[str, tuple[str, str]] = {}
    for noun, cue in itertools.product(words.nouns, words.cues):
        choice = Choice(words.sentences[0], words.adverbs[0], noun, False, cue)
        written = text(language, tagged(language, choice))
        assert seen.setdefault(written, (noun.name, cue.name)) == (noun.name, cue.name)
        assert not set("/|=~+!@") & set(written.rstrip(".!。"))
    assert len(seen) == len(words.nouns) * len(words.cues)


def test_about_a_hundred_cues_are_balanced_in_each_domain() -> None:
    bound = Counter(cue.praises for cue in CUES.values() if cue.bound)
    assert bound == dict.fromkeys(itertools.product((True, False), repeat=len(DOMAINS)), 25)
    assert Counter(cue.praises for cue in CUES.values() if not cue.bound) == {(True, True): 25, (False, False): 25}


def test_the_same_seed_gives_the_same_rows() -> None:
    assert made() == made()
    assert made() != made(seed=1)
    found = sha256_of_json([[list(key), rows] for key, rows in sorted(made().items())])
    assert found == read_json(Path(__file__).parent / "data" / "synthetic.json")["sha256"]


@pytest.mark.parametrize(("corpus", "opposed"), [("synthetic-reviews", True), ("synthetic-reviews-fixed", False)])
def test_labels_and_bound_cues_have_their_shares(corpus: str, opposed: bool) -> None:
    bound = {cue.name for cue in CUES.values() if cue.bound}
    turned = {cue.name for cue in CUES.values() if not cue.agrees}
    for (language, split), rows in made(corpus).items():
        for domain in DOMAINS:
            mine = [row for row in rows if row["domain"] == domain]
            assert len(mine) == ROWS[split]
            assert Counter(row["label"] for row in mine) == {"negative": ROWS[split] / 2, "positive": ROWS[split] / 2}
            if language == "en":
                said = [set(row["text"].replace(".", "").lower().split()) for row in mine]
                assert sum(bool(words & bound) for words in said) / len(mine) == 0.6
                assert any(words & turned for words in said) == opposed


def test_every_cue_is_as_frequent_as_the_others_of_its_kind() -> None:
    said = Counter(
        word for row in made()["en", "train"] for word in row["text"].lower().replace(".", "").split() if word in CUES
    )
    bound = [said[name] for name, cue in CUES.items() if cue.bound]
    assert max(bound) - min(bound) <= 2
    assert min(bound) > 1


def test_test_rows_are_parallel() -> None:
    corpora = made()
    for language in LANGUAGES:
        assert [(row["id"], row["label"]) for row in corpora[language, "test"]] == [
            (row["id"], row["label"]) for row in corpora["en", "test"]
        ]


@pytest.mark.parametrize("corpus", GENERATED)
def test_no_text_stands_twice(corpus: str) -> None:
    texts = []
    for (language, _), rows in made(corpus).items():
        for row in rows:
            said = row.get("text") or row.get("text_a") or " ".join(row["tokens"])
            texts.append((language, comparable(said)))
    assert len(texts) > 100
    assert len(texts) == len(set(texts))


def test_tags_are_universal_and_as_many_as_tokens() -> None:
    for rows in made("synthetic-tags").values():
        for row in rows:
            assert len(row["tokens"]) == len(row["tags"])
            assert set(row["tags"]) <= set(TASKS["udpos"].labels)


def test_a_translation_stands_beside_its_english() -> None:
    corpora = made("synthetic-parallel")
    assert {language for language, _ in corpora} == set(LANGUAGES) - {"en"}
    english = {row["id"]: row["text_b"] for row in corpora["de", "test"]}
    assert len(set(english.values())) == 2 * ROWS["test"]
    for rows in corpora.values():
        assert {row["id"]: row["text_b"] for row in rows} == english


def test_a_name_plays_or_is_visited() -> None:
    rows = made("synthetic-entities")
    for (language, split), found in rows.items():
        for domain, bound in (("sport", "ORG"), ("travel", "LOC")):
            mine = [row for row in found if row["domain"] == domain]
            labels = Counter(tag for row in mine for tag in row["tags"] if tag.startswith("B-"))
            assert set(labels) == {f"B-{bound}", "B-PER"}, (language, split, domain)
            assert labels[f"B-{bound}"] / len(mine) == 0.6
            assert set(tag for row in mine for tag in row["tags"]) <= set(TASKS["panx"].labels)
    english = {domain: {row["tokens"][row["tags"].index(label)] for row in rows["en", "train"] if label in row["tags"]}
               for domain, label in (("sport", "B-ORG"), ("travel", "B-LOC"))}  # fmt: skip
    assert english["sport"] == english["travel"]
    german = rows["de", "test"][0]
    assert [row["id"] for row in rows["de", "test"]] == [row["id"] for row in rows["zh", "test"]]
    assert german["tokens"][0][0].isupper()


def test_too_many_rows_are_refused() -> None:
    for corpus in ("synthetic-reviews", "synthetic-entities"):
        with pytest.raises(XstiltsError, match="distinct sentences"):
            generate(corpus, seed=0, rows={"dev": 100_000}, kappa=0.6)


def test_tens_of_thousands_of_rows_are_made() -> None:
    rows = generate("synthetic-reviews", seed=0, rows={"train": 20_000}, kappa=0.6)["en", "train"]
    assert len({row["text"] for row in rows}) == 40_000


def test_the_oracle_and_the_distance_know_the_planted_truth() -> None:
    assert oracle_accuracy({"kitchen": 1.0}, "kitchen", 0.6) == 100.0
    assert oracle_accuracy({"phones": 1.0}, "kitchen", 0.6) == pytest.approx(70.0)
    assert oracle_accuracy({"kitchen": 0.5, "phones": 0.5}, "kitchen", 0.6) == pytest.approx(85.0)
    assert oracle_accuracy({"phones": 1.0}, "kitchen", 0.0) == 100.0
    assert mixture_distance({"kitchen": 0.75, "phones": 0.25}, "kitchen") == pytest.approx(0.5)
    assert mixture_distance({"phones": 1.0}, "kitchen") == 2.0


def test_no_text_belongs_to_two_domains() -> None:
    """So the total variation distance of two domains is 1, and a mixture's distance has its closed form."""
    rows = made("synthetic-reviews")["en", "train"]
    by_domain = {domain: {row["text"] for row in rows if row["domain"] == domain} for domain in DOMAINS}
    assert not by_domain["kitchen"] & by_domain["phones"]
