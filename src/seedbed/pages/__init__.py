"""Pages: one self-contained HTML file that opens from disk and asks no network for anything.

Templates (Jinja2), styles and the script stand in `templates/`, each as a file of its own kind. A page is its template and
what the template is given: `base` is the document and its locks, `page` the frame to read in, the others are one page each.
`static/` has the JavaScript modules and styles that the server's pages and exported ones share.
"""

from seedbed.pages.modules import definitions, joined
from seedbed.pages.rendering import Charts, environment, render, text_of

__all__ = ["Charts", "definitions", "environment", "joined", "render", "text_of"]
