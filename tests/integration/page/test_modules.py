"""Modules of the page that decide something, run in the browser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from browser import Watched
from fake_api import FakeApi
from playwright.sync_api import Page

pytestmark = pytest.mark.engine

STREAM = (
    ": hello\n\nretry: 1000\nevent: submission\nid: 1\ndata: {}\n\n"
    "event: submission\r\nid:2\r\ndata: a\r\ndata: b\r\n\r\nid: 3\n\ndata: 한국어\n\n"
)
EVENTS = [
    {"type": "submission", "id": "1", "data": "{}"},
    {"type": "submission", "id": "2", "data": "a\nb"},
    {"type": "message", "id": "", "data": "한국어"},
]
LONG = 100_000


def in_module(page: Page, name: str, code: str, argument: object) -> Any:
    """Run code with a module `m` of the page and an argument `x`."""
    load = f"const m = await import(`${{document.body.dataset.assets}}/{name}.js`);"
    return page.evaluate(f"async (x) => {{ {load} {code} }}", argument)


@pytest.fixture
def opened(tab: Watched, api: FakeApi) -> Page:
    """The page, before a key was entered."""
    tab.page.goto(api.url)
    return tab.page


def test_events_are_the_same_however_the_stream_is_cut(opened: Page) -> None:
    """A network cuts anywhere, also between carriage return and line feed."""
    found = in_module(
        opened,
        "api",
        """return Array.from({length: x.length + 1}, (_, at) => {
            const parse = m.eventParser();
            return JSON.stringify([...parse(x.slice(0, at)), ...parse(x.slice(at))]);
        })""",
        STREAM,
    )

    assert {json.dumps(json.loads(each)) for each in found} == {json.dumps(EVENTS)}


MARKDOWN = {
    "# A\n\nb *c* **d** `e`": "<h3>A</h3><p>b <em>c</em> <strong>d</strong> <code>e</code></p>",
    "- a\n- b\n  - c\n": "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>",
    "3. a\n4. b": '<ol start="3"><li>a</li><li>b</li></ol>',
    "a | b\n--|--\n1 | 2": "<table>"
    '<thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>'
    "<tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
    "```\n<b>\n```": '<pre tabindex="0"><code>&lt;b&gt;</code></pre>',
    "```\nnot closed": '<pre tabindex="0"><code>not closed</code></pre>',
    "a\nb\n\nc": "<p>a\nb</p><p>c</p>",
    "> a\n> b": "<blockquote><p>a\nb</p></blockquote>",
    "$a_i$ \\*b\\* a_b_c": '<p><code class="math">a_i</code> *b* a_b_c</p>',
    "[a](https://example.com/b)": '<p><a href="https://example.com/b" rel="noopener noreferrer" '
    'target="_blank">a</a></p>',
    "[c](javascript:d)": "<p>[c](javascript:d)</p>",
    "![a](https://example.com/b.png)": "<p>a</p>",
    "<script>a</script>": "<p>&lt;script&gt;a&lt;/script&gt;</p>",
    "": "",
}


def test_a_statement_becomes_its_elements(opened: Page) -> None:
    """The part of Markdown that statements use, and nothing else."""
    code = """return x.map((each) => {
        const article = document.createElement("article");
        article.append(...m.render(each));
        return article.innerHTML;
    })"""

    found = in_module(opened, "markdown", code, list(MARKDOWN))

    assert dict(zip(MARKDOWN, found, strict=True)) == MARKDOWN


def test_no_statement_makes_the_parser_go_back_and_forth(opened: Page) -> None:
    """100,000 characters of each mark end; exponential time would not."""
    units = ["`", "**a", "*a ", "[", "[a](", "__a", "$a", "> ", "- ", "| a |\n", "\\", "```\n"]
    texts = [unit * (LONG // len(unit)) for unit in [*units, "a|b\n-|-\n", "- a\n  - b\n"]]

    found = in_module(opened, "markdown", "return x.map((each) => m.render(each).length)", texts)

    assert len(found) == len(texts)
    assert all(found)
