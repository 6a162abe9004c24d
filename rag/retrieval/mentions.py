"""What a text speaks of: names, and nouns with an article, as somebody may point back at them later."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.retrieval.question_kind import is_plural
from rag.text.words import STOPWORDS, words

_ARTICLE = frozenset("the a an this that these those his her its their our my".split())
_JOINS = frozenset("of de du van von der den la le del the al bin ibn &".split())
_ENDS = frozenset(
    """
    in on at by for with from to into about after before during since until under over between than as and or
    but who whom whose which that what when where why how while because if is are was were be been being do
    does did
    has have had can could will would should may might must not also first last most
    following although despite however according
    """.split()
)
_QUESTION_WORDS = frozenset("who whom whose what which when where why how name list give describe".split())
_MARK = re.compile(r"\s*\[\d{1,3}\]")
_TOKEN = re.compile(r"[^\W_](?:[\w'’./-]*[\w])?|[.!?:;,()\n\"“”]")
_VERBS = frozenset(
    "is are was were has have had did does do can could will would became won led made".split()
)
_LONGEST = 7
_PLACE = frozenset("in at near from to".split())
_ROLE = re.compile(
    r"\b(?:king|queen|president|mayor|keeper|engineer|author|writer|director|minister|founder|leader|bishop|pope|emperor"
    r"|actor|player|coach|doctor|teacher|scientist|man|woman|boy|girl|son|daughter|wife|husband|general|governor"
    r"|captain|professor|chairman|chancellor|architect|composer|painter|artist|inventor|chemist|physicist)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """``source[start:end]`` names something. ``named``: it holds a proper name; ``definite``: it begins with
    an article or the like; ``place``: it stands after "in", "at" and their kind."""

    text: str
    start: int
    end: int
    named: bool
    definite: bool
    place: bool


def mentions(source: str) -> list[Mention]:
    """The mentions in a question or an answer, in order, without footnote marks."""
    plain = _MARK.sub(lambda mark: " " * len(mark[0]), source)
    tokens = [(match[0], match.start(), match.end()) for match in _TOKEN.finditer(plain)]
    inverted = bool(re.match(r"\W*(?:\w+ )?(?:when|where|why|how|what|who|which)\b", plain, re.IGNORECASE))
    found: list[Mention] = []
    at = 0
    while at < len(tokens):
        end = _reach(tokens, at)
        if end == at:
            at += 1
            continue
        last = _without_verb(tokens, at, end) if inverted else end
        last = _without_rest(tokens, at, last)
        start_at, end_at = tokens[at][1], tokens[last - 1][2]
        end_at -= 2 if re.search(r"['’]s$", plain[start_at:end_at]) else 0
        inner = [token for token, _, _ in tokens[at:last]]
        before = tokens[at - 1][0].lower() if at else ""
        found.append(
            Mention(
                text=source[start_at:end_at],
                start=start_at,
                end=end_at,
                named=any(_capital(token) for token in inner if token.lower() not in _ARTICLE),
                definite=inner[0].lower() in _ARTICLE,
                place=before in _PLACE,
            )
        )
        at = end
    return found


def names_in(text: str) -> list[Mention]:
    """The mentions that hold a proper name."""
    return [one for one in mentions(text) if one.named]


def person_like(mention: Mention) -> bool:
    """A bare name, as people have, or one with an office: things and places mostly have an article or stand
    after "in"."""
    if _ROLE.search(mention.text):
        return True
    inner = words(mention.text)
    return mention.named and not mention.definite and not mention.place and not any(map(str.isdigit, inner))


def plural(mention: Mention) -> bool:
    """Whether several are meant, going by the last noun before any "of"."""
    head = words(mention.text.partition(" of ")[0])
    return bool(head) and is_plural(head[-1]) and (mention.definite or not mention.named or len(head) == 1)


def bare_plurals(source: str) -> list[Mention]:
    """Plural nouns without an article, with the words that describe them: "grey seals"."""
    found = []
    for match in re.finditer(r"(?:[a-z][\w-]*\s+)?(?P<noun>[a-z][\w-]*s)\b", source):
        described = match[0].split()
        if is_plural(match["noun"]) and match["noun"] not in STOPWORDS:
            start = match.start() if described[0] not in STOPWORDS | _ENDS | _ARTICLE else match.start("noun")
            if described[0] in ("many", "much", "all", "some"):
                start = match.start("noun")
            found.append(Mention(source[start : match.end()], start, match.end(), False, False, False))
    return found


def _reach(tokens: list[tuple[str, int, int]], at: int) -> int:
    """One past the last token of the mention that begins at ``at``; ``at`` if none does."""
    word = tokens[at][0]
    opens = at == 0 or tokens[at - 1][0] in '.!?:\n"“('
    if word.lower() in _ARTICLE and word.lower() not in ("that", "this"):
        end = at + 1
        while end < len(tokens) and end - at < _LONGEST and _continues(tokens, end):
            end += 1
        return end if end > at + 1 else at
    if not _capital(word) or word.lower() in STOPWORDS | _QUESTION_WORDS | _ENDS:
        return at
    end = at + 1
    while end < len(tokens) and end - at < _LONGEST and _goes_on_as_name(tokens, end):
        end += 1
    if opens and end == at + 1 and not _verb_follows(tokens, end):
        return at
    return end


def _continues(tokens: list[tuple[str, int, int]], at: int) -> bool:
    word = tokens[at][0]
    if word.lower() == "of":
        return at + 1 < len(tokens) and tokens[at + 1][0][0].isalnum()
    if word.lower() in ("the", "a", "an"):
        return tokens[at - 1][0].lower() == "of"
    return word[0].isalnum() and word.lower() not in _ENDS and word.lower() not in STOPWORDS


def _goes_on_as_name(tokens: list[tuple[str, int, int]], at: int) -> bool:
    word = tokens[at][0]
    if _capital(word) and word.lower() not in _ENDS:
        return True
    if word.isdigit():
        return tokens[at - 1][0].lower() not in _JOINS
    return word.lower() in _JOINS and any(
        _capital(tokens[ahead][0]) for ahead in range(at + 1, min(at + 3, len(tokens)))
    )


def _without_verb(tokens: list[tuple[str, int, int]], at: int, end: int) -> int:
    """In "When was the tower built" the mention ends before the verb that closes the question."""
    before = tokens[at - 1][0].lower() if at else ""
    asked = next((token.lower() for token, _, _ in tokens if token.lower() in _QUESTION_WORDS), "")
    follows = before in ("did", "does", "do") or (
        before in ("was", "were", "is", "are", "has", "have", "had")
        and asked in ("when", "where", "why", "how")
    )
    how_much = asked == "how" and at >= 3  # "How high is the tower": an adjective stands between
    last = tokens[end - 1][0]
    if (
        follows
        and not (how_much and before in ("is", "are", "was", "were"))
        and end - at > 2
        and last.islower()
    ):
        return end - 1
    return end


def _without_rest(tokens: list[tuple[str, int, int]], at: int, end: int) -> int:
    """After a name, one more word may belong to it ("the Skerry lighthouse"); after a longer one, none does
    ("the Water Act of 1921 gave towns")."""
    capitals = [place for place in range(at, end) if _capital(tokens[place][0]) or tokens[place][0].isdigit()]
    capitals = [place for place in capitals if tokens[place][0].lower() not in _ARTICLE]
    if not capitals:
        return end
    return min(end, capitals[-1] + (2 if len(capitals) == 1 and tokens[at][0].lower() in _ARTICLE else 1))


def _verb_follows(tokens: list[tuple[str, int, int]], at: int) -> bool:
    following = tokens[at][0] if at < len(tokens) else ""
    return following in _VERBS or (following.islower() and following.endswith(("ed", "s")))


def _capital(word: str) -> bool:
    return word[0].isupper()
