package document

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onebook/internal/civil"
	"onebook/internal/money"
)

func faces(t tester) *[2]weight {
	t.Helper()
	f, err := typefaces()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return f
}

// What people paste into a field is printed as they meant it, or named by its number.
func TestClean(t *testing.T) {
	w := &faces(t)[regular]
	for in, want := range map[string]string{
		"plain":                        "plain",
		"Müller 12 €":                  "Müller 12 €",
		"Mu\u0308ller":                 "Müller", // as macOS writes names of files
		"a\x00b\x1b[31mc\x7f":          "ab[31mc",
		"tab\tand\u00a0fixed\u202fgap": "tab and\u00a0fixed\u00a0gap",
		"one\r\ntwo\rthree\u2028four":  "one\ntwo\nthree\nfour",
		"evil\u202egnp.exe\u2066":      "evilgnp.exe",
		"zero\u200bwidth\ufeff":        "zerowidth",
		"soft\u00adhyphen":             "softhyphen",
		"thanks 😀":                     "thanks [U+1F600]",
		"👍🏽 ok":                        "[U+1F44D] ok",
		"family 👩\u200d👩\u200d👧":       "family [U+1F469 U+1F469 U+1F467]",
		"♥️ love":                      "♥ love",
		"bad \xff\xfe bytes":           "bad [U+FFFD] bytes",
		"中文 名":                         "[U+4E2D U+6587] [U+540D]",
		"private \ue000":               "private [U+E000]",
		"wide\u3000space":              "wide space",
		"Łódź Ελένη Съешь ½ → ₽ ₺ №": "Łódź Ελένη Съешь ½ → ₽ ₺ №",
		"Հայերեն ქართული Tiếng Việt": "Հայերեն ქართული Tiếng Việt",
	} {
		if got := w.clean(in, func(rune) {}); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
	}
}

// A document embeds the fewest fonts: one for Western, Polish, Greek, Russian, Turkish or Latvian text, more for a mix.
func TestCover(t *testing.T) {
	w := &faces(t)[regular]
	for text, want := range map[string]string{
		"Invoice 2026-0042 €":          "1252",
		"Straße, Ærø, Çà et là":        "1252",
		"Zażółć gęślą jaźń":            "1250",
		"Příliš žluťoučký kůň, Műhely": "1250",
		"Τιμολόγιο €":                  "1253",
		"Счёт-фактура № 7":             "1251",
		"Ödeme İşlemi ğ":               "1254",
		"Rēķins ģ ķ ļ ņ":               "1257",
		"Łódź, Ελένη, Наталья":         "1253 1251 1250",
		"thanks □":                     "1252",
		"−5.00":                        "1252",
		"Հայերեն":                      "caucasus1",
		"x→y":                          "more6 1252",
	} {
		var runes []rune
		for _, r := range text {
			if !slices.Contains(runes, r) {
				runes = append(runes, r)
			}
		}
		var got []string
		for _, p := range w.cover(runes) {
			got = append(got, strings.TrimPrefix(p.name, "regular-"))
		}
		have := append([]string(nil), got...)
		slices.Sort(have)
		expect := strings.Fields(want)
		slices.Sort(expect)
		if text == "x→y" { // where the arrow lies is the generator's business
			if len(got) != 2 {
				t.Errorf("%s takes %v", text, got)
			}
			continue
		}
		if diff := cmp.Diff(expect, have); diff != "" {
			t.Errorf("%s takes %v", text, got)
		}
	}
}

// Each character that a font of ours has can be read back from the paper, in both weights.
func TestEveryCharacterIsPrinted(t *testing.T) {
	var all []rune
	for _, p := range faces(t)[regular].pages {
		for r := range p.codes {
			all = append(all, r)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) < 3000 {
		t.Fatalf("only %d characters", len(all))
	}
	p := sample()
	var notes, names strings.Builder
	for i, r := range all {
		if unicode.In(r, unicode.M, unicode.Hebrew, unicode.Arabic) || unicode.IsSpace(r) {
			continue // readers compose, shape and turn these round
		}
		fmt.Fprintf(&notes, "%c ", r)
		fmt.Fprintf(&names, "%c ", r)
		if i%30 == 29 {
			notes.WriteByte('\n')
		}
	}
	p.Notes = notes.String()
	p.Client.Company = names.String() // semi-bold
	read := strings.Join(text(t, render(t, p)), "")
	count := map[rune]int{}
	for _, r := range read {
		count[r]++
	}
	w := &faces(t)[regular]
	missing := 0
	for _, r := range w.clean(p.Notes, func(rune) {}) {
		if r > ' ' && !mark(r) && count[r] < 2 {
			missing++
			t.Logf("%c U+%04X is read %d times", r, r, count[r])
		}
	}
	if missing > 0 {
		t.Errorf("%d characters cannot be read back", missing)
	}
}

// Figures stand exactly below each other in both weights.
func TestFiguresAreTabular(t *testing.T) {
	for i := range faces(t) {
		for r := '0'; r <= '9'; r++ {
			if w := &faces(t)[i]; w.of(r) != w.of('0') {
				t.Errorf("weight %d: %c is %d wide, 0 is %d", i, r, w.of(r), w.of('0'))
			}
		}
	}
}

// A text in a column loses nothing but the spaces at line ends, and no line is wider than the column.
func TestWrap(t *testing.T) {
	w := &faces(t)[regular]
	rapid.Check(t, func(t *rapid.T) {
		in := w.clean(rapid.StringOf(rapid.SampledFrom([]rune("abcW WW  \n-/–€łЖ□ilm.,12345"))).Draw(t, "text"), func(rune) {})
		width := rapid.Float64Range(3, 300).Draw(t, "width")
		var lines []string
		for _, line := range w.set(in, 9, width, Layout) {
			lines = append(lines, line.text)
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > 1 && float64(w.measure(line))*9/1000 > width+0.01 {
				t.Fatalf("%q is %f wide, the column %f", line, float64(w.measure(line))*9/1000, width)
			}
			if strings.HasSuffix(line, " ") {
				t.Fatalf("%q ends with a space", line)
			}
		}
		squeeze := func(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
		if got := squeeze(strings.Join(lines, "")); got != squeeze(in) {
			t.Fatalf("%q became %q", in, lines)
		}
	})
}

// Words stay whole where they can.
func TestWrapAtWords(t *testing.T) {
	w := &faces(t)[regular]
	var got []string
	for _, line := range w.set("The quick brown fox jumps over the-lazy dog\n\nsecond", 9, 60, Layout) {
		got = append(got, line.text)
	}
	want := []string{"The quick", "brown fox", "jumps over", "the-lazy dog", "", "second"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Whatever colour an organisation chose, its figure can be read on white.
func TestAccentIsLegible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := accent(fmt.Sprintf("#%06x", rapid.IntRange(0, 0xffffff).Draw(t, "color")))
		if contrast := 1.05 / (c.luminance() + 0.05); contrast < 4.5 {
			t.Fatalf("%v has contrast %f", c, contrast)
		}
	})
	for in, want := range map[string]rgb{"#1f6feb": {31, 111, 235}, "#000000": {0, 0, 0}, "": ink, "red": ink, "#1f6fe": ink, "#1f6feb0": ink} {
		if got := accent(in); got != want {
			t.Errorf("%q is %v", in, got)
		}
	}
}

// Emoji, control characters and a forged direction leave the document readable, everywhere.
func TestHostileTexts(t *testing.T) {
	const nasty = "x😀\x00\x07\x1b\u202e\u2066y\ufeff👩\u200d👩\u200d👧\u0301\u0301\U0010ffff\ue0001\xff()\\<>/%z"
	p := sample()
	p.Title, p.Seller.Name, p.Client.Name, p.Client.Company, p.Client.TaxID = nasty, nasty, nasty, nasty, nasty
	p.Notes, p.Terms, p.Footer, p.Reference, p.Seller.Website, p.Seller.Email = nasty, nasty, nasty, nasty, nasty, nasty
	p.Reasons, p.Client.Address, p.Seller.Address = []string{nasty}, []string{nasty, nasty}, []string{nasty}
	for i := range p.Lines {
		l := &p.Lines[i]
		l.Name, l.Description, l.Unit, l.Tax, l.Discount = nasty, nasty, nasty, nasty, nasty
	}
	pdf := render(t, p)
	tidy(t, pdf)
	pages := text(t, pdf)
	contains(t, pages, "x[U+1F600]y[U+1F469", `()\<>/%z`, "€6,723.50", "997.50", "2026-0042", "Due by 14 April 2026")
}

// person writes in any plane of Unicode, in a script that we have, or in plain letters.
func person() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringN(0, 60, -1),
		rapid.StringOf(rapid.Custom(func(t *rapid.T) rune { return rune(rapid.IntRange(0, 0x10ffff).Draw(t, "rune")) })),
		rapid.StringOf(rapid.SampledFrom([]rune("Zażółć Ξεσκεπάζω Съешь Müller \n-"))),
		rapid.StringOf(rapid.SampledFrom([]rune("שלום עֲלֵיכֶם السلام لا گزارش می\u200cخواهم (1.5) [a] <b> 12% \u200f\u061c\n-"))),
		rapid.StringMatching(`[A-Za-z ]{0,200}`),
	)
}

func drawn(t *rapid.T) Paper {
	text := func(label string) string { return person().Draw(t, label) }
	texts := func(label string) []string { return rapid.SliceOfN(person(), 0, 6).Draw(t, label) }
	amount := rapid.OneOf(rapid.Int64Range(-1e7, 1e7), rapid.Int64Range(-9e17, 9e17))
	day := func(label string) civil.Date {
		return civil.On(2000, 1, rapid.IntRange(1, 20000).Draw(t, label))
	}
	number := func(label string) money.Decimal {
		return decimal(rapid.StringMatching(`-?[1-9][0-9]{0,9}(\.[0-9]{1,6})?`).Draw(t, label))
	}
	p := Paper{
		Layout: Layout, Kind: rapid.SampledFrom([]Kind{Estimate, Invoice, CreditNote}).Draw(t, "kind"),
		Title: text("title"), Number: text("number"), Locale: rapid.SampledFrom([]string{"en", "de", "de-CH", "fr", ""}).Draw(t, "locale"),
		Currency: rapid.SampledFrom([]string{"EUR", "USD", "JPY", "KWD", "CHF"}).Draw(t, "currency"),
		IssuedOn: day("issued"), DueOn: day("due"), ServiceFrom: day("from"), ServiceTo: day("to"),
		Seller: Seller{text("seller"), texts("seller address"), text("seller tax"), text("email"), text("phone"), text("website"), text("accent"), []byte(text("logo"))},
		Client: Client{text("client"), text("company"), texts("client address"), text("client tax")},
		Total:  amount.Draw(t, "total"), Paid: amount.Draw(t, "paid"), Due: amount.Draw(t, "due"), Subtotal: amount.Draw(t, "subtotal"),
		Reference: text("reference"), Reasons: texts("reasons"), Notes: text("notes"), Terms: text("terms"), Footer: text("footer"),
		PayURL: rapid.SampledFrom([]string{"", "https://pay.example/i/#token"}).Draw(t, "link"),
	}
	for range rapid.IntRange(0, 12).Draw(t, "lines") {
		p.Lines = append(p.Lines, Line{Name: text("name"), Description: text("description"), Unit: text("unit"), Discount: text("discount"),
			Tax: text("tax"), Net: amount.Draw(t, "net") / 20, Quantity: number("quantity"), UnitPrice: number("price")})
	}
	for range rapid.IntRange(0, 3).Draw(t, "taxes") {
		p.Taxes = append(p.Taxes, Tax{Label: text("tax label"), Rate: number("rate"), Taxable: amount.Draw(t, "taxable"), Tax: amount.Draw(t, "tax")})
	}
	return p
}

// Whatever people write, a document comes out, and every amount can be read on it.
func TestEveryAmountCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawn(t)
		pdf, _, err := Render(p)
		if err != nil {
			t.Fatalf("%v", err)
		}
		// Readers drop a space where it stands between two fonts, or set one, so spaces do not count.
		read := strings.Join(strings.Fields(strings.Join(text(t, pdf), " ")), "")
		want := []string{p.withCurrency(p.Total), p.figure(p.Subtotal)}
		if p.Kind == Invoice {
			want = append(want, p.withCurrency(p.Due))
		}
		if p.Paid != 0 {
			want = append(want, p.figure(-p.Paid))
		}
		for _, l := range p.Lines {
			want = append(want, p.figure(l.Net))
		}
		for _, x := range p.Taxes {
			want = append(want, p.figure(x.Tax))
		}
		for _, amount := range want {
			if !strings.Contains(read, strings.Join(strings.Fields(amount), "")) {
				t.Fatalf("%s cannot be read in %s", amount, read)
			}
		}
	})
}

func FuzzRender(f *testing.F) {
	f.Add("Ada", "notes", "de", "EUR", int64(11900))
	f.Add("😀\x00\u202e", strings.Repeat("long ", 3000), "en", "JPY", int64(-1))
	f.Add("\xff", "\U0010ffff", "", "KWD", int64(1)<<62)
	f.Fuzz(func(t *testing.T, name, notes, locale, currency string, amount int64) {
		p := sample()
		p.Title, p.Number, p.Locale, p.Currency = name, name, locale, currency
		p.Client.Name, p.Client.Company, p.Seller.Name, p.Seller.Website, p.Seller.Accent = name, "", notes, name, name
		p.Notes, p.Footer, p.Lines[0].Name, p.Lines[1].Description, p.Lines[2].Unit = notes, name, notes, notes, name
		p.Total, p.Due, p.Lines[3].Net = amount, amount, amount
		p.Seller.Logo = []byte(notes)
		pdf, _, err := Render(p)
		if _, known := money.Exponent(currency); (err == nil) != (known == nil) {
			t.Fatal(err)
		}
		if err == nil && !strings.HasPrefix(string(pdf), "%PDF-") {
			t.Error("no PDF")
		}
	})
}

// Staff learn which characters a client will see as numbers, each once.
func TestLacking(t *testing.T) {
	p := sample()
	p.Client.Company, p.Notes = "中文", "thanks 😀😀 中"
	_, lacking, err := Render(p)
	if diff := cmp.Diff([]string{"U+4E2D", "U+6587", "U+1F600"}, lacking); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
