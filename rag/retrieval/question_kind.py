"""What a question needs to be answered, read off its words: one place, or many. Pure functions of text.

Only what is certain leaves the way of a lookup. "How many volunteers does the museum have?" is one: the
number stands in the text. "How many of the invoices mention cement?" is not: somebody has to count.
The rules are for English; a question in another language is a lookup.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.records import QuestionKind
from rag.text.framing import without_framing
from rag.text.words import STOPWORDS, words

_LONGEST = 400
"""Characters: what is longer tells a story, and its form says little about what is wanted."""

DOCUMENT_NOUNS = frozenset(
    """
    documents document files file notes note invoices invoice letters letter reports report contracts contract
    emails email mails mail messages message papers paper articles article books book minutes memos memo
    protocols protocol texts text pdfs pdf presentations presentation transcripts transcript chapters chapter
    receipts receipt orders order tickets ticket studies study sources source manuals manual policies policy
    """.split()
)
ROW_NOUNS = frozenset("rows row entries entry records record lines line items item".split())
_SINGULAR_IN_S = frozenset(
    """
    series species news physics politics mathematics economics headquarters gas bus lens chaos basis analysis
    status process business class access success address always perhaps does was is has this its his thus
    """.split()
)
_PLURAL_WITHOUT_S = frozenset("people men women children persons staff criteria phenomena data media".split())

_FILE_NAME = re.compile(
    r"\b[\w-]+\.(?:pdf|docx?|txt|md|html?|csv|tsv|xlsx?|pptx?|odt|odp|epub|eml|msg|rtf|json)\b", re.I
)
_POLITE = re.compile(
    r"^(?:please|can you|could you|would you|will you|i want you to|i would like you to|kindly|now)[\s,]+",
    re.I,
)
_WHERE_TO_LOOK = re.compile(
    r"[\s,]*(?:\b(?:in|from|among|across|within|of)\s+(?:all\s+(?:of\s+)?)?(?:the|these|this|those|my|our|your|all)"
    r"\s+(?:documents?|files?|library|collections?|tables?|lists?|spreadsheets?|sheets?|texts?|archive|folder|data)"
    r"|\b(?:there|here))\s*$",
    re.I,
)
_BOUNDARY = frozenset(
    """
    that which who whose whom where with without in from of for about by on at to into under over between
    during mentioning containing naming and or are is was were have has had do does did can could will would
    should may mention mentions mentioned contain contains say says refer refers discuss discusses talk talks
    name names
    """.split()
)
SAYING = frozenset(
    """
    mention mentions mentioned mentioning contain contains contained containing say says said refer refers
    referred discuss discusses discussed talk talks name names named speak speaks describe describes described
    cite cites cited include includes included list listed lists concern concerns report reported show shows
    find found there word words term phrase
    """.split()
)
"""Words that say only that something stands in a text."""

_CANNOT_BE_LOOKED_UP = re.compile(
    r"\b(?:not|n't|never|without|no|none|except|excluding|over|above|below|under|more|less|fewer|greater|higher"
    r"|lower|larger|smaller|older|younger|newer|before|after|since|until|between|at least|at most"
    r"|exceed(?:s|ing)?|most|least|average|total|only|both|either|each|same|longer|shorter)\b|[<>]",
    re.I,
)
"""Conditions that words standing in a text do not prove."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question taken apart.

    ``unit`` is the noun of what is listed or counted, ``condition`` what must hold of each, in the
    question's own words; ``checkable`` says whether that can be told by the words of a text. ``things`` are
    compared as to ``about``, which for a summary is what is to be summarised.
    """

    kind: QuestionKind
    unit: str = ""
    condition: str = ""
    checkable: bool = True
    things: tuple[str, ...] = ()
    about: str = ""


LOOKUP = Asked(QuestionKind.LOOKUP)


def question_kind(question: str) -> QuestionKind:
    """The kind alone; see ``take_apart``."""
    return take_apart(question).kind


def take_apart(question: str) -> Asked:
    """What is wanted, and of what. A question that fits no rule is a lookup."""
    plain = _POLITE.sub("", " ".join(question.split())).rstrip(" ?.!")
    if not plain or len(plain) > _LONGEST:
        return LOOKUP
    # "Give me a list of" is how a list is asked for, and would be taken for a frame.
    itself = without_framing(plain)
    return _fitting(plain) or (_fitting(itself) if itself != plain else None) or LOOKUP


def _fitting(plain: str) -> Asked | None:
    return _summary(plain) or _comparison(plain) or _count(plain) or _list(plain)


# Summaries

_SUMMARISE = re.compile(
    r"^(?:summari[sz]e|sum up|tl;?dr:?|(?:give|write|make|show)(?: me)? (?:a|an|the)(?: \w+){0,2}? "
    r"(?:summary|overview|gist|outline|synopsis) (?:of|on|about)|(?:a |the )?(?:short |brief )?summary of"
    r"|overview of|what (?:is|would be) (?:the|a)(?: \w+)? (?:summary|gist) of)\s*(?P<of>.*)$",
    re.I,
)
_POINTS = re.compile(
    r"^what (?:is|are|were) the (?:main|key|central|major|most important|principal|overall) "
    r"(?:points?|ideas?|findings?|topics?|conclusions?|takeaways?|themes?|messages?|arguments?|results?|contributions?)"
    r" (?:of|in|from|made in) (?P<of>.+)$",
    re.I,
)
_ABOUT = re.compile(
    r"^what(?:'s| is| are| was| does| do| did) (?P<of>.+?) (?:(?:all )?about|cover|deal with|treat)$", re.I
)


def _summary(plain: str) -> Asked | None:
    match = _SUMMARISE.match(plain)
    if match is None:
        match = _POINTS.match(plain) or _ABOUT.match(plain)
        if match is None or not _names_document(match["of"]):
            return None
    return Asked(QuestionKind.SUMMARY, about=match["of"].strip())


def _names_document(text: str) -> bool:
    return bool(_FILE_NAME.search(text)) or any(word in DOCUMENT_NOUNS for word in words(text))


# Comparisons

_AS_TO = (
    r"(?:,? (?:in terms of|regarding|with respect to|with regard to|as to|concerning|in their|by their|in)"
    r" (?P<as>.+))?$"
)
_X_AND_Y = r"(?P<x>.+?) (?:with|to|and|against|versus|vs\.?) (?P<y>.+?)"
_COMPARED = tuple(
    re.compile(pattern + _AS_TO, re.I)
    for pattern in (
        rf"^(?:compare|contrast|compare and contrast) {_X_AND_Y}",
        r"^what (?:is|are|was|were) the (?:\w+ ){0,2}(?:differences?|similarit(?:y|ies)|distinctions?)"
        r" between (?P<x>.+?) and (?P<y>.+?)",
        r"^(?:a |the )?(?:comparison|differences?) (?:of|between) (?P<x>.+?) (?:and|with|to) (?P<y>.+?)",
        r"^how (?:do|does|did|is|are|was|were) (?P<x>.+?) (?:differ|different|compare|compared)"
        r" (?:from|with|to|than) (?P<y>.+?)",
        r"^how (?:do|does|did|are|were) (?P<x>.+?) and (?P<y>.+?) (?:differ|different|compare)",
        r"^what (?:do|does|did) (?P<x>.+?) and (?P<y>.+?) have in common",
        r"^(?P<x>[\w'’-]+(?: [\w'’-]+){0,4}) (?:vs\.?|versus) (?P<y>[\w'’-]+(?: [\w'’-]+){0,4}?)",
    )
)
_CHOICE = re.compile(
    r"^(?P<as>(?:which|who|what)\b[^,]*\b"
    r"(?:\w{2,}er|more|less|fewer|first|last|earlier|later|better|worse)\b[^,]*)"
    r"[,:] (?P<x>[^,]+(?:, [^,]+)*?),? or (?P<y>.+)$",
    re.I,
)
_THAN = re.compile(
    r"^(?:is|are|was|were|does|do|did|has|have|had) (?P<x>(?:(?! (?:more|less|fewer)\b).)+?) "
    r"(?P<as>(?:much |far |slightly |a lot )?(?:\w{3,}er|more|less|fewer)(?: \w+){0,3}?) than (?P<y>.+)$",
    re.I,
)
_SECOND_QUESTION = re.compile(r",? (?:and|but) (?:what|how|why|which|who|when|where)\b.*$", re.I)
_NOT_COMPARED = frozenset("it he she they we you i there this that these those".split())
_NOTHING_IN_PARTICULAR = re.compile(
    r"\b(?:others?|another|previous|earlier|traditional|existing|those|advanced|prior|usual|rest"
    r"|the same|how|what)\b",
    re.I,
)
"""What is compared with these is compared in one place, if anywhere: there is no second thing to look up."""
_MOST_THINGS = 4
_LONGEST_NAME = 4
"""Words of a thing in an enumeration; longer ones are clauses, and an "and" between them joins no things."""


def _comparison(plain: str) -> Asked | None:
    plain = _SECOND_QUESTION.sub("", plain)
    for pattern in _COMPARED:
        if match := pattern.match(plain):
            return _compared(match["x"], match["y"], match["as"] or "")
    if match := _CHOICE.match(plain) or _THAN.match(plain):
        return _compared(match["x"], match["y"], " ".join(_content(match["as"])))
    return None


def _compared(left: str, right: str, about: str) -> Asked | None:
    """Things are told from what they share: "the height of A and B" compares A and B as to height."""
    shared = re.match(r"(?P<what>.+? (?:of|for|between|in|at)) (?P<thing>.+)$", left, re.I)
    owned = re.match(r"(?P<thing>[\w-]+)['’]s (?P<what>.+)$", left)
    numbered = re.match(r"(?P<what>.+?) (?P<thing>\d[\d.,/-]*)$", left)
    if re.fullmatch(r"\d[\d.,/-]*", right) and numbered:
        shared = numbered
    if (part := owned or shared) and not re.search(r" (?:of|for|between|in|at) |['’]s ", right):
        about, left = f"{part['what']} {about}".strip(), part["thing"]
    things = _enumerated(left, right)
    if any(not _content(one) or words(one)[0] in _NOT_COMPARED for one in things):
        return None
    if any(_NOTHING_IN_PARTICULAR.search(one) for one in things):
        return None
    return Asked(QuestionKind.COMPARISON, things=things, about=about.strip())


def _enumerated(left: str, right: str) -> tuple[str, ...]:
    parts = [part.strip() for side in (left, right) for part in re.split(r",\s*(?:and\s+)?| and ", side)]
    named = tuple(dict.fromkeys(re.sub(r"^(?:both|the two \w+) ", "", part) for part in parts if part))
    few = 2 <= len(named) <= _MOST_THINGS and all(len(one.split()) <= _LONGEST_NAME for one in named)
    return named if few else (left.strip(), right.strip())


# Counts and lists

_OURS = r"of (?:the|these|those|my|our|your)"
_HOW_MANY = re.compile(
    rf"^(?:in |across |to )?how many (?P<of>(?:different )?(?:{_OURS} )?)(?P<rest>.+)$", re.I
)
_COUNT = re.compile(r"^count (?:all )?(?:of )?(?:the |my |our )?(?P<rest>.+)$", re.I)
_LIST = re.compile(
    r"^(?:list|enumerate|(?:name|give(?: me)?|show(?: me)?|find(?: me)?|tell me|collect|get(?: me)?|mention) "
    r"(?=(?:all|every|each)\b)|make a list of|give(?: me)? a list of)\s*(?:all|every|each|any)?\s*(?:of )?"
    r"(?:the |my |our )?(?!price\b|item\b)(?P<rest>\w.+)$",
    re.I,
)
_WHICH = re.compile(
    rf"^(?P<in>in |on )?(?P<word>which|what)(?P<are> are)?(?P<all> all)?(?P<of> {_OURS})?(?: the)?"
    r" (?P<rest>.+)$",
    re.I,
)
_NUMERAL = re.compile(r"^(?:\d+|two|three|four|five|six|seven|eight|nine|ten|one|other|first|last)\b", re.I)
_IN_TABLE = re.compile(r"\b(?:in|are) (?:the|this|that|our|my) (?:table|list|spreadsheet|sheet|csv)\b", re.I)
_SINGULAR_VERB = frozenset("is was has does".split())


def _count(plain: str) -> Asked | None:
    """Things that are counted in the documents, not a number that stands in one of them."""
    if match := _COUNT.match(plain):
        head, at = _head(match["rest"])
        return _asked(QuestionKind.COUNT, match["rest"], head, at) if head else None
    match = _HOW_MANY.match(plain)
    if match is None:
        return None
    head, at = _head(match["rest"])
    told = words(" ".join(match["rest"].split()[at + 1 :]))
    of_ours = "of " in match["of"]
    in_documents = head in DOCUMENT_NOUNS | ROW_NOUNS and any(
        word in SAYING or word == "about" for word in told
    )
    in_table = bool(_IN_TABLE.search(plain))
    if head and (of_ours or in_documents or in_table):
        return _asked(QuestionKind.COUNT, match["rest"], head, at)
    return None


def _list(plain: str) -> Asked | None:
    if match := _LIST.match(plain):
        head, at = _head(match["rest"], commanded=True)
        return _asked(QuestionKind.LIST, match["rest"], head, at) if head else None
    match = _WHICH.match(plain)
    if match is None or _NUMERAL.match(match["rest"]):
        return None
    head, at = _head(match["rest"])
    told = words(" ".join(match["rest"].split()[at + 1 :]))
    if not head or not told or (told[0] in _SINGULAR_VERB and not match["in"]):
        return None
    # "Which problem consists of …" has no plural before its verb, "Which invoices mention …" begins with one.
    is_first = at == 0 and match["word"].lower() == "which" and match["rest"][0].islower()
    in_documents = head in DOCUMENT_NOUNS | ROW_NOUNS and any(
        word in SAYING or word == "about" for word in told
    )
    if match["of"] or match["all"] or in_documents or (is_first and not match["are"]):
        return _asked(QuestionKind.LIST, match["rest"], head, at)
    return None


def _asked(kind: QuestionKind, rest: str, head: str, at: int) -> Asked:
    tokens = _WHERE_TO_LOOK.sub("", rest).split()
    condition = " ".join([*tokens[:at], *tokens[at + 1 :]])
    checkable = not _CANNOT_BE_LOOKED_UP.search(condition) and " or " not in f" {condition} "
    return Asked(kind, unit=head, condition=condition, checkable=checkable)


def _head(rest: str, *, commanded: bool = False) -> tuple[str, int]:
    """The noun of what is asked for and its place among the words; "" if there is no plural one.

    A command ("list the staff of …") may also name a whole by a singular.
    """
    last = ("", 0)
    for at, token in enumerate(rest.split()[:6]):
        word = next(iter(words(token)), "")
        if at and (word in _BOUNDARY or word in STOPWORDS):
            break
        if is_plural(word):
            return word, at
        if token.endswith((",", ":")):
            break
        last = (word, at)
    return last if commanded else ("", 0)


def is_plural(word: str) -> bool:
    """Whether a lower-case English noun names several."""
    if word in _PLURAL_WITHOUT_S:
        return True
    return (
        len(word) > 3
        and word.endswith("s")
        and not word.endswith(("ss", "us", "is"))
        and word not in _SINGULAR_IN_S
    )


def _content(text: str) -> list[str]:
    return [word for word in words(text) if word not in STOPWORDS]
