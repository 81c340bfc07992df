package org

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// plainLetters are letters that people write without their stroke or bow.
var plainLetters = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "ø", "o", "ł", "l", "đ", "d", "æ", "ae", "œ", "oe")

// PublicSlug is the organisation's word in the addresses of its public pages, such as /q/studio-nord. Until one is set it is
// made of the name and changes with it; a name without a Latin letter or digit makes "welcome".
func (s Settings) PublicSlug() string {
	if s.Slug != "" {
		return s.Slug
	}
	words := strings.FieldsFunc(norm.NFKD.String(plainLetters.Replace(norm.NFC.String(strings.ToLower(s.Name)))), func(r rune) bool {
		return !unicode.Is(unicode.Mn, r) && (r > 'z' || r < '0' || r > '9' && r < 'a')
	})
	var b strings.Builder
	for _, w := range words {
		w = strings.Map(func(r rune) rune {
			if r > 'z' {
				return -1
			}
			return r
		}, w)
		if w == "" || b.Len()+1+len(w) > 60 && b.Len() > 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('-')
		}
		b.WriteString(w[:min(len(w), 60)])
	}
	if b.Len() == 0 {
		return "welcome"
	}
	return b.String()
}
