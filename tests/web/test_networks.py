"""Networks on the page: drawn pictures, a look inside, and the playground, on a run that was trained."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browsing import opened, served
from hostile.engine import InProcess
from seedbed.evaluation import predict
from seedbed.runs import NamedRun, RunStore
from seedbed.runs.arrays import read_safetensors
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import DataSpec, Dense, Plan, RunSpec
from seedbed.web.guard import Guard
from web.samples import CHANGE, app_of, ask
from web.test_browser import faults

ENGINE = import_module("seedbed.executor.engine")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    import jax

    store = RunStore(tmp_path_factory.mktemp("networks"))
    run = RunSpec(model=Dense(hidden=(12,)), plan=Plan(epochs=12, keep_epochs=(1,)), data=DataSpec(name="digits"))
    with pytest.MonkeyPatch.context() as patch, jax.numpy_dtype_promotion("strict"):
        patch.setattr(ENGINE, "LocalExecutor", InProcess)
        train_runs([NamedRun("net", "net", run)], Execution(store))
    return store


@pytest.fixture(scope="module")
def app(store: RunStore) -> Iterator[Guard]:
    app = app_of(store)
    yield app
    app.app.state.site.ends.close()


@pytest.fixture(scope="module")
def address(store: RunStore) -> Iterator[str]:
    with served(store) as found:
        yield found


def test_weights_of_best_last_and_kept_epochs_are_handed_out(app: Guard, store: RunStore, tmp_path: Path) -> None:
    for epoch in ("best", "last", "1"):
        answer = ask(app, "/api/draw/weights/net", f"epoch={epoch}")
        (tmp_path / "weights").write_bytes(answer.body)
        found = read_safetensors(tmp_path / "weights")
        expected = store.weights("net", int(epoch) if epoch == "1" else epoch)  # type: ignore[arg-type]
        np.testing.assert_array_equal(found["dense_0/kernel"], expected["dense_0/kernel"])
    assert ask(app, "/api/draw/weights/net", "epoch=2").status == 409
    assert ask(app, "/api/draw/weights/net", "epoch=../1").status == 422
    assert ask(app, "/api/draw/weights/nothing").status == 404
    assert ask(app, "/api/draw/networks/net").json()["layers"][0]["output_shape"] == [12]


def test_images_come_with_their_labels_and_no_more_than_there_are(app: Guard) -> None:
    answer = ask(app, "/api/inside/images/net", "part=validation&start=268&count=10")
    assert (answer.headers["x-total"], len(answer.headers["x-labels"].split(","))) == ("270", 2)
    assert len(answer.body) == 2 * 64 * 4
    assert ask(app, "/api/inside/images/net", "part=test").status == 422  # the test part is locked


def test_an_uploaded_picture_gets_the_answer_of_predict(app: Guard, store: RunStore, tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 20), np.uint8)).save(picture, "PNG")
    (tmp_path / "a.png").write_bytes(picture.getvalue())
    answer = ask(app, "/api/draw/predict/net", method="POST", headers=CHANGE, body=picture.getvalue())
    assert answer.status == 200, answer.text
    [expected] = predict(store, "net", [tmp_path / "a.png"])
    assert answer.json()["probabilities"] == pytest.approx(expected.as_json()["probabilities"], abs=1e-5)
    damaged = ask(app, "/api/draw/predict/net", method="POST", headers=CHANGE, body=b"no picture")
    assert damaged.status == 409
    assert "/tmp" not in damaged.text
    assert ask(app, "/api/draw/predict/net", method="POST", body=picture.getvalue()).status == 403


@pytest.fixture(scope="module")
def axe() -> str:
    package = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    return next(Path(package.__file__).parent.rglob("axe.min.js")).read_text(encoding="utf-8")


def test_a_drawing_is_answered_and_the_view_has_no_fault(browser: Any, address: str, axe: str) -> None:
    with opened(browser, address) as page:
        page.goto(f"{address}/draw?name=net")
        page.locator("canvas.sheet").focus()
        for key in ("Space", *["ArrowDown"] * 8, "Space"):
            page.keyboard.press(key)
        page.get_by_text("What each layer gives").click()
        page.get_by_text("% sure").wait_for()
        shares = page.locator(".bars tr").evaluate_all("(rows) => rows.map((row) => Number(row.dataset.share))")
        assert sum(shares) == pytest.approx(1, abs=1e-5)
        assert faults(page, axe) == []


def test_the_inside_of_a_network_follows_epoch_image_and_unit(browser: Any, address: str, axe: str) -> None:
    with opened(browser, address) as page:
        page.goto(f"{address}/inside?name=net&unit=3")
        page.get_by_text("unit 3, largest").wait_for()
        assert page.locator("#excite li").count() == 12
        best = page.locator("#weights canvas").first.evaluate("(canvas) => canvas.toDataURL()")
        page.locator("#epoch").focus()
        for _ in range(3):
            page.keyboard.press("ArrowLeft")
        page.locator("#epoch-name", has_text="1").wait_for()
        page.wait_for_timeout(500)
        assert page.locator("#weights canvas").first.evaluate("(canvas) => canvas.toDataURL()") != best
        page.locator("#image").fill("7")
        page.get_by_text("Validation image 7:").wait_for()
        assert "epoch=1" in page.url
        assert "image=7" in page.url
        assert faults(page, axe) == []


def test_a_network_is_trained_from_the_page_and_watched(browser: Any, address: str, axe: str, store: RunStore) -> None:
    with opened(browser, address) as page:
        page.set_default_timeout(60_000)
        page.goto(f"{address}/playground?hidden=6&epochs=8&seed=3")
        page.get_by_text("Ready:").wait_for()
        page.get_by_role("button", name="Start", exact=True).click()
        page.locator("#progress", has_text="epoch 8 of 8").wait_for()
        page.get_by_text("play-1 at epoch 8").wait_for()
        page.get_by_text("Ready:").wait_for()
        page.locator("#curves svg").first.wait_for()
        assert page.get_by_role("button", name="Pause").is_hidden()
        command = "seedbed train -m play-1 -d --hidden 6 --data digits --epochs 8 --seed 3"
        page.locator("#command", has_text=command).wait_for()
        assert faults(page, axe) == []
        page.locator("#hidden").fill("0")
        page.get_by_text("hidden").first.wait_for()
        page.locator("#error", has_text="hidden").wait_for()
    [result] = store.find("play-1")
    assert (result.run.seed, result.run.model.hidden, result.history.epochs) == (3, (6,), 8)


def test_an_answer_that_was_late_does_not_undo_newer_news(browser: Any, address: str) -> None:
    """The trainer is asked what it does while it compiles, and the answer comes after the news that it is ready."""
    held: list[str] = []

    def hold_back(route: Any) -> None:
        answer = route.fetch()
        if not held and answer.json()["session"]["phase"] == "warming":
            page.get_by_text("Ready:").wait_for()
            held.append("warming")
        route.fulfill(response=answer)

    with opened(browser, address) as page:
        page.set_default_timeout(60_000)
        page.route(re.compile("/api/playground$"), hold_back)
        page.goto(f"{address}/playground?hidden=9,7")
        while not held:
            page.wait_for_timeout(50)
        page.wait_for_timeout(200)
        assert page.get_by_text("Ready:").is_visible()
