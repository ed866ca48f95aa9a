#!/usr/bin/env python3
"""Writes how Babel, from the CLDR release that the toolchain's ICU has too, formats values and counts things.

    babel.py [FOLDER]    writes babel.tsv and plurals.tsv there; by default beside this script

babel.tsv: kind, locale, value (number: integer and scale; money: minor units and currency; percent: hundredths; date:
milliseconds and zone), text. plurals.tsv: locale, category, numbers. Blanks that do not show are written as \\uXXXX.
"""

import datetime
import pathlib
import sys
import zoneinfo
from decimal import Decimal

# This script has the library's name, and its own folder is the first that is looked in.
sys.path.pop(0)

from babel import Locale, __version__, dates, numbers  # noqa: E402

LOCALES = ["en", "es", "it", "nl", "uk", "zh", "de", "fr", "pl", "en-GB", "es-MX"]
NUMBERS = [
    (0, 0), (1, 0), (5, 0), (12, 0), (999, 0), (1000, 0), (1234, 0), (9999, 0), (10000, 0), (12345, 0), (999999, 0),
    (1234567, 0), (10000000, 0), (9223372036854775807, 0), (-1, 0), (-999, 0), (-12345, 0), (15, 1), (105, 1),
    (100000, 1), (5, 2), (150, 2), (123456, 2), (-1234567, 2), (123456789, 3), (123456789, 9), (1, 9),
    (9223372036854775807, 2), (9223372036854775807, 9),
]
AMOUNTS = [0, 1, 99, 100, 4900, 12345, 99999, 123456, 999999, 1000000, 123456789, 9223372036854775807, -4900, -1234567]
CURRENCIES = [("EUR", 2), ("USD", 2), ("GBP", 2), ("UAH", 2), ("CNY", 2), ("JPY", 0), ("KWD", 3)]
PERCENTAGES = [0, 1, 50, 550, 1000, 1234, 7999, 8000, 9990, 10000, 10500, 99999, 100000, 1234567, -500]
INSTANTS = [
    0, 951782399999, 1795500000000, 1767225599000, 1767222000000, 1798761600000, 1782863999999, 1772323200000,
    1774746000000, 4102444799000, 1793494800000,
]
ZONES = ["UTC", "Europe/Kyiv", "America/New_York", "Asia/Shanghai"]
# What CLDR has plural rules for and words may be written in.
LANGUAGES = [
    "en", "es", "it", "nl", "uk", "zh", "de", "fr", "pt", "pt-PT", "pl", "ru", "cs", "ja", "ko", "tr", "sv", "da",
    "nb", "fi", "ar", "he",
]
DECIMALS = [
    "0.0", "0.1", "0.5", "0.10", "1.0", "1.1", "1.5", "1.50", "1.00", "1.9", "2.0", "2.1", "2.50", "3.0", "3.7", "4.0",
    "5.5", "10.0", "10.1", "11.5", "21.0", "21.3", "100.0", "1000000.0", "1000000.5",
]
LARGE = [1000, 1001, 1002, 1005, 1011, 1021, 10000, 100000, 999999, 1000000, 1000001, 1000002, 1100000, 2000000,
         1000000000]


def babel_locale(name):
    return Locale.parse(name.replace("-", "_"))


def visible(text):
    return "".join(c if c == " " or c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def rows():
    for name in LOCALES:
        locale = babel_locale(name)
        for value, scale in NUMBERS:
            text = numbers.format_decimal(
                Decimal(value).scaleb(-scale).normalize(), locale=locale, decimal_quantization=False)
            yield "number", name, value, scale, text
        for currency, digits in CURRENCIES:
            for amount in AMOUNTS:
                text = numbers.format_currency(Decimal(amount).scaleb(-digits), currency, locale=locale)
                yield "money", name, amount, currency, text
        for hundredths in PERCENTAGES:
            text = numbers.format_percent(
                Decimal(hundredths).scaleb(-4).normalize(), locale=locale, decimal_quantization=False)
            yield "percent", name, hundredths, "", text
        for milliseconds in INSTANTS:
            for zone in ZONES:
                seconds = milliseconds // 1000
                day = datetime.datetime.fromtimestamp(seconds, zoneinfo.ZoneInfo(zone)).date()
                yield "date", name, milliseconds, zone, dates.format_date(day, "long", locale=locale)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    with open(folder / "babel.tsv", "w", encoding="utf-8") as file:
        file.write(f"# Written by babel.py with Babel {__version__}.\n")
        for row in rows():
            file.write("\t".join(visible(str(cell)) for cell in row) + "\n")
    with open(folder / "plurals.tsv", "w", encoding="utf-8") as file:
        file.write(f"# Written by babel.py with Babel {__version__}.\n")
        for name in LANGUAGES:
            plural = babel_locale(name).plural_form
            forms = {}
            for text in [str(n) for n in [*range(201), *LARGE]] + DECIMALS:
                forms.setdefault(plural(Decimal(text)), []).append(text)
            for category in sorted(forms):
                file.write(f"{name}\t{category}\t{','.join(forms[category])}\n")


main()
