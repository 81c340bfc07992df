package document

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// clean makes a text printable in a weight: composed (NFC), with line ends as \n, without control characters and without
// those by which a text can pretend to run the other way. Spaces of any width become a space, unbreakable ones stay so. What
// has no glyph is named by its number, [U+4E2D U+6587], so that a reader sees what is missing and can look it up; lacking
// is told. The marks of right-to-left text stay for those who set it.
func (w *weight) clean(s string, lacking func(rune)) string {
	if plain(s) {
		return s
	}
	s = norm.NFC.String(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n"))
	marks := strings.ContainsFunc(s, rightward)
	var out strings.Builder
	naming := false
	for _, r := range s {
		if !unicode.Is(unicode.Prepended_Concatenation_Mark, r) && !(marks && mark(r)) {
			if r = settled(r); r < 0 {
				continue
			}
			if r == '\n' || w.has(r) {
				if naming {
					out.WriteByte(']')
				}
				naming = false
				out.WriteRune(r)
				continue
			}
		} else if mark(r) {
			out.WriteRune(r)
			continue
		}
		if naming {
			out.WriteByte(' ')
		} else {
			out.WriteByte('[')
		}
		naming = true
		out.WriteString(number(r))
		lacking(r)
	}
	if naming {
		out.WriteByte(']')
	}
	return out.String()
}

// boxed is what clean was in layout 1: with □ for what has no glyph.
func (w *weight) boxed(s string) string {
	if plain(s) {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, string(noGlyph)), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		if r = settled(r); r < 0 || r == '\n' || w.has(r) {
			return r
		}
		return noGlyph
	}, norm.NFC.String(s))
}

// settled answers what a character is in print, whatever the font; less than 0 is nothing.
func settled(r rune) rune {
	switch {
	case r == '\n' || r == '\r' || r == '\v' || r == '\f' || r == 0x85 || r == 0x2028 || r == 0x2029:
		return '\n'
	case r == '\t':
		return ' '
	case r == 0xA0 || r == 0x202F || r == 0x2007:
		return 0xA0
	case unicode.Is(unicode.Zs, r):
		return ' '
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector), r >= 0x1F3FB && r <= 0x1F3FF:
		return -1
	}
	return r
}

// plain reports whether nothing needs to be done, which is so for most texts.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// inform makes a text fit for the file's information, where fpdf takes no rune above U+FFFF.
func inform(s string, layout int) string {
	var out strings.Builder
	for _, r := range strings.ToValidUTF8(s, string(noGlyph)) {
		switch {
		case r > 0xFFFF && layout == 1:
			out.WriteRune(noGlyph)
		case unicode.Is(unicode.Zs, r), r == '\n', r == '\t':
			out.WriteByte(' ')
		case unicode.In(r, unicode.Cc, unicode.Cf):
		case r > 0xFFFF:
			fmt.Fprintf(&out, "[%s]", number(r))
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// number names a character.
func number(r rune) string { return fmt.Sprintf("U+%04X", r) }

// line is a line of text in the order in which it is drawn; of a paragraph that runs from right to left, it is set against
// the right end of its column.
type line struct {
	text  string
	right bool
}

// set breaks a clean text into lines of at most width points, at spaces and behind hyphens and slashes; a word that is
// longer than a line is cut. Empty lines inside the text stay. Layout 1 knew no text but from left to right.
func (w *weight) set(s string, size, width float64, layout int) []line {
	s = strings.Trim(s, "\n ")
	if s == "" {
		return nil
	}
	room := int(width * 1000 / size)
	var lines []line
	for paragraph := range strings.SplitSeq(s, "\n") {
		paragraph = strings.TrimRight(paragraph, " ")
		if layout == 1 || !strings.ContainsFunc(paragraph, rightward) {
			text := []rune(paragraph)
			for _, p := range w.breakUp(text, room) {
				lines = append(lines, line{text: string(p.of(text))})
			}
			continue
		}
		shaped := w.shape([]rune(paragraph))
		right, base := leads(shaped), uint8(0)
		if right {
			base = 1
		}
		levels := levels(shaped, base)
		for _, p := range w.breakUp(shaped, room) {
			lines = append(lines, line{string(visual(p.of(shaped), levels[p.from:p.to])), right})
		}
	}
	return lines
}

// piece is a part of a text that makes a line.
type piece struct{ from, to int }

func (p piece) of(s []rune) []rune { return s[p.from:p.to] }

func (w *weight) breakUp(s []rune, room int) []piece {
	var lines []piece
	start, breakAt, used, usedAtBreak := 0, -1, 0, 0
	end := func(at int) {
		to := at
		for to > start && s[to-1] == ' ' {
			to--
		}
		lines = append(lines, piece{start, to})
	}
	for i, r := range s {
		wide := w.of(r)
		// A line's trailing spaces may hang over its end, and a point without width belongs to its letter.
		if used+wide > room && wide > 0 && r != ' ' && i > start {
			if breakAt > start {
				end(breakAt)
				start, used = breakAt, used-usedAtBreak
			}
			// What is left of the word may itself fill a line.
			if used+wide > room && i > start {
				end(i)
				start, used = i, 0
			}
			breakAt = -1
		}
		used += wide
		if r == ' ' || (r == '-' || r == '/' || r == '–') && i > start {
			breakAt, usedAtBreak = i+1, used
		}
	}
	end(len(s))
	return lines
}

// oneLine makes a clean text a single line.
func oneLine(s string) string {
	if !strings.Contains(s, "\n") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' }), " ")
}
