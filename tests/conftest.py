"""Shared fixtures: tiny encoders made from a config, and a project folder with a tiny study."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from xstilts.quiet import quiet

ROOT = Path(__file__).parents[1]
SENTENCES = {
    "en": "the soup was hot and good but phone screen is bad we like this old film very much today not",
    "de": "die suppe war heiß und gut aber das telefon ist schlecht wir mögen alten film sehr heute nicht",
    "zh": "今 天 天 气 很 好 我 们 喜 欢 这 部 电 影 不",
}
WORDS = {language: text.split() for language, text in SENTENCES.items()}
TAGS = ("NOUN", "VERB", "ADJ", "DET", "ADV")


def pytest_configure(config: pytest.Config) -> None:
    quiet()
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Real data are used where they are, and said to be missing where they are not."""
    for item in items:
        if item.get_closest_marker("real_data") and not os.environ.get("XSTILTS_DATA"):
            item.add_marker(pytest.mark.skip(reason="XSTILTS_DATA names no folder of real corpora"))


def tiny_tokenizer() -> Any:
    """A Unigram tokenizer with XLM-R's marks, over a few words and all their letters."""
    from xstilts.encoders.checkpoint import unigram_tokenizer
    from xstilts.encoders.wheel import Packed

    letters = sorted(
        {letter for words in WORDS.values() for word in words for letter in word}
        | set("abcdefghijklmnopqrstuvwxyz0123456789")
    )
    whole = sorted({f"▁{word}" for language in ("en", "de") for word in WORDS[language]})
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(piece, -5.0) for piece in whole] + [(letter, -8.0) for letter in letters]
    packed = Packed(
        hidden=32, vocabulary=len(pieces), layers=2, heads=2, feed_forward=64, max_positions=64, type_vocabulary=2,
        layer_norm_eps=1e-12, pieces=pieces, special={"bos": 0, "eos": 2, "pad": 1, "unk": 3}, tensors={},
    )  # fmt: skip
    tokenizer = unigram_tokenizer(packed)
    tokenizer.mask_token = "<unk>"  # a subword of its own would change the tiny encoders' weights
    return tokenizer


def write_tiny_encoder(folder: Path, architecture: str = "bert") -> Path:
    """A two-layer encoder of some architecture, with ramps for weights: the same bits on every machine."""
    import torch
    from transformers import AutoConfig, AutoModel

    from xstilts.training.lm_head import save_lm_head

    tokenizer = tiny_tokenizer()
    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64, "max_position_embeddings": 80, "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    if architecture == "xlnet":
        sizes = {
            "vocab_size": len(tokenizer),
            "d_model": 32,
            "n_layer": 2,
            "n_head": 2,
            "d_inner": 64,
            "pad_token_id": 1,
        }
        tokenizer.padding_side = tokenizer.init_kwargs["padding_side"] = "left"
    if architecture == "deberta-v2":  # as mDeBERTa-v3: no absolute places, no token types
        sizes |= {
            "relative_attention": True, "position_buckets": 16, "pos_att_type": ["p2c", "c2p"], "share_att_key": True,
            "norm_rel_ebd": "layer_norm", "position_biased_input": False, "type_vocab_size": 0,
        }  # fmt: skip
    config = AutoConfig.for_model(architecture, **sizes)
    if architecture in ("roberta", "xlm-roberta", "deberta-v2"):
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = AutoModel.from_config(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if architecture != "xlnet":
        write_with_lm_head(with_head(folder), config, tokenizer)
        save_lm_head(with_head(folder), folder)
    return folder


def with_head(folder: Path) -> Path:
    """Where ``write_tiny_encoder`` puts a second encoder; the first one has its head of masked language modelling."""
    return folder.with_name(f"{folder.name}-with-head")


def write_with_lm_head(folder: Path, config: Any, tokenizer: Any) -> None:
    """An encoder and its head, as its authors would save them."""
    import torch
    from transformers import AutoModelForMaskedLM

    with torch.random.fork_rng():
        torch.manual_seed(8)
        model = AutoModelForMaskedLM.from_config(config)
        for tensor in model.parameters():  # biases too: they begin at zero
            tensor.data += 0.05 * torch.randn(tensor.shape)
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny BERT."""
    return write_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


def sentences(language: str, count: int, seed: int, prefix: str) -> list[dict[str, Any]]:
    """Distinct tagged sentences; the tag follows from the word, so that it can be learnt."""
    from xstilts.seeds import generator

    rng = generator(seed, language, prefix)
    rows, seen = [], set()
    while len(rows) < count:
        words = tuple(rng.choice(WORDS[language], rng.integers(6, 14)))
        if words not in seen:
            seen.add(words)
            tags = [TAGS[WORDS[language].index(word) % len(TAGS)] for word in words]
            rows.append(
                {"id": f"{prefix}-d{len(rows) // 4}-{len(rows)}", "tokens": [str(word) for word in words], "tags": tags}
            )
    return rows


def write_corpus(folder: Path, files: dict[str, list[dict[str, Any]]]) -> None:
    """Write ``<part>.<split>.jsonl.gz`` files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))


def write_tiny_data(data: Path) -> Path:
    """A JSONL folder with an arms' corpus of five domains and a target corpus of three languages."""
    domains = ("news", "bio", "court", "essay", "vlog")
    train = [{**row, "domain": domain} for domain in domains for row in sentences("en", 60, 1, f"gum-{domain}")]
    write_corpus(data / "udpos_domain", {"en_gum.train": train})
    files = {"en.train": sentences("en", 40, 2, "train"), "en.dev": sentences("en", 40, 3, "dev")}
    files |= {f"{language}.test": sentences(language, 20, 4, "test") for language in ("en", "de", "zh")}
    write_corpus(data / "udpos", files)
    return data


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of ``write_tiny_data``."""
    return write_tiny_data(tmp_path_factory.mktemp("data"))


TINY_PARAMS = """
study: {study}
title: A tiny study for tests
wdir: {wdir}
params: {params}
encoders: [tiny]
corpora: [udpos, udpos_domain]
seeds: [0]
precision: float32
encoder: {{local: {{tiny: encoders/tiny}}}}
fetch: {{}}
validate: {{overlap_min_characters: 20}}
arms:
  labelled_items: 200
  dev_items: 60
  controls: [word-order]
  blocks:
    gum: {{corpus: udpos_domain, part: en_gum, domains: [{domains}]}}
targets:
  udpos: {{corpus: udpos, languages: [en, de, zh], train_rows: 16, dev_rows: 20, test_rows: 10}}
diverge: {{primary: char_ngrams, rows: 20, folds: 3, repeats: 1, components: 8, shuffles: 3}}
tune: {{trials: {trials}, batch: 2}}
intermediate: {{learning_rate: 1e-3, passes: 1, batch_size: 8, max_length: 32}}
target: {{default: {{learning_rate: 1e-3, passes: 2, batch_size: 8, max_length: 32}}}}
analyse: {{confidence: 0.95, plateau_points: 0.3, negligible_share: 0.25}}
register: {{intermediate: champions}}
runtime: {{workers: 2, device: cpu}}
"""


class Project:
    """A copy of the project's pipeline in a temporary folder, with tiny data and a tiny encoder."""

    def __init__(self, root: Path, data: Path) -> None:
        self.root, self.data = root, data
        self.environment = os.environ | {
            "XSTILTS_DATA": str(data),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "XSTILTS_STORE": "",
        }
        self.environment.pop("MLFLOW_TRACKING_URI", None)

    def write_study(
        self, study: str = "quickstart", *, domains: str = "news, bio, court, essay", trials: int = 0
    ) -> Path:
        """Write a study's params.yaml; the default one stands at the top."""
        inside = study != "quickstart"
        name = f"studies/{study}/params.yaml" if inside else "params.yaml"
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        wdir = "../.." if inside else "."
        path.write_text(TINY_PARAMS.format(study=study, wdir=wdir, params=name, domains=domains, trials=trials))
        if inside and not (path.parent / "dvc.yaml").is_symlink():
            (path.parent / "dvc.yaml").symlink_to("../../dvc.yaml")
        return path

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project; its output is in the error when it fails."""
        done = subprocess.run(
            command, cwd=self.root, env=self.environment | environment, capture_output=True, text=True, check=False
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def xstilts(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return self.run(sys.executable, "-m", "xstilts", *arguments, check=check, **environment)

    def dvc(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run DVC."""
        return self.run(sys.executable, "-m", "dvc", *arguments, check=check, **environment)

    def lock(self) -> None:
        """Accept the data as they are."""
        self.xstilts("lock", "--corpus", "udpos", "--corpus", "udpos_domain")


def new_project(root: Path, data: Path, encoder: Path) -> Project:
    """A project folder of its own around some data and a tiny encoder."""
    root.mkdir()
    shutil.copytree(encoder, root / "encoders" / "tiny")
    shutil.copy(ROOT / "dvc.yaml", root)
    shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (root / ".dvcignore").write_text((ROOT / ".dvcignore").read_text())
    (root / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    (root / "sources.lock").write_text("corpora: {}\nencoders: {tiny: {sha256: ''}}\n")
    project = Project(root, data)
    for command in (
        ("git", "init", "-q"),
        ("git", "config", "user.email", "t@localhost"),
        ("git", "config", "user.name", "t"),
    ):
        project.run(*command)
    project.dvc("init", "-q")
    project.dvc("config", "cache.type", "hardlink,copy")
    project.write_study()
    project.lock()
    return project


@pytest.fixture
def make_project(tmp_path: Path, tiny_data: Path, tiny_encoder: Path) -> Callable[[], Project]:
    """Makes a project of its own, with its own copy of the data."""

    def make() -> Project:
        data = tmp_path / "data"
        shutil.copytree(tiny_data, data)
        return new_project(tmp_path / "project", data, tiny_encoder)

    return make
