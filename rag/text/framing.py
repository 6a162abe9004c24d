"""What is said around a question and asks for nothing: greetings, thanks, "I would like to know".

Words of a question that no passage holds make it look as if the passages did not answer it. Rules for
English; what fits none is left as it is. Pure functions of text.
"""

from __future__ import annotations

import re

_LONGEST = 400
"""Characters: what is longer tells a story."""
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ASKING = frozenset("who whom whose what which when where why how".split())
_BEFORE_ASKING = "in at on from to by with for under of since until".split()
_PREPOSITION = re.compile(rf"\b(?:{'|'.join(_BEFORE_ASKING)})\s+$", re.IGNORECASE)
_TELLING = frozenset(
    """
    know knows known tell tells told explain explained wonder wondered wondering curious question questions
    ask asks asked asking understand understood learn learned look looked looking find found search searching
    show help interested please kindly hi hello hey dear sorry thanks check remind answer thing things see
    seen hear heard information info details idea ideas clue forgot forget forgotten remember recall sure
    unsure certain unclear discuss discussing discussed debating arguing written stated mentioned covered
    noted confirm clarify determine
    """.split()
)
"""Some of these make it a frame: "And what about 1990?" has none."""
_BESIDE = frozenset(
    """
    i i'd i'm i've id im we we'd we're we've my me our us mine you your just also really very quick quickly
    simple short maybe perhaps ok okay so well good morning afternoon evening there team all everyone anyone
    anybody anywhere somewhere someone somebody is are was were be been am it a an the any some more can could
    would will may might do does did like love want wants wanted need needs needed have has had got get out up
    try trying to tried figure bother excuse give let let's one two another last first next further following
    here if that this these with for of or on and but not no don't didn't doesn't can't couldn't isn't haven't
    happen happens possible able grateful glad again now today actually assistant folks guys
    """.split()
)
_LEADING = _TELLING | _BESIDE | set(_BEFORE_ASKING)
_OF_ONES_OWN = frozenset("i i'd i'm my me our we we'd we're us mine someone somebody".split())
_OTHERS = 2
"""Words that may stand for who wants to know it, or for what: "my boss wants to know", "for my report"."""
_MAY_I = re.compile(
    r"(?:do|does|did|am|are|should|must|shall|(?:can|could|may)(?! (?:i|we) (?:ask|know)\b)) (?:i|we)\b",
    re.IGNORECASE,
)
"""What one has to do oneself is the question: "Do I have to tell somebody when I leave?"."""
_POINTS_BACK = re.compile(
    r"\b(?:it|its|he|him|his|she|her|they|them|their|this|that|these|those|there)\b", re.IGNORECASE
)
_WHETHER = ("if", "whether")
_ENDS_IT = (":", "–", "—", "-", ".", "!")
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|please|thanks|thank you|sorry|excuse me"
    r"|(?:(?:just )?(?:a|one|another|one more|one last) )?(?:quick |short |further )?(?:question|thing)"
    r"|(?:i'm )?just curious|what (?:i|we)(?:['’]d| would)? (?:want|need|like) to know is(?: this)?(?=\W)"
    r")(?: (?:there|all|everyone|team|again))?(?:\s*[,.!:–—-]+\s*|(?<=\bis)\s+)",
    re.IGNORECASE,
)
_YOU = r"(?:(?:please|kindly) )?(?:(?:can|could|would|will) you )?(?:(?:please|kindly) )?"
_TELL_ABOUT = re.compile(
    rf"(?:{_YOU}(?:tell|give|show|explain)(?: to)? (?:me|us)|(?:i|we) have (?:a|some|another) questions?)"
    r"(?: (?:some|any|all|more|the|something|everything|anything|a bit"
    r"|information|info|details|you know))* (?:about|on|regarding|concerning)\s+",
    re.IGNORECASE,
)
_TELL_THE = re.compile(
    rf"{_YOU}(?:tell|give|show) (?:me|us) (?=(?:the|its|their|our|my|his|her)\b)",
    re.IGNORECASE,
)
_SOURCES = r"(?:documents?|files?|texts?|sources?|library|collections?|context|passages?|data|knowledge base)"
_THEIR = r"(?:(?:all|of|the|these|this|those|my|our|your|any|uploaded|attached|provided|given|following) )*"
_ACCORDING = re.compile(
    rf"(?:according to|based on|as per|per|in|from|using|given) {_THEIR}{_SOURCES}\s*[,:]+\s*", re.IGNORECASE
)
_SAY_ABOUT = re.compile(
    rf"what (?:do|does|did|can) (?:you|it|{_THEIR}{_SOURCES}) (?:know|say|tell|mention|state)(?: (?:me|us))?"
    r" (?:about|on|regarding|concerning)\s+",
    re.IGNORECASE,
)
_AT_THE_END = re.compile(
    r"(?:(?<=[.!?,;\n])\s*(?:many thanks|thanks|thank you|thx|cheers)|,?\s+please)"
    r"(?: (?:in advance|so much|very much|a lot|for (?:your|any) help))*\s*[.!?]*\s*$",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"[^?]*\?(?P<behind>[^?\d]*\b(?:i|i'm|we|me|us|my|our|please|thanks|thank|thx|cheers|appreciated?)\b[^?\d]*)$",
    re.IGNORECASE,
)
"""What is said after a question about oneself: "I need it for tomorrow."."""
_NAME = re.compile(r"(?<=[\w,;] )(?!I\b)[^\W\d_a-z]")
_MOST_BEHIND = 12
"""Words: who says more says what it is about."""


def without_framing(question: str) -> str:
    """The question itself, as it is written; all of it where nothing else is left."""
    if len(question) > _LONGEST:
        return question
    plain = question[: _question_ends(question)]
    plain = _AT_THE_END.sub("", plain).strip().rstrip(",;")
    for _ in range(3):  # "Hi! Quick question: do you know where it is?"
        at = _frame_ends(plain)
        if at == 0:
            break
        plain = plain[at:]
    return plain if _WORD.search(plain) else question


def _question_ends(text: str) -> int:
    """Behind the question mark, where what follows names nothing and only tells why it is asked."""
    match = _BEHIND.match(text)
    if match is None:
        return len(text)
    behind = match["behind"]
    needed = _POINTS_BACK.search(text, 0, match.start("behind")) or _NAME.search(behind)
    return len(text) if needed or len(_WORD.findall(behind)) > _MOST_BEHIND else match.start("behind")


def _frame_ends(text: str) -> int:
    for pattern in (_GREETING, _ACCORDING, _SAY_ABOUT, _TELL_ABOUT, _TELL_THE):
        if match := pattern.match(text):
            return match.end()
    return _led_up_to(text)


def _led_up_to(text: str) -> int:
    """Where the word that asks stands, or what follows "whether", after nothing but words that lead up to
    it; 0 where it is not so."""
    if _MAY_I.match(text):
        return 0
    said: list[str] = []
    for match in _WORD.finditer(text):
        word = match[0].lower().replace("’", "'")
        whether = word in _WHETHER and bool(_TELLING & set(said))
        if word in _ASKING or whether:
            if not _leads(said, text[: match.start()].rstrip(), text[match.start() :]):
                return 0
            if whether:
                return match.end() + 1
            return (_PREPOSITION.search(text, 0, match.start()) or match).start()
        said.append(word)
        if len(_others(said)) > _OTHERS:
            return 0
    return 0


def _others(said: list[str]) -> list[int]:
    return [at for at, word in enumerate(said) if word not in _LEADING]


def _leads(said: list[str], before: str, question: str) -> bool:
    """Whether ``said``, the words of ``before``, only tell that somebody would like to know. Words that are
    no part of such talk say who that is and where; they do not tell what the question is about."""
    told = next((at for at, word in enumerate(said) if word in _TELLING), None)
    if told is None:
        return False
    others = _others(said)
    if not others:
        return True
    apart = any(mark in before[:-1] for mark in ".!?") or _POINTS_BACK.search(question)
    return bool(_OF_ONES_OWN & set(said)) and not apart and (others[-1] < told or before[-1] in _ENDS_IT)
