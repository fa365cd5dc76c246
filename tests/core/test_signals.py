import os
import signal
import threading

import pytest

from seesaw_nas.core import signals


@pytest.mark.parametrize("number", signals.CAUGHT)
def test_first_signal_is_noted_and_the_second_obeyed(number):
    obeyed = []
    before = signal.signal(number, lambda *_: obeyed.append(1))
    try:
        with signals.catch_signals() as stop:
            assert stop() is None
            os.kill(os.getpid(), number)
            assert (stop(), obeyed) == (number, [])
            os.kill(os.getpid(), number)
            assert obeyed == [1]
        os.kill(os.getpid(), number)
        assert obeyed == [1, 1]
    finally:
        signal.signal(number, before)


def test_in_another_thread_nothing_is_noted():
    found = []

    def body():
        with signals.catch_signals() as stop:
            found.append(stop())

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert found == [None]
