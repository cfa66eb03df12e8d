"""Encoder and decoder, with attention

A date is read in English, "22 Nov 2026", and written in Chinese, 2026年11月22日, character by character: the order is another,
and the length, too. An encoder reads; a decoder starts from the encoder's last state and writes, reading what it wrote.

    without attention: all that was read has to fit into one state    (Sutskever et al. 2014, Cho et al. 2014)
    with attention:    e_ts = v·tanh(Ws·s_{t−1} + Wm·m_s)    α_t = softmax(e_t)    c_t = Σ_s α_ts·m_s    (Bahdanau et al. 2014)

With attention the decoder looks, before every character it writes, at all that was read: α says where. Nobody tells it where
to look. After the same 4 epochs all of 500 new dates are right to the last character with it, and 3 without.

The picture is the alignment α of one new date, a row for each character written: the year is looked up at the end, then the
name of the month, then the day.
"""

from datetime import date
from pathlib import Path

import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
drawn = np.random.default_rng(0).choice(np.arange(date(1970, 1, 1).toordinal(), date(2030, 1, 1).toordinal()), 3500, replace=False)
days = [date.fromordinal(int(each)) for each in drawn]
english = [f"{day.day} {MONTHS[day.month - 1]} {day.year}" for day in days]
chinese = [f"{day.year}年{day.month}月{day.day}日".ljust(11, "。") for day in days]  # 。 fills the places after the end

read, write = data.Text("".join(english)), data.Text("".join(chinese))
X, lengths = data.padded([read.encode(each) for each in english])
t = np.array([write.encode(each) for each in chinese])
rows, new = (X[:3000], lengths[:3000], t[:3000]), (X[3000:], None, lengths[3000:])


def learned(attention):
    """A net after 4 epochs, the loss of each, and which of the new dates it wrote without a mistake."""
    net = nets.EncoderDecoder(len(read.vocabulary), len(write.vocabulary), 32, 11, attention=attention, rng=0)
    rule = nets.Adam(nets.cosine_decay(0.02, 240), clip=1.0)
    losses = [each.loss for each in nets.train(net, None, rows, epochs=4, batch=50, optimizer=rule)]
    return net, losses, (net(*new).value.argmax(-1) == t[3000:]).all(1)


if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    _blind, *plain = learned(attention=False)
    net, *looking = learned(attention=True)
    for name, (losses, right) in {_("one state"): plain, _("attention"): looking}.items():
        print(_("{name}: loss {first} … {last}, right {right} of 500", name=name, first=f"{losses[0]:.3f}", last=f"{losses[-1]:.3f}", right=right.sum()))
    scores, alignment = net(X[3000:3001], None, lengths[3000:3001], with_weights=True)
    said, given = write.decode(scores.value.argmax(-1)), english[3000]
    print(f"{given} → {said}")
    shown = alignment.value[0, :, : len(given)]
    plots.heat_map(shown, said, given.replace(" ", "␣"), labels=(_("written"), _("read")), numbers=False).save(pictures / "50_encoder_decoder.svg")
