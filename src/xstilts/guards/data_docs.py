"""The Data Docs page of one validation: Great Expectations' own page, made to stand alone.

As shipped, the page loads its styles, scripts and logo from other hosts and is unreadable without them; a page about
licensed data should ask nobody. So what is remote is taken out, and a small style sheet takes its place.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import great_expectations as gx

SCRIPTS = re.compile(r"<script\b.*?</script>", re.DOTALL)
LINKS = re.compile(r"<link\b[^>]*>")
NAVIGATION = re.compile(r"<nav class=\"navbar\b.*?</nav>\s*</div>\s*</nav>", re.DOTALL)
ACTIONS = re.compile(r"<div class=\"card mb-3\">.*?(?=<div class=\"card d-md-block)", re.DOTALL)
FOOTER = re.compile(r"<footer\b.*?</footer>", re.DOTALL)
LINKS_TO_OTHER_PAGES = re.compile(r"<a\b[^>]*href=\"(?!#)[^\"]*\"[^>]*>(.*?)</a>", re.DOTALL)
REMOTE_IN_STYLE = re.compile(r"url\('https?://[^']*'\)")
HEAD = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body { font: 15px/1.45 system-ui, sans-serif; color: #1c2430; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
h1 { font-size: 1.4rem } h5, h6 { font-size: 1rem; margin: 1rem 0 .3rem }
table { border-collapse: collapse; margin: .3rem 0 } td, th { border: 1px solid #d5dae1; padding: .3rem .6rem }
td { vertical-align: top } ul { list-style: none } a { color: #14508c }
.fa-check-circle::before { content: "\\2714"; color: #18794e } .fa-times::before { content: "\\2718"; color: #b42318 }
.fa-exclamation-triangle::before { content: "\\26A0"; color: #8a5a00 } i { font-style: normal }
.collapse, .sticky { display: block; position: static }
</style>"""


def data_docs_page(validation: gx.ExpectationSuiteValidationResult, title: str, verdict: str) -> str:
    """Render a validation.

    Args:
        validation: its result.
        title: the page's heading.
        verdict: the sentence below it; the page's own status knows no checks that only tell.

    Returns:
        One HTML document without scripts and without anything remote.
    """
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    page = str(DefaultJinjaPageView().render(ValidationResultsPageRenderer(run_info_at_end=True).render(validation)))
    for unwanted in (SCRIPTS, LINKS, NAVIGATION, ACTIONS, FOOTER, REMOTE_IN_STYLE):
        page = unwanted.sub("", page)
    page = LINKS_TO_OTHER_PAGES.sub(r"\1", page)
    page = page.replace("</head>", HEAD + "</head>", 1)
    head = f"<body><h1>Data checks: {html.escape(title)}</h1><p>{html.escape(verdict)}</p>"
    return re.sub(r"<body[^>]*>", lambda _: head, page, count=1)
