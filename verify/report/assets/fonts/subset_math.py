"""``python subset_math.py stix-two-math-latin-400-normal.woff2``: makes ``stix-two-math.woff2`` beside this file."""

import sys
from itertools import zip_longest
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._g_l_y_f import Glyph

BLOCKS = (
    "U+0020-007E,U+00A0-00FF,U+0131,U+0237,U+0300-0338,U+0370-03FF,U+1D00-1DBF,U+2000-206F,U+2070-209F,U+20D0-20EF,"
    "U+2100-214F,U+2150-215F,U+2190-22FF,U+2308-230B,U+23B0-23B1,U+23DC-23E1,U+25A0-25FF,U+27C0-27FF,U+2900-2AFF,"
    "U+1D400-1D7FF"
)
RADICAL = 0x221A
RADICAL_WIDTH = 700
RADICAL_HEIGHTS = (930, 1188, 1855)
FRACTION_SHIFT = {"FractionNumeratorShiftUp": 394, "FractionDenominatorShiftDown": 345}  # of Computer Modern


def scale(font: TTFont, name: str, x: float, y: float) -> None:
    """Scale a glyph about the origin."""
    glyph: Glyph = font["glyf"][name]
    glyph.coordinates.scale((x, y))
    glyph.coordinates.toInt()
    glyph.recalcBounds(font["glyf"])
    width, bearing = font["hmtx"][name]
    font["hmtx"][name] = (round(width * x), round(bearing * x))


def main(source: str) -> None:
    """Subset the font, then change its radicals and fractions."""
    options = subset.Options(layout_features=["*"], hinting=False, flavor="woff2")
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=subset.parse_unicodes(BLOCKS))
    subsetter.subset(font)

    mathematics = font["MATH"].table
    for constant, value in FRACTION_SHIFT.items():
        getattr(mathematics.MathConstants, constant).Value = value
    first = font.getBestCmap()[RADICAL]
    variants = mathematics.MathVariants
    construction = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(first)]
    assembly = construction.GlyphAssembly
    for part in assembly.PartRecords if assembly else ():
        if part.glyph not in {record.VariantGlyph for record in construction.MathGlyphVariantRecord}:
            scale(font, part.glyph, RADICAL_WIDTH / font["hmtx"][part.glyph][0], 1)
    for record, height in zip_longest(construction.MathGlyphVariantRecord, RADICAL_HEIGHTS):
        height = height or record.AdvanceMeasurement
        width = font["hmtx"][record.VariantGlyph][0]
        scale(font, record.VariantGlyph, RADICAL_WIDTH / width, height / record.AdvanceMeasurement)
        record.AdvanceMeasurement = height

    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            record.string = "STIX Two Math, subset"
    subset.save_font(font, str(Path(__file__).with_name("stix-two-math.woff2")), options)


if __name__ == "__main__":
    main(sys.argv[1])
