"""The paper's networks by name, and the figures its tables print. Loads without torch."""

from seesaw_nas.architecture.reference.networks import (
    DEFAULT_SETTING,
    MODELS,
    READINGS,
    SETTINGS,
    Model,
    NetworkSetting,
    family_of,
    network,
    setting_of,
)
from seesaw_nas.architecture.reference.published import PUBLISHED, SOURCE, Published, published

__all__ = [
    "DEFAULT_SETTING",
    "MODELS",
    "PUBLISHED",
    "READINGS",
    "SETTINGS",
    "SOURCE",
    "Model",
    "NetworkSetting",
    "Published",
    "family_of",
    "network",
    "published",
    "setting_of",
]
