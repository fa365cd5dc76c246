"""Downloads an official archive once into the user's cache folder and verifies its checksum."""

from __future__ import annotations

from pathlib import Path

from seesaw_nas.core.errors import DataError
from seesaw_nas.data.progress import Progress, report_progress

_CHUNK = 2**16  # bytes between two reports


def cache_dir() -> Path:
    """Folder for downloads: the operating system's cache folder for this user."""
    import pooch

    return Path(pooch.os_cache("seesaw-nas"))


def fetch(url: str, md5: str, cache: Path, progress: Progress | None = None) -> None:
    """Download the archive at ``url``, unless it is there already, and unpack it in ``cache``.

    Raises:
        DataError: no network, an HTTP error, a wrong checksum, or a disk that cannot hold the files.
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
    """The cause in a few words, since the text of an HTTP error can have several lines."""
    response = getattr(error, "response", None)
    if response is not None:
        response.close()  # pooch leaves the connection of a refused request open
        return f"HTTP status {response.status_code}"
    return error.strerror or type(error).__name__


class _Bar:
    """The methods of a tqdm bar that pooch calls."""

    def __init__(self, report: Progress, what: str) -> None:
        self.report, self.what = report, what
        self.total = self.done = 0

    def update(self, count: int) -> None:
        self.done = min(self.done + count, self.total)
        self.report(self.what, self.done, self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        """Do nothing: :func:`fetch` closes the bar."""
