"""What README and docs show works: the Python runs, the commands parse, the links lead somewhere."""

import functools
import itertools
import json
import re
import runpy
import shlex
import subprocess
import sys

import pytest
from reduced import FENCE, REPOSITORY, blocks, environment

SCRIPTS = REPOSITORY / "scripts"
PATH = re.compile(r"(?:gan|tuning|scripts|tests|docs)/[\w./-]*")
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
LINKING_PAGES = [
    *PAGES,
    *sorted((REPOSITORY / "docs").glob("*/*.md")),
    REPOSITORY / "docs" / "tutorial.ipynb",
    REPOSITORY / "CHANGELOG.md",
    REPOSITORY / "CONTRIBUTING.md",
]
COMMANDS = [path for path in SCRIPTS.rglob("*.py") if "def build_parser()" in path.read_text()]
COMMAND = re.compile(r"\bpython3? +(scripts/[\w/]+\.py)(.*?)(?=\bpython3? +scripts/|$)", re.MULTILINE)
OPERATORS = set(";|&")
SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)|^\[[^\]]+\]: +(\S+)", re.MULTILINE)
HTML_LINK = re.compile(r"<(?:a|img)\b[^>]*?(?:href|src)=\"([^\"]+)\"")


def of_page(path):
    return str(path.relative_to(REPOSITORY))


def read(page):
    """The text of a page, or of all texts in a notebook."""
    if page.suffix != ".ipynb":
        return page.read_text()
    cells = json.loads(page.read_text())["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def prose(text):
    """A page without its fenced blocks. Lines keep their numbers."""
    return FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)


def spans(text):
    """The pieces of inline code on a page: pairs of a line and the code."""
    text = prose(text)
    for span in SPAN.finditer(text):
        yield text.count("\n", 0, span.start()) + 1, " ".join(span[2].replace("\\|", "|").split())


@pytest.mark.parametrize("page", [path for path in PAGES if any(blocks(path.read_text(), "python"))], ids=of_page)
def test_python_of_a_page_runs(page, tmp_path):
    result = subprocess.run(
        [sys.executable, REPOSITORY / "tests" / "reduced.py", page],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]


def commands(page):
    """The command lines of our scripts on a page, as triples of a line number, a script and its arguments."""
    text = page.read_text()
    for first, code in [*blocks(text, "bash", "sh", "console"), *spans(text)]:
        for command in COMMAND.finditer(code.replace("\\\n", "  ")):
            words = shlex.shlex(command[2], posix=True, punctuation_chars="".join(OPERATORS))
            words.whitespace_split = True
            arguments = list(itertools.takewhile(lambda word: set(word) - OPERATORS, words))
            yield first + code.count("\n", 0, command.start()), REPOSITORY / command[1], arguments


@functools.cache
def build_parser(script):
    sys.path.insert(0, str(script.parent))
    try:
        return runpy.run_path(str(script))["build_parser"]()
    finally:
        sys.path.remove(str(script.parent))


def options_of(script):
    return set(re.findall(r"--[\w-]+", build_parser(script).format_help()))


@pytest.mark.parametrize("page", PAGES, ids=of_page)
def test_command_lines_of_a_page_parse(page, capsys):
    wrong = []
    for line, script, arguments in commands(page):
        if not script.is_file():
            wrong.append(f"{of_page(page)}:{line}: there is no {of_page(script)}")
            continue
        try:
            build_parser(script).parse_args(arguments)
        except SystemExit as exit:
            said = capsys.readouterr().err.strip()
            if exit.code:
                wrong.append(f"{of_page(page)}:{line}: {said.splitlines()[-1]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=of_page)
def test_options_that_a_page_names_exist(page):
    """In the text an option stands alone, as in `--seed`, or beside a script, as in `train.py --seed 1`."""
    wrong = []
    for line, code in spans(page.read_text()):
        named = re.match(r"(?:scripts/)?((?:benchmarks/)?\w+\.py) ", code)
        if named is None and not code.startswith("--"):
            continue
        if named and SCRIPTS / named[1] not in COMMANDS:
            wrong.append(f"{of_page(page)}:{line}: there is no command {named[1]}")
            continue
        known = set().union(*map(options_of, [SCRIPTS / named[1]] if named else COMMANDS))
        if unknown := set(re.findall(r"(?<![\w-])--[a-z][\w-]*", code)) - known:
            wrong.append(f"{of_page(page)}:{line}: no {', '.join(sorted(unknown))} in `{code}`")
    assert not wrong, "\n".join(wrong)


def anchors(text):
    """The anchors that GitHub gives to the headings of a page; `mkdocs build --strict` tests those of the site."""
    seen = {}
    for heading in re.findall(r"^#+ +(.+?) *#*$", prose(text), re.MULTILINE):
        visible = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", visible.lower()).replace(" ", "-")
        count = seen[slug] = seen.get(slug, -1) + 1
        yield f"{slug}-{count}" if count else slug


def links(text):
    text = SPAN.sub("", prose(text))
    return {link[1] or link[2] for link in LINK.finditer(text)} | set(HTML_LINK.findall(text))


@pytest.mark.parametrize("page", LINKING_PAGES, ids=of_page)
def test_links_and_pictures_of_a_page_exist(page):
    text = read(page)
    broken = []
    for link in links(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or anchor and anchor not in anchors(target.read_text()):
            broken.append(link)
    assert not broken, f"{of_page(page)} links to {', '.join(sorted(broken))}"


@pytest.mark.parametrize("page", LINKING_PAGES, ids=of_page)
def test_files_that_a_page_names_exist(page):
    named = [code for _, code in spans(read(page)) if PATH.fullmatch(code)]
    missing = {name for name in named if not (REPOSITORY / name).exists()}
    assert not missing, f"{of_page(page)} names {', '.join(sorted(missing))}"
