package document

import (
	"slices"

	"golang.org/x/text/unicode/bidi"
)

// Text is stored as it is read and drawn from left to right. What stands where follows the Unicode Bidirectional
// Algorithm (UAX #9, revision 50), whose rules the comments name. Embeddings, overrides and isolates, by which a text can
// pretend to be another, were taken out before; the marks that only help a reader are kept until here.

const (
	lrm = '\u200E'
	rlm = '\u200F'
	alm = '\u061C'
)

// mark reports a character that decides about direction or joining and is not drawn.
func mark(r rune) bool { return r == lrm || r == rlm || r == alm || r == zwj || r == zwnj }

// rightward reports whether text with this character can run from right to left.
func rightward(r rune) bool {
	if r < 0x590 {
		return false
	}
	switch class(r) {
	case bidi.R, bidi.AL, bidi.AN:
		return true
	}
	return false
}

func class(r rune) bidi.Class {
	p, _ := bidi.LookupRune(r)
	return p.Class()
}

// leads reports whether a paragraph runs from right to left: its first letter decides (P2, P3).
func leads(paragraph []rune) bool {
	for _, r := range paragraph {
		switch class(r) {
		case bidi.L:
			return false
		case bidi.R, bidi.AL:
			return true
		}
	}
	return false
}

// levels answers how deep each character of a paragraph is nested: an odd level runs from right to left.
func levels(paragraph []rune, base uint8) []uint8 {
	around := bidi.L
	if base == 1 {
		around = bidi.R
	}
	original := make([]bidi.Class, len(paragraph))
	for i, r := range paragraph {
		original[i] = class(r)
	}
	classes := weak(slices.Clone(original), around)
	brackets(paragraph, original, classes, around)
	neutral(classes, around)
	out := make([]uint8, len(classes))
	for i, c := range classes {
		switch { // I1, I2
		case base == 0 && c == bidi.R:
			out[i] = 1
		case base == 0 && (c == bidi.EN || c == bidi.AN):
			out[i] = 2
		case base == 1 && c == bidi.R:
			out[i] = 1
		case base == 1:
			out[i] = 2
		}
	}
	for i := len(out) - 1; i >= 0 && original[i] == bidi.WS; i-- { // L1
		out[i] = base
	}
	return out
}

// weak resolves numbers and what belongs to them (W1 to W7).
func weak(cs []bidi.Class, around bidi.Class) []bidi.Class {
	last, strong := around, around
	for i, c := range cs {
		switch c {
		case bidi.NSM: // W1
			c = last
		case bidi.L, bidi.R, bidi.AL:
			strong = c
		case bidi.EN: // W2
			if strong == bidi.AL {
				c = bidi.AN
			}
		}
		cs[i], last = c, c
	}
	for i, c := range cs {
		if c == bidi.AL { // W3
			cs[i] = bidi.R
		}
		if i > 0 && i < len(cs)-1 { // W4
			a, b := cs[i-1], cs[i+1]
			if a == bidi.EN && b == bidi.EN && (c == bidi.ES || c == bidi.CS) || a == bidi.AN && b == bidi.AN && c == bidi.CS {
				cs[i] = a
			}
		}
	}
	for i := 0; i < len(cs); { // W5
		end := i
		for end < len(cs) && cs[end] == bidi.ET {
			end++
		}
		if end > i && (i > 0 && cs[i-1] == bidi.EN || end < len(cs) && cs[end] == bidi.EN) {
			for n := i; n < end; n++ {
				cs[n] = bidi.EN
			}
		}
		i = max(end, i+1)
	}
	strong = around
	for i, c := range cs {
		switch c {
		case bidi.ES, bidi.CS, bidi.ET: // W6
			cs[i] = bidi.ON
		case bidi.L, bidi.R:
			strong = c
		case bidi.EN: // W7
			if strong == bidi.L {
				cs[i] = bidi.L
			}
		}
	}
	return cs
}

// side is the direction that a resolved character has for its neighbours: numbers count as R (N0 to N2).
func side(c bidi.Class) (s bidi.Class, ok bool) {
	switch c {
	case bidi.L:
		return bidi.L, true
	case bidi.R, bidi.EN, bidi.AN:
		return bidi.R, true
	}
	return c, false
}

// brackets gives the two of a pair one direction (N0): that of the text around when it is inside, else that of what
// stands before.
func brackets(text []rune, original, cs []bidi.Class, around bidi.Class) {
	type open struct {
		close rune
		at    int
	}
	var stack []open
	var pairs [][2]int
	for i, r := range text {
		p, _ := bidi.LookupRune(r)
		if cs[i] != bidi.ON || !p.IsBracket() {
			continue
		}
		if p.IsOpeningBracket() {
			if len(stack) == 63 { // BD16
				break
			}
			stack = append(stack, open{bracket(mirrored(r)), i})
			continue
		}
		for n := len(stack) - 1; n >= 0; n-- {
			if stack[n].close == bracket(r) {
				pairs = append(pairs, [2]int{stack[n].at, i})
				stack = stack[:n]
				break
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]int) int { return a[0] - b[0] })
	for _, pair := range pairs {
		found, same := false, false
		for _, c := range cs[pair[0]+1 : pair[1]] {
			if s, ok := side(c); ok {
				found, same = true, same || s == around
			}
		}
		if !found {
			continue
		}
		to := around
		if !same {
			before := around
			for n := pair[0] - 1; n >= 0; n-- {
				if s, ok := side(cs[n]); ok {
					before = s
					break
				}
			}
			to = before
		}
		for _, at := range pair {
			cs[at] = to
			for n := at + 1; n < len(cs) && original[n] == bidi.NSM; n++ {
				cs[n] = to
			}
		}
	}
}

// bracket is a bracket in the form in which pairs are compared: the angle brackets exist twice.
func bracket(r rune) rune {
	switch r {
	case 0x232A:
		return 0x3009
	}
	return r
}

// neutral gives what has no direction that of its neighbours where they agree, else that of the paragraph (N1, N2).
func neutral(cs []bidi.Class, around bidi.Class) {
	before := around
	for i := 0; i < len(cs); {
		if s, ok := side(cs[i]); ok {
			before = s
			i++
			continue
		}
		end, behind := i, around
		for ; end < len(cs); end++ {
			if s, ok := side(cs[end]); ok {
				behind = s
				break
			}
		}
		to := around
		if before == behind {
			to = before
		}
		for ; i < end; i++ {
			cs[i] = to
		}
	}
}

// visual sets a line in the order in which it is drawn (L2), brackets and such turned round where they run to the left
// (L4).
func visual(line []rune, levels []uint8) []rune {
	line, levels = slices.Clone(line), slices.Clone(levels)
	for i, r := range line {
		if levels[i]%2 == 1 {
			line[i] = mirrored(r)
		}
	}
	for level := slices.Max(append([]uint8{0}, levels...)); level > 0; level-- {
		for i := 0; i < len(line); i++ {
			end := i
			for end < len(line) && levels[end] >= level {
				end++
			}
			if end > i {
				slices.Reverse(line[i:end])
				slices.Reverse(levels[i:end])
				i = end
			}
		}
	}
	return slices.DeleteFunc(line, mark)
}

// mirrored is the character that looks like r in a mirror, where both are in our fonts (Unicode's BidiMirroring.txt).
func mirrored(r rune) rune {
	if p, _ := bidi.LookupRune(r); p.IsBracket() {
		return []rune(bidi.ReverseString(string(r)))[0]
	}
	for i, m := range mirrors {
		if r == m {
			return mirrors[i^1]
		}
	}
	return r
}

var mirrors = []rune("<>«»‹›≤≥≪≫≮≯≰≱∈∋")
