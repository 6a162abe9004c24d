"""When two questions are one and the same, by their words alone. Pure functions of text.

Both forms are careful in one direction: questions that mean something else never share one, while many that
mean the same do not either. Compatibility forms (NFKC) are not used, since "10²" is not 102; nor is case
folding, which makes "Maße" (sizes) "Masse" (mass). Only what a reader would not see, or would not call a
difference, is left out.
"""

from __future__ import annotations

import re
import unicodedata

_QUOTES = str.maketrans({**dict.fromkeys("‘’‚‛ʼ", "'"), **dict.fromkeys("“”„‟", '"')})
_AT_THE_END = " ?？."
_OPENING = re.compile(r"[A-Z](?=[a-z])")
_GREETING = re.compile(r"(?:hi|hello|hey|ok|okay|so|well|now)(?: there)?[,!.] ")
_POLITE = re.compile(
    r"(?:please|kindly|(?:can|could|would|will) you(?: please| kindly)?(?: tell| explain to) me|tell me"
    r"|do you (?:happen to )?know|i(?: want|'d like| would like) to know)[,:]? "
)
_THANKS = re.compile(r",? (?:please|thanks|thank you)$")
_WHAT_IS = re.compile(r"\b(what|who|where|when|how)'s\b")


def as_written(question: str) -> str:
    """What is left of a question without differences of typing: composed and decomposed letters, white space,
    curly and straight quotes, a capital at the beginning, question marks and full stops at the end.

    Elsewhere capitals count: "US" is not "us". So does every other sign: "5!" is not 5.
    """
    plain = " ".join(unicodedata.normalize("NFC", question).translate(_QUOTES).split())
    plain = plain.rstrip(_AT_THE_END) or plain
    return _OPENING.sub(lambda first: first[0].lower(), plain, count=1) if _OPENING.match(plain) else plain


def as_meant(question: str) -> str:
    """``as_written``, also without capitals, greetings and courtesies, and with "what is" for "what's".

    "Which does Apple make" and "which does apple make" share this form: it is only good enough where the
    documents have answered both with the same sentences.
    """
    plain = as_written(question).lower()
    plain = _GREETING.sub("", plain, count=1) if _GREETING.match(plain) else plain
    while courtesy := _POLITE.match(plain):
        plain = plain[courtesy.end() :]
    plain = _THANKS.sub("", plain).rstrip(_AT_THE_END) or plain
    return _WHAT_IS.sub(r"\1 is", plain)
