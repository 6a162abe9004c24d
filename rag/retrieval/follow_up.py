"""Questions that only make sense after the ones before, and how to ask them so that they stand alone.

Rules over words, for English; other languages are left as they are. What is pointed at is looked for in the
last exchange first, question before answer, and put in the place of the word that points. A question that
names what it is about is never touched, so that a new topic brings nothing of the old one along.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.retrieval.mentions import Mention, bare_plurals, mentions, names_in, person_like, plural
from rag.text.words import STOPWORDS, content_words, stem, words

_LONGEST = 300
"""Characters: who writes more says what it is about."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier question as it was understood, and the answer; empty where that is not kept."""

    question: str
    answer: str = ""


_AUX = (
    r"(?:is|are|was|were|be|been|do|does|did|has|have|had|can|could|will|would|should|may|might|must|'s|’s"
    r"|isn['’]t|wasn['’]t|didn['’]t|doesn['’]t)"
)
_WH = r"(?:who|whom|whose|what|which|when|where|why|how)"
_ENGLISH = frozenset(
    """
    the what when who whom whose how which why where is are did does do of and about in it he she they its his
    their
    that this those these there for to on at by with from many much but or then one ones second first has
    have
    """.split()
)
_OTHER = frozenset(
    """
    der die das und ist wie wer wann wo wurde war es er ihr sie den dem ein eine nicht auf mit von zu im
    le la les des du est qui que quoi quand et une dans pour sur il elle el los las y es quien cuando donde
    por
    come che di della il lo gli quando dove perche chi
    """.split()
)

_PRONOUN = re.compile(
    r"\b(?P<it>it|its)\b|\b(?P<he>he|him|his|she|her|hers)\b|\b(?P<they>they|them|their|theirs)\b",
    re.IGNORECASE,
)
_POSSESSIVE = frozenset("its his their".split())
_NEW_CLAUSE = re.compile(
    r"[,;:]|\b(?:when|if|because|that|after|before|while|who|which|where|and|but|since|although|as|than|\w+ing)\b",
    re.IGNORECASE,
)
_SUBJECT_NOUN = re.compile(
    rf"{_WH} (?:(?!{_AUX}\b)\w+ )?(?!{_AUX}\b|this\b)(?:\w+s|people|country|company|city|team|king|man)"
    rf" (?!{_AUX}\b)\w",
    re.IGNORECASE,
)
_EXPLETIVE = re.compile(
    r"\b(?:is|was|it['’]?s) it (?:true|possible|necessary|legal|illegal|allowed|permitted|common|safe"
    r"|required|worth|raining|important|better|easy|hard|difficult)\b"
    r"|\bit (?:take|takes|took|cost|costs|mean|means|rain|rains|snow) .*\bto\b|\bit called when\b"
    r"|\bwhat time is it\b|\bmake it (?:possible|easier)\b|\b(?:it (?:is|was)|(?:is|was) it) (?:that|who)\b",
    re.IGNORECASE,
)
_DEMONSTRATIVE = re.compile(
    rf"(?:^|\b(?:{_AUX}|{_WH}|in|on|at|of|for|by|with|from|to|about|after|before|under|during|since|like|than|and|but"
    r"|because|why|into|through|against|all))\s+(?P<which>this|that|these|those|such)"
    r"(?!\s+(?:the|a|an|he|she|it|they|we|you|i|there|who|which)\b)(?:\s+(?P<noun>[^\W\d_][\w-]*))?",
    re.IGNORECASE,
)
_THAT_NOUN = re.compile(
    r"\b(?:(?P<which>that)\s+(?P<noun>(?!\w+ed\b)[^\W\d_][\w-]*)(?=\s*[?.!]*$))"
    r"|\b(?P<these>these|those)\s+(?P<things>\w+s)\b",
    re.IGNORECASE,
)
"""Elsewhere "that" may begin a clause about what stands before it."""
_HERE = frozenset(
    "document documents file files paper papers report library collection text week month year day".split()
)
"""Nouns by which "this …" means what is at hand, not what was said."""
_THERE = re.compile(
    rf"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )\bthere\b(?!\s+{_AUX})(?=\s*(?:[?.!,]|$|then))", re.I
)
_ORDINAL = re.compile(
    r"\bthe (?P<one>first|second|third|fourth|fifth|last|other|next|former|latter|same) ones?\b"
    r"|\bthe (?P<nth>first|second|third|fourth|fifth|last|other|others|former|latter|same)"
    r"(?=\s*(?:[?.!,]|$)|\s+(?:of|in|and|is|was|do|does|did|has|have|again|built|made|known|born|\w+ed)\b)"
    r"|\b(?:which|what|that|this) ones?\b",
    re.IGNORECASE,
)
_PLACES = {
    "first": 0,
    "former": 0,
    "second": 1,
    "latter": 1,
    "other": 1,
    "third": 2,
    "fourth": 3,
    "fifth": 4,
    "last": -1,
}
_LEAD = re.compile(
    r"^(?:(?:and|but|or|so|also|then|ok|okay|well)\b[\s,]*)*(?:(?:what|how) about\b\s*)?", re.IGNORECASE
)
_ABOUT = re.compile(r"\b(?:what|how) about\b", re.IGNORECASE)
_BARE = re.compile(
    rf"^(?:(?:since|until|till|by|from|for|to|with|of|about) )?{_WH}"
    r"(?: (?:not|so|else|exactly|long|many|much|often|old|far|high|big|then|come|for|ones?|year|date))?"
    r"\s*[?.!]*$",
    re.IGNORECASE,
)
_NEEDS_MORE = re.compile(
    rf"^(?:who|what) (?:\w+ed|won|lost|led|wrote|built|made|said|paid|came|died|did so|else \w+|knew|took"
    r"|gave|bought)"
    r"(?: (?:and|next|then|first|last|again))?\s*\?*$"
    rf"|^how (?:many|much)(?: \w+)?(?: {_AUX}(?: \w+ed)?)?\s*\?*$"
    rf"|^(?:what|which) (?:year|date|day|month|colou?r|kind|type|size|country|city|age|time)\s*\?*$"
    r"|^how (?:old|long|high|far|big|deep|wide|large|tall|heavy|often)\s*\?*$|^which\s*\?*$",
    re.IGNORECASE,
)
_COUNTED_ELSEWHERE = re.compile(
    rf"^{_WH}(?: (?:many|much|long|old|high|often))? (?P<phrase>"
    rf"(?:in|on|at|by|with|from|to|for|after|before|during|of) (?:(?!{_AUX}\b)[^?])+)\??$",
    re.IGNORECASE,
)
"""What is left of a question but its time or place: "And how many in 1960?"."""
_PREPOSITION = re.compile(
    r"^(?:in|on|at|by|with|from|to|for|after|before|during|since|until|under|without|within|between|of|as|near)\b",
    re.I,
)
_VERBAL = re.compile(rf"\b{_AUX}\b|\b{_WH}\b", re.IGNORECASE)


def depends_on_history(question: str) -> bool:
    """Whether a question cannot be understood without what was said before."""
    text = " ".join(question.split())
    if not text or len(text) > _LONGEST or not _is_english(text):
        return False
    return bool(
        _is_fragment(text)
        or next(_pointers(text), None)
        or _NEEDS_MORE.match(_LEAD.sub("", text))
        or (_ORDINAL.search(text) and not names_in(text))
    )


def standalone(question: str, earlier: Sequence[Exchange]) -> str:
    """The question as it would be asked without a conversation around it; as it is where it stands alone.

    Args:
        earlier: the exchanges before it, the last one last.
    """
    text = " ".join(question.split())
    if not earlier or not depends_on_history(text):
        return question
    last = earlier[-1]
    if _is_fragment(text):
        return _from_fragment(_LEAD.sub("", text), last, with_about=bool(_ABOUT.search(text)))
    return _with_antecedents(text, earlier)


def understood(turns: Sequence[tuple[str, str]]) -> tuple[Exchange, ...]:
    """A conversation as somebody else kept it, pairs of question and answer as they were said: each question
    as it would stand alone after those before it."""
    exchanges: list[Exchange] = []
    for question, answer in turns:
        exchanges.append(Exchange(standalone(question, exchanges), answer))
    return tuple(exchanges)


def _is_english(text: str) -> bool:
    found = words(text)
    if any(ord(letter) > 0x24F and letter.isalpha() for letter in text):
        return False
    ours = sum(word in _ENGLISH for word in found)
    theirs = sum(word in _OTHER for word in found)
    return ours > theirs or (0 < len(found) <= 2 and found[0] in _ENGLISH)


def _is_fragment(text: str) -> bool:
    """A part of a question whose rest was said before: "And in 1990?", "What about Molde?", "Why?"."""
    rest = _LEAD.sub("", text)
    if _BARE.match(rest):
        return True
    led = rest != text
    short = len(words(rest)) <= 8
    if led and short and (not _VERBAL.search(rest) or _COUNTED_ELSEWHERE.match(rest)):
        return True
    return bool(short and _PREPOSITION.match(rest) and not _VERBAL.search(rest) and len(words(rest)) <= 5)


@dataclass(frozen=True, slots=True)
class _Pointer:
    """``text[start:end]`` points back; ``role`` says to what: it, he, they, there, that (``noun``)."""

    start: int
    end: int
    role: str
    word: str
    noun: str = ""
    owns: bool = False


def _pointers(text: str) -> Iterator[_Pointer]:
    """The words of a question that point at something it does not name itself, in order."""
    expletive = [match.span() for match in _EXPLETIVE.finditer(text)]
    for match in _PRONOUN.finditer(text):
        if any(start <= match.start() < end for start, end in expletive):
            continue
        if not _answered_before(text, match):
            role = str(match.lastgroup)
            yield _Pointer(match.start(), match.end(), role, match[0].lower(), owns=_owns(text, match))
    for match in [*_DEMONSTRATIVE.finditer(text), *_THAT_NOUN.finditer(text)]:
        which, noun = _parts(match)
        if noun in _HERE or which == "such" or (which == "that" and noun.endswith("ed")):
            continue
        if which in ("that", "those") and _PREPOSITION.match(
            noun
        ):  # "the fees are lower than those of others"
            continue
        is_noun = bool(noun) and noun not in STOPWORDS and not re.fullmatch(_AUX, noun)
        end = match.end() if is_noun else match.start() + match[0].lower().index(which) + len(which)
        start = match.start() + match[0].lower().rindex(which, 0, end - match.start())
        yield _Pointer(start, end, "that", which, noun if is_noun else "")
    for match in _THERE.finditer(text):
        yield _Pointer(match.start(), match.end(), "there", "there")


def _parts(match: re.Match[str]) -> tuple[str, str]:
    """The demonstrative and its noun, in lower case."""
    groups = match.groupdict()
    which, noun = groups["which"] or groups.get("these"), groups["noun"] or groups.get("things")
    return (which or "").lower(), (noun or "").lower()


def _owns(text: str, pronoun: re.Match[str]) -> bool:
    """Whether the pronoun says whose something is: "her office", not "after her"."""
    following = next(iter(words(text[pronoun.end() :])), "")
    if pronoun[0].lower() == "her":
        return bool(following) and following not in STOPWORDS
    return pronoun[0].lower() in _POSSESSIVE


def _answered_before(text: str, pronoun: re.Match[str]) -> bool:
    """Whether the question itself names what the pronoun stands for: "When did the mayor open her office?".

    In one clause with what it names only a pronoun that owns can stand: in "Who is the head of it?" the
    head is somebody else (N. Chomsky, Lectures on government and binding, 1981, principle B).
    """
    before = text[: pronoun.start()]
    named = [one for one in mentions(before) if one.named or one.definite]
    if pronoun.lastgroup == "he":
        named = [one for one in named if person_like(one) or (one.definite and not one.named)]
    if _SUBJECT_NOUN.match(before):
        return True  # "Which country changed its flag?", "How many people lost their homes?"
    if not named:
        asked = re.search(rf"[, ]{_WH}\b", text[pronoun.end() :], re.IGNORECASE)
        opens = not re.search(rf"\b(?:{_WH}|{_AUX})\b", before, re.IGNORECASE)
        return bool(asked and opens and names_in(text[pronoun.end() + asked.end() :]))
    if _owns(text, pronoun):
        return True
    if re.search(rf"\b{_AUX}\s+$", before, re.IGNORECASE):
        return bool(_NEW_CLAUSE.search(before, named[0].end))
    embedded = pronoun[0].lower() in ("he", "she", "they")
    return embedded or bool(_NEW_CLAUSE.search(before, named[0].end))


def _with_antecedents(text: str, earlier: Sequence[Exchange]) -> str:
    last = earlier[-1]
    pieces: list[str] = []
    at = 0
    found: list[str] = []
    for pointer in sorted(_pointers(text), key=lambda one: one.start):
        if pointer.start < at:
            continue
        meant = _antecedent(pointer, earlier)
        if meant is None:
            continue
        said = meant if meant not in found else ""
        found.append(meant)
        pieces += [text[at : pointer.start], _in_place(pointer, said or text[pointer.start : pointer.end])]
        at = pointer.end
    completed = "".join([*pieces, text[at:]])
    if (match := _ORDINAL.search(completed)) and (chosen := _nth(match[0], last)):
        completed = completed[: match.start()] + chosen + completed[match.end() :]
        found.append(chosen)
    missing = _left_over(completed, last, found)
    return f"{completed} ({missing})" if missing else completed


def _in_place(pointer: _Pointer, meant: str) -> str:
    if pointer.start and meant.startswith(("The ", "A ", "An ")):
        meant = meant[0].lower() + meant[1:]
    if meant.lower() == pointer.word:
        return meant
    if pointer.role == "there":
        return meant if _PREPOSITION.match(meant) else f"in {meant}"
    if pointer.owns:
        return f"{meant}’" if meant.endswith("s") else f"{meant}’s"
    return meant


def _left_over(completed: str, last: Exchange, found: Sequence[str]) -> str:
    """Where nothing with a name has been put in: what the last question asked about besides."""
    known = {stem(word) for word in words(completed)}
    if found:
        if any(one.named for name in found for one in mentions(name)):
            return ""  # whatever else was spoken of would only draw the search away
        return " ".join(one.text for one in names_in(last.question) if not _known(one.text, known))
    subject = [word for word in content_words(last.question) if stem(word) not in known]
    return " ".join(_as_written(last.question, subject))


def _known(text: str, stems_known: set[str]) -> bool:
    return {stem(word) for word in content_words(text)} <= stems_known


def _antecedent(pointer: _Pointer, earlier: Sequence[Exchange]) -> str | None:
    for exchange in reversed(earlier[-3:]):
        candidates = list(_candidates(pointer, exchange))
        if candidates:
            return candidates[0].text
    return None


def _candidates(pointer: _Pointer, exchange: Exchange) -> Iterator[Mention]:
    """What a pointer may mean in an exchange, likeliest first."""
    asked = mentions(exchange.question)
    known = {stem(word) for word in words(exchange.question)}
    told = [one for one in mentions(exchange.answer) if not _known(one.text, known)]
    opens = exchange.question.lower().lstrip()
    if pointer.role == "he":
        pool = (
            [*told, *asked]
            if re.match(r"(?:\w+ )?who\b|(?:in |to |by )?who[ms]?e?\b", opens)
            else [*asked, *told]
        )
        yield from (one for one in pool if person_like(one))
        yield from (one for one in asked if one.definite and not one.named)
        yield from (one for one in pool if one.named)
    elif pointer.role == "they":
        yield from (one for one in [*asked, *told] if plural(one))
        yield from bare_plurals(exchange.question)
        yield from asked
        yield from (one for one in told if one.named)
    elif pointer.role == "there":
        yield from (one for one in [*asked, *told] if one.place)
        yield from (one for one in [*asked, *told] if one.named)
        yield from asked
    elif pointer.role == "that":
        both = [*asked, *told]
        yield from (one for one in both if pointer.noun and stem(pointer.noun) in map(stem, words(one.text)))
        yield from (one for one in asked if one.named and not person_like(one))
        yield from (one for one in asked if not person_like(one))
    else:
        # "Which party won?": whatever won is what is spoken of next.
        asks_which = re.match(rf"(?:which|what) (?!{_AUX}\b)[a-z]+ (?!{_AUX}\b)[a-z]+", opens)
        names = [one for one in told if one.named]
        for pool in [names, asked] if asks_which else [asked, told]:
            yield from (one for one in pool if one.named and not person_like(one) and not plural(one))
            yield from (one for one in pool if one.named)
            yield from (one for one in pool if not plural(one))
            yield from pool


# Fragments


def _from_fragment(rest: str, last: Exchange, *, with_about: bool) -> str:
    fragment = rest.rstrip(" ?.!")
    asked = last.question.rstrip(" ?.!")
    if _ORDINAL.search(fragment) or not fragment:
        chosen = _nth(fragment, last)
        return f"{chosen or fragment} ({_core(asked)})?"
    if match := _COUNTED_ELSEWHERE.match(fragment):
        return f"{_with_phrase(asked, match['phrase'])}?"
    if _VERBAL.match(fragment) or _BARE.match(fragment):
        core = _core(asked)
        return f"{fragment} {core}?" if re.match(rf"{_AUX}\b", core, re.I) else f"{fragment} ({core})?"
    if _PREPOSITION.match(fragment) and not with_about:
        return f"{_with_phrase(asked, fragment)}?"
    return f"{_replaced(asked, fragment)}?"


def _core(asked: str) -> str:
    """What a question is about, without the word that asks."""
    core = re.sub(
        rf"^(?:(?:in|on|at|by|for|to|from|with|since) )?{_WH}\b\s*(?:many|much|long|old|far)?\s*",
        "",
        asked,
        flags=re.I,
    )
    return core or asked


def _with_phrase(asked: str, phrase: str) -> str:
    """The question with its own phrase of that kind replaced, or the new one added."""
    year = re.compile(r"\b(?:1\d|20)\d\d\b")
    if (new := year.search(phrase)) and year.search(asked) and len(words(phrase)) <= 2:
        return year.sub(new[0], asked, count=1)
    preposition = phrase.split()[0]
    parts = list(re.finditer(rf"\b{preposition}\b (?!which\b|what\b)[^,]*$", asked, re.IGNORECASE))
    if parts and parts[-1].start() > 0:
        return f"{asked[: parts[-1].start()]}{phrase}"
    return f"{asked} {phrase}"


def _replaced(asked: str, new: str) -> str:
    """The question asked of something else: what it was about is exchanged for ``new``."""
    there = mentions(asked)
    head = stem(words(new)[-1]) if words(new) else ""
    if re.fullmatch(r"(?:1\d|20)\d\d", new) or (
        re.search(r"\b(?:1\d|20)\d\d\b", new) and len(words(new)) <= 2
    ):
        return _with_phrase(asked, new)
    placed = re.match(r"(?P<what>.*?[^\W\d].*?) (?P<when>(?:in|on|at|during) .+)$", new)
    if placed and placed["what"].lower() not in STOPWORDS:
        return _replaced(_with_phrase(asked, placed["when"]), placed["what"])
    same = [one for one in there if head and words(one.text) and stem(words(one.text)[-1]) == head]
    target = next(iter(same or [one for one in there if one.named] or there), None)
    if target is None:
        return f"{asked}, {new}"
    return asked[: target.start] + new + asked[target.end :]


def _nth(fragment: str, last: Exchange) -> str:
    """Which of two things in the question, or of the items of the answer's list, an ordinal picks."""
    match = _ORDINAL.search(fragment)
    at = _PLACES.get((match["one"] or match["nth"] or "").lower()) if match else None
    items = _alternatives(last.question)
    if not items:
        lines = [line.removeprefix("- ") for line in last.answer.splitlines() if line.startswith("- ")]
        items = [re.sub(r"\s*(?:\[\d+\])+$", "", line).rstrip(".") for line in lines]
    return items[at] if at is not None and len(items) > max(at, 1) else ""


def _alternatives(question: str) -> list[str]:
    """Two things joined by "and" or "or"."""
    there = mentions(question)
    for one, other in itertools.pairwise(there):
        if re.fullmatch(r",? (?:and|or) ", question[one.end : other.start]):
            return [one.text, other.text]
    return []


def _as_written(text: str, wanted: Sequence[str]) -> list[str]:
    """Words of ``text`` in their own spelling: capitals tell names to whoever reads on."""
    left = set(wanted)
    return [token for token in re.findall(r"[^\W_]+", text) if token.lower() in left]
