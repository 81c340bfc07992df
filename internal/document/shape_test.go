package document

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Arabic letters take the form that their neighbours ask for. The forms are those of the Unicode charts for Arabic
// Presentation Forms A and B.
func TestArabicLettersJoin(t *testing.T) {
	w := &faces(t)[regular]
	for _, c := range []struct{ why, in, want string }{
		{"four letters of which each joins", "تسلم", "\uFE97\uFEB4\uFEE0\uFEE2"},
		{"alone", "ب", "\uFE8F"},
		{"reh joins to the letter before it only", "كرم", "\uFEDB\uFEAE\uFEE1"},
		{"alef between two", "باب", "\uFE91\uFE8E\uFE8F"},
		{"hamza joins to nothing", "شيء", "\uFEB7\uFEF2\uFE80"},
		{"lam and alef are one", "لا", "\uFEFB"},
		{"lam and alef behind a letter", "سلام", "\uFEB3\uFEFC\uFEE1"},
		{"lam and alef with hamza below", "الإ", "\uFE8D\uFEF9"},
		{"vowel signs do not part letters", "بَب", "\uFE91\u064E\uFE90"},
		{"a vowel sign between lam and alef follows", "لَا", "\uFEFB\u064E"},
		{"a Persian letter", "چین", "\uFB7C\uFBFF\uFEE6"},
		{"kept apart by typing so", "می\u200cخ", "\uFEE3\uFBFD\uFEA5"},
		{"joined to nothing by typing so", "ه\u200d", "\uFEEB"},
		{"stretched", "بـب", "\uFE91ـ\uFE90"},
		{"a figure joins nothing", "ب1ب", "\uFE8F1\uFE8F"},
		{"other scripts stay", "abc Ελένη שלום", "abc Ελένη שלום"},
	} {
		if got := string(w.shape([]rune(c.in))); got != c.want {
			t.Errorf("%s: %+q becomes %+q, not %+q", c.why, c.in, got, c.want)
		}
	}
}

// What is printed in Hebrew and Arabic is found again as it was typed: letters, not their forms, in the order in which they
// are read. pdftotext puts marks of direction around what runs to the left, and knows nothing of turned brackets.
func TestRightToLeftIsFound(t *testing.T) {
	p := sample()
	p.Client = Client{Name: "דוד כהן", Company: "חברת הים", Address: []string{"רחוב הרצל 12"}}
	p.Lines[0].Name, p.Lines[0].Description = "تصميم موقع الويب", "السلام عليكم، الإصدار 2.5"
	p.Lines[1].Name, p.Lines[1].Description = "עיצוב האתר", "כולל 12 תבניות"
	p.Lines[2].Name, p.Lines[2].Description = "Beratung für شركة النور in Berlin", "گزارش پروژه"
	p.Notes = "שָׁלוֹם עֲלֵיכֶם"
	pdf := render(t, p)
	tidy(t, pdf)
	unmarked := strings.NewReplacer("\u202a", "", "\u202b", "", "\u202c", "")
	read := unmarked.Replace(joined(strings.Join(text(t, pdf), "\n")))
	for _, want := range []string{"דוד כהן", "חברת הים", "רחוב הרצל", "تصميم موقع الويب", "السلام عليكم", "الإصدار", "2.5", "עיצוב האתר",
		"כולל", "תבניות", "Beratung für", "شركة النور", "in Berlin", "گزارش پروژه", "שָׁלוֹם עֲלֵיכֶם", "2026-0042", "€6,723.50"} {
		if !strings.Contains(read, want) {
			t.Errorf("%s cannot be found in\n%s", want, read)
		}
	}
}

// A paragraph begins on the side where its reader begins.
func TestParagraphsBeginWhereTheyAreRead(t *testing.T) {
	p := sample()
	p.Notes = "שורה\nline"
	at := map[string]float64{}
	for _, w := range wordsAt(t, render(t, p)) {
		switch {
		case strings.Contains(w.text, "line"):
			at["line"] = w.xMin
		case strings.Contains(w.text, "הרוש"):
			at["שורה"] = w.xMax // this view of the page gives the letters as they are drawn
		}
	}
	want := map[string]float64{"line": left, "שורה": left + proseWidth}
	if diff := cmp.Diff(want, at, cmp.Comparer(func(a, b float64) bool { return a-b < 1 && b-a < 1 })); diff != "" {
		t.Error(diff)
	}
}
