package container

import (
	"github.com/ollyscale/ollyscale/libs/segment/internal/passages"
	"github.com/ollyscale/ollyscale/libs/segment/internal/phrases"
)

const (
	// phrasesLevel is the level from which on passages are written in phrases: it takes time, and a segment of a lower one is soon written anew.
	phrasesLevel = 2

	// leastPhrases is how many bytes of words are worth a model, which takes some kB.
	leastPhrases = 32 << 10
)

// worded is passages in words, on their way into the body. What it holds is valid until the next take.
type worded struct {
	texts, ids        []byte // the list of words and all chunks, one after the other, and the bits of ids of each
	textEnds, idsEnds []int
	coder             phrases.Coder
	model             []byte
	phrased           []byte // chunks as phrases, one after the other
	phrasedEnds       []int
}

// take takes the words of passages; false where they do not pay.
func (w *worded) take(long *passages.Builder) bool {
	w.texts, w.ids, w.textEnds, w.idsEnds = w.texts[:0], w.ids[:0], w.textEnds[:0], w.idsEnds[:0]
	return long.Code(func(text, ids []byte) {
		w.texts, w.ids = append(w.texts, text...), append(w.ids, ids...)
		w.textEnds, w.idsEnds = append(w.textEnds, len(w.texts)), append(w.idsEnds, len(w.ids))
	})
}

// part is part i of a text.
func part(text []byte, ends []int, i int) []byte {
	if i == 0 {
		return text[:ends[0]]
	}
	return text[ends[i-1]:ends[i]]
}

// phrase writes the chunks in phrases; false where the compressor writes them as short, as it does to judge by the first.
func (w *worded) phrase(wide int, zip func([]byte) []byte) bool {
	list := w.textEnds[0]
	chunks := w.texts[list:]
	if len(chunks) < leastPhrases {
		return false
	}
	w.phrasedEnds = w.phrasedEnds[:0]
	for _, end := range w.textEnds[1:] {
		w.phrasedEnds = append(w.phrasedEnds, end-list)
	}
	var ok bool
	if w.model, ok = w.coder.Learn(chunks, w.phrasedEnds, wide); !ok {
		return false
	}
	w.phrased = w.phrased[:0]
	for i := range w.phrasedEnds {
		w.phrased = w.coder.Write(w.phrased, i)
		w.phrasedEnds[i] = len(w.phrased)
	}
	first := part(w.texts, w.textEnds, 1)
	return (len(zip(w.model))+len(w.phrased))*len(first) < len(zip(first))*len(chunks)
}
