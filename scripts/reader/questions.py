"""Let a language model write the questions that a reader is trained on.

``python -m scripts.reader.questions MODEL.gguf PARAGRAPHS.jsonl OUT.jsonl`` takes any Qwen2 file (the
shipped reader learnt from Qwen2.5-Coder-1.5B-Instruct, Apache-2.0). For each paragraph a few answers are
picked and a question is asked of each; the paragraph is computed once for all of them. OUT grows line by
line and may be used at any time: ``{"article", "text", "start", "end", "kind", "question"}``. Needs gguf.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gguf
import torch
from transformers import AutoTokenizer, DynamicCache, Qwen2Config, Qwen2ForCausalLM
from transformers.cache_utils import DynamicLayer

from rag.evaluation.answer_spans import Target, targets

_PARAGRAPHS_AT_ONCE = 10
_QUESTIONS_EACH = 8
_LONGEST_QUESTION = 26  # tokens
_TEMPERATURE = 0.7
_TOP = 8
_SORTED_TOGETHER = 64

_SYSTEM = "You write questions for a reading test."
_TASK = """I give you a text, and then words of that text. You reply with one short question that is \
answered by exactly these words. Ask as someone who has not seen the text: say what or whom it is about by \
name, never "the text", "he" or "it", and use other words than the text where you can.

Examples, from a text on the Severn Bridge:
Words: 1966 -> When was the bridge across the Severn opened to traffic?
Words: Queen Elizabeth II -> Who performed the opening ceremony of the Severn crossing?
Words: high winds -> What kind of weather closes the bridge to tall lorries?
Words: 5,240 feet -> How long is the Severn Bridge altogether?
Words: reduce congestion -> Why did the government build a second crossing?
Words: suspension bridge -> What type of structure spans the river near Aust?

Text: "{text}"

Words: """

_OUTSIDE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_INSIDE = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}


class Writer:
    """A Qwen2 model in bfloat16: many questions at once are several times as fast as one by one."""

    def __init__(self, path: Path) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        self._model, self._config = _load(path)
        self._end = self._tokenizer.encode("<|im_end|>")[0]

    @torch.inference_mode()
    def write(self, texts: Sequence[str], wanted: Sequence[Sequence[Target]]) -> list[list[str]]:
        """A question for every target of every text."""
        heads = [self._tokenizer.encode(_opening(text)) for text in texts]
        cache = DynamicCache(config=self._config)
        ids, mask = self._padded(heads)
        self._run(ids, mask, (mask.cumsum(1) - 1).clamp(min=0), cache)
        owner = torch.tensor([at for at, several in enumerate(wanted) for _ in several])
        _keep(cache, owner)
        tails = [
            self._tokenizer.encode(_closing(text[target.start : target.end]))
            for text, several in zip(texts, wanted, strict=True)
            for target in several
        ]
        ids, tail_mask = self._padded(tails)
        places = (mask[owner].sum(1, keepdim=True) + tail_mask.cumsum(1) - 1).clamp(min=0)
        written = iter(self._continue(ids, torch.cat([mask[owner], tail_mask], 1), places, cache))
        return [[next(written) for _ in several] for several in wanted]

    def _continue(
        self, ids: torch.Tensor, mask: torch.Tensor, places: torch.Tensor, cache: DynamicCache
    ) -> list[str]:
        tokens: list[list[int]] = [[] for _ in range(len(ids))]
        rows = torch.arange(len(ids))
        states = self._run(ids, mask, places, cache)
        place = places[:, -1]
        for _ in range(_LONGEST_QUESTION):
            top = self._model.lm_head(states).float().topk(_TOP, dim=-1)
            chosen = torch.multinomial(torch.softmax(top.values / _TEMPERATURE, -1), 1)
            following = top.indices.gather(1, chosen).squeeze(1)
            going = []
            for at, row in enumerate(rows.tolist()):
                token = int(following[at])
                if token != self._end:
                    tokens[row].append(token)
                    piece = self._tokenizer.decode([token])
                    if "?" not in piece and "\n" not in piece:
                        going.append(at)
            if not going:
                break
            kept = torch.tensor(going)
            _keep(cache, kept)
            rows, place = rows[kept], place[kept] + 1
            mask = torch.cat([mask[kept], torch.ones(len(kept), 1, dtype=torch.long)], 1)
            states = self._run(following[kept, None], mask, place[:, None], cache)
        return [str(self._tokenizer.decode(one)).strip() for one in tokens]

    def _run(
        self, ids: torch.Tensor, mask: torch.Tensor, places: torch.Tensor, cache: DynamicCache
    ) -> torch.Tensor:
        """The state of the last token of each row."""
        out = self._model.model(
            input_ids=ids, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True
        )
        last: torch.Tensor = out.last_hidden_state[:, -1]
        return last

    def _padded(self, rows: Sequence[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(map(len, rows))
        ids = torch.full((len(rows), width), self._end)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for at, row in enumerate(rows):
            ids[at, width - len(row) :] = torch.tensor(row)
            mask[at, width - len(row) :] = 1
        return ids, mask


def _opening(text: str) -> str:
    return f"<|im_start|>system\n{_SYSTEM}<|im_end|>\n<|im_start|>user\n{_TASK.format(text=text)}"


def _closing(words: str) -> str:
    return f"{words}<|im_end|>\n<|im_start|>assistant\nQuestion:"


def _keep(cache: DynamicCache, rows: torch.Tensor) -> None:
    for layer in cache.layers:
        assert isinstance(layer, DynamicLayer)
        assert layer.keys is not None
        assert layer.values is not None
        layer.keys, layer.values = layer.keys[rows], layer.values[rows]


def _load(path: Path) -> tuple[Any, Qwen2Config]:
    reader = gguf.GGUFReader(path)
    tensors = {tensor.name: tensor for tensor in reader.tensors}

    def value(name: str) -> Any:
        return reader.fields[f"qwen2.{name}"].contents()

    config = Qwen2Config(
        vocab_size=int(tensors["token_embd.weight"].shape[1]),
        hidden_size=value("embedding_length"),
        intermediate_size=value("feed_forward_length"),
        num_hidden_layers=value("block_count"),
        num_attention_heads=value("attention.head_count"),
        num_key_value_heads=value("attention.head_count_kv"),
        rms_norm_eps=value("attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": value("rope.freq_base")},
        max_position_embeddings=8192,
        tie_word_embeddings="output.weight" not in tensors,
    )
    weights = {}
    for name, tensor in tensors.items():
        parts = name.split(".")
        inside = parts[0] == "blk"
        place = f"model.layers.{parts[1]}.{_INSIDE[parts[2]]}" if inside else _OUTSIDE[parts[0]]
        values = torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type).copy())
        weights[f"{place}.{parts[-1]}"] = values.to(torch.bfloat16)
    if config.tie_word_embeddings:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    with torch.device("meta"):
        empty = Qwen2ForCausalLM(config)
    model: Any = empty.to_empty(device="cpu").bfloat16()
    model.load_state_dict(weights)
    model.model.rotary_emb = type(model.model.rotary_emb)(config)  # computed, not stored
    return model.eval(), config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("paragraphs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    torch.manual_seed(arguments.seed)
    rows = [json.loads(line) for line in arguments.paragraphs.read_text().splitlines()]
    chance.shuffle(rows)
    writer = Writer(arguments.model)
    with arguments.out.open("a", buffering=1) as out:
        for at in range(0, len(rows), _SORTED_TOGETHER):
            block = sorted(rows[at : at + _SORTED_TOGETHER], key=lambda row: len(row["text"]))
            for first in range(0, len(block), _PARAGRAPHS_AT_ONCE):
                some = [
                    (row, found)
                    for row in block[first : first + _PARAGRAPHS_AT_ONCE]
                    if (found := targets(row["text"], _QUESTIONS_EACH, chance))
                ]
                texts, wanted = [row["text"] for row, _ in some], [found for _, found in some]
                for (row, found), questions in zip(some, writer.write(texts, wanted), strict=True):
                    for target, question in zip(found, questions, strict=True):
                        line = {"start": target.start, "end": target.end, "kind": target.kind}
                        out.write(json.dumps(row | line | {"question": question}) + "\n")


if __name__ == "__main__":
    main()
