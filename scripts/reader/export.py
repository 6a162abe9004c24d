"""Write a trained reader as a small ONNX file: ``python -m scripts.reader.export WEIGHTS.pt OUT.onnx``.

Matrices are stored as eight-bit integers with one scale a column, the word embeddings with one a row, and
made whole again when the file is opened: rounding what flows through the model as well would be a third
faster, but moves its log-odds by more than 1, and by what else is in the batch. Needs onnx and onnxscript,
which nothing else in Footnote does.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from transformers import BertModel

from rag.models.locations import default_embedder_path
from scripts.reader.train import SpanReader

_SMALLEST = 10_000
"""Values of a matrix that is worth storing in another form."""


def main() -> None:
    weights, out = Path(sys.argv[1]), Path(sys.argv[2])
    encoder = BertModel.from_pretrained(
        default_embedder_path(), add_pooling_layer=False, attn_implementation="eager"
    )
    model = SpanReader(encoder)
    model.load_state_dict(torch.load(weights))
    model.eval()
    ids = torch.ones(2, 16, dtype=torch.long)
    sizes = {0: torch.export.Dim("texts", min=1, max=512), 1: torch.export.Dim("tokens", min=2, max=512)}
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        torch.onnx.export(
            model,
            (ids, torch.ones_like(ids), torch.zeros_like(ids)),
            whole,
            input_names=["input_ids", "attention_mask", "token_type_ids"],
            output_names=["scores"],
            dynamic_shapes=(sizes, sizes, sizes),
            dynamo=True,
            external_data=False,
        )
        model_file = onnx.load(whole)
    _shrink(model_file.graph)
    _forget_origin(model_file)
    onnx.checker.check_model(model_file)
    onnx.save(model_file, out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


def _shrink(graph: onnx.GraphProto) -> None:
    """Store every large matrix as int8 with scales, and put the step in front that undoes it."""
    looked_up = {name for node in graph.node if node.op_type == "Gather" for name in node.input}
    nodes = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.ndim != 2 or values.size < _SMALLEST or values.dtype != np.float32:
            continue
        axis = 0 if tensor.name in looked_up else 1
        scales = np.maximum(np.abs(values).max(axis=1 - axis), 1e-8).astype(np.float32) / 127
        rounded = np.rint(values / (scales[:, None] if axis == 0 else scales[None, :])).astype(np.int8)
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(rounded, f"{tensor.name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scales, f"{tensor.name}_scale"))
        inputs = [f"{tensor.name}_int8", f"{tensor.name}_scale"]
        nodes.append(helper.make_node("DequantizeLinear", inputs, [tensor.name], axis=axis))
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])


def _forget_origin(model: onnx.ModelProto) -> None:
    """Drop what the exporter notes of the machine and the source lines it ran on."""
    del model.metadata_props[:]
    for part in [
        model.graph,
        *model.graph.node,
        *model.graph.value_info,
        *model.graph.input,
        *model.graph.output,
    ]:
        part.doc_string = ""
        del part.metadata_props[:]


if __name__ == "__main__":
    main()
