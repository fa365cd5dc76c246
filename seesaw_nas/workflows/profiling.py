"""Latency profiles: measured here, or fitted to times that another device handed over, and written as a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from seesaw_nas import space as spaces
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import OptionError, ProfileError
from seesaw_nas.core.files import create_file, encode_json, refuse_existing, refuse_missing_folder
from seesaw_nas.core.names import safe_name
from seesaw_nas.deploy.profiling import networks as drawing
from seesaw_nas.deploy.profiling import times as timing
from seesaw_nas.deploy.profiling.assemble import FittedProfile, fit_profile
from seesaw_nas.deploy.profiling.measuring_networks import CALLS, ROUNDS, OnStep, measure_networks
from seesaw_nas.deploy.profiling.request import ProfileSettings
from seesaw_nas.space import Space
from seesaw_nas.space.profile import LatencyProfile
from seesaw_nas.space.profile_file import WIDEST

WHOLE = 0.9  # of a core, below which something else used the machine


@dataclass(frozen=True, slots=True)
class ProfilePlan:
    """What is about to be timed."""

    space: Space
    settings: ProfileSettings
    networks: int

    def __str__(self) -> str:
        of, load = self.space, self.settings
        threads = f"{load.threads} thread{'s' if load.threads > 1 else ''}"
        return (
            f"{self.networks} random networks of {of.name} for {of.input_channels}x{of.input_size}x{of.input_size} "
            f"images and {of.classes:,} classes, in {load.backend} with {threads} and batch {load.batch}: {ROUNDS} "
            f"turns of {CALLS} calls each"
        )


@dataclass(frozen=True, slots=True)
class Profiled:
    """A profile, how well it predicts, and its file.

    Attributes:
        core_share: median share of a core that the process had during a call; ``None`` if unknown.
    """

    fitted: FittedProfile
    path: Path
    core_share: float | None

    @property
    def profile(self) -> LatencyProfile:
        return self.fitted.profile

    @property
    def is_disturbed(self) -> bool:
        """Whether something else used the machine meanwhile."""
        return self.core_share is not None and self.core_share < WHOLE


def profile(
    space: str | Space,
    settings: ProfileSettings | None = None,
    *,
    times: Path | str = "",
    out: Path | str = "",
    accept_spread: bool = False,
    on_plan: Callable[[ProfilePlan], None] | None = None,
    on_step: OnStep | None = None,
) -> Profiled:
    """Measure the latency profile of a space on this machine, or fit one to times from elsewhere; write its file.

    Args:
        space: its name, its file, or a space.
        times: a file of times, from networks that :func:`write_networks` wrote; nothing is timed here then.
        out: the file to write; ``SPACE-profile.json`` in this folder if empty.
        accept_spread: write a profile that was measured under load, too.
        on_plan: told what is about to be timed.
        on_step: told what is done, how much of it is done, and how much there is.

    Raises:
        ProfileError: something cannot be read or fitted, or the times were measured under load.
        SeesawError: no such space, the file exists already, its folder does not, it cannot be written, or a setting is
            given that ``times`` decide.
    """
    settings, whole = settings or ProfileSettings(), spaces.load(space) if isinstance(space, str) else space
    path = Path(out or f"{safe_name(whole.name)}-profile.json")
    refuse_existing(path)
    refuse_missing_folder(path)
    if times:
        _refuse_conditions(settings)
        found = timing.read(Path(times))
        channels, size, _ = found.networks[0].architecture.input
        whole = whole.adapt(size, channels, found.networks[0].architecture.classes)
    else:
        whole, networks = _draw(whole, settings)
        if on_plan:
            on_plan(ProfilePlan(whole, settings, len(networks)))
        found = measure_networks(networks, settings, on_step)
    if on_step:
        on_step("fitting", 0, 1)
    if found.spread > WIDEST and not accept_spread:
        raise ProfileError(
            f"the times were measured under load: calls of one network differ by {found.spread:.0%} between the "
            f"quartiles, and up to {WIDEST:.0%} is believed; measure again while the machine is at rest, or add "
            "--accept-spread"
        )
    fitted = fit_profile(whole, found, settings.seed)
    try:
        create_file(path, encode_json(fitted.profile.as_dict()))
    except FileExistsError:
        refuse_existing(path)
    except OSError as error:
        raise ProfileError(f"cannot write {path}: {error.strerror}; choose another name with --out") from None
    return Profiled(fitted, path, found.core_share)


def write_networks(
    space: str | Space, folder: Path | str, settings: ProfileSettings | None = None, on_step: OnStep | None = None
) -> Path:
    """Write random networks of a space as ONNX files, to be timed on a device without this package; returns the folder.

    Raises:
        SeesawError: no such space, a setting that the device decides, or the folder exists already or cannot be
            written.
    """
    settings, path = settings or ProfileSettings(), Path(folder)
    if settings.backend != "onnxruntime":
        raise OptionError(
            f"networks for another device are ONNX files, which ONNX Runtime times; with --backend {settings.backend} "
            "they are timed here alone, without --export-networks"
        )
    if settings.threads != 1 or settings.batch != 1:
        raise OptionError(
            "threads and images of a call on another device are set at the top of time_networks.py, which is written "
            "beside the networks; leave --threads and --batch out"
        )
    refuse_existing(path)
    whole, networks = _draw(spaces.load(space) if isinstance(space, str) else space, settings)
    tell = on_step or (lambda *_: None)
    drawing.write_folder(
        path, whole, networks, settings.seed, lambda done: tell("writing networks", done, len(networks))
    )
    return path


def _refuse_conditions(settings: ProfileSettings) -> None:
    """Refuse settings that times from elsewhere bring with them, all but the seed of the fit."""
    for name in (field.name for field in fields(settings)):
        if name != "seed" and getattr(settings, name) != getattr(ProfileSettings(), name):
            raise OptionError(f"--{name} means nothing with --times, whose file says how they came about; leave it out")


def _draw(space: Space, settings: ProfileSettings) -> tuple[Space, Sequence[Architecture]]:
    """The space for the images of the settings, and its networks to be timed."""
    adapted = space.adapt(
        settings.resolution or space.input_size,
        settings.channels or space.input_channels,
        settings.classes or space.classes,
    )
    return adapted, drawing.draw(adapted, settings.networks, settings.seed)
