package document

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// clean makes a text printable in a weight: composed (NFC), without control, direction and joining characters, with
// line ends as \n, and with □ for what has no glyph. Spaces of any width become a space, unbreakable ones stay so.
func (w *weight) clean(s string) string {
	if plain(s) {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, string(noGlyph)), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
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
		if _, ok := w.width[r]; !ok {
			return noGlyph
		}
		return r
	}, norm.NFC.String(s))
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
func inform(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r > 0xFFFF:
			return noGlyph
		case unicode.Is(unicode.Zs, r), r == '\n', r == '\t':
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, string(noGlyph)))
}

// wrap breaks a clean text into lines of at most width points, at spaces and behind hyphens and slashes; a word that is
// longer than a line is cut. Empty lines inside the text stay.
func (w *weight) wrap(s string, size, width float64) []string {
	s = strings.Trim(s, "\n ")
	if s == "" {
		return nil
	}
	room := int(width * 1000 / size)
	var lines []string
	for paragraph := range strings.SplitSeq(s, "\n") {
		lines = w.breakUp(lines, strings.TrimRight(paragraph, " "), room)
	}
	return lines
}

func (w *weight) breakUp(lines []string, s string, room int) []string {
	start, breakAt, used, usedAtBreak := 0, -1, 0, 0
	for i, r := range s {
		wide := w.of(r)
		// A line's trailing spaces may hang over its end.
		if used+wide > room && r != ' ' && i > start {
			if breakAt > start {
				lines = append(lines, strings.TrimRight(s[start:breakAt], " "))
				start, used = breakAt, used-usedAtBreak
			}
			// What is left of the word may itself fill a line.
			if used+wide > room && i > start {
				lines = append(lines, strings.TrimRight(s[start:i], " "))
				start, used = i, 0
			}
			breakAt = -1
		}
		used += wide
		if r == ' ' || (r == '-' || r == '/' || r == '–') && i > start {
			breakAt, usedAtBreak = i+len(string(r)), used
		}
	}
	return append(lines, strings.TrimRight(s[start:], " "))
}

// oneLine makes a clean text a single line.
func oneLine(s string) string {
	if !strings.Contains(s, "\n") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' }), " ")
}
