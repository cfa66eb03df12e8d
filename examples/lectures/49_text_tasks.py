"""One to many, many to one, many to many

Three shapes of a recurrent net (Karpathy 2015), each with a text. One to many (LSTM): a number below 100, two digits, is written
in Chinese, 42 as 四十二; it reads a sign for "begin", then what it wrote. Many to one (GRU, both ways): is a sentence praise?
"not" turns it round; sentences differ in length, so padding must not be read. Many to many (two LSTMs, one above the other): at
each character of a poem by Li Bai the next; 明月 stands there twice and goes on as 光 or as ，, which only the state can know.

    y_1, y_2, … ← x        y ← x_1, …, x_T        y_t ← x_1, …, x_t

Kept for the test are 20 numbers and 72 sentences: all come out right. The poem is recited from its first character. The
pictures: what is said at each place for a number never seen, and how "not" turns the judgment on four words round.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.nets.data.sequences import QUIET_NIGHT
from nngraph.viz import plots

order = np.random.default_rng(0).permutation
names, signs, n = [data.chinese_number(k) for k in range(100)], data.Text("零一二三四五六七八九十。"), order(100)
X1 = np.eye(10)[[divmod(k, 10) for k in range(100)]].reshape(100, 20)
t1 = np.array([signs.encode(name.ljust(3, "。")) for name in names])
speller = nets.OneToMany(20, 12, width=32, length=3, cell=nets.LSTM, rng=0)

sentences, praise = zip(*data.opinions())
words, s, t2 = sorted({word for sentence in sentences for word in sentence}), order(288), np.array(praise, int)
X2, lengths = data.padded([np.eye(len(words))[[words.index(word) for word in sentence]] for sentence in sentences])
judge = nets.ManyToOne(nets.Bidirectional(len(words), 8, nets.GRU, rng=0), 2, rng=0)

poem = data.Text(QUIET_NIGHT)
pieces, one_hot = poem.windows(20), np.eye(len(poem.vocabulary))
writer = nets.ManyToMany(nets.DeepRNN([len(one_hot), 24, 24], nets.LSTM, rng=0), len(one_hot), rng=0)

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    for name, *task in (
        (_("one to many"), speller, None, (X1[n[20:]], t1[n[20:]])),
        (_("many to one"), judge, ng.softmax_loss, (X2[s[72:]], lengths[s[72:]], t2[s[72:]])),
        (_("many to many"), writer, nets.sequence_loss, (one_hot[pieces.X], pieces.t)),
    ):
        first, *_between, last = nets.train(*task, epochs=150, batch=20, optimizer=nets.Adam(0.01, decay=1e-4))
        print(_("{name}: loss {first} → {last}", name=name, first=f"{first.loss:.3f}", last=f"{last.loss:.3f}"))
    shares = ng.softmax(speller(X1[n[:20]])).value
    said = [signs.decode(row).strip("。") for row in shares.argmax(-1)]
    sure = ng.softmax(judge(X2, lengths)).value[:, 1]
    text, state = "床", None
    while len(text) < len(poem.text):
        scores, state = writer(one_hot[poem.encode(text[-1])], state, with_state=True)
        text += poem.decode(scores.value.argmax(1))
    print(*(f"{k} {name}" for k, name in zip(n, said)), f"{sum(name == names[k] for k, name in zip(n, said))}/20")
    print(f"{((sure > 0.5) == t2)[s[:72]].sum()}/72", text, sep="\n")
    both = {" ".join(sentences[k][:-1]): sure[k : k + 4] for k in (0, 12)}
    plots.bars(both, [each[-1] for each in sentences[:4]], labels=("", _("probability of praise"))).save(pictures / "49_text_tasks_praise.svg")
    plots.heat_map(shares[0], "123", signs.vocabulary, labels=(_("place"), str(n[0]))).save(pictures / "49_text_tasks_number.svg")
