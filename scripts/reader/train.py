"""Turn the embedder into a span reader.

``python -m scripts.reader.train QUESTIONS.jsonl PARAGRAPHS.jsonl OUT`` starts from the MiniLM weights of
the default embedder and trains start and end of the answer as in BERT (Devlin et al., 2019), with the
classification token standing for "no answer here" as SQuAD 2.0 does. QUESTIONS come from
``scripts.reader.questions``; a paragraph of the same article that does not hold the answer is read
for each as well. Cloze questions made from the sentences themselves come first: they teach what
kind of words answers "when" or "how many" for nothing (Lewis et al., 2019).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import BertModel

from rag.evaluation.answer_spans import Target, targets
from rag.models.locations import default_embedder_path
from rag.text.sentences import sentence_spans
from rag.text.words import STOPWORDS, stems

MAX_TOKENS = 320
_BATCH_TOKENS = 4800
_WIDTH_STEP = 40
_WARM_UP = 0.06
_ARTICLE_SHOWN = 0.6
_VAGUE = re.compile(
    r"\b(?:text|passage|mentioned|described|given|these words|this (?:country|person|type|article)"
    r"|Severn|Aust)\b",
    re.IGNORECASE,
)


Encoded = tuple[list[int], list[int], int, int]
"""Token ids, types, and the tokens where the answer starts and ends."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question beside a text; ``answer`` are offsets of the text, None when it is not there."""

    question: str
    text: str
    article: str
    answer: tuple[int, int] | None


class SpanReader(nn.Module):
    """MiniLM with a start and an end score for every token."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.span = nn.Linear(encoder.config.hidden_size, 2)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """(batch, tokens) each, to (batch, tokens, 2)."""
        hidden = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        scores: torch.Tensor = self.span(hidden)
        return scores


def asked(path: Path) -> list[Example]:
    """Written questions that can be used."""
    found = []
    for line in path.read_text().splitlines():
        row = json.loads(line)
        question = " ".join(row["question"].split())
        answer = row["text"][row["start"] : row["end"]]
        if usable(question, answer, row["text"]):
            found.append(Example(question, row["text"], row["article"], (row["start"], row["end"])))
    return found


def usable(question: str, answer: str, text: str) -> bool:
    """Whether a written question is one: finished, not vague, about the text, without its answer."""
    words = question.split()
    if not question.endswith("?") or not 4 <= len(words) <= 30 or _VAGUE.search(question):
        return False
    told = set(stems(question))
    wanted = set(stems(answer))
    return not wanted <= told and len(told & set(stems(text))) >= 1


def cloze(text: str, target: Target, chance: random.Random) -> str | None:
    """A sentence turned into a question by taking out the answer and some of the other words."""
    for start, end in sentence_spans(text):
        if start <= target.start and target.end <= end:
            rest = text[start : target.start] + " " + text[target.end : end]
            words = [
                w
                for w in re.findall(r"[\w’'-]+", rest)
                if chance.random() > (0.5 if w.lower() in STOPWORDS else 0.35)
            ]
            if len(words) < 3:
                return None
            if chance.random() < 0.4:
                cut = chance.randrange(len(words))
                words = words[cut:] + words[:cut]
            return f"{_opening(text[target.start : target.end], target.kind, chance)} {' '.join(words[:18])}?"
    return None


def _opening(answer: str, kind: str, chance: random.Random) -> str:
    if kind == "number":
        if re.search(r"\b1\d{3}\b|\b20\d\d\b|[A-Z][a-z]+ \d", answer):
            return chance.choice(["When", "When", "In what year", "What year", "On what date"])
        return chance.choice(
            [
                "How many",
                "How many",
                "How much",
                "What number",
                "What percentage" if "%" in answer else "How many",
            ]
        )
    options = {
        "name": ["Who", "Who", "What", "Where", "Which", "What is the name of"],
        "reason": ["Why", "Why", "For what reason", "What for"],
        "term": ["What", "What", "What", "Which", "How", "What kind of"],
    }
    return chance.choice(options.get(kind, ["What"]))


def clozes(paragraphs: Sequence[dict[str, str]], wanted: int, chance: random.Random) -> list[Example]:
    found: list[Example] = []
    while len(found) < wanted:
        row = chance.choice(paragraphs)
        for target in targets(row["text"], 2, chance):
            question = cloze(row["text"], target, chance)
            if question:
                found.append(Example(question, row["text"], row["article"], (target.start, target.end)))
    return found[:wanted]


class Elsewhere:
    """Paragraphs of the same article that share words with a question but not its answer."""

    def __init__(self, paragraphs: Sequence[dict[str, str]]) -> None:
        self._texts: dict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
        for row in paragraphs:
            self._texts[row["article"]].append((row["text"], frozenset(stems(row["text"]))))

    def near(self, example: Example, chance: random.Random) -> Example | None:
        assert example.answer is not None
        answer = example.text[slice(*example.answer)].lower()
        told = frozenset(stems(example.question))
        others = [
            (len(told & held) + chance.random(), text)
            for text, held in self._texts[example.article]
            if text != example.text and answer not in text.lower()
        ]
        return Example(example.question, max(others)[1], example.article, None) if others else None


def batches(
    examples: Sequence[Example], tokenizer: Tokenizer, chance: random.Random
) -> Iterator[dict[str, torch.Tensor]]:
    """Batches of about ``_BATCH_TOKENS``, alike in length, in random order.

    Few shapes: for every new one the matrix library prepares its kernels anew, which takes longer than
    the batch itself. What does not fill the last batch of a width is left out.
    """
    widths: dict[int, list[Encoded]] = defaultdict(list)
    for example in examples:
        one = encode(example, tokenizer, chance)
        if one is not None:
            widths[-(-len(one[0]) // _WIDTH_STEP) * _WIDTH_STEP].append(one)
    groups = []
    for width, several in widths.items():
        size = _BATCH_TOKENS // width
        chance.shuffle(several)
        groups += [(width, several[at : at + size]) for at in range(0, len(several) - size + 1, size)]
    chance.shuffle(groups)
    for width, group in groups:
        yield collate(group, width)


def encode(example: Example, tokenizer: Tokenizer, chance: random.Random) -> Encoded | None:
    """Token ids, types, and the tokens where the answer starts and ends (0, 0 for none)."""
    head = example.article + "\n" if chance.random() < _ARTICLE_SHOWN else ""
    encoding = tokenizer.encode(example.question, head + example.text)
    ids, types = encoding.ids[:MAX_TOKENS], encoding.type_ids[:MAX_TOKENS]
    if example.answer is None:
        return ids, types, 0, 0
    first, last = example.answer[0] + len(head), example.answer[1] + len(head)
    inside = [
        at
        for at, (start, end) in enumerate(encoding.offsets[:MAX_TOKENS])
        if types[at] == 1 and start < last and first < end
    ]
    return (ids, types, inside[0], inside[-1]) if inside else None


def collate(group: Sequence[Encoded], width: int) -> dict[str, torch.Tensor]:
    ids = torch.zeros(len(group), width, dtype=torch.long)
    types, mask = torch.zeros_like(ids), torch.zeros_like(ids)
    for row, (tokens, kinds, _, _) in enumerate(group):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        types[row, : len(tokens)] = torch.tensor(kinds)
        mask[row, : len(tokens)] = 1
    return {
        "input_ids": ids,
        "token_type_ids": types,
        "attention_mask": mask,
        "start": torch.tensor([start for _, _, start, _ in group]),
        "end": torch.tensor([end for *_, end in group]),
    }


def loss_of(scores: torch.Tensor, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Mean of both cross entropies over the text's tokens and the classification token."""
    open_ = batch["token_type_ids"].bool() & batch["attention_mask"].bool()
    open_[:, 0] = True
    masked = scores.float().masked_fill(~open_[..., None], -1e4)
    return (
        nn.functional.cross_entropy(masked[..., 0], batch["start"])
        + nn.functional.cross_entropy(masked[..., 1], batch["end"])
    ) / 2


def train(
    model: SpanReader,
    phases: Sequence[Sequence[Example]],
    tokenizer: Tokenizer,
    chance: random.Random,
    rate: float,
) -> None:
    model.encoder.embeddings.requires_grad_(False)
    planned = [list(batches(examples, tokenizer, chance)) for examples in phases]
    total = sum(map(len, planned))
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda at: min((at + 1) / (total * _WARM_UP), max(0.02, 1 - at / total))
    )
    began, done, running = time.monotonic(), 0, 0.0
    model.train()
    for number, phase in enumerate(planned):
        for batch in phase:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                scores = model(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"])
            loss = loss_of(scores, batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch gives it no types
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            done += 1
            running += (loss.item() - running) / min(done, 40)
            if done % 20 == 0 or done == total:
                left = (time.monotonic() - began) / done * (total - done)
                print(
                    f"phase {number} step {done}/{total} loss {running:.3f}, {left / 60:.1f} min left",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", type=Path, nargs="*")
    parser.add_argument("--paragraphs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clozes", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--rate", type=float, default=1.2e-4, help="the highest learning rate")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    torch.manual_seed(arguments.seed)
    folder = default_embedder_path()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    paragraphs = [json.loads(line) for line in arguments.paragraphs.read_text().splitlines()]
    written = [example for path in arguments.questions for example in asked(path)]
    elsewhere = Elsewhere(paragraphs)
    phases = []
    if arguments.clozes:
        made = clozes(paragraphs, arguments.clozes, chance)
        phases.append(made + [n for one in made[::4] if (n := elsewhere.near(one, chance))])
    for _ in range(arguments.epochs):
        chosen = [n for one in written if chance.random() < 0.6 and (n := elsewhere.near(one, chance))]
        phases.append([*written, *chosen])
    print(f"{len(written)} questions, {[len(phase) for phase in phases]} examples a phase")
    # Dropout and fused attention take two thirds of the time of a model this small on a CPU.
    encoder = BertModel.from_pretrained(
        folder,
        add_pooling_layer=False,
        attn_implementation="eager",
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = SpanReader(encoder)
    if arguments.start:
        model.load_state_dict(torch.load(arguments.start))
    train(model, phases, tokenizer, chance, arguments.rate)
    torch.save(model.state_dict(), arguments.out)


if __name__ == "__main__":
    main()
