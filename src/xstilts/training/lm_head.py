"""The head that an encoder was pretrained with, kept beside its checkpoint; its last matrix is the embedding itself."""

from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import linear
from transformers import AutoConfig, AutoModelForMaskedLM, PretrainedConfig
from transformers.initialization import no_init_weights

from xstilts.encoders.checkpoint import LM_HEAD, lm_head_file

DECODER = "decoder"
PREFIX = "predict."


class LMHead(nn.Module):
    """Hidden states [m, h] to logits [m, v] over the whole vocabulary.

    Args:
        predict: transformers' head, whose module ``decoder`` is replaced by a product with the encoder's embedding.
        embedding: of the encoder; it is trained there, and is not part of this module.
    """

    def __init__(self, predict: nn.Module, embedding: nn.Module) -> None:
        super().__init__()
        self.predict = predict
        path = next(name for name, _ in predict.named_modules() if name.split(".")[-1] == DECODER)
        parent = predict.get_submodule(path.rpartition(".")[0])
        setattr(parent, DECODER, _Tied(embedding, parent.decoder.bias))  # type: ignore[arg-type,union-attr]

    def forward(self, hidden: Tensor) -> Tensor:
        """[m, h] to [m, v]."""
        result: Tensor = self.predict(hidden)
        return result


class _Tied(nn.Module):
    def __init__(self, embedding: nn.Module, bias: nn.Parameter) -> None:
        super().__init__()
        self._embedding = (embedding,)  # in a tuple: it is the encoder's and not a module of the head
        self.bias = bias

    def forward(self, hidden: Tensor) -> Tensor:
        weight: Tensor = self._embedding[0].weight  # type: ignore[assignment]
        return linear(hidden, weight.to(hidden.dtype), self.bias)


def save_lm_head(source: Path, folder: Path) -> bool:
    """Keep the head of a checkpoint folder as ``lm_head.safetensors``, if it has one whole.

    Args:
        source: as its authors saved it.
        folder: the project's own checkpoint of it.

    Returns:
        Whether there is one: transformers knows a single module for it, and no tensor of it is missing.
    """
    try:
        model, account = AutoModelForMaskedLM.from_pretrained(
            source, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
    except ValueError:  # no such head for this architecture
        return False
    names = _head_names(model)
    if len(names) != 1 or any(key.startswith(f"{names[0]}.") for key in account["missing_keys"]):
        return False
    kept = _without_decoder(model.get_submodule(names[0]).state_dict().items())
    save_file(kept, folder / LM_HEAD, metadata={"format": "pt"})
    return True


def load_lm_head(base: Path, encoder: nn.Module) -> LMHead:
    """The pretrained head on an encoder that holds the whole vocabulary.

    Args:
        base: checkpoint folder of the base encoder.
        encoder: whose embedding the head shares.

    Raises:
        XstiltsError: if the checkpoint has no head.
    """
    tensors = {PREFIX + key: tensor.float() for key, tensor in load_file(lm_head_file(base)).items()}
    head = LMHead(_empty(AutoConfig.from_pretrained(base)), encoder.get_input_embeddings())  # type: ignore[operator]
    head.load_state_dict(tensors, strict=True, assign=True)
    return head


def _empty(config: PretrainedConfig) -> nn.Module:
    """The head as transformers builds it, without values."""
    with torch.device("meta"), no_init_weights():
        model = AutoModelForMaskedLM.from_config(config)
    (name,) = _head_names(model)
    found: nn.Module = model.get_submodule(name)
    return found


def _head_names(model: nn.Module) -> list[str]:
    return [name for name, _ in model.named_children() if name != model.base_model_prefix]


def _without_decoder(tensors: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
    """All but the matrix that is the embedding."""
    return {
        name: tensor.detach().clone().contiguous() for name, tensor in tensors if not name.endswith(f"{DECODER}.weight")
    }
