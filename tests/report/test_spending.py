"""Where the Multi-Adds go."""

from drawn import SMALL, block, network, notes

from seesaw_nas import report

# 4x4 grey images. Stem 1 -> 4: 9*4*16 = 576. A block of t2 in two halves from 4 to 8 channels of stride 2: pw1
# 4*8/2*16 = 256, depthwise 9*8*4 = 288, pw2 8*8/2*4 = 128. Head 8*10*4 = 320, classifier 10*2 = 20. In all 1,588.
# A second block, 8 -> 16 -> 8 on 2x2: pw1 8*16/2*4 = 256, depthwise 9*16*4 = 576, pw2 256.


def bars(figure, row):
    axis = "x" if row == 1 else "x2"
    return {
        shown.name: dict(zip(shown.x, (round(1e6 * y) for y in shown.y), strict=True))
        for shown in figure.data
        if (shown.xaxis or "x") == axis
    }


def test_every_layer_stands_in_its_stage():
    assert bars(report.spending(SMALL), 1) == {
        "stem": {"stem": 576},
        "pw1: expand": {"stage 1": 256},
        "depthwise": {"stage 1": 288},
        "pw2: project": {"stage 1": 128},
        "head": {"head": 320},
        "classifier": {"classifier": 20},
    }


def test_blocks_of_a_stage_stand_apart_below_and_together_above():
    figure = report.spending(network([block(), block()]))
    assert bars(figure, 1)["depthwise"] == {"stage 1": 288 + 576}
    assert bars(figure, 2)["depthwise"] == {"1.1": 288, "1.2": 576}
    assert bars(figure, 2)["pw2: project"] == {"1.1": 128, "1.2": 256}


def test_total_axes_and_patterns_are_told():
    figure = report.spending(SMALL)
    assert "1,588 Multi-Adds (MACs) of convolutions and linear layers, one image" in notes(figure)
    assert figure.layout.yaxis.title.text == figure.layout.yaxis2.title.text == "Multi-Adds (M)"
    assert list(figure.layout.xaxis.categoryarray) == ["stem", "stage 1", "head", "classifier"]
    inside = [shown.marker.pattern.shape for shown in figure.data if "stage 1" in shown.x]
    assert len(set(inside)) == 3
    assert figure.data[1].customdata[0][1] == "16.1%"  # 256 of 1,588
