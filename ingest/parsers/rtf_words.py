"""What the control words of RTF mean to a reader of text (Rich Text Format Specification 1.9.1)."""

from __future__ import annotations

import codecs

CHARACTERS = {
    "tab": "\t",
    "line": "\n",
    "lbr": "\n",
    "emdash": "\u2014",
    "endash": "\u2013",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "bullet": "\u2022",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
    "nestcell": " ",
    "nestrow": " ",
}
SYMBOLS = {"~": "\u00a0", "_": "\u2011", "\\": "\\", "{": "{", "}": "}"}
PARAGRAPH_ENDS = frozenset({"par", "sect", "page", "column", "softpage"})

# Groups whose content is no part of what is read, whether or not they are marked as optional.
SKIPPED = frozenset(
    """
    annotation atnauthor atndate atnid atnref atrfend atrfstart author background bkmkend bkmkstart blipuid
    category colorschememapping colortbl comment company datafield datastore do doccomm docvar falt ffname
    filetbl fldinst footer footerf footerl footerr formfield ftncn ftnsep ftnsepc aftncn aftnsep aftnsepc
    generator header headerf headerl headerr hlinkbase htmltag keywords latentstyles levelnumbers leveltext
    listoverridetable listpicture listtable manager mmathPict nonesttables mctrlPr mmathPr nonshppict objalias
    objclass objdata objname operator panose passwordhash pict pgptbl picprop pnseclvl private propname revtbl
    rsidtbl rxe shprslt sn sp staticval subject sv svb tc tcn template themedata txe userprops wgrffmtfilter
    xe xmlattrname xmlattrvalue xmlname xmlnstbl
    """.split()
)
READ_THOUGH_OPTIONAL = frozenset({"shpinst", "shptxt", "moMath", "moMathPara"})
"""Groups that a reader may pass over (``\\*``) and that hold text nevertheless."""

_DEFAULT_CODEC = "cp1252"
_CODE_PAGES = {65001: "utf-8", 10000: "mac_roman", 936: "gb18030", 0: _DEFAULT_CODEC}
_CHARSETS = {
    77: 10000, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255,
    178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250, 254: 437, 255: 850,
}  # fmt: skip


def codec_of_page(page: int) -> str:
    """The Python codec for a Windows code page; Western where there is none."""
    name = _CODE_PAGES.get(page, f"cp{page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return _DEFAULT_CODEC
    return name


def codec_of_charset(charset: int) -> str | None:
    """The codec for the character set of a font; None for those that leave it to the document."""
    return codec_of_page(_CHARSETS[charset]) if charset in _CHARSETS else None
