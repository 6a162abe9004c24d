"""How far two forms of one model are apart: what each expects next, token by token, of the same text.

Questions answered rightly or wrongly are a coarse measure, of which a hundred are needed to see a difference.
Here every token of a text counts: the Kullback-Leibler divergence of the two distributions, and how often
both hold the same token for the most probable, as llama.cpp's own perplexity tool has it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rag.models import gguf
from rag.models.generation import PromptPart
from rag.models.llama_context import LlamaContext, Logits
from rag.models.llama_model import LlamaModel
from rag.models.model_rounds import manual

WINDOWS = 6
WINDOW = 128
_SKIPPED = 16
"""At the beginning of a window there is little to expect anything from."""


def compare(reference: Path, candidate: Path, threads: int) -> dict[str, Any]:
    """``agreement``, ``divergence`` (mean, nats), ``perplexity`` of both and the number of ``tokens``.

    Raises:
        Unavailable: ``model_unusable``, also when the two have not the same vocabulary.
    """
    first, second = (LlamaModel(path, cpu_kernels=True) for path in (reference, candidate))
    text = PromptPart(manual()[: WINDOWS * WINDOW * 8])
    tokens = first.tokenize([text])[: WINDOWS * WINDOW]
    if first.size != second.size or tokens != second.tokenize([text])[: WINDOWS * WINDOW]:
        raise gguf.unusable(f"{candidate.name} has another vocabulary than {reference.name}")
    contexts = [
        LlamaContext(model, cells=WINDOW, sequences=1, batch=WINDOW, threads=threads)
        for model in (first, second)
    ]
    agreed, divergence, surprise = 0, 0.0, [0.0, 0.0]
    counted = 0
    for at in range(0, len(tokens) - WINDOW + 1, WINDOW):
        window = tokens[at : at + WINDOW]
        both = [_expected(context, window) for context in contexts]
        following = np.asarray(window[_SKIPPED + 1 :])
        agreed += int((both[0].argmax(axis=1) == both[1].argmax(axis=1)).sum())
        divergence += float((np.exp(both[0]) * (both[0] - both[1])).sum())
        for which, expected in enumerate(both):
            surprise[which] -= float(expected[np.arange(len(following)), following].sum())
        counted += len(following)
    return {
        "tokens": counted,
        "agreement": agreed / counted,
        "divergence": divergence / counted,
        "reference_perplexity": float(np.exp(surprise[0] / counted)),
        "perplexity": float(np.exp(surprise[1] / counted)),
    }


def _expected(context: LlamaContext, window: list[int]) -> Logits:
    """Logarithms of the probabilities of what follows each token from ``_SKIPPED`` on but the last."""
    context.clear()
    context.begin()
    wanted = len(window) - _SKIPPED
    place = context.add(0, window, 0, wanted=wanted)
    context.compute()
    rows = np.stack([context.logits(place + n) for n in range(wanted - 1)])
    rows -= rows.max(axis=1, keepdims=True)
    expected: Logits = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return expected
