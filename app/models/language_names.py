"""What languages are called in English and by those who speak them, for finding models by them."""

from __future__ import annotations

_NAMES = {
    "am": "Amharic አማርኛ",
    "ar": "Arabic العربية عربي",
    "bg": "Bulgarian български",
    "bn": "Bengali Bangla বাংলা",
    "ca": "Catalan català",
    "cs": "Czech čeština česky",
    "cy": "Welsh Cymraeg",
    "da": "Danish dansk",
    "de": "German Deutsch",
    "el": "Greek ελληνικά",
    "en": "English",
    "es": "Spanish español castellano",
    "et": "Estonian eesti",
    "eu": "Basque euskara",
    "fa": "Persian Farsi فارسی",
    "fi": "Finnish suomi",
    "fr": "French français",
    "ga": "Irish Gaeilge",
    "gl": "Galician galego",
    "gu": "Gujarati ગુજરાતી",
    "ha": "Hausa",
    "he": "Hebrew עברית",
    "hi": "Hindi हिन्दी हिंदी",
    "hr": "Croatian hrvatski",
    "hu": "Hungarian magyar",
    "id": "Indonesian bahasa",
    "ig": "Igbo",
    "it": "Italian italiano",
    "ja": "Japanese 日本語",
    "jv": "Javanese basa jawa",
    "km": "Khmer ខ្មែរ ភាសាខ្មែរ",
    "ko": "Korean 한국어",
    "lo": "Lao ລາວ ພາສາລາວ",
    "lt": "Lithuanian lietuvių",
    "lv": "Latvian latviešu",
    "mg": "Malagasy",
    "mr": "Marathi मराठी",
    "ms": "Malay Melayu bahasa",
    "mt": "Maltese Malti",
    "my": "Burmese မြန်မာ မြန်မာဘာသာ",
    "ne": "Nepali नेपाली",
    "nl": "Dutch Nederlands",
    "no": "Norwegian norsk bokmål nynorsk",
    "pa": "Punjabi ਪੰਜਾਬੀ",
    "pl": "Polish polski",
    "pt": "Portuguese português",
    "ro": "Romanian română",
    "ru": "Russian русский",
    "sk": "Slovak slovenčina slovensky",
    "sl": "Slovene Slovenian slovenščina slovensko",
    "sn": "Shona chiShona",
    "sr": "Serbian српски srpski",
    "sv": "Swedish svenska",
    "sw": "Swahili Kiswahili",
    "ta": "Tamil தமிழ்",
    "te": "Telugu తెలుగు",
    "th": "Thai ไทย ภาษาไทย",
    "tl": "Tagalog Filipino",
    "tr": "Turkish Türkçe",
    "uk": "Ukrainian українська",
    "ur": "Urdu اردو",
    "vi": "Vietnamese tiếng Việt",
    "wo": "Wolof",
    "xh": "Xhosa isiXhosa",
    "yo": "Yoruba Yorùbá",
    "zh": "Chinese Mandarin 中文 汉语 漢語 普通话",
    "zu": "Zulu isiZulu",
}
"""By ISO 639-1 code: the names, each a word that may be typed."""

_WORDS = {code: tuple(names.casefold().split()) for code, names in _NAMES.items()}
_SHORTEST = 3
"""Letters of a name's beginning that stand for it; shorter ones are codes, or whole names."""


def is_language(word: str, code: str) -> bool:
    """Whether `word`, in small letters, is the language's code, one of its names, or the beginning of one."""
    names = _WORDS.get(code, ())
    return (
        word == code or word in names or (len(word) >= _SHORTEST and any(n.startswith(word) for n in names))
    )
