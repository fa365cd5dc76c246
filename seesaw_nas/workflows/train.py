"""The final training of one chosen architecture: the only place that reads a test split, and it reads it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas import data
from seesaw_nas.architecture import cost, specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core import options, signals, threads
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.device import describe, use_device
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.core.files import write_json
from seesaw_nas.core.names import derive_name
from seesaw_nas.core.run_folder import RunFolder, is_taken
from seesaw_nas.data import DATA_SETS, check_enough, check_fits
from seesaw_nas.data.preprocessing import Preprocessing, weights_header
from seesaw_nas.data.unread import NOTHING, PassedOver
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.differences import difference
from seesaw_nas.evaluators.trained import subject
from seesaw_nas.network import models
from seesaw_nas.training import accuracy, checkpoints, loop, parallel, recipes, timing
from seesaw_nas.training.batches import sizes_of_batches
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.events import Events
from seesaw_nas.training.execution import EAGER, Execution
from seesaw_nas.training.options import CHECKPOINT_MINUTES, TrainSettings
from seesaw_nas.workflows import places

if TYPE_CHECKING:
    import torch

    from seesaw_nas.data import SearchData
    from seesaw_nas.evaluators import Subject
    from seesaw_nas.training.execution import Execution

KIND = "training"
EXECUTION = "execution"  # the setting that makes no other training; conditions say what was used


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a final training left; accuracies are fractions.

    Attributes:
        top1: on the test split, read once, after the last epoch.
        validation_top1: on the validation split, after the last epoch.
        passed_over: what of the data set's folder is not read.
    """

    folder: RunFolder
    named: Named
    top1: float
    loss: float
    validation_top1: float
    seconds: float
    curve: tuple[Epoch, ...]
    passed_over: PassedOver = NOTHING

    @property
    def weights(self) -> Path:
        return _weights(self.folder)


def _weights(folder: RunFolder) -> Path:
    return folder.path / "weights.safetensors"


def _result(folder: RunFolder) -> Path:
    return folder.path / "result.json"


def train(
    settings: TrainSettings,
    out: Path | None = None,
    *,
    resume: bool = False,
    checkpoint_minutes: float = CHECKPOINT_MINUTES,
    tensorboard: bool = False,
    on_begin: Callable[[Named, recipes.Recipe, int], None] | None = None,
    on_estimate: Callable[[float], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_step: Callable[[int, int], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> TrainResult:
    """Train from scratch on the training split, then read the test accuracy and write weights, spec and record.

    SIGINT, SIGTERM and SIGHUP end the training after the step at hand, with its checkpoint on disk; a second one ends
    at once.
    Processes that torchrun started train together, see :mod:`seesaw_nas.training.parallel`; process 0 alone writes.

    Args:
        out: the folder to make, or with ``resume`` the one to go on with; ``runs/NAME-RECIPE-SEED`` without.
        checkpoint_minutes: after which the checkpoint is replaced within an epoch; after each epoch it is anyway.
        tensorboard: write event files to the folder, see :class:`seesaw_nas.training.events.Events`.
        on_begin: told the network, the recipe and the number of training images before the first step.
        on_estimate: told in how many seconds a whole such training is over, by a few steps that are measured for it.
        on_note: told in a line what is to be known of how steps are executed, where there is something; of compiling
            beside an estimate alone.

    Raises:
        SeesawError: the spec or the data set cannot be loaded, the folder exists already, or training failed or was
            interrupted.
    """
    if not checkpoint_minutes > 0:
        raise OptionError(f"--checkpoint-minutes must be above 0, got {checkpoint_minutes:g}")
    named = specfile.resolve(settings.spec)
    dataset = settings.training.dataset or dataset_of(named)
    recipe = settings.training.fitted_recipe
    path = out or folder_of(settings, named)
    size = named.architecture.input_size if dataset not in data.ONE_SIZE else None
    data_dir, cache_dir = settings.training.data_path, settings.training.cache_path
    execution = Execution(settings.execution)
    with parallel.join_processes(settings.training.device) as (ranks, device), use_device(device):
        if device.type == "cpu" and settings.training.threads:
            threads.settle(settings.training.threads)
        execution.check(device, ranks.world)
        with ranks.lead_first():
            images = data.load(dataset, data_dir, size, cache_dir=cache_dir)
        check_fits(named.architecture, images)
        whole = images
        if settings.training.train_size:
            images = replace(
                images, train=data.subset(images.train, settings.training.train_size, settings.training.seed)
            )
        check_enough(images)
        settings = settings.replace(dataset=places.absolute_dataset(dataset))
        found = conditions(describe(device)) | ranks.conditions | execution.plan(device, ranks.world)
        folder = ranks.by_lead(lambda: _folder(path, settings, named, subject(images, whole), resume, found))
        with folder.hold() if ranks.leads else nullcontext():
            model = models.build(named.architecture, dropout=recipe.dropout, seed=settings.training.seed)
            images = images.to(device)
            if on_begin is not None and ranks.leads:
                on_begin(named, recipe, len(images.train))
            if on_note is not None and ranks.leads and images.passed_over.count:
                on_note(images.passed_over.sentence)
            if on_note is not None and ranks.leads and (text := threads.change(folder.description, _threads(device))):
                on_note(text)
            if on_note is not None and ranks.leads and (text := _other_recipe(named, settings.training.recipe)):
                on_note(text)
            if on_estimate is not None:
                seconds = estimate(named, images, recipe, device, ranks.world, execution)
                if ranks.leads:
                    on_estimate(seconds)
                    _warn_of_compiling(execution, seconds, images, recipe, on_note)
            events = tensorboard and ranks.leads
            with (
                signals.catch_signals() as stop,
                _told(folder, recipe, images, events, on_epoch, on_step) as (epoch, step),
            ):
                trained = loop.train(
                    model,
                    images,
                    recipe,
                    seed=settings.training.seed,
                    device=device,
                    on_epoch=epoch,
                    on_step=step,
                    checkpoint=folder.path / "checkpoint.safetensors",
                    checkpoint_seconds=60 * checkpoint_minutes,
                    stop=stop,
                    ranks=ranks,
                    execution=execution,
                    on_note=on_note if ranks.leads else None,
                )

            def measure_test() -> accuracy.Accuracy:
                split = data.load_test(dataset, data_dir, size, cache_dir=cache_dir)
                return accuracy.measure(model, split.to(device), images.mean, images.std, device=device)

            test = ranks.by_lead(measure_test)
            result = TrainResult(
                folder, named, test.top1, test.loss, trained.top1, trained.seconds, trained.curve, images.passed_over
            )
            if ranks.leads:
                _write(result, model, settings, images, test.n, trained.conditions)
            return result


def _threads(device: torch.device) -> int:
    """CPU threads of a training on the device; 0 on a GPU."""
    return threads.current().count if device.type == "cpu" else 0


def _other_recipe(named: Named, recipe: str) -> str:
    """A line if the network's accuracy so far is by another recipe; empty otherwise."""
    before = named.result.get("recipe")
    return (
        f"its top-1 so far is by recipe {before}, this training is by {recipe}" if before not in (None, recipe) else ""
    )


def folder_of(settings: TrainSettings, named: Named) -> Path:
    """The folder that is made where none is named."""
    return Path("runs") / derive_name(named.name, settings.training.recipe, settings.training.seed)


def estimate(
    named: Named, images: Any, recipe: recipes.Recipe, device: Any, processes: int, execution: Execution
) -> float:
    """Seconds of a whole training and of reading the test accuracy after it, by a few timed steps."""
    share = replace(recipe, batch_size=max(recipes.SMALLEST_BATCH, recipe.batch_size // processes))
    measured = execution if processes == 1 else EAGER
    step = timing.step_seconds(named.architecture, images, share, device, measured)
    tested = data.test_images(images.name) or len(images.validation)
    image = timing.image_seconds(named.architecture, images, share, device)
    each = image or timing.FORWARD * step / sizes_of_batches(images, recipe)[0]
    return timing.trial_seconds(step, images, recipe, image=image) + tested * each


def _warn_of_compiling(
    execution: Execution,
    seconds: float,
    images: SearchData,
    recipe: recipes.Recipe,
    on_note: Callable[[str], None] | None,
) -> None:
    note = execution.warn(seconds, len(sizes_of_batches(images, recipe)))
    if note and on_note is not None:
        on_note(note)


@contextmanager
def _told(
    folder: RunFolder, recipe: recipes.Recipe, images: Any, tensorboard: bool, on_epoch: Any, on_step: Any
) -> Iterator[tuple[Any, Any]]:
    """Whom to tell of an epoch and of a step: the caller and, where they are wanted, the event files."""
    if not tensorboard:
        yield on_epoch, on_step
        return
    events = Events(folder.path / "events", recipe, len(images.train))
    try:
        yield _both(events.epoch, on_epoch), _both(events.step, on_step)
    finally:
        events.close()


def _both(first: Callable[..., None], second: Callable[..., None] | None) -> Callable[..., None]:
    def told(*news: Any) -> None:
        first(*news)
        if second is not None:
            second(*news)

    return told


def dataset_of(named: Named) -> str:
    """The data set that a spec file names.

    Raises:
        OptionError: it names none.
    """
    if not named.dataset:
        raise OptionError(
            f"'{named.name}' does not say which images to train on; add --dataset {', '.join(DATA_SETS)} or a folder"
        )
    return named.dataset


def _folder(
    path: Path, settings: TrainSettings, named: Named, subject: Subject, resume: bool, found: dict[str, str]
) -> RunFolder:
    kept = options.flatten(settings.replace(device="", data_dir="", spec=""))
    description = {
        "kind": KIND,
        "settings": {name: value for name, value in kept.items() if name != EXECUTION},
        "digest": named.architecture.digest,
        "recipe": settings.training.fitted_recipe.to_dict(),
        "images": subject.record,
        "conditions": found,
    }
    if not resume or not is_taken(path):
        return RunFolder.create(path, description, spec=specfile.document(named))
    folder = RunFolder.open(path)
    if _result(folder).exists():
        raise RunError(f"{path} is finished, and the test split is read once; train again in another --out")
    before = folder.description
    if before.get("kind") != KIND:
        raise RunError(f"{path} is another training: a {before.get('kind')}; choose another --out")
    if before.get("digest") != named.architecture.digest:
        raise RunError(
            f"{path} is another training: of architecture {before.get('digest')}, not {named.architecture.digest}; "
            f"choose another --out"
        )
    if differing := difference(Basis.of(before, str(path)), Basis.of(description, "what is wanted now")):
        raise RunError(f"{path} is another training: {differing}; choose another --out")
    return folder


def _write(
    result: TrainResult,
    model: Any,
    settings: TrainSettings,
    images: Any,
    n_test: int,
    executed: Mapping[str, str],
) -> None:
    named, folder = result.named, result.folder
    provenance = {
        "top1": result.top1,
        "split": "test",
        "loss": result.loss,
        "validation_top1": result.validation_top1,
        "dataset": settings.training.dataset,
        "n_train": len(images.train),
        "n_validation": len(images.validation),
        "n_test": n_test,
        "recipe": settings.training.recipe,
        "epochs": settings.training.fitted_recipe.epochs,
        "seed": settings.training.seed,
        "n_seeds": 1,
        "seconds": result.seconds,
        "conditions": folder.description["conditions"] | dict(executed),
    }
    header = weights_header(named, settings.training.dataset, Preprocessing.of(images))
    models.save_weights(model, result.weights, header)
    write_json(folder.path / "spec.json", specfile.document(named, provenance))
    curve = [asdict(epoch) for epoch in result.curve]
    figures = {"params": cost.params(named.architecture), "macs": cost.macs(named.architecture)}
    write_json(_result(folder), provenance | figures | {"curve": curve})
    checkpoints.discard(folder.path / "checkpoint.safetensors")
