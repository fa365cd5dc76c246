"""``python -m seesaw_nas`` is ``seesaw-nas``; ``torchrun ... -m seesaw_nas train`` trains in several processes."""

from seesaw_nas.cli import main

if __name__ == "__main__":
    main()
