"""What the pretended GPU refuses and counts, on operators small enough to count by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pretend_gpu
import pytest
import torch
from pretend_gpu.log import counting

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not pretend_gpu.installed(), reason="needs the pretended GPU, which is tested here"),
]

FIRST, SECOND = torch.device("cuda:0"), torch.device("cuda:1")


def totals(count):
    return {kind: count.total(kind) for kind in count.KINDS if count.total(kind)}


def test_tensors_of_two_devices_are_refused():
    a = torch.ones(3, device=FIRST)
    for other in (torch.ones(3, device=SECOND), torch.ones(3)):
        with pytest.raises(RuntimeError, match="at least two devices, cuda:0 and c"):
            a + other
    assert (a + torch.tensor(2.0)).tolist() == [3, 3, 3]  # a scalar may lie on the host
    assert torch.ones(1, device="cuda").device == FIRST


def test_views_are_free_and_everything_else_is_an_operator():
    a = torch.ones(2, 3, device=FIRST)
    with counting() as count:
        (a.t()[0].view(2, 1) * 2).relu_()
    assert totals(count) == {"operators": 2}
    assert {what for what, _ in count.operators} == {"mul", "relu_"}


def test_waits_are_counted_and_copies_that_do_not_wait_are_none():
    a, mask = torch.arange(3.0, device=FIRST), torch.tensor([True, False, True], device=FIRST)
    with counting() as count:
        torch.ones(3).pin_memory().to(FIRST, non_blocking=True)
    assert totals(count) == {"to_device": 1}
    for work in (a.sum().item, mask.nonzero, lambda: a[mask], a.tolist, a.cpu, lambda: torch.ones(3).to(FIRST)):
        with counting() as count:
            work()
        assert count.total("waits") == 1
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError, match="called a synchronizing CUDA operation"):
            a[0].item()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_the_gradient_of_an_index_is_a_sorted_scatter_and_that_of_index_select_is_none():
    weight = torch.ones(4, requires_grad=True, device=FIRST)
    index = torch.tensor([0, 0, 2], device=FIRST)
    for out, scatters in ((weight[index], 1), (weight.index_select(0, index), 0)):
        with counting() as count:
            out.sum().backward()
        assert count.total("scatters") == scatters
    assert weight.grad.tolist() == [4, 0, 2, 0]  # twice from each of the two formulations
    with counting() as count:
        weight.detach()[index] = 1.0  # does not accumulate
    assert count.total("scatters") == 0


def test_threads_have_the_gpu_too():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: torch.ones(2, device=SECOND) + 1).result().device == SECOND


def test_a_fused_optimiser_wants_the_same_strides():
    weight = torch.ones(2, 2, device=FIRST, requires_grad=True)
    weight.grad = torch.ones(2, 2, device=FIRST).t()
    with pytest.raises(RuntimeError, match="same dtype, device and layout"):
        torch.optim.SGD([weight], lr=1.0, fused=True).step()


def test_each_gpu_has_a_generator_of_its_own_and_the_cpus_is_left_alone():
    before = torch.get_rng_state()
    torch.cuda.manual_seed_all(5)
    first, second = (torch.rand(3, device=device).tolist() for device in (FIRST, SECOND))
    assert first == second
    assert torch.rand(3, device=FIRST).tolist() != first
    assert torch.equal(torch.get_rng_state(), before)


# --- graphs


def record(work, device):
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.device(device), torch.cuda.graph(graph):
        out = work()
    return graph, out


def test_a_graph_does_nothing_until_it_is_replayed_and_is_then_one_launch():
    state = torch.zeros(2, device=FIRST)
    graph, out = record(lambda: state.add_(1).mul(3).view(2, 1), FIRST)
    assert state.tolist() == [0, 0]
    for call in (1, 2):
        with counting() as count:
            graph.replay()
        assert (totals(count), count.replayed) == ({"operators": 1}, 2)
        assert out.tolist() == [[3 * call], [3 * call]]


def test_a_graph_that_waits_or_is_of_another_device_is_refused():
    a = torch.ones(2, device=SECOND)
    with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        record(lambda: a.sum().item(), SECOND)
    with pytest.raises(RuntimeError, match="the graph is empty: recorded on cuda:0"):
        record(lambda: a + 1, FIRST)
    graph, out = record(lambda: a + 1, SECOND)
    graph.replay()
    assert out.tolist() == [2, 2]


# --- lines of the product


def test_operators_are_told_by_the_line_of_the_product_that_asks_for_them_or_whose_gradient_they_are():
    from seesaw_nas.data import normalise

    images = torch.zeros(2, 1, 4, 4, device=FIRST, dtype=torch.uint8)
    with counting() as count:
        normalise(images, (0.5,), (0.5,))
    assert {site.split(":")[0] for site in count.by_site("operators")} == {"data/augment.py"}
    assert count.rows("operators", 1)[0].split()[1].startswith("data/augment.py:")
