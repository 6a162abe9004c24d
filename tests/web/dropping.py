"""Dropping files on a page: as the browser does it, with real folders, or with a made-up DataTransfer."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

_MADE_UP = """([name, text]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name));
  for (const kind of ["dragover", "drop"]) {
    document.querySelector("#main").dispatchEvent(
      new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}"""


def wait_for_target(page: Page) -> None:
    """Drops are taken from a moment after the page can be used; a person's hand is never so quick."""
    page.locator(".drop-here").wait_for(state="attached")


def drag(page: Page, *paths: Path) -> None:
    """Carry files and folders of the disk over the page, without letting go."""
    wait_for_target(page)
    _dispatch(page, "dragEnter", *paths)
    _dispatch(page, "dragOver", *paths)


def drop(page: Page, *paths: Path) -> None:
    """Drop files and folders of the disk onto the page."""
    drag(page, *paths)
    _dispatch(page, "drop", *paths)


def drop_made_up(page: Page, name: str, text: str) -> None:
    """Drop a file that is on no disk."""
    wait_for_target(page)
    page.evaluate(_MADE_UP, [name, text])


def _dispatch(page: Page, kind: str, *paths: Path) -> None:
    size = page.viewport_size
    assert size is not None
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    place = {"x": size["width"] / 2, "y": size["height"] / 2}
    session.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})
    session.detach()
