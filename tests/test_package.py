"""The archives of a release: what they hold, and that everything that names the version or an address agrees."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from release import notes, package

import seedbed

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "seedbed"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_wheel_holds_every_file_of_the_package() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]
    folders = {name: SOURCE.joinpath(*name.split(".")[1:]) for name in patterns}
    named = {path for name, globs in patterns.items() for pattern in globs for path in folders[name].glob(pattern)}
    left_out = [path for path in package.package_files() if path.suffix != ".py" and path not in named]
    assert not left_out, "package-data of pyproject.toml lacks these"
    unused = [f"{name}: {glob}" for name, globs in patterns.items() for glob in globs if not any(folders[name].glob(glob))]
    assert not unused


def test_every_folder_with_a_module_is_a_package() -> None:
    folders = {path.parent for path in package.package_files() if path.suffix == ".py"}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_what_names_the_version_agrees() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(\d[^\]]*)\](?: - (\S+))?", changelog, flags=re.MULTILINE)
    assert headings[0] == (seedbed.__version__, CITATION["date-released"])
    assert CITATION["version"] == seedbed.__version__


def test_the_addresses_agree() -> None:
    urls = PROJECT["project"]["urls"]
    assert {"Homepage", "Documentation", "Source", "Issues", "Changelog"} == set(urls)
    assert (CITATION["repository-code"], CITATION["url"]) == (urls["Source"], urls["Documentation"])
    assert all(urls[name].startswith(urls["Source"]) for name in ("Issues", "Changelog"))


def test_no_release_leaves_a_repository_or_a_tag_that_the_metadata_do_not_name(monkeypatch: pytest.MonkeyPatch) -> None:
    repository = PROJECT["project"]["urls"]["Source"].removeprefix("https://github.com/")
    monkeypatch.setenv("GITHUB_REF_TYPE", "tag")
    monkeypatch.setenv("GITHUB_REF_NAME", f"v{seedbed.__version__}")
    monkeypatch.setenv("GITHUB_REPOSITORY", repository)
    package.check_release()
    monkeypatch.setenv("GITHUB_REPOSITORY", "another/seedbed")
    with pytest.raises(SystemExit, match="Source"):
        package.check_release()
    monkeypatch.setenv("GITHUB_REF_NAME", "v0.0.1")
    with pytest.raises(SystemExit, match=r"The tag is v0\.0\.1"):
        package.check_release()
    monkeypatch.setenv("GITHUB_REF_TYPE", "branch")
    package.check_release()


def test_the_notes_of_a_release_are_the_newest_version_of_the_changelog() -> None:
    text = (
        "# Changelog\n\n## [Unreleased]\n\n- Later.\n\n## [0.2.0] - 2026-11-29\n\n### New\n\n- This.\n\n## [0.1.0]\n\n- Old.\n"
    )
    assert notes.notes(text) == "### New\n\n- This."
    assert notes.notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_least_permissions_pinned_actions_and_ends(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert "concurrency" in workflow
    for name, job in workflow["jobs"].items():
        assert "timeout-minutes" in job or "uses" in job, name
        for step in job.get("steps", []):
            if "uses" in step:
                assert re.fullmatch(r"[\w.-]+/[\w./-]+@(v\d+(\.\d+)*|release/v\d+)", step["uses"]), step["uses"]
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
    text = path.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "pull_request_target" not in text
