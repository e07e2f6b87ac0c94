from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from seedbed import figures
from seedbed.cli.settings import chosen, flags
from seedbed.commands import train_call, train_command
from seedbed.groups import compare
from seedbed.groups.naming import group_name
from seedbed.runs import RunStore
from seedbed.specs import Conv, DataSpec, Dense, Plan, RunSpec
from seedbed.sweeps.comparison import compare_sweep
from seedbed.sweeps.stored import read_sweep
from seedbed.web import selection
from seedbed.web.guard import Guard
from seedbed.web.views import VIEWS
from web.samples import CHANGE, HOSTILE, Training, app_of, ask, home, many, swept

PAGES = import_module("seedbed.web.application")
GROUPS = {"good": 0.97, "fair": 0.9}
LISTED = [view for view in VIEWS if view.listed]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return home(tmp_path_factory.mktemp("home"), GROUPS)


@pytest.fixture(scope="module")
def app(store: RunStore) -> Guard:
    return app_of(store)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Guard:
    return app_of(RunStore(tmp_path_factory.mktemp("empty") / "none"))


BOTH = "name=good&name=fair"


@pytest.mark.parametrize("view", LISTED, ids=lambda view: view.name)
def test_each_view_is_a_page_with_a_twin_and_charts(view, app: Guard, empty: Guard) -> None:
    for place in (app, empty):
        page = ask(place, f"/{view.name}", BOTH if place is app else "")
        assert page.status == 200, page.text
        assert 'aria-current="page"' in page.text
        twin = ask(place, f"/api/{view.name}", BOTH if place is app else "")
        assert twin.status == 200
        assert isinstance(twin.json(), dict)
    for name in view.charts:
        chart = ask(app, f"/api/{view.name}/charts/{name}", BOTH)
        absent = view.name in ("search", "playground") or name == "effects"  # this home has no search, training or sweep
        if not absent:
            assert chart.status == 200, chart.text
            assert chart.json()["$schema"].startswith("https://vega")
        assert ask(empty, f"/api/{view.name}/charts/{name}").status in (200, 409)


def test_a_chart_whose_runs_are_as_they_were_is_not_written_again(app: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ask(app, "/api/curves/charts/learning_curves", BOTH)
    monkeypatch.setattr(figures, "specification", pytest.fail)
    assert ask(app, "/api/curves/charts/learning_curves", BOTH).json() == first.json()


def test_a_sweep_that_appears_while_a_page_is_made_is_not_there_yet(app: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "sweep_names", lambda site: {"new-h16": "new", "new-h32": "new"})
    assert ask(app, "/api/curves", "name=new").status == 404
    assert ask(app, "/runs", "name=new").status == 200


def test_every_address_of_the_pages_leads_somewhere(app: Guard) -> None:
    seen: set[str] = set()
    todo = [f"/{view.name}?{BOTH}" for view in LISTED] + ["/run?name=good.0"]
    while todo and len(seen) < 60:
        address = todo.pop(0).replace("&amp;", "&")
        if address in seen:
            continue
        seen.add(address)
        path, _, query = address.partition("?")
        answer = ask(app, path, query)
        assert answer.status in (200, 307), address
        if answer.headers.get("content-type", "").startswith("text/html"):
            found = re.findall(r'(?:href|src)="(/[^"]*)"', answer.text)
            todo += [each for each in found if not each.startswith("/static")][:25]
    assert len(seen) > 40


def test_no_name_becomes_markup(tmp_path: Path) -> None:
    store = home(tmp_path, {"good": 0.9}, seeds=1)
    path = tmp_path / "good.0" / "run.json"
    record = json.loads(path.read_text())
    record["data"]["classes"][3] = HOSTILE
    record["verdict"]["evidence"] = HOSTILE
    path.write_text(json.dumps(record))
    app = app_of(store)
    for address in ("/runs", "/run", "/mistakes", "/curves"):
        for query in ("name=good.0", "q=%3Cimg%20src%3Dx%20onerror%3D%22alert(1)%22%3E&name=good.0"):
            answer = ask(app, address, query)
            assert answer.status == 200, answer.text
            assert "<img src=x" not in answer.text
    assert "&lt;img src=x" in ask(app, "/run", "name=good.0").text
    assert ask(app, "/nothing-<img src=x>").status == 404
    assert "<img src=x" not in ask(app, "/run", "name=%3Cimg%20src%3Dx%3E").text


# Runs


def runs_of(app: Guard, query: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = ask(app, "/api/runs", query).json()["runs"]
    return found


def test_runs_are_filtered_by_words_and_by_conditions(app: Guard) -> None:
    assert [run["name"] for run in runs_of(app, "q=FAIR")] == ["fair.0", "fair.1"]
    assert [run["name"] for run in runs_of(app, "q=accuracy%3E0.85")] == ["good.0", "good.1"]
    assert [run["name"] for run in runs_of(app, "q=accuracy%3E85%25+seed%3D1")] == ["good.1"]
    assert [run["name"] for run in runs_of(app, "q=hidden%3D24")] == ["fair.0", "fair.1"]
    assert [run["name"] for run in runs_of(app, "q=verdict%3Dgood+dense")] == []
    assert len(runs_of(app, "q=parameters%3C%3D1210")) == 4


def test_runs_are_sorted_in_both_orders_and_what_has_no_value_comes_last(app: Guard) -> None:
    assert next(run["name"] for run in runs_of(app, "sort=accuracy")).startswith("fair")
    assert next(run["name"] for run in runs_of(app, "sort=-accuracy")).startswith("good")
    assert [run["seed"] for run in runs_of(app, "sort=-seed")] == [1, 1, 0, 0]
    assert len(runs_of(app, "sort=nothing")) == 4


def test_runs_are_grouped_by_settings_with_an_interval_over_them(app: Guard) -> None:
    rows = runs_of(app, "group=hidden&group=activation")
    assert [(row["hidden"], row["activation"], row["runs"]) for row in rows] == [("24", "relu", 2), ("16", "relu", 2)]
    assert all(row["low"] <= row["accuracy"] <= row["high"] for row in rows)  # type: ignore[operator]


@pytest.mark.parametrize("query", ["name=good&name=fair.0", "name=good.1&name=good.0&name=fair.0"])
def test_the_runs_of_a_selected_group_are_ticked(app: Guard, query: str) -> None:
    page = ask(app, "/runs", query).text
    boxes = {name: "checked" in rest for name, rest in re.findall(r'id="select-([^"]+)"([^>]*)', page)}
    assert boxes == {"fair.0": True, "fair.1": False, "good.0": True, "good.1": True}
    assert "selected: 3" in page
    grouped = ask(app, "/runs", f"{query}&group=group").text
    assert re.findall(r'id="select-([^"]+)"[^>]* checked', grouped) == ["good"]


def test_the_runs_of_a_selected_sweep_are_ticked(tmp_path: Path) -> None:
    page = ask(app_of(swept(tmp_path)), "/runs", "name=s").text
    assert len(re.findall(r'id="select-[^"]+"[^>]* checked', page)) == 8


def test_the_settings_of_a_sweep_come_in_the_order_of_their_values(tmp_path: Path) -> None:
    app = app_of(swept(tmp_path, (0.0, 0.01, 0.001)))  # by their letters 1e-2 comes before 1e-3
    groups = [each["group"] for each in ask(app, "/api/curves", "name=s").json()["groups"]]
    settings = [{"hidden": (hidden,), "l2": l2} for hidden in (8, 16) for l2 in (0.0, 0.001, 0.01)]
    assert groups == [group_name("s", setting) for setting in settings]


def test_the_accuracy_is_that_of_the_epoch_asked_for(app: Guard) -> None:
    at = {epoch: runs_of(app, f"epoch={epoch}&q=good.0")[0]["accuracy"] for epoch in ("1", "6", "last", "best")}
    assert at["1"] == pytest.approx(0.47)
    assert at["6"] == at["last"] == at["best"]
    assert runs_of(app, "epoch=7&q=good.0")[0]["accuracy"] is None
    assert ask(app, "/runs", "epoch=never").status == 422


def test_a_damaged_run_is_a_row_and_not_an_error(tmp_path: Path) -> None:
    store = home(tmp_path, {"good": 0.9}, seeds=2)
    (tmp_path / "good.1" / "run.json").write_text("{")
    (tmp_path / "not a name").mkdir()
    (tmp_path / "not a name" / "run.json").write_text("{}")
    app = app_of(store)
    assert {run["name"]: run["state"] for run in runs_of(app, "")} == {
        "good.0": "finished",
        "good.1": "damaged",
        "not a name": "damaged",
    }
    assert ask(app, "/curves", "name=good.0").status == 200
    assert ask(app, "/run", "name=good.1").status == 200


def test_thousands_of_runs_are_pages_of_fifty(tmp_path: Path) -> None:
    app = app_of(many(tmp_path, 130))
    plain = ask(app, "/api/runs", "page=3").json()
    assert (plain["total"], plain["pages"], len(plain["runs"])) == (130, 3, 30)
    assert plain["runs"][0]["name"] == "many.100"
    page = ask(app, "/runs", "page=2").text
    assert page.count("<tr") == 51
    assert "page=3" in page


def test_a_page_of_runs_does_not_wait_for_all_their_curves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedbed.web.views.runs.PATIENCE", 0.0)
    app = app_of(many(tmp_path, 3))
    unread = []
    while not unread or unread[-1]:
        unread.append(ask(app, "/runs").text.count("data-unread"))
        assert len(unread) < 5
    assert unread[0] == 2
    assert ask(app, "/runs").text.count('class="spark"') == 3


@pytest.mark.parametrize("view", ["curves", "compare"])
def test_a_page_of_many_runs_says_how_many_are_read(view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PAGES, "PATIENCE", 0.0)
    app = app_of(home(tmp_path, GROUPS))
    for count in (1, 2, 3):
        page = ask(app, f"/{view}", BOTH).text
        assert f"{count} of 4" in page
        assert "data-unread" in page
    assert "data-chart-of" in ask(app, f"/{view}", BOTH).text


def test_a_program_waits_until_all_runs_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PAGES, "PATIENCE", 0.0)
    app = app_of(home(tmp_path, GROUPS))
    assert [len(group["runs"]) for group in ask(app, "/api/curves", BOTH).json()["groups"]] == [2, 2]


def test_a_page_of_more_runs_than_are_kept_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PAGES, "PATIENCE", 0.0)
    monkeypatch.setattr("seedbed.runs.live.KEPT_RESULTS", 2)
    app = app_of(many(tmp_path, 3))
    for _ in range(2):
        assert "data-unread" not in ask(app, "/curves", "name=many").text


def test_reading_ahead_gives_way_to_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of(many(tmp_path, 3))
    live = app.app.state.site.live
    plain, names = live.result, ["many.0", "many.1", "many.2"]

    def result(name: str) -> object:
        live.read_ahead(10.0)
        return plain(name)

    live.refresh()
    monkeypatch.setattr(live, "result", result)
    assert ask(app, "/curves", "name=many.0").status == 200
    assert [live.is_at_hand(name) for name in names] == [True, False, False]
    monkeypatch.undo()
    live.read_ahead(10.0)
    assert all(live.is_at_hand(name) for name in names)


# Curves


@pytest.mark.parametrize("names", ["name=good.0", "name=good", BOTH])
def test_curves_are_smoothed_where_they_are_drawn_and_nowhere_else(app: Guard, names: str) -> None:
    smooth = ask(app, "/api/curves/charts/learning_curves", f"{names}&smoothing=0.6").text
    assert '"smoothed"' in smooth
    assert '"smoothed"' not in ask(app, "/api/curves/charts/learning_curves", names).text
    page = ask(app, "/curves", f"{names}&smoothing=0.6").text
    assert 'value="0.6"' in page
    assert f"learning_curves?{names}&smoothing=0.6" in html.unescape(page)
    plain = ask(app, "/api/curves", names).json()
    assert ask(app, "/api/curves", f"{names}&smoothing=0.6").json() == plain
    assert ask(app, "/curves", "smoothing=1").status == 422


# Live


def test_a_run_in_training_is_there_from_its_claim_on(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    app = app_of(store)
    site = app.app.state.site
    training = Training(store)
    assert site.live.refresh() == ["live"]
    assert runs_of(app, "")[0]["state"] == "running"
    assert ask(app, "/api/curves").json()["waiting"] == ["live"]
    assert ask(app, "/curves").status == 200
    for epochs in (1, 2, 3):
        training.epoch()
        assert site.live.refresh() == ["live"]
        (group,) = ask(app, "/api/curves", "name=live").json()["groups"]
        assert len(group["runs"][0]["curve"]) == epochs
        assert ask(app, "/api/curves/charts/learning_curves").status == 200
    assert ask(app, "/api/run", "name=live").json()["model"]["parameters"] == 64 * 16 + 16 + 16 * 10 + 10
    training.end()
    assert site.live.refresh() == ["live"]
    assert site.live.refresh() == []
    assert runs_of(app, "")[0]["state"] == "finished"
    store.remove("live")
    assert site.live.refresh() == ["live"]
    assert runs_of(app, "") == []


def test_a_view_that_looks_for_itself_takes_no_news_from_those_who_follow(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    live = app_of(store).app.state.site.live
    assert live.changes() == []
    training = Training(store)
    assert live.refresh() == ["live"]
    training.epoch()
    assert live.changes() == ["live"]
    assert live.changes() == []


def test_a_training_that_dies_becomes_interrupted(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    site = app_of(store).app.state.site
    training = Training(store)
    training.epoch()
    site.live.refresh()
    training._held.close()
    assert site.live.refresh() == ["live"]
    assert site.live.find("live").status == "interrupted"


# Compare


def test_a_comparison_says_what_the_command_says(app: Guard, store: RunStore) -> None:
    expected = compare(store, ["good", "fair"])
    plain = ask(app, "/api/compare", BOTH).json()
    assert plain["sentences"] == expected.sentences()
    assert plain["differs"] == expected.as_json()["differs"]
    assert sum(plain["mistakes"][0][name] for name in ("both right", "only the first", "only the second", "neither")) == 270
    page = ask(app, "/compare", BOTH).text
    words = html.unescape(re.sub("<[^>]*>", "", page)).replace("\N{NO-BREAK SPACE}", " ")
    for statement in expected.pairs[0].statements:
        assert statement.answer in words
        assert statement.statistics in words
        assert f"<summary>{statement.mark}</summary>" in page
    assert "seedbed compare good fair" in page


def test_without_a_selection_the_two_settings_that_were_finished_last_are_compared(app: Guard) -> None:
    names = {each["name"] for each in ask(app, "/api/compare", "").json()["candidates"]}
    assert len(names) == 2
    page = ask(app, "/compare", "").text
    assert "These two were finished last" in page
    assert ask(app, "/api/compare/charts/differences", "").status == 200


def test_a_sweep_is_compared_as_the_command_does(tmp_path: Path) -> None:
    store = swept(tmp_path)
    app = app_of(store)
    expected = compare_sweep(read_sweep(store, "s"))
    plain = ask(app, "/api/compare", "name=s").json()
    assert plain["sentences"] == expected.sentences()
    assert plain["effects"] == json.loads(json.dumps(expected.as_json()["effects"]))
    assert len(plain["interactions"]) == 1
    page = ask(app, "/compare", "name=s").text
    assert "Does the effect of one depend on another?" in page
    assert "/api/compare/charts/effects?name=s" in page
    assert ask(app, "/api/compare/charts/effects", "name=s").status == 200
    against = expected.groups[-1].name
    assert ask(app, "/api/compare", f"name=s&against={against}").json()["against"] == [against]
    assert (
        f"seedbed compare s --against {against} --margin 2" in ask(app, "/compare", f"name=s&against={against}&margin=2").text
    )


def test_settings_of_one_sweep_lead_to_its_main_effects(tmp_path: Path) -> None:
    app = app_of(swept(tmp_path))
    names = [each["name"] for each in ask(app, "/api/compare", "name=s").json()["candidates"]]
    page = ask(app, "/compare", f"name={names[0]}&name={names[1]}").text
    assert 'href="/compare?name=s"' in page
    assert "charts/effects" not in page


def test_single_seeds_of_a_setting_lead_to_the_comparison_of_all_its_seeds(app: Guard) -> None:
    page = ask(app, "/compare", "name=good.0&name=good.1&name=fair.0").text
    assert 'href="/compare?name=good&amp;name=fair"' in page
    assert "with all its seeds" not in ask(app, "/compare", BOTH).text


def test_one_setting_alone_is_not_compared(app: Guard) -> None:
    assert "needs two settings" in ask(app, "/compare", "name=good").text
    assert ask(app, "/api/compare/charts/differences", "name=good").status == 409


def test_an_unknown_name_is_an_error_that_offers_the_nearest(app: Guard) -> None:
    for path in ("/curves", "/api/compare", "/mistakes"):
        answer = ask(app, path, "name=goood")
        assert answer.status == 404
        assert "Did you mean" in answer.text


# Mistakes


def test_a_cell_of_the_matrix_opens_its_images(app: Guard) -> None:
    plain = ask(app, "/api/mistakes", BOTH).json()
    matrix = plain["confusion"]
    assert sum(map(sum, matrix)) == 4 * 270
    cell = ask(app, "/api/mistakes", f"{BOTH}&true=3&predicted=4").json()
    assert {(image["label"], image["says"]) for image in cell["images"]} == {("3", "4")}
    assert sum(image["wrong"] for image in cell["images"]) == matrix[3][4]
    assert ask(app, "/mistakes", f"{BOTH}&true=3&predicted=4").text.count('src="data:image/png') == len(cell["images"])


def test_an_image_shows_what_each_network_says(app: Guard) -> None:
    index = ask(app, "/api/mistakes", BOTH).json()["images"][0]["index"]
    answers = ask(app, "/api/mistakes", f"{BOTH}&image={index}").json()["image"]
    assert [answer["run"] for answer in answers] == ["good.0", "good.1", "fair.0", "fair.1"]
    assert not all(answer["right"] for answer in answers)
    picture = ask(app, "/api/image", f"run=good.0&index={index}")
    assert picture.body.startswith(b"\x89PNG")
    assert ask(app, "/api/image", "run=good.0&index=99999").status == 404


def test_only_runs_whose_mistakes_are_shown_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedbed.web.views.mistakes.MOST_NETWORKS", 1)
    app = app_of(home(tmp_path, GROUPS))
    assert "1 run is left out" in ask(app, "/mistakes", "name=good").text
    assert ask(app, "/api/mistakes", BOTH).json()["networks"] == ["good.0"]
    page = ask(app, "/mistakes", BOTH).text
    assert "3 runs are left out" in page
    assert "good.1, fair.0, fair.1: the first 1 are shown" in page
    assert not any(app.app.state.site.live.is_at_hand(name) for name in ("good.1", "fair.0", "fair.1"))


def test_images_on_which_networks_disagree_come_first(app: Guard) -> None:
    wrong = [image["wrong"] for image in ask(app, "/api/mistakes", f"{BOTH}&sort=disagreement").json()["images"]]
    assert wrong[0] == 2


# Data


def test_data_shows_its_classes_and_examples_and_hides_the_test_part(app: Guard) -> None:
    plain = ask(app, "/api/data", "data=digits").json()
    assert len(plain["classes"]) == 10
    assert len(plain["examples"]) == 24
    assert "locked" in plain["sentences"][0]
    threes = ask(app, "/api/data", "data=digits&label=3&part=validation").json()["examples"]
    assert {example["label"] for example in threes} == {"3"}
    assert ask(app, "/api/data", "data=digits&part=test").status == 422
    assert ask(app, "/api/image", "data=digits&part=test&index=0").status == 422


def test_a_data_set_that_is_not_here_is_not_downloaded(app: Guard) -> None:
    plain = ask(app, "/api/data", "data=cifar10").json()
    assert "is not on this machine" in plain["unavailable"]


def test_only_known_data_sets_are_surveyed(app: Guard) -> None:
    for values in ({"data": "../x"}, {"data": 3}, {}, {"data": "digits", "more": 1}):
        answer = ask(app, "/api/data/survey", method="POST", headers=CHANGE, body=json.dumps(values).encode())
        assert answer.status in (404, 422)


# Overfitting


def test_a_stronger_penalty_turns_overfitting_into_underfitting(app: Guard) -> None:
    weak = ask(app, "/api/overfitting", "penalty=-8").json()
    strong = ask(app, "/api/overfitting", "penalty=1").json()
    assert weak["expected"]["variance"] > weak["expected"]["bias2"]
    assert strong["expected"]["variance"] < strong["expected"]["bias2"]
    assert "overfitting" in weak["sentences"][1]
    assert "underfitting" in strong["sentences"][1]
    assert weak["missed"]["points"] < strong["missed"]["points"]


# Commands


@pytest.mark.parametrize(
    "run",
    [
        RunSpec(data=DataSpec(name="digits")),
        RunSpec(model=Dense(hidden=(), activation="relu"), plan=Plan(learning_rate=3e-4, optimizer="nesterov", momentum=0.5)),
        RunSpec(model=Conv(filters=(4, 8), kernel=(3,), separable=True), plan=Plan(l2=1e-4, epochs="auto"), seed=7),
        RunSpec(data=DataSpec(name="digits", first=100, label_noise=0.2, size=(8, 8), inner=True)),
    ],
)
def test_a_copied_command_trains_this_very_run(run: RunSpec) -> None:
    import shlex

    import click

    _, _, *words = shlex.split(train_command(run, "again"))
    found: list[RunSpec] = []

    @click.command()
    @click.option("-m")
    @click.option("--seed", type=int)
    @flags
    def command(m: str, seed: int | None, **values: object) -> None:
        found.append(chosen(values, seed=seed, seeds=None, config=None).run)

    command.main(words, standalone_mode=False)
    assert found == [run]


def test_a_copied_call_trains_this_very_run() -> None:
    import seedbed as sb

    called: list[tuple[object, ...]] = []

    class Recorded:
        Dense, Conv, DataSpec = sb.Dense, sb.Conv, sb.DataSpec

        @staticmethod
        def train(*arguments: object, **named: object) -> None:
            called.append((arguments, named))

    run = RunSpec(model=Conv(filters=(4,), kernel=(3,)), plan=Plan(l2=1e-4), data=DataSpec(name="digits", first=9), seed=2)
    eval(train_call(run, "again", seeds=2), {"sb": Recorded})
    ((model, data), named) = called[0]
    assert (model, data) == (run.model, run.data)
    assert named == {"name": "again", "seeds": [2, 3], "l2": 1e-4}


def test_looking_at_runs_imports_no_framework(store: RunStore) -> None:
    program = f"""
import json, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from seedbed.runs import RunStore
from web.samples import app_of, ask
from seedbed.web.views import VIEWS
app = app_of(RunStore(Path({str(store.root)!r})))
for view in VIEWS:
    for path in (f"/{{view.name}}", f"/api/{{view.name}}", *(f"/api/{{view.name}}/charts/{{chart}}" for chart in view.charts)):
        ask(app, path, "name=good&name=fair" if view.name != "run" else "name=good.0")
print(json.dumps(sorted(set(sys.modules) & {{"jax", "jaxlib", "keras", "tensorflow", "torch", "optuna"}})))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == []
