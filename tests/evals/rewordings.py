"""True sentences said differently, by rule: what a verifier must let pass.

Every rewording is a function of a sentence that returns another true one, or None where its rule does not
apply. The word lists here are the test's own; the verifier has others.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

MONTHS = "January February March April May June July August September October November December".split()
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|had|can|will|would|may|became|began|made|\w{3,}ed)\b")
_PRONOUN = r"(?i:he|she|it|they|this|these|that|we|in|on|at|by|as)\b"
_NUMERALS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_LEAST_WORDS = 6
_QUOTED = r"[\"“]([^\"”]+)[\"”]"
NAME = r"\b[A-Z][\w-]+(?: (?:of |the |de |von )?(?:[A-Z]\. )*[A-Z][\w-]+)*(?![\w'’])"
"""A run of capitalised words, initials among them."""

SYNONYMS = {
    "began": "started",
    "large": "sizeable",
    "received": "got",
    "built": "constructed",
    "approximately": "around",
    "near": "close to",
    "several": "a number of",
    "however": "though",
    "important": "major",
    "because": "since",
    "many": "numerous",
    "major": "important",
    "created": "produced",
    "known as": "called",
    "called": "termed",
    "founded": "established",
    "established": "set up",
    "died": "passed away",
    "helped": "assisted",
    "used": "employed",
    "such as": "like",
    "various": "different",
    "consists of": "is made up of",
    "located": "situated",
    "purchased": "bought",
    "film": "movie",
    "won": "gained",
    "wrote": "authored",
    "often": "frequently",
    "primarily": "mainly",
    "led to": "resulted in",
    "allowed": "enabled",
    "became": "turned into",
    "children": "kids",
    "discovered": "found",
    "attempted": "tried",
    "obtained": "acquired",
    "ended": "finished",
    "famous": "well-known",
    "published": "released",
    "region": "area",
    "chosen": "selected",
    "contains": "includes",
    "shows": "indicates",
    "occurred": "took place",
    "required": "needed",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an encyclopedia and the title it stands under."""

    text: str
    title: str


Rewording = Callable[[Sentence, random.Random], str | None]


def verbatim(sentence: Sentence, rng: random.Random) -> str | None:
    return sentence.text


def reworded(sentence: Sentence, rng: random.Random) -> dict[str, str]:
    """Every true rewording that applies, by its rule. None that changes what is quoted: that must stay as
    it is."""
    made = {kind: rule(sentence, rng) for kind, rule in REWORDINGS.items()}
    quoted = set(re.findall(_QUOTED, sentence.text))
    return {
        kind: text
        for kind, text in made.items()
        if text is not None
        and (text != sentence.text or kind == "verbatim")
        and set(re.findall(_QUOTED, text)) <= quoted
    }


def clause_dropped(sentence: Sentence, rng: random.Random) -> str | None:
    """Without a relative or participial clause at the end."""
    return _cut(
        sentence.text,
        r", (?:which|who|whom|whose|where|including|making|leading|resulting|such as|as well as|with|while"
        r"|although) [^.;]*\.$",
    )


def first_clause(sentence: Sentence, rng: random.Random) -> str | None:
    return _cut(
        sentence.text,
        r"(?:, and|, but|;|, so) (?:he|she|it|they|the|this|its|his|in|many|some|there)\b[^.]*\.$",
    )


def parenthesis_dropped(sentence: Sentence, rng: random.Random) -> str | None:
    """Without what stands in brackets, or between commas as another name of the same."""
    shorter = re.sub(r" \([^()]*\)", "", sentence.text)
    if shorter == sentence.text:
        shorter = re.sub(
            r"(?<=[a-z]), (?:a|an|the) [a-z][^,;()]{8,60},(?= (?:is|was|has|had|were|are)\b)",
            "",
            sentence.text,
        )
    return shorter if shorter != sentence.text and _whole(shorter) else None


def adverbial_moved(sentence: Sentence, rng: random.Random) -> str | None:
    """``In 1996, it opened.`` and ``It opened in 1996.``"""
    leading = re.match(
        r"(In|On|By|During|Since|At|Between|From|Until|Throughout) ([^,;]{4,40}), ([^;:]+)\.$", sentence.text
    )
    if (
        leading
        and _VERB.search(leading[3])
        and not re.match(r"\d|[A-Z][\w]+,", leading[3])
        and "," not in leading[3]
    ):
        rest = leading[3][0].upper() + leading[3][1:]
        return f"{rest} {leading[1].lower()} {leading[2]}."
    trailing = re.match(
        r"([^,;:]+) ((?:in|during|since) (?:the )?(?:[A-Z][a-z]+ )?\d{4}s?)\.$", sentence.text
    )
    if trailing and _whole(trailing[1] + "."):
        return f"{_capital(trailing[2])}, {_lowered(trailing[1])}."
    return None


def voice_changed(sentence: Sentence, rng: random.Random) -> str | None:
    """``B was opened by A`` and ``A opened B``: regular verbs only, whose past is their participle."""
    subject, when = r"((?:The |A |An )?[A-Z]?[^,;:()]{2,40}?)", r"((?: in \d{4})?)(?:[,;][^.]*)?\.$"
    passive = re.match(subject + r" (?:was|were) (\w+ed) by ((?:the )?" + NAME + r")" + when, sentence.text)
    if passive and not re.match(_PRONOUN, passive[1]):
        return f"{_capital(passive[3])} {passive[2]} {_lowered(passive[1])}{passive[4]}."
    active = re.match(
        r"(" + NAME + r") (\w{3,}ed) ((?:the )?" + NAME + r"|the [a-z]+(?: [a-z]+)?)" + when, sentence.text
    )
    if (
        active
        and not re.match(_PRONOUN, active[1])
        and active[2]
        not in ("died", "moved", "refused", "lived", "married", "ended", "arrived", "needed", "based")
    ):
        return f"{_capital(active[3])} was {active[2]} by {active[1]}{active[4]}."
    return None


def pronoun_resolved(sentence: Sentence, rng: random.Random) -> str | None:
    """``He`` by the title of the article."""
    opening = re.match(r"(He|She)( (?:was|had|has|is|also|became|\w+ed)\b.*)", sentence.text, re.DOTALL)
    if not opening or "(" in sentence.title:
        return None
    return sentence.title + opening[2]


def synonym(sentence: Sentence, rng: random.Random) -> str | None:
    """One word for another that means the same here."""
    present = [word for word in SYNONYMS if re.search(rf"\b{word}\b", sentence.text)]
    if not present:
        return None
    word = rng.choice(present)
    return re.sub(rf"\b{word}\b", SYNONYMS[word], sentence.text, count=1)


def number_respelled(sentence: Sentence, rng: random.Random) -> str | None:
    """7 and seven, 1,000 and 1000, % and per cent, 1.5 million and 1,500,000."""
    text = sentence.text
    rules: list[tuple[str, Callable[[re.Match[str]], str]]] = [
        (r"\b(\d+\.\d) million\b", lambda m: f"{round(float(m[1]) * 10**6):,}"),
        (r"\b(\d+) million\b", lambda m: f"{int(m[1]) * 10**6:,}"),
        (r"(?<![\d,])(\d{1,3}),(\d{3})\b(?!,)", lambda m: m[1] + m[2]),
        (r"(\d)%", lambda m: f"{m[1]} percent"),
        (r"(\d) percent\b", lambda m: f"{m[1]} %"),
        (r"\b([2-9]|1[0-2])\b(?! ?[\d.,%°:/–-]|th)(?<![.,\d–-]\d)", lambda m: _NUMERALS[int(m[1])]),
        (
            r"\b(" + "|".join(_NUMERALS[2:]) + r")\b(?!-| hundred| thousand)",
            lambda m: str(_NUMERALS.index(m[1])),
        ),
    ]
    for pattern, replacement in rules:
        changed = re.sub(pattern, replacement, text, count=1)
        if changed != text:
            return changed
    return None


def date_rewritten(sentence: Sentence, rng: random.Random) -> str | None:
    months = "|".join(MONTHS)
    american = re.search(rf"\b({months}) (\d{{1,2}}), (\d{{4}})\b,?", sentence.text)
    if american:
        month, day, year = american.groups()
        forms = [
            f"{day} {month} {year}",
            f"{year}-{MONTHS.index(month) + 1:02}-{int(day):02}",
            f"{month} {year}",
        ]
        return sentence.text.replace(american[0], rng.choice(forms))
    british = re.search(rf"\b(\d{{1,2}}) ({months}) (\d{{4}})\b", sentence.text)
    if british:
        day, month, year = british.groups()
        return sentence.text.replace(
            british[0], rng.choice([f"{month} {day}, {year}", f"{month[:3]} {day}, {year}"])
        )
    return None


def compressed(sentence: Sentence, rng: random.Random) -> str | None:
    """Without connectives and adverbs that add nothing to the facts."""
    text = re.sub(
        r"^(?:However|Furthermore|Moreover|Additionally|In addition|As a result|For example|Also), ",
        "",
        sentence.text,
    )
    text = re.sub(
        r"(?<=[a-z]) (?:also|very|highly|subsequently|eventually|officially|famously|however),?(?= [a-z])",
        "",
        text,
    )
    return _capital(text) if text != sentence.text else None


def name_shortened(sentence: Sentence, rng: random.Random) -> str | None:
    full = re.search(r"(?<=[a-z] )([A-Z][a-z]+) ([A-Z][a-z]+)(?=[ ,.](?![A-Z]))", sentence.text)
    if (
        not full
        or full[1] in MONTHS
        or full[2] in ("War", "Without", "Health")
        or full[1] in ("The", "North", "South", "East", "West", "New", "Great", "United", "San", "Saint")
    ):
        return None
    return sentence.text.replace(full[0], full[2])


def twice(sentence: Sentence, rng: random.Random) -> str | None:
    """Two rewordings, one after the other."""
    rules = [one for name, one in REWORDINGS.items() if name not in ("verbatim", "two of these")]
    text, done = sentence.text, 0
    for rule in rng.sample(rules, len(rules)):
        changed = rule(Sentence(text, sentence.title), rng)
        if changed is not None and changed != text:
            text, done = changed, done + 1
        if done == 2:
            return text
    return None


REWORDINGS: dict[str, Rewording] = {
    "verbatim": verbatim,
    "clause dropped": clause_dropped,
    "first clause": first_clause,
    "parenthesis dropped": parenthesis_dropped,
    "adverbial moved": adverbial_moved,
    "active and passive": voice_changed,
    "pronoun resolved": pronoun_resolved,
    "synonym": synonym,
    "number respelled": number_respelled,
    "date rewritten": date_rewritten,
    "compressed": compressed,
    "name shortened": name_shortened,
    "two of these": twice,
}


def answered(question: str, answer: str) -> str | None:
    """The sentence that answers a question, for the forms where that is a matter of rule."""
    question = question.strip().rstrip("?").strip()
    rules = [
        (
            r"Who ((?:was|is|were|are|has|had|\w+ed|won|wrote|led|built|became|began|made|held|took) .+)",
            "{a} {0}",
        ),
        (
            r"(?:When|In (?:what|which) year) (was|were|is|are) ((?:the |a |an )?(?:[A-Z][\w'’-]* ?)+)(\w+)",
            "{1}{0} {2} in {a}",
        ),
        (r"Where (was|were|is|are) ((?:the |a |an )?(?:[A-Z][\w'’-]* ?)+)(\w+)", "{1}{0} {2} in {a}"),
        (r"How many ([a-z]+) (are|were|have|had|can|did) (.+)", None),
        (r"What (is|was|are|were) ((?:the|a|an) .+)", "{1} {0} {a}"),
        (r"(?:What|Which) [a-z]+ ((?:was|is|has|had|\w{3,}ed|won|led) .+)", "{a} {0}"),
        (r"What ((?:caused|led|allowed|helped|made|prevented|became) .+)", "{a} {0}"),
    ]
    for pattern, form in rules:
        match = re.fullmatch(pattern, question)
        if match and form:
            return _capital(form.format(*match.groups(), a=answer).replace("  ", " ")) + "."
    return None


def _cut(text: str, pattern: str) -> str | None:
    match = re.search(pattern, text)
    shorter = text[: match.start()] + "." if match else ""
    return shorter if match and _whole(shorter) else None


def _whole(text: str) -> bool:
    return (
        len(text.split()) >= _LEAST_WORDS and bool(_VERB.search(text)) and text.count("(") == text.count(")")
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lowered(text: str) -> str:
    """A former beginning inside a sentence: articles and pronouns lose their capital."""
    return re.sub(
        r"^(?:The|A|An|It|He|She|They|This|These|There|His|Her|Their|Its|Some|Many|Most|All|Both)\b",
        lambda m: m[0].lower(),
        text,
    )
