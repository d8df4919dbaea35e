"""Ctrl-C's are held back, acted upon one at a time, and left to Python once nothing can be lost."""

import signal
import threading

import pytest

from alliance_bayes.basics.interrupts import held_interrupts


@pytest.fixture(autouse=True)
def python_handles_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler, "not put back"


def ctrl_c(times=1):
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)


def test_held_back_and_acted_upon_one_by_one():
    with held_interrupts() as interrupts:
        assert not interrupts.taken()
        ctrl_c(2)
        assert [interrupts.taken() for _ in range(3)] == [True, True, False]
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()


def test_one_is_let_through_and_those_after_it_are_held_back():
    with held_interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.let_through():
            ctrl_c()
        ctrl_c(2)
        assert [interrupts.taken() for _ in range(3)] == [True, True, False]


def test_after_one_is_let_through_work_that_ends_it_is_not_disturbed():
    ended = []

    def work(interrupts):
        with interrupts.let_through():
            try:
                ctrl_c()
            finally:
                ctrl_c()
                ended.append(True)

    with held_interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            work(interrupts)
        assert ended
        assert interrupts.taken()


def test_what_was_held_back_is_let_through_at_once():
    with held_interrupts() as interrupts:
        ctrl_c(3)
        with pytest.raises(KeyboardInterrupt), interrupts.let_through():
            pytest.fail("nothing is begun")
        assert not interrupts.taken()
        with interrupts.let_through():
            pass
        ctrl_c()
        assert interrupts.taken()


def test_one_inside_another_is_the_other():
    with held_interrupts() as outer:
        with held_interrupts() as inner:
            assert inner is outer
        ctrl_c()
        assert outer.taken()


def test_an_error_puts_the_handler_back():
    with pytest.raises(ZeroDivisionError), held_interrupts():
        raise ZeroDivisionError


@pytest.mark.parametrize("way", [signal.SIG_IGN, lambda *_: None])
def test_who_handles_it_otherwise_is_left_alone(way):
    signal.signal(signal.SIGINT, way)
    try:
        with held_interrupts() as interrupts:
            assert signal.getsignal(signal.SIGINT) is way
            ctrl_c()
            assert not interrupts.taken()
            with interrupts.let_through():
                ctrl_c()
        assert signal.getsignal(signal.SIGINT) is way
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_thread_changes_nothing():
    seen = []

    def work():
        with held_interrupts() as interrupts, interrupts.let_through():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
