"""Pages of the site that are not in docs/: the files of the project's root, with links that fit their new place."""

import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"README.md": "index.md", "ARCHITECTURE.md": "architecture.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md", "CHANGELOG.md": "changelog.md"}
LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def moved(link: re.Match) -> str:
    """A link of the root, as it is inside docs/. What is in neither place stays as it is, so that the strict build names it."""
    target = link[1].removeprefix("docs/")
    return f"]({PAGES.get(target, target)}{link[2] or ''})"


def on_files(files, config):
    for source, page in PAGES.items():
        text = LINK.sub(moved, (ROOT / source).read_text())
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """docs/ links to the root by `../`, and says more about a block of code than its language."""
    markdown = re.sub(r"^(```\w+) \w+$", r"\1", markdown, flags=re.MULTILINE)
    up = re.compile(r"\]\((?:\.\./)+(" + "|".join(map(re.escape, PAGES)) + r")(#[^)\s]*)?\)")
    back = "../" * page.file.src_uri.count("/")
    return up.sub(lambda link: f"]({back}{PAGES[link[1]]}{link[2] or ''})", markdown)
