"""Fetching an official archive once, with its checksum, into the user's cache folder."""

from __future__ import annotations

from pathlib import Path

from seesaw_nas.core.errors import DataError
from seesaw_nas.data.progress import Progress, report_progress

_CHUNK = 2**16  # bytes between two reports


def cache_dir() -> Path:
    """Where downloads are kept: the operating system's cache folder for this user."""
    import pooch

    return Path(pooch.os_cache("seesaw-nas"))


def fetch(url: str, md5: str, cache: Path, progress: Progress | None = None) -> None:
    """Have the archive at ``url`` unpacked in ``cache``; what is there already is not fetched again.

    Raises:
        DataError: no network, an answer other than the file, a checksum that differs, or a disk that cannot take it.
    """
    import pooch

    name = url.rsplit("/", 1)[-1]
    otherwise = f"or unpack {name} from elsewhere and name its folder with --data-dir"
    with report_progress(progress) as report:
        downloader = pooch.HTTPDownloader(progressbar=_Bar(report, f"downloading {name}"), chunk_size=_CHUNK)
        try:
            pooch.retrieve(
                url,
                known_hash=f"md5:{md5}",
                fname=name,
                path=cache,
                downloader=downloader,
                processor=pooch.Untar(extract_dir="."),
            )
        except OSError as error:  # also the base of all that the HTTP library raises
            raise DataError(f"cannot download {url} ({_reason(error)}); try again, {otherwise}") from error
        except ValueError as error:
            raise DataError(
                f"the download of {url} is damaged: its MD5 checksum is not {md5}; try again, {otherwise}"
            ) from error


def _reason(error: OSError) -> str:
    """A few words: the text of an HTTP error can run over several lines."""
    response = getattr(error, "response", None)
    if response is not None:
        response.close()  # pooch leaves the connection of a refused request open
        return f"HTTP status {response.status_code}"
    return error.strerror or type(error).__name__


class _Bar:
    """The part of a tqdm bar that pooch drives."""

    def __init__(self, report: Progress, what: str) -> None:
        self.report, self.what = report, what
        self.total = self.done = 0

    def update(self, count: int) -> None:
        self.done = min(self.done + count, self.total)
        self.report(self.what, self.done, self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        """Nothing: the bar belongs to :func:`fetch`."""
