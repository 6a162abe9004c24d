"""Forms of a word that its stem does not bring together: "paid" and "pay", "feet" and "foot"."""

from __future__ import annotations

from functools import cache

from rag.text.words import stem

FAMILIES = """
arise arose arisen
bear bore borne
beat beaten
become became
begin began begun
bend bent
bind bound
bite bit bitten
bleed bled
blow blew blown
break broke broken
breed bred
bring brought
build built
burn burnt
buy bought
catch caught
choose chose chosen
cling clung
come came
creep crept
deal dealt
die death dead
dig dug
draw drew drawn
dream dreamt
drink drank drunk
drive drove driven
eat ate eaten
fall fell fallen
feed fed
feel felt
fight fought
flee fled
fly flew flown flight
forbid forbade forbidden
forget forgot forgotten
forgive forgave forgiven
freeze froze frozen
get got gotten
give gave given gift
go went gone
grow grew grown growth
hang hung
hear heard
hide hid hidden
hold held
keep kept
kneel knelt
know knew known knowledge
lay laid
lead led
lean leant
leap leapt
learn learnt
leave left
lend lent loan
lose lost loss
make made
mean meant
meet met
pay paid
prove proven proof
ride rode ridden
ring rang rung
rise rose risen
run ran
say said
see saw seen
seek sought
sell sold sale
send sent
shake shook shaken
shine shone
shoot shot
show shown
shrink shrank shrunk
sing sang sung song
sink sank sunk
sit sat
sleep slept
slide slid
speak spoke spoken speech
speed sped
spell spelt
spend spent
spin spun
spoil spoilt
stand stood
steal stole stolen theft
stick stuck
sting stung
strike struck stricken
strive strove striven
swear swore sworn
sweep swept
swell swollen
swim swam swum
swing swung
take took taken
teach taught
tear tore torn
tell told
think thought
throw threw thrown
understand understood
wake woke woken
wear wore worn
weave wove woven
weep wept
win won
withdraw withdrew withdrawn withdrawal
write wrote written
child children
foot feet
goose geese
half halves
knife knives
loaf loaves
man men
mouse mice
ox oxen
person people
shelf shelves
thief thieves
tooth teeth
wife wives
wolf wolves
woman women
"""


@cache
def _families() -> dict[str, frozenset[str]]:
    families: dict[str, frozenset[str]] = {}
    for line in FAMILIES.split("\n"):
        members = frozenset(stem(word) for word in line.split())
        families |= dict.fromkeys(members, members)
    return families


def other_forms(stemmed: str) -> frozenset[str]:
    """The stems of the other forms of a word; of most there are none."""
    return _families().get(stemmed, frozenset()) - {stemmed}
