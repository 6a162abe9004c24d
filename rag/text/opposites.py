"""Words that turn a statement round: denials, opposites, bounds and quantifiers. Small tables made by hand.

English in full, the commonest denials of German and French as well. A word that is in no table is judged
like any other: by whether the evidence has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from rag.text.words import stem

DENIALS = frozenset(
    """
    no not never none nobody nothing neither nor cannot without unable fail failed fails failing
    hardly scarcely barely seldom rarely lack lacks lacked lacking refuse refused refuses
    except excepting excluding
    nicht kein keine keinen keinem keiner keines nie niemals niemand nichts ohne weder
    ne pas jamais aucun aucune sans rien
    """.split()
)
"""Each denies what follows it (in German sometimes what precedes)."""

PAIRED_DENIALS = {("rather", "than"), ("instead", "of"), ("other", "than"), ("apart", "from")}

_OPPOSITES = """
    increase decrease|increase reduce|increase decline|increase fall|rise fall|rise decline|grow shrink
    gain lose|gain loss
    before after|earlier later|early late|earliest latest|above below|over under|up down|inside outside
    within outside
    more less|more fewer|most least|most fewest|greater less|greater smaller|greater lesser|higher lower
    high low|highest lowest
    large small|larger smaller|largest smallest|big small|bigger smaller|biggest smallest|long short
    longer shorter|longest shortest
    north south|northern southern|east west|eastern western|northeast southwest|northwest southeast
    northward southward|eastward westward|left right|north east|north west|south east|south west
    northern eastern|northern western|southern eastern|southern western
    first last|former latter|previous next|begin end|began ended|beginning end|start end|start finish
    started stopped
    open close|opened closed|win lose|won lost|winner loser|victory defeat|succeed fail|success failure
    accept reject|approve reject|allow forbid|allow prohibit|permit prohibit|allow ban|legal illegal
    include exclude
    support oppose|for against|agree disagree|love hate|friend enemy|ally enemy|attack defend|attack defence
    buy sell|bought sold|import export|arrive leave|arrive depart|enter leave|join leave|come go
    strong weak|stronger weaker|strongest weakest|hard soft|hot cold|hotter colder|warm cool|warm cold
    wet dry|light dark|light heavy
    fast slow|faster slower|fastest slowest|old new|older newer|old young|older younger|oldest youngest
    oldest newest
    rich poor|good bad|better worse|best worst|positive negative|true false|right wrong|full empty
    public private
    male female|man woman|men women|boy girl|father mother|son daughter|brother sister|husband wife
    king queen|he she|his her
    born died|birth death|alive dead|live die|build destroy|create destroy|built destroyed|major minor
    majority minority
    maximum minimum|simple complex|easy difficult|common rare|frequent rare|often rarely|always never
    wide narrow|wider narrower
    deep shallow|thick thin|ancient modern|urban rural|domestic foreign|internal external|upper lower
    top bottom|front back
    ascend descend|advance retreat|appear disappear|add remove|connect separate|unite divide|expand contract
    expand shrink
    improve worsen|encourage discourage|raise lower|push pull|odd even|active passive|direct indirect
    permanent temporary
    voluntary compulsory|guilty innocent|present absent|peace war|supply demand|cause prevent|cause effect
    input output
    day night|morning evening|summer winter|spring autumn|vertical horizontal|parallel perpendicular
    solid liquid|senior junior
    only also|partly entirely|partially completely|temporarily permanently|unlike like|with without
    both neither|together apart
"""
_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "anti", "mis")
_SHORTEST_ROOT = 4

UNIVERSAL = frozenset("all every each always entire whole entirely everyone everything everybody".split())
EXCLUSIVE = frozenset("only solely exclusively sole merely".split())
MOSTLY = frozenset("most mostly mainly primarily chiefly predominantly largely majority".split())
PARTIAL = frozenset("some several sometimes few partly partially certain various".split())

LOWER_BOUNDS = (
    "at least",
    "more than",
    "over",
    "no fewer than",
    "no less than",
    "not less than",
    "exceeding",
    "minimum of",
)
UPPER_BOUNDS = (
    "at most",
    "less than",
    "fewer than",
    "under",
    "up to",
    "no more than",
    "not more than",
    "maximum of",
    "below",
)

_SYNONYMS = """
    begin start commence|end finish conclude|big large|small little|build construct|buy purchase acquire
    make create produce
    show display demonstrate|use employ utilize|help assist aid|get obtain receive|give provide grant
    say state declare
    call name know term|live reside inhabit|die death|born birth|kill slay|write author|lead head command
    found establish
    choose select elect|become turn|become be|near close nearby
    about approximately roughly around nearly almost|many numerous|price cost
    show indicate|allow permit enable|need require|include contain comprise|part portion section|film movie
    city town
    country nation state|war conflict|job occupation profession|car automobile|doctor physician|child kid
    kill murder
    important significant major key|famous well-known renowned|old ancient|quick rapid fast|wrong incorrect
    right correct
    start launch begin|stop halt cease|grow increase expand|reduce decrease lower|change alter modify
    keep retain maintain
    move relocate|happen occur|cause lead|mainly primarily chiefly largely mostly|also too|often frequently
    currently presently now
    later subsequently afterwards|previously formerly earlier|whole entire
    people inhabitant population resident|percent percentage
    win victory|win won|defeat beat|receive got|hold held|publish release|release issue|teach taught
"""


@cache
def opposites() -> dict[str, frozenset[str]]:
    """Stems and the stems that say the opposite."""
    return _related(pair.split() for pair in _rows(_OPPOSITES))


@cache
def synonyms() -> dict[str, frozenset[str]]:
    """Stems and the stems that may stand for them."""
    return _related(group.split() for group in _rows(_SYNONYMS))


def prefixed_opposites(word: str) -> list[str]:
    """The stems a word has without its denying prefix, or with one: ``unhappy`` and ``happy``."""
    bare = [
        word[len(prefix) :]
        for prefix in _PREFIXES
        if word.startswith(prefix) and len(word) - len(prefix) >= _SHORTEST_ROOT
    ]
    denied = [prefix + word for prefix in _PREFIXES] if len(word) >= _SHORTEST_ROOT else []
    return [stem(one) for one in bare + denied]


def _rows(table: str) -> list[str]:
    return [row for line in table.strip().splitlines() for row in line.split("|")]


def _related(groups: Iterable[list[str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group in groups:
        stems = {stem(word) for word in group}
        for one in stems:
            found.setdefault(one, set()).update(stems - {one})
    return {one: frozenset(others) for one, others in found.items()}
