#!/usr/bin/env python3
"""Cut the two typefaces into code pages of at most 224 characters and write fpdf font definitions of them.

Run by `go generate ./internal/document`. Needs npm, Debian's fonts-dejavu-core, Go, and Python with fonttools 4.68
(another version may cut differently). README.md beside this file says what the files mean and whose they are.
"""
import os
import shutil
import subprocess
import tempfile

from fontTools import subset
from fontTools.agl import UV2AGL
from fontTools.ttLib import TTFont

INTER = "@expo-google-fonts/inter@0.4.2"
DEJAVU = "/usr/share/fonts/truetype/dejavu"
HERE = os.path.dirname(os.path.abspath(__file__))
BOX, MINUS, HOLE = 0x25A1, 0x2212, 0xFFFD
CODE_PAGES = ["1252", "1250", "1251", "1253", "1254", "1257"]
# What no code page has. A group becomes as many pages as it needs.
INTER_GROUPS = [("more", [(0xA0, 0x2FFF), (0xA600, 0xAFFF)])]
DEJAVU_GROUPS = [
    ("caucasus", [(0x530, 0x58F), (0x10A0, 0x10FF), (0x2D00, 0x2D2F)]),
    ("hebrew", [(0x590, 0x5FF), (0xFB1D, 0xFB4F)]),
    ("arabic", [(0x600, 0x6FF), (0x750, 0x77F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE)]),
    ("signs", [(0x2C6, 0x52F), (0x1D00, 0x27FF), (0x2900, 0x2BFF), (0xFB00, 0xFB1C)]),
]
WEIGHTS = [("regular", "400Regular/Inter_400Regular.ttf", "DejaVuSans.ttf"),
           ("semibold", "600SemiBold/Inter_600SemiBold.ttf", "DejaVuSans-Bold.ttf")]


def glyph_name(cp):
    return UV2AGL.get(cp, "uni%04X" % cp)


def code_page(name, cmap):
    """The 224 characters from 0x20 on; the sign for "no glyph" at 0x7F, a true minus in the first hole."""
    page = []
    for byte in range(0x20, 0x100):
        text = bytes([byte]).decode("cp" + name, "ignore")
        page.append(ord(text) if text and ord(text) in cmap else HOLE)
    page[0x7F - 0x20] = BOX
    page[page.index(HOLE)] = MINUS
    return page


def groups(spec, cmap, taken):
    for name, ranges in spec:
        left = [cp for lo, hi in ranges for cp in range(lo, hi + 1) if cp in cmap and cp not in taken]
        taken.update(left)
        room = 224 - 2
        for i in range(0, len(left), room):
            page = [0x20] + left[i:i + room]
            page.insert(0x7F - 0x20, BOX) if len(page) > 0x5F else None
            page += [HOLE] * (224 - len(page))
            yield "%s%d" % (name, i // room + 1), page


def tabular(font):
    """Point the ten digits at the figures of equal width."""
    figures = "zero one two three four five six seven eight nine".split()
    for table in font["cmap"].tables:
        table.cmap.update((0x30 + i, name + ".tf") for i, name in enumerate(figures))


def cut(source, figures, page, tag, family, out):
    font = TTFont(source, recalcTimestamp=False)
    if figures:
        tabular(font)
    options = subset.Options(hinting=False, layout_features=[], glyph_names=True, notdef_outline=True,
                             drop_tables=["GSUB", "GPOS", "GDEF", "DSIG", "STAT", "gasp", "kern", "FFTM"])
    options.name_IDs = [0, 1, 2, 4, 6, 13, 14]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[cp for cp in page if cp != HOLE])
    cutter.subset(font)
    font.save(out)
    font = TTFont(out, recalcTimestamp=False)
    names, used = {}, set()
    for cp, glyph in sorted(font.getBestCmap().items()):
        if glyph not in names and glyph_name(cp) not in used:
            names[glyph] = glyph_name(cp)
            used.add(glyph_name(cp))
    order = font.getGlyphOrder()
    font = TTFont(out, recalcTimestamp=False)
    font.setGlyphOrder([names.get(g, g if g not in used else g + ".part") for g in order])
    font["post"].formatType = 2.0
    font["post"].extraNames, font["post"].mapping = [], {}
    font["name"].names = [n for n in font["name"].names if n.platformID == 3]
    for record in font["name"].names:
        if record.nameID == 6:
            record.string = "%s+%s" % (tag, family)
    font["cmap"].tables = [t for t in font["cmap"].tables if (t.platformID, t.platEncID) == (3, 1)]
    font.save(out)


def main():
    for old in os.listdir(HERE):
        if old.endswith((".json", ".z")):
            os.remove(os.path.join(HERE, old))
    listing, number = [], 0
    with tempfile.TemporaryDirectory() as work:
        fpdf = subprocess.run(["go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-pdf/fpdf"], check=True, capture_output=True, text=True).stdout.strip()
        shutil.copy(os.path.join(fpdf, "font", "cp1252.map"), work)
        subprocess.run("npm pack --silent %s && tar xzf *.tgz" % INTER, shell=True, check=True, cwd=work, stdout=subprocess.DEVNULL)
        inter = os.path.join(work, "package")
        for weight, inter_file, dejavu_file in WEIGHTS:
            inter_path, dejavu_path = os.path.join(inter, inter_file), os.path.join(DEJAVU, dejavu_file)
            cmap, taken = TTFont(inter_path).getBestCmap(), set()
            pages = [(name, code_page(name, cmap), inter_path) for name in CODE_PAGES]
            for _, page, _ in pages:
                taken.update(page)
            pages += [(n, p, inter_path) for n, p in groups(INTER_GROUPS, cmap, taken)]
            pages += [(n, p, dejavu_path) for n, p in groups(DEJAVU_GROUPS, TTFont(dejavu_path).getBestCmap(), taken)]
            for name, page, path in pages:
                number += 1
                tag = "OBK" + chr(65 + number // 26) + chr(65 + number % 26) + "A"
                base = os.path.join(work, weight + "-" + name)
                family = os.path.basename(path)[:-4].replace("_400", "-").replace("_600", "-")
                cut(path, path == inter_path, page, tag, family, base + ".ttf")
                with open(base + ".map", "w") as out:
                    for byte in range(256):
                        cp = page[byte - 0x20] if byte >= 0x20 else HOLE
                        out.write("!%02X U+%04X %s\n" % (byte, 0 if cp == HOLE else cp, ".notdef" if cp == HOLE else glyph_name(cp)))
                subprocess.run(["go", "run", "github.com/go-pdf/fpdf/makefont", "-embed", "-enc", base + ".map", "-dst", HERE, base + ".ttf"],
                               check=True, capture_output=True)
                listing.append("%s-%s\t%s\n" % (weight, name, "".join(map(chr, page))))
    with open(os.path.join(HERE, "pages.tsv"), "w") as out:
        out.writelines(listing)


main()
