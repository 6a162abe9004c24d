"""The guards of answers given again, in the form of ``mutation_table.Mutation``, which takes them up."""

from __future__ import annotations

from collections.abc import Sequence

_PLACES = ("tests/rag/generation/test_answer_cache.py",)
_AGAIN = ("tests/rag/generation/test_given_again.py", "-k", "replacing or while_the_library")
_STATES = ("tests/rag/stores/test_reuse.py",)
_SAME = ("tests/rag/text/test_same_question.py",)
_CACHE = "rag/generation/answer_cache.py"
_MIGRATION = "rag/stores/migrations/versions/0007_reused_answers.py"

ANSWER_CACHE: Sequence[tuple[str, str, str, str, Sequence[str]]] = (
    (
        "an answer is given again only in the state of the library it was made in",
        _CACHE,
        "if earlier.library != place.library:",
        "if not place.library:",
        _AGAIN,
    ),
    (
        "an answer during which the library changed is not given again",
        _CACHE,
        "                return self._place(tx, asked, sampling) == place\n",
        "                return True\n",
        _AGAIN,
    ),
    (
        "answers are looked for by what the asker may read",
        _CACHE,
        '            "permitted": None if access.collections is None else sorted(access.collections),\n',
        "",
        _PLACES,
    ),
    (
        "answers are looked for by whose they are",
        _CACHE,
        '            "owner": asdict(access.owner),\n',
        "",
        _PLACES,
    ),
    (
        "an answer is found among one's own",
        "rag/stores/reuse.py",
        ".where(answers.c.reuse_key == key, owner.owns(answers))",
        ".where(answers.c.reuse_key == key)",
        _STATES,
    ),
    (
        "a draft is found among one's own",
        "rag/stores/reuse.py",
        ".where(answers.c.draft_key == key, owner.owns(answers))",
        ".where(answers.c.draft_key == key)",
        _STATES,
    ),
    (
        "only whole answers that hold are given again",
        _CACHE,
        "    return answer.status is AnswerStatus.ANSWERED and all(\n",
        "    return answer.status is not None and all(\n",
        _PLACES,
    ),
    (
        "what one writes by chance is not given again",
        _CACHE,
        "        if writer is None or (sampling.temperature or 0) > 0:\n",
        "        if writer is None:\n",
        _PLACES,
    ),
    (
        "a document that changes counts",
        _MIGRATION,
        "AFTER UPDATE ON documents BEGIN",
        "AFTER UPDATE ON documents WHEN false BEGIN",
        _STATES,
    ),
    (
        "better vectors count",
        _MIGRATION,
        "UPDATE OF first_chunk, refined_chunks ON versions BEGIN",
        "UPDATE OF first_chunk, refined_chunks ON versions WHEN false BEGIN",
        _STATES,
    ),
    (
        "a deleted document takes the ways to its answers with it",
        "rag/stores/receipt.py",
        "        reuse=NOT_REUSED,\n",
        "",
        _STATES,
    ),
    (
        "what a follow-up was completed to leaves no digest",
        "rag/stores/answers.py",
        ".values(standalone=None, **dict.fromkeys(_REUSE))",
        ".values(standalone=None)",
        _STATES,
    ),
    (
        "a raised digit is not a digit",
        "rag/text/same_question.py",
        'unicodedata.normalize("NFC", question)',
        'unicodedata.normalize("NFKC", question)',
        _SAME,
    ),
    (
        "capitals inside a question count",
        "rag/text/same_question.py",
        "    plain = plain.rstrip(_AT_THE_END) or plain\n    return",
        "    plain = (plain.rstrip(_AT_THE_END) or plain).lower()\n    return",
        _SAME,
    ),
)
