"""The same PDF by LangChain's usual parts: PyPDFLoader, RecursiveCharacterTextSplitter, FAISS.

``python -m tests.benchmarks.langchain_peer FILE`` prints seconds and chunks as JSON. The model is the same,
loaded and warm before the clock starts, run by sentence-transformers as LangChain runs it. Needs
``tests/benchmarks/peers.txt`` installed.
"""

from __future__ import annotations

import json
import os
import sys
import time

from langchain_community.document_loaders import PyPDFLoader
from langchain_community.vectorstores import FAISS
from langchain_text_splitters import RecursiveCharacterTextSplitter

from rag.models.embeddings import SentenceTransformerEmbeddings
from rag.models.locations import default_embedder_path
from rag.models.tokenizer import OffsetTokenizer


def main() -> None:
    embeddings = SentenceTransformerEmbeddings(default_embedder_path(), threads=os.cpu_count())
    embeddings.embed_query("The first text is the slowest.")
    tokenizer = OffsetTokenizer(default_embedder_path())
    began = time.monotonic()
    pages = PyPDFLoader(sys.argv[1]).load()
    # Chunks of the size that the model reads, as ours are: the splitter's own default would be cut off.
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=200, chunk_overlap=20, length_function=tokenizer.count
    )
    chunks = splitter.split_documents(pages)
    FAISS.from_documents(chunks, embeddings)
    seconds = time.monotonic() - began
    print(json.dumps({"seconds": seconds, "pages": len(pages), "chunks_read": len(chunks)}))


if __name__ == "__main__":
    main()
