"""The simulation of many machines, and the page that it writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench.scaling import page
from bench.scaling.costs import Costs, Line, line
from bench.scaling.simulation import World, simulate
from bench.sitting import Settings

EVEN = World(2, cores=4, runs=640, spread=0.0, stragglers=0.0, hours=1e9, task=0.0, worker=0.0)
FREE = replace(EVEN, message=0.0, byte=0.0, row=0.0, store=0.0, save=0.0)
COSTS = Costs(
    shell={"local": [50.0, 52.0], "ray": [54.0, 55.0]},
    run_epoch=0.2,
    task=0.3,
    worker=3.0,
    messages={"local": Line(1e-5, 1e-9), "ray": Line(5e-4, 2e-9)},
    row=1e-4,
    store=1e-2,
    save=1e-2,
    run_bytes=1.6e6,
    checkpoint_bytes=3e6,
)


def test_workers_that_never_wait_take_the_ideal_time():
    fate = simulate(FREE)
    assert fate.seconds == pytest.approx(FREE.ideal)
    assert (fate.driver_busy, fate.waiting, fate.lost) == (0, 0, 0)


def test_time_at_a_tasks_start_and_a_workers_adds_up():
    world = replace(FREE, task=0.5, worker=3.0)
    assert simulate(world).seconds == pytest.approx(world.ideal + 3.0 + 0.5 * world.tasks / world.workers)


def test_a_slow_driver_bounds_whatever_the_machines():
    world = replace(EVEN, machines=20, store=1.0)
    fate = simulate(world)
    assert fate.driver_busy > 0.95
    assert fate.seconds == pytest.approx(world.driver_least, rel=0.1)
    assert simulate(replace(world, machines=40)).seconds == pytest.approx(fate.seconds, rel=0.1)


def test_the_driver_serves_exactly_what_the_runs_say():
    fate = simulate(EVEN)
    assert fate.driver_busy * fate.seconds == pytest.approx(EVEN.driver_least)


def test_stragglers_and_failures_cost_time_and_all_runs_come_to_their_end():
    slow = simulate(replace(FREE, stragglers=0.2))
    failing = simulate(replace(FREE, hours=0.02, away=5.0))
    assert slow.seconds > 1.1 * FREE.ideal
    assert failing.failures > 0
    assert failing.lost > 0
    assert failing.seconds > FREE.ideal


def test_one_seed_one_fate():
    world = replace(EVEN, spread=0.3, hours=0.1)
    assert simulate(world, 1) == simulate(world, 1)
    assert simulate(world, 1) != simulate(world, 2)


def test_a_line_is_found_again(tmp_path: Path):
    found = line(lambda size, count: count * (3e-4 + 2e-9 * size), Settings(1, False, "cpu", tmp_path))
    assert found.message == pytest.approx(3e-4)
    assert found.byte == pytest.approx(2e-9)


def test_the_page_names_the_bottleneck_that_the_figures_show(tmp_path: Path):
    text, _ = page.page(COSTS, "A machine", runs=8_000)
    assert "bound by the driver" in text
    assert "Ray took 1.07" in text
    assert "within the allowed 10 %" in text
    assert (
        "bound by the driver"
        not in page.page(replace(COSTS, row=0.0, store=1e-6, run_bytes=1.0, save=0.0), "A machine", 8_000)[0]
    )
    assert "beyond the allowed 10 %" in page.page(replace(COSTS, shell={"local": [50.0], "ray": [60.0]}), "A machine", 8_000)[0]
