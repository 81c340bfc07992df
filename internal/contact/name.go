package contact

import (
	"sort"
	"strings"
	"unicode"

	"onebook/internal/find"
)

// gate is how alike two names must be for a telephone number to link (rules.md §11, Name gate).
const gate = 0.85

// SameName reports whether two names pass the gate: both given, folded, their words sorted, Jaro–Winkler ≥ 0.85. An
// empty name is like no other.
func SameName(a, b string) bool {
	a, b = sorted(a), sorted(b)
	if a > b {
		a, b = b, a // the measure takes the first match it meets, which may depend on the order
	}
	return a != "" && similarity(a, b) >= gate
}

func sorted(name string) string {
	w := nameWords(name)
	sort.Strings(w)
	return strings.Join(w, " ")
}

// nameWords are the folded words of a name. An apostrophe does not divide: O'Brien is one word.
func nameWords(name string) []string {
	return strings.FieldsFunc(find.Fold(name), func(r rune) bool { return !wordRune(r) })
}

func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

// similarity is Jaro–Winkler over characters: 0 for nothing in common, 1 for equal. A common beginning of up to four
// characters counts extra.
func similarity(a, b string) float64 {
	x, y := []rune(a), []rune(b)
	j := jaro(x, y)
	common := 0
	for common < 4 && common < len(x) && common < len(y) && x[common] == y[common] {
		common++
	}
	return j + float64(common)*0.1*(1-j)
}

func jaro(x, y []rune) float64 {
	if len(x) == 0 || len(y) == 0 {
		return 0
	}
	window := max(0, max(len(x), len(y))/2-1)
	inX, inY := make([]bool, len(x)), make([]bool, len(y))
	matches := 0
	for i := range x {
		for k := max(0, i-window); k < min(len(y), i+window+1); k++ {
			if !inY[k] && x[i] == y[k] {
				inX[i], inY[k] = true, true
				matches++
				break
			}
		}
	}
	if matches == 0 {
		return 0
	}
	halfSwaps, k := 0, 0
	for i := range x {
		if !inX[i] {
			continue
		}
		for !inY[k] {
			k++
		}
		if x[i] != y[k] {
			halfSwaps++
		}
		k++
	}
	m := float64(matches)
	return (m/float64(len(x)) + m/float64(len(y)) + (m-float64(halfSwaps/2))/m) / 3
}
