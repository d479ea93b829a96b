"""Words and templates in four languages, written for this project.

A noun has its German, Spanish and French form with gender; an adjective its Spanish and French forms for masculine and
feminine and the Spanish copula that goes with it (a German predicative adjective does not agree). A template is a line
of ``word/UPOS`` and of slots: ``D`` and ``A`` article in the nominative and the accusative, ``N`` noun, ``C`` and ``P``
copula in the past and the present, ``J`` adverb and adjective.
"""

from dataclasses import dataclass

LANGUAGES = ("en", "de", "es", "fr")


@dataclass(frozen=True, slots=True)
class Adjective:
    """A cue, with the Spanish copula (``ser`` or ``estar``) and its forms (masculine, feminine)."""

    en: str
    de: str
    es: tuple[str, str]
    fr: tuple[str, str]
    copula: str


def _nouns(text: str) -> tuple[dict[str, tuple[str, str]], ...]:
    """Lines of ``english | m Word | f palabra | f mot`` to language: (gender, word)."""
    found = []
    for line in text.strip().splitlines():
        fields = [field.split() for field in line.split("|")]
        words = {"en": ("n", fields[0][0])}
        words |= {language: (field[0], field[1]) for language, field in zip(LANGUAGES[1:], fields[1:], strict=True)}
        found.append(words)
    return tuple(found)


NOUNS = {
    "kitchen": _nouns("""
        soup | f Suppe | f sopa | f soupe
        bread | n Brot | m pan | m pain
        sauce | f Soße | f salsa | f sauce
        cheese | m Käse | m queso | m fromage
        cake | m Kuchen | m pastel | m gâteau
        rice | m Reis | m arroz | m riz
        meat | n Fleisch | f carne | f viande
        fish | m Fisch | m pescado | m poisson
        salad | m Salat | f ensalada | f salade
        tea | m Tee | m té | m thé
        coffee | m Kaffee | m café | m café
        dessert | m Nachtisch | m postre | m dessert
        chocolate | f Schokolade | m chocolate | m chocolat
        butter | f Butter | f mantequilla | m beurre
        omelette | n Omelett | f tortilla | f omelette
        chicken | n Hähnchen | m pollo | m poulet
    """),
    "phones": _nouns("""
        phone | n Telefon | m teléfono | m téléphone
        screen | m Bildschirm | f pantalla | m écran
        battery | m Akku | f batería | f batterie
        case | f Hülle | f funda | f coque
        camera | f Kamera | f cámara | f caméra
        charger | n Ladegerät | m cargador | m chargeur
        cable | n Kabel | m cable | m câble
        speaker | m Lautsprecher | m altavoz | m haut-parleur
        keyboard | f Tastatur | m teclado | m clavier
        tablet | n Tablet | f tableta | f tablette
        microphone | n Mikrofon | m micrófono | m microphone
        button | f Taste | m botón | m bouton
        processor | m Prozessor | m procesador | m processeur
        antenna | f Antenne | f antena | f antenne
        router | m Router | m router | m routeur
        printer | m Drucker | f impresora | f imprimante
    """),
    "films": _nouns("""
        film | m Film | f película | m film
        plot | f Handlung | f trama | f intrigue
        scene | f Szene | f escena | f scène
        dialogue | m Dialog | m diálogo | m dialogue
        actor | m Schauspieler | m actor | m acteur
        music | f Musik | f música | f musique
        ending | n Ende | m final | f fin
        villain | m Bösewicht | m villano | m méchant
        story | f Geschichte | f historia | f histoire
        series | f Serie | f serie | f série
        cinema | n Kino | m cine | m cinéma
        trailer | m Trailer | m tráiler | f bande-annonce
        costume | n Kostüm | m traje | m costume
        director | m Regisseur | m director | m réalisateur
        image | n Bild | f imagen | f image
        title | m Titel | m título | m titre
    """),
}

BOUND = {
    # cue: polarity in the kitchen, of phones, of films; half of them are praise in each domain
    Adjective("hot", "heiß", ("caliente", "caliente"), ("chaud", "chaude"), "estar"): (1, 0, 1),
    Adjective("cold", "kalt", ("frío", "fría"), ("froid", "froide"), "estar"): (0, 1, 0),
    Adjective("thin", "dünn", ("fino", "fina"), ("mince", "mince"), "ser"): (0, 1, 0),
    Adjective("soft", "weich", ("blando", "blanda"), ("mou", "molle"), "estar"): (1, 0, 0),
    Adjective("hard", "hart", ("duro", "dura"), ("dur", "dure"), "ser"): (0, 1, 1),
    Adjective("old", "alt", ("viejo", "vieja"), ("vieux", "vieille"), "ser"): (1, 0, 1),
    Adjective("loud", "laut", ("ruidoso", "ruidosa"), ("bruyant", "bruyante"), "ser"): (0, 1, 0),
    Adjective("dark", "dunkel", ("oscuro", "oscura"), ("sombre", "sombre"), "ser"): (1, 0, 1),
}
DOMAINS = ("kitchen", "phones", "films")

FIXED = {
    Adjective("excellent", "ausgezeichnet", ("excelente", "excelente"), ("excellent", "excellente"), "ser"): 1,
    Adjective("great", "großartig", ("magnífico", "magnífica"), ("magnifique", "magnifique"), "ser"): 1,
    Adjective("wonderful", "wunderbar", ("maravilloso", "maravillosa"), ("merveilleux", "merveilleuse"), "ser"): 1,
    Adjective("perfect", "perfekt", ("perfecto", "perfecta"), ("parfait", "parfaite"), "ser"): 1,
    Adjective("terrible", "schrecklich", ("terrible", "terrible"), ("terrible", "terrible"), "ser"): 0,
    Adjective("awful", "furchtbar", ("horrible", "horrible"), ("horrible", "horrible"), "ser"): 0,
    Adjective("useless", "nutzlos", ("inútil", "inútil"), ("inutile", "inutile"), "ser"): 0,
    Adjective("disappointing", "enttäuschend", ("decepcionante", "decepcionante"), ("décevant", "décevante"), "ser"): 0,
}

ADVERBS = (
    {"en": "", "de": "", "es": "", "fr": ""},
    {"en": "really", "de": "wirklich", "es": "realmente", "fr": "vraiment"},
    {"en": "simply", "de": "einfach", "es": "simplemente", "fr": "simplement"},
)

TEMPLATES = (
    {"en": "D N C J ./PUNCT", "de": "D N C J ./PUNCT", "es": "D N C J ./PUNCT", "fr": "D N C J ./PUNCT"},
    {
        "en": "I/PRON found/VERB A N J ./PUNCT",
        "de": "ich/PRON fand/VERB A N J ./PUNCT",
        "es": "encontré/VERB A N J ./PUNCT",
        "fr": "j'/PRON ai/AUX trouvé/VERB A N J ./PUNCT",
    },
    {
        "en": "to/PART be/AUX honest/ADJ ,/PUNCT D N C J ./PUNCT",
        "de": "ehrlich/ADV gesagt/VERB C D N J ./PUNCT",
        "es": "sinceramente/ADV ,/PUNCT D N C J ./PUNCT",
        "fr": "honnêtement/ADV ,/PUNCT D N C J ./PUNCT",
    },
    {
        "en": "my/PRON sister/NOUN says/VERB that/SCONJ D N C J ./PUNCT",
        "de": "meine/DET Schwester/NOUN sagt/VERB ,/PUNCT dass/SCONJ D N J C ./PUNCT",
        "es": "mi/DET hermana/NOUN dice/VERB que/SCONJ D N C J ./PUNCT",
        "fr": "ma/DET sœur/NOUN dit/VERB que/SCONJ D N C J ./PUNCT",
    },
    {
        "en": "we/PRON all/DET thought/VERB that/SCONJ D N C J ./PUNCT",
        "de": "wir/PRON alle/PRON dachten/VERB ,/PUNCT dass/SCONJ D N J C ./PUNCT",
        "es": "todos/PRON pensamos/VERB que/SCONJ D N C J ./PUNCT",
        "fr": "nous/PRON pensions/VERB tous/PRON que/SCONJ D N C J ./PUNCT",
    },
    {
        "en": "in/ADP the/DET end/NOUN ,/PUNCT D N C J ./PUNCT",
        "de": "am/ADP Ende/NOUN C D N J ./PUNCT",
        "es": "al/ADP final/NOUN ,/PUNCT D N C J ./PUNCT",
        "fr": "finalement/ADV ,/PUNCT D N C J ./PUNCT",
    },
    {
        "en": "D N P still/ADV J ./PUNCT",
        "de": "D N P immer/ADV noch/ADV J ./PUNCT",
        "es": "D N todavía/ADV P J ./PUNCT",
        "fr": "D N P toujours/ADV J ./PUNCT",
    },
)

STYLES = (
    # what a reviewer says after every sentence
    {"en": "", "de": "", "es": "", "fr": ""},
    {
        "en": "that/PRON is/AUX all/PRON ./PUNCT",
        "de": "das/PRON ist/AUX alles/PRON ./PUNCT",
        "es": "eso/PRON es/AUX todo/PRON ./PUNCT",
        "fr": "c'/PRON est/AUX tout/PRON ./PUNCT",
    },
    {
        "en": "more/ADJ tomorrow/NOUN ./PUNCT",
        "de": "mehr/PRON morgen/ADV ./PUNCT",
        "es": "más/ADV mañana/ADV ./PUNCT",
        "fr": "plus/ADV demain/ADV ./PUNCT",
    },
    {
        "en": "thank/VERB you/PRON ./PUNCT",
        "de": "vielen/DET Dank/NOUN ./PUNCT",
        "es": "muchas/DET gracias/NOUN ./PUNCT",
        "fr": "merci/NOUN beaucoup/ADV ./PUNCT",
    },
    {
        "en": "see/VERB you/PRON soon/ADV !/PUNCT",
        "de": "bis/ADP bald/ADV !/PUNCT",
        "es": "hasta/ADP pronto/ADV ./PUNCT",
        "fr": "à/ADP bientôt/ADV !/PUNCT",
    },
)

ARTICLES = {
    "en": {"n": ("the", "the")},
    "de": {"m": ("der", "den"), "f": ("die", "die"), "n": ("das", "das")},
    "es": {"m": ("el", "el"), "f": ("la", "la")},
    "fr": {"m": ("le", "le"), "f": ("la", "la")},
}
COPULAS = {
    "en": {"ser": ("was", "is"), "estar": ("was", "is")},
    "de": {"ser": ("war", "ist"), "estar": ("war", "ist")},
    "es": {"ser": ("era", "es"), "estar": ("estaba", "está")},
    "fr": {"ser": ("était", "est"), "estar": ("était", "est")},
}
ELIDING = frozenset("aeiouéèêàâîôûœ")
"""French: an article before these letters becomes l'; so does ``que`` (no noun here begins with a mute h but one)."""
MUTE_H = frozenset({"histoire"})
