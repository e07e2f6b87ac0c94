"""The page: a server for one person on one machine, which shows a home's runs live.

    application.py   routes of all views, events, errors: `application(home, access)`
    guard.py         what every request passes: hosts, origins, tokens, caps on size and rate
    events.py        one stream of events for all open pages, resumable
    server.py        an address, a server in this process; `serve` for notebooks
    site.py          what all views share (`PageSite`), and what a view is (`View`)
    static.py        styles and scripts by their names
    networks.py      networks of runs: descriptions, weights, data, and answers of users' own networks
    views/           one file per view, listed in `views/__init__.py`
    templates/       one Jinja2 template per view, each in the frame `shell.html.jinja`
    static/          ES modules and a style sheet, as the browser gets them: no build step, no framework

The server renders a whole page for every URL, and the URL is the view's whole state; so every view works without a script,
can be linked to, and is there at the first paint. Scripts then fetch only what changed, and draw the charts.

How a view is added:

1. `views/NAME.py`: a `ViewQuery` with the parameters of its URL; a class with what it shows and `as_json`; a function
   `(site, query) -> state`; functions `(site, query) -> chart` for its charts; and `VIEW = View("NAME", "Title", ...)`.
   What it computes comes from `groups`, `evaluation`, `searches`, `tables` and `figures`, never from code of its own.
   This gives `/NAME`, its twin `/api/NAME`, and `/api/NAME/charts/CHART`, all with the same parameters.
2. `templates/NAME.html.jinja` extends `shell.html.jinja` and fills `contents`; it reads `state` and `asked` (the query).
   `{{ chart("NAME", "CHART") }}` places a chart; what has `data-live` and an id is fetched again when runs change.
3. `static/NAME.js` if it needs a script (`script=True`); it may import `./app.js` (`changed`, `post`, `fetchJson`),
   `./charts.js` (`draw`) and `./events.js` (`listen`).
4. Its line in `views/__init__.py`.

Routes of its own go into an `APIRouter` (`View.router`), below `/api/NAME/`. A route that changes something is a POST: the
guard lets it pass only with the page's token, which `post` of `app.js` sends. News for open pages: `site.hub.publish(TOPIC,
values)`, from any thread; pages hear them by `listen(TOPIC, ...)`. What a view keeps between requests: `site.kept`.
"""

from seedbed.web.application import application
from seedbed.web.guard import Access, RequestLimits
from seedbed.web.server import PageServer, Served, serve

__all__ = ["Access", "PageServer", "RequestLimits", "Served", "application", "serve"]
