package document

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/multi/qrcode"

	"onebook/internal/civil"
	"onebook/internal/fault"
)

// A client finds on one page who bills what to whom, until when, and what it comes to.
func TestAnInvoiceSaysEverything(t *testing.T) {
	p := sample()
	p.Paid = 50000
	p.Charges = []Adjustment{{"Express delivery", 1990}}
	p.Reasons = []string{"Reverse charge: the recipient is liable for the tax."}
	p = sums(p)
	pdf := render(t, p)
	tidy(t, pdf)
	pages := text(t, pdf)
	contains(t, pages, "Invoice", "2026-0042", "Billed to", "Analytical Engines Ltd", "Ada Lovelace", "12 St James’s Square",
		"VAT ID GB999999973", "Studio Nord GmbH", "20457 Hamburg", "VAT ID DE123456789", "hello@studio-nord.example",
		"studio-nord.example", "+49 40 123456", "Date 31 March 2026", "Due date 14 April 2026",
		"Period of supply 1–31 March 2026", "Payment reference RF18 2026 0042", "Your reference PO 7781",
		"Amount due", "€6,247.18", "Due by 14 April 2026", "Pay online",
		"Website concept 1.5 h 95.00 19 % 142.50", "Training 10.5 h 95.00 19 % 997.50",
		"in two rounds of correction.", "Discount: 10% for the third set",
		// 5,700.00 − 50.00 + 19.90 = 5,669.90; 19 % of it is 1,077.281
		"Subtotal 5,700.00", "Loyalty discount 5% −50.00", "Express delivery 19.90", "VAT 19% on 5,669.90 1,077.28",
		"Total €6,747.18", "Paid −500.00", "Amount due €6,247.18",
		"Reverse charge: the recipient is liable for the tax.", "Notes Thank you for", "Terms Payable within 14 days",
		"IBAN DE02 2005 0550 1015 8717 24")
	for _, l := range p.Lines {
		contains(t, pages, l.Name, l.Description)
	}
}

// A German estimate is German in words, figures and dates, and asks to be accepted, not paid.
func TestAnEstimateInGerman(t *testing.T) {
	p := sample()
	p.Kind, p.Locale, p.DueOn, p.ValidUntil = Estimate, "de-AT", civil.Date{}, civil.On(2026, 4, 30)
	pdf := render(t, p)
	tidy(t, pdf)
	pages := text(t, pdf)
	contains(t, pages, "Angebot", "Angebot für", "Gültig bis 30. April 2026", "Leistungszeitraum 1.–31. März 2026",
		"USt-IdNr. DE123456789", "Beschreibung", "Menge", "Einzelpreis Steuer Betrag (EUR)",
		"Website concept 1,5 h 95,00 19 % 142,50", "Zwischensumme 5.700,00", "VAT 19 % auf 5.650,00 1.073,50",
		"Gesamtbetrag 6.723,50 €", "Online ansehen und annehmen", "1/1")
	for _, wrong := range []string{"Offener Betrag", "Online bezahlen", "Fällig"} {
		if strings.Contains(pages[0], wrong) {
			t.Errorf("an estimate says %q", wrong)
		}
	}
}

// What the client keeps back for the tax office is taken off below the total.
func TestWithholding(t *testing.T) {
	p := sample()
	p.Kind, p.Allowances = CreditNote, nil
	p.Refers = "2026-0007"
	p = sums(p)
	p.Taxes = append(p.Taxes, Tax{Label: "IRPF", Rate: decimal("15.00"), Taxable: 570000, Tax: 85500, Withheld: true})
	p.Withheld = 85500
	pages := text(t, render(t, p))
	contains(t, pages, "Credit note", "Refers to 2026-0007", "Total €6,783.00 IRPF 15% on 5,700.00 −855.00")

	p.Taxes = p.Taxes[:1]
	contains(t, text(t, render(t, p)), "Total €6,783.00 Withheld by the client −855.00")
}

// One Paper is one file: the same bytes when it is printed again, also by eight at once, and from release to release.
func TestSameBytes(t *testing.T) {
	logo, err := FlattenLogo(picturePNG(t, 300, 100, 128))
	if err != nil {
		t.Fatal(err)
	}
	withLogo := sample()
	withLogo.Number, withLogo.Seller.Logo = "2026-0044", logo
	papers := []Paper{sample(), mixed(), withLogo, rowsOf(200)}
	hebrew := sample()
	hebrew.Number, hebrew.Client.Company, hebrew.Notes = "2026-0045", "חברת הים", "السلام عليكم 😀"
	papers = append(papers, hebrew)
	old := papers
	papers = append(papers, transferred())
	for _, p := range old { // what was issued before stays what it was
		p.Layout = 1
		papers = append(papers, p)
	}
	var golden strings.Builder
	for _, p := range papers {
		first := render(t, p)
		fmt.Fprintf(&golden, "%s layout %d %x\n", p.Number, p.Layout, sha256.Sum256(first))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if again, _, err := Render(p); err != nil || string(again) != string(first) {
					t.Errorf("%s: another printing differs (%v)", p.Number, err)
				}
			})
		}
		wg.Wait()
	}
	file := filepath.Join("testdata", "golden.txt")
	if *update {
		if err := os.WriteFile(file, []byte(golden.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), golden.String()); diff != "" {
		t.Errorf("documents of layout %d have changed. If that is meant, it needs a new layout; if only compress/zlib of a new Go\n"+
			"release differs, look at them (-dump) and run with -update:\n%s", Layout, diff)
	}
}

// The largest amounts that there can be stand apart from everything else, with and without a code beside them.
func TestLargestAmounts(t *testing.T) {
	for _, currency := range []string{"EUR", "KWD", "JPY"} {
		for _, sign := range []int64{1, -1} {
			p := sample()
			p.Currency, p.Number = currency, fmt.Sprint(currency, sign)
			p.Total, p.Due, p.Subtotal, p.Paid = sign*math.MaxInt64, sign*math.MaxInt64, sign*math.MaxInt64, 1
			for i := range p.Lines {
				l := &p.Lines[i]
				l.Net, l.Quantity, l.UnitPrice = sign*math.MaxInt64, decimal("999999999999.999999"), decimal("-9999999999999999.99")
			}
			pdf := render(t, p)
			tidy(t, pdf)
			contains(t, text(t, pdf), p.withCurrency(p.Due), p.figure(p.Subtotal))
			p.PayURL = ""
			tidy(t, render(t, p))
		}
	}
}

// transferred is an invoice that is paid by bank, in German.
func transferred() Paper {
	p := sample()
	p.Number, p.Locale = "2026-0046", "de"
	p.Transfer = &Transfer{
		Holder: "Studio Nord GmbH", IBAN: "DE02120300000000202051", BIC: "BYLADEM1001", Bank: "Deutsche Kreditbank", Reference: "2026-0046",
		Code: "BCD\n002\n1\nSCT\nBYLADEM1001\nStudio Nord GmbH\nDE02120300000000202051\nEUR6723.50\n\n\n2026-0046",
	}
	p.Reference, p.PurchaseOrder = "2026-0046", "4500017"
	return p
}

// Who pays by bank finds the account in groups of four, what to quote, and a code; who pays nothing finds none of it.
func TestTransferOnPaper(t *testing.T) {
	p := transferred()
	pdf := render(t, p)
	tidy(t, pdf)
	contains(t, text(t, pdf), "Per Überweisung bezahlen", "Kontoinhaber Studio Nord GmbH", "IBAN DE02 1203 0000 0000 2020 51",
		"Bank BYLADEM1001 · Deutsche Kreditbank", "Verwendungszweck 2026-0046", "Mit der Banking-App scannen", "Bestellnummer 4500017")
	if diff := cmp.Diff([]string{p.Transfer.Code, p.PayURL}, codes(t, pdf)); diff != "" {
		t.Error(diff)
	}
	p.Currency, p.Transfer.Code, p.Transfer.Holder = "CHF", "", strings.Repeat("Ein sehr langer Name ", 8)
	pdf = render(t, p)
	tidy(t, pdf)
	contains(t, text(t, pdf), "IBAN DE02 1203 0000 0000 2020 51")
	if diff := cmp.Diff([]string{p.PayURL}, codes(t, pdf)); diff != "" {
		t.Error(diff)
	}
	p.Paid, p.Due = p.Total, 0
	if page := text(t, render(t, p))[0]; strings.Contains(page, "IBAN DE02 1203") {
		t.Error("a paid invoice asks for a transfer")
	}
}

// The code on the paper leads to the client's own link.
func TestQRCode(t *testing.T) {
	p := sample()
	if diff := cmp.Diff([]string{p.PayURL}, codes(t, render(t, p))); diff != "" {
		t.Error(diff)
	}
}

// codes reads the QR codes on the first page, in the order of what they say.
func codes(t *testing.T, pdf []byte) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page")
	run(t, pdf, "pdftoppm", "-r", "150", "-png", "-singlefile", "-", file)
	in, err := os.Open(file + ".png")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	img, err := png.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	found, err := qrcode.NewQRCodeMultiReader().DecodeMultiple(bits, nil)
	if err != nil {
		t.Fatal("no code can be read:", err)
	}
	var out []string
	for _, f := range found {
		out = append(out, f.GetText())
	}
	slices.Sort(out)
	return out
}

var uri = regexp.MustCompile(`/URI \(([^)]*)\)`)

// A document opens the seller's addresses and the client's link, and nothing else, whatever people typed.
func TestLinks(t *testing.T) {
	p := sample()
	p.Notes = "(/URI (http://evil.example)) /JS (app.alert(1)) <</S /Launch>> javascript:alert(1)"
	p.Title = "/JS (app.alert(1))"
	var got []string
	pdf := render(t, p)
	for _, m := range uri.FindAllStringSubmatch(string(pdf), -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	got = slices.Compact(got)
	// The notes stand in the file too, as text between parentheses that are escaped.
	want := []string{"https://pay.studio-nord.example/i/#1.lnk_01JQXK3V9T5W.q7H2mT0bXc8yN4rLkP1sVdZfA6uJgEw3oBhQiCxYtRs",
		"https://studio-nord.example", "mailto:hello@studio-nord.example"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"/JavaScript", "/OpenAction", "/AA", "/Filespec", "/Launch>>"} {
		if strings.Contains(strings.ReplaceAll(string(pdf), "<</S /Launch>>", ""), name) {
			t.Errorf("the file holds %s", name)
		}
	}
}

func TestOnlyPlainAddressesAreLinks(t *testing.T) {
	for in, want := range map[string]string{
		"https://studio.example/a?b=c": "https://studio.example/a?b=c", "studio.example": "https://studio.example",
		"studio.example/shop": "https://studio.example/shop", "javascript:alert(1)": "", "JAVASCRIPT:a.b": "",
		"file:///etc/passwd": "", "data:text/html,x.y": "", "//evil.example": "", "user:pass@evil.example": "",
		"https://a@evil.example": "", "https://müller.example": "", "http://a b": "", "studio": "", "": "",
	} {
		if got := website(in); got != want {
			t.Errorf("website %q leads to %q", in, got)
		}
	}
	for in, want := range map[string]string{
		"a@b.example": "mailto:a@b.example", "a+c@b.example": "mailto:a+c@b.example", "a@b": "", "a@b.example?cc=d@e.example": "",
		"a@b.example,c@d.example": "", "a@b@c.example": "", "@b.example": "", "a b@c.example": "", "": "",
	} {
		if got := mailLink(in); got != want {
			t.Errorf("e-mail %q leads to %q", in, got)
		}
	}
}

// The file's information is right, as a document system shows it.
func TestInformation(t *testing.T) {
	p := mixed()
	p.Number = "2026-😀7"
	info := run(t, render(t, p), "pdfinfo", "-isodates", "-")
	for _, want := range []string{`Title: +Invoice 2026-\[U\+1F600\]7\n`, `Author: +Studio Nord GmbH\n`,
		`Subject: +Invoice 2026-\[U\+1F600\]7 from Studio Nord GmbH for Łódź Żółć Sp. z o.o.\n`, `Creator: +Onebook\n`,
		`CreationDate: +2026-03-31T00:00:00`, `ModDate: +2026-03-31T00:00:00`, `JavaScript: +no\n`, `Page size: +595.28 x 841.89 pts \(A4\)\n`} {
		if !regexp.MustCompile(want).MatchString(info) {
			t.Errorf("no %s in\n%s", want, info)
		}
	}
}

// Fonts are in the file, and only those that its text needs.
func TestFontsOfADocument(t *testing.T) {
	if _, err := exec.LookPath("pdffonts"); err != nil {
		run(t, nil, "pdffonts")
	}
	for _, c := range []struct {
		paper Paper
		fonts int
	}{{sample(), 2}, {mixed(), 4}} {
		rows := strings.Split(strings.TrimSpace(run(t, render(t, c.paper), "pdffonts", "-")), "\n")[2:]
		if len(rows) != c.fonts {
			t.Errorf("%d fonts, not %d:\n%s", len(rows), c.fonts, strings.Join(rows, "\n"))
		}
		for _, row := range rows {
			if !strings.Contains(row, "yes yes") || !strings.Contains(row, "Inter-") {
				t.Errorf("not embedded: %s", row)
			}
		}
	}
}

// A Paper that cannot be printed is refused with its reason.
func TestRefused(t *testing.T) {
	for name, change := range map[string]func(*Paper){
		"layout":   func(p *Paper) { p.Layout = Layout + 1 },
		"kind":     func(p *Paper) { p.Kind = "receipt" },
		"date":     func(p *Paper) { p.IssuedOn = civil.Date{} },
		"currency": func(p *Paper) { p.Currency = "EURO" },
		"scheme":   func(p *Paper) { p.PayURL = "javascript:alert(1)" },
		"length":   func(p *Paper) { p.PayURL = "https://pay.example/" + strings.Repeat("x", 1000) },
	} {
		p := sample()
		change(&p)
		if _, _, err := Render(p); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A logo that cannot be read gives way to the name.
func TestBrokenLogo(t *testing.T) {
	for _, logo := range []string{"GIF89a", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff\xe0", "x"} {
		p := sample()
		p.Seller.Logo = []byte(logo)
		pages := text(t, render(t, p))
		if first, _, _ := strings.Cut(strings.TrimSpace(pages[0]), "  "); first != "Studio Nord GmbH" {
			t.Errorf("with the logo %q the paper begins with %q", logo, first)
		}
	}
}
