package document

import (
	"slices"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A font of ours has each shape of an Arabic letter as a character of its own, one of Unicode's presentation forms.
// People type letters; shape sets the forms. Which forms a letter has is no table of ours: the compatibility mappings of Unicode's character data (UnicodeData.txt, in
// golang.org/x/text/unicode/norm) say it, where the forms of a letter stand in one order. Letters without forms, of
// Pashto or Sindhi say, stand unjoined.

// The forms of a letter, in Unicode's order.
const (
	isolated = iota
	final    // joined to the letter before it
	initial  // joined to the letter behind it
	medial   // joined to both
)

const (
	lam     = 'ل'
	tatweel = 'ـ'
	zwnj    = '\u200C' // keeps two letters apart
	zwj     = '\u200D' // joins where there is no letter
)

type letterforms struct {
	arabic  map[rune][]rune  // one form: joins to nothing; two: to the letter before it; four: to both
	lamAlef map[rune][2]rune // lam with this alef in one, isolated and final
	typed   map[rune]string  // what was typed, by the form
}

var forms = sync.OnceValue(func() letterforms {
	f := letterforms{arabic: map[rune][]rune{}, lamAlef: map[rune][2]rune{}, typed: map[rune]string{}}
	for _, block := range [][2]rune{{0xFE80, 0xFEFC}, {0xFB50, 0xFBB1}, {0xFBD3, 0xFBE9}, {0xFBFC, 0xFBFF}} {
		for r := block[0]; r <= block[1]; r++ {
			typed := []rune(norm.NFKC.String(string(r)))
			switch {
			case len(typed) == 1 && typed[0] != r:
				f.arabic[typed[0]] = append(f.arabic[typed[0]], r)
			case len(typed) == 2 && typed[0] == lam:
				pair := f.lamAlef[typed[1]]
				pair[(r-0xFEF5)%2] = r
				f.lamAlef[typed[1]] = pair
			default:
				continue
			}
			f.typed[r] = string(typed)
		}
	}
	return f
})

// shape sets the forms of a clean text, in the order in which it is read.
func (w *weight) shape(text []rune) []rune {
	if !slices.ContainsFunc(text, rightward) {
		return text
	}
	f := forms()
	out := make([]rune, 0, len(text))
	for i := 0; i < len(text); {
		end := i + 1
		for end < len(text) && unicode.Is(unicode.M, text[end]) {
			end++
		}
		letter, marks := text[i], text[i+1:end]
		if shapes := f.arabic[letter]; len(shapes) > 0 {
			before, behind := w.joins(text, i, -1), w.joins(text, i, 1)
			if letter == lam && end < len(text) {
				if pair, ok := f.lamAlef[text[end]]; ok && w.has(pair[before]) {
					out = append(append(out, pair[before]), marks...)
					i = end + 1 // marks of the alef follow by themselves
					continue
				}
			}
			at := isolated
			switch {
			case len(shapes) == 4:
				at = before + 2*behind
			case len(shapes) == 2:
				at = before
			}
			if w.has(shapes[at]) {
				letter = shapes[at]
			}
		}
		if letter != zwj && letter != zwnj {
			out = append(out, letter)
		}
		out = append(out, marks...)
		i = end
	}
	return out
}

// joins answers 1 when the letter at i is joined to the one in this direction, else 0.
func (w *weight) joins(text []rune, i, direction int) int {
	f := forms()
	reaches := func(r rune, forward bool) bool {
		shapes := f.arabic[r]
		return r == tatweel || r == zwj || len(shapes) == 4 && w.has(shapes[medial]) || len(shapes) == 2 && !forward && w.has(shapes[final])
	}
	for n := i + direction; n >= 0 && n < len(text); n += direction {
		if unicode.Is(unicode.M, text[n]) {
			continue
		}
		if reaches(text[i], direction > 0) && reaches(text[n], direction < 0) {
			return 1
		}
		break
	}
	return 0
}

func (w *weight) has(r rune) bool {
	_, ok := w.width[r]
	return ok
}
