package document

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/bidi"
	"pgregory.net/rapid"
)

// What is read from right to left stands where a reader of Hebrew or Arabic looks for it: figures and Latin words keep
// their order, brackets open towards what they hold. Capital letters stand for Hebrew in the names of the cases.
func TestOrder(t *testing.T) {
	hebrew := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				return 'א' + r - 'A'
			}
			return r
		}, s)
	}
	arabic := strings.NewReplacer("A", "د", "B", "ر", "C", "و") // letters that join to nothing behind them
	for _, c := range []struct {
		in, want string
		right    bool
	}{
		{"abc", "abc", false},
		{"ABC", "CBA", true},
		{"abc ABC def", "abc CBA def", false},
		{"ABC abc DEF", "FED abc CBA", true},
		{"ABC 123 DEF", "FED 123 CBA", true},
		{"abc ABC 123 def", "abc 123 CBA def", false},
		{"ABC (DEF) 1.5", "1.5 (FED) CBA", true},
		{"abc (ABC)", "abc (CBA)", false},
		{"ABC (abc)", "(abc) CBA", true},
		{"ABC <DEF>", "<FED> CBA", true},
		{"ABC-12.50 usd", "usd 12.50-CBA", true},
		{"ABC 10%", "10% CBA", true},
		{"ABC.", ".CBA", true},
		{"12 ABC", "CBA 12", true},
		{"+49 40 / ABC", "CBA / 40 49+", true},
		// UAX #9, examples of N0.
		{"AB(CD[&ef]!)gh", "gh(![ef&]DC)BA", true},
		{"ARABIC book(s)", "book(s) CIBARA", true},
		{"\u200fsmith (fabrikam ARABIC) HEBREW", "WERBEH (CIBARA fabrikam) smith", true},
		{"smith (fabrikam ARABIC) HEBREW", "smith (fabrikam CIBARA) WERBEH", false},
	} {
		var w weight
		w.width = map[rune]int{}
		shaped := w.shape([]rune(hebrew(c.in)))
		base := uint8(0)
		if leads(shaped) {
			base = 1
		}
		if got := string(visual(shaped, levels(shaped, base))); got != hebrew(c.want) || (base == 1) != c.right {
			t.Errorf("%s is drawn as %q, not %q", c.in, got, c.want)
		}
	}
	// After Arabic letters figures are Arabic ones, and a hyphen between two of them is no part of a number (W2, W4).
	in := []rune(arabic.Replace("ABC 12-34"))
	if got, want := string(visual(in, levels(in, 1))), arabic.Replace("34-12 CBA"); got != want {
		t.Errorf("%q is drawn as %q", string(in), got)
	}
}

// Any text runs the way that another implementation of UAX #9 says, which tells right from left for each character. It
// does not pair brackets, so there are none here.
func TestLevelsAgree(t *testing.T) {
	alphabet := []rune("ab אב در ٣٤ 12 .,:-+/%$€<>«»'\"!?&* \u05b8\u064e\u0301\u200e\u200f")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom(alphabet), 1, 24).Draw(t, "text")
		base, direction := uint8(0), bidi.LeftToRight
		if rapid.Bool().Draw(t, "right") {
			base, direction = 1, bidi.RightToLeft
		}
		var p bidi.Paragraph
		if _, err := p.SetString(string(text), bidi.DefaultDirection(direction)); err != nil {
			t.Skip(err)
		}
		order, err := p.Order()
		if err != nil {
			t.Skip(err)
		}
		// The other one takes the direction from the first letter; where that is not ours, nothing can be compared.
		for _, r := range text {
			if c := class(r); c == bidi.L || c == bidi.R || c == bidi.AL {
				if (c == bidi.L) != (base == 0) {
					t.Skip("another paragraph")
				}
				break
			}
		}
		want := make([]bool, 0, len(text))
		for n := range order.NumRuns() {
			run := order.Run(n)
			for range run.String() {
				want = append(want, run.Direction() == bidi.RightToLeft)
			}
		}
		got := levels(text, base)
		for i := range text {
			if i < len(want) && (got[i]%2 == 1) != want[i] {
				t.Fatalf("%q: character %d runs right to left: %v, not %v (%v)", string(text), i, !want[i], want[i], got)
			}
		}
	})
}

// A line broken out of a paragraph is part of it: none of its characters is lost, whatever the order they are drawn in.
func TestNothingIsLostInTurning(t *testing.T) {
	w := &faces(t)[regular]
	rapid.Check(t, func(t *rapid.T) {
		text := w.clean(rapid.StringOf(rapid.SampledFrom([]rune("ab אבגד דבר 12 3.5 () [] - ח"))).Draw(t, "text"), func(rune) {})
		count := map[rune]int{}
		for _, r := range text {
			count[r]++
		}
		for _, line := range w.set(text, 9, rapid.Float64Range(20, 200).Draw(t, "width"), Layout) {
			for _, r := range line.text {
				count[r]--
			}
		}
		for r, n := range count {
			if strings.ContainsRune("()[]", r) {
				n += count[mirrored(r)] // a bracket may have been turned round
			}
			if n != 0 && r != ' ' {
				t.Fatalf("%q: %q is missing %d times", text, r, n)
			}
		}
	})
}
