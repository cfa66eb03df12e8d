"""A language model: what comes next?

A causal Transformer reads words and says after each how likely every word is as the next; no word sees a later one. Reading on
what it wrote, it makes text (Radford et al. 2018). What it makes small is the surprise:

    −Σ_t ln p(word_t | word_1, …, word_{t−1})          p = softmax(scores/τ), with a temperature τ when words are drawn

The first text is a language of 288 sentences, three quarters of them to learn from. The best is known here: sentences drawn
alike have an entropy of ln 288 = 5.66. The surprise at the sentences kept for the test comes to 5.98, and of 500 drawn at τ = 1
95 % are of the language, 18 % of all new. A low τ makes it repeat what is likely, a high one makes it stammer.

The second are two stanzas of "Jabberwocky" (Carroll 1871): far too short to learn English from, so the net learns it by heart.
The picture is the first net's table of the next word, after each word of a sentence it never saw.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

sentences = [tuple(words) for words, _praise in data.opinions()]
words = [".", *sorted({word for sentence in sentences for word in sentence})]  # a full stop begins and ends a sentence
codes, _lengths = data.padded([[0, *map(words.index, sentence), 0] for sentence in sentences])
order = np.random.default_rng(0).permutation(288)
train, new = codes[order[72:]], codes[order[:72]]
net = nets.CausalTransformer(len(words), width=24, heads=2, depth=1, rng=0)

poem = data.Text()
poet = nets.CausalTransformer(len(poem.vocabulary), width=32, depth=1, hidden=64, rng=0)


def drawn(temperature, count=500):
    """Sentences that the net makes up, and of these the share that is of the language, and that is new besides."""
    rows = net.continued(np.zeros((count, 1), int), 7, temperature=temperature, rng=0).value
    made, known = [tuple(words[code] for code in row if code) for row in rows], {sentences[k] for k in order[72:]}
    return made, np.mean([each in sentences for each in made]), np.mean([each in sentences and each not in known for each in made])


if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    surprise, rule = 7 * net.objective(ng.constant(new)), nets.Adam(nets.cosine_decay(0.006, 180))
    for each in nets.train(net, None, train, epochs=20, batch=24, optimizer=rule):
        if each.epoch in (1, 20):
            print(_("surprise at a sentence: {known} learned, {new} new", known=f"{7 * each.loss:.2f}", new=f"{float(surprise.value):.2f}"))
    for temperature in (0.3, 1.0, 2.0):
        made, right, fresh = drawn(temperature)
        print(f"τ = {temperature}: {' '.join(made[0])}.", _("{right} of the language, {new} new", right=f"{right:.0%}", new=f"{fresh:.0%}"))
    slow = nets.Adam(nets.warm_up(nets.cosine_decay(0.01, 400), 30), clip=1.0)
    losses = [each.loss for each in nets.train(poet, None, poem.windows(80).X, epochs=40, batch=20, optimizer=slow)]
    print(f"\n{losses[0]:.2f} → {losses[-1]:.2f}", poem.decode(poet.continued(poem.encode(poem.text[:7])[None], 70).value), sep="\n")
    table = ng.softmax(net(new[:1, :-1])).value[0]
    labels = (_("last word"), _("next word"))
    plots.heat_map(table, [words[code] for code in new[0, :-1]], words, labels=labels).save(pictures / "74_language_model.svg")
