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


@pytest.mark.parametrize("number", signals.CAUGHT)
def test_a_second_signal_that_would_kill_ends_the_work_in_good_order(number):
    def work():
        with signals.catch_signals() as stop:
            os.kill(os.getpid(), number)
            assert stop() == number
            os.kill(os.getpid(), number)

    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(signals.Stopped) as caught:
            work()
        assert caught.value.number == number
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", signals.CAUGHT)
def test_work_that_ends_after_a_signal_says_which(number):
    def work():
        with signals.catch_signals():
            os.kill(os.getpid(), number)
            raise KeyboardInterrupt  # as engines do

    with pytest.raises(KeyboardInterrupt) as caught:
        work()
    assert caught.value.number == number
    with pytest.raises(KeyboardInterrupt) as caught, signals.catch_signals():
        raise KeyboardInterrupt  # of no signal
    assert not isinstance(caught.value, signals.Stopped)


def test_a_hangup_that_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.raise_on_signals(), signals.catch_signals() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop() is None
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_outside_of_work_a_signal_ends_in_good_order_too(number):
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(signals.Stopped), signals.raise_on_signals():
            os.kill(os.getpid(), number)
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
