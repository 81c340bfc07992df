package letter_test

import (
	"flag"
	"html"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/letter"
	"onebook/internal/rig"
	"onebook/internal/sale"
)

var update = flag.Bool("update", false, "write the golden letters anew")

func seller() sale.Party {
	return sale.Party{
		Name: "Studio Nord", Address: []string{"Hafenstraße 1", "20457 Hamburg", "DE"}, Email: "office@studio.example",
		Phone: "+49 40 123456", Website: "https://studio.example",
	}
}

const pay = "https://book.example/i/#1.lk_06drtrktg0qfqk1jvpm0.c29tZSBtYWMgdGhhdCBpcyBsb25nIGVub3VnaCB0byB3cmFw"

// letters are all that are written, in both languages.
func letters(locale string) map[string]letter.Content {
	return map[string]letter.Content{
		"estimate": letter.OfEstimate(locale, letter.EstimateFacts{
			Name: "Ada Lovelace", Number: "E-0042", Currency: "EUR", Total: 123456, ValidUntil: rig.Day("2026-02-04"), URL: strings.Replace(pay, "/i/", "/e/", 1),
		}),
		"invoice": letter.OfInvoice(locale, letter.InvoiceFacts{
			Name: "Ada Lovelace", Number: "2026-0042", Currency: "EUR", Total: 123456, Due: 123456, DueOn: rig.Day("2026-03-01"), URL: pay,
		}),
		"invoice-paid": letter.OfInvoice(locale, letter.InvoiceFacts{Name: "Ada Lovelace", Number: "2026-0042", Currency: "EUR", Total: 123456, DueOn: rig.Day("2026-03-01"), URL: pay}),
		"receipt": letter.OfReceipt(locale, letter.ReceiptFacts{
			Name: "Ada Lovelace", Number: "2026-0042", Currency: "EUR", Amount: 100000, Remains: 23456, Method: "card", ReceivedOn: rig.Day("2026-01-09"), URL: pay,
		}),
		"receipt-credit": letter.OfReceipt(locale, letter.ReceiptFacts{
			Name: "", Number: "2026-0042", Currency: "EUR", Amount: 150000, Credit: 26544, Method: "transfer", ReceivedOn: rig.Day("2026-05-31"), URL: pay,
		}),
		"receipt-several": letter.OfReceipt(locale, letter.ReceiptFacts{
			Name: "Ada Lovelace", Number: "2026-0042", Currency: "EUR", Amount: 300000, Method: "transfer", ReceivedOn: rig.Day("2026-05-31"), URL: pay,
			Parts: []letter.Part{{"2026-0042", 123456}, {"2026-0043", 176544}},
		}),
		"processing": letter.OfProcessing(locale, letter.PaymentFacts{
			Name: "Ada Lovelace", Number: "2026-0042", Currency: "EUR", Amount: 119000, Due: 119000, DueOn: rig.Day("2026-03-01"), Method: "sepa_debit", URL: pay,
		}),
		"failed": letter.OfFailed(locale, letter.PaymentFacts{
			Name: "Ada Lovelace", Number: "2026-0042", Currency: "EUR", Amount: 60000, Due: 119000, DueOn: rig.Day("2026-03-01"), Method: "sepa_debit", URL: pay,
		}),
		"link-estimate":     letter.OfEstimateLink(locale, letter.LinkFacts{Name: "Ada Lovelace", Number: "E-0042", URL: strings.Replace(pay, "/i/", "/e/", 1)}),
		"link-invoice":      letter.OfInvoiceLink(locale, letter.LinkFacts{Name: "Ada Lovelace", Number: "2026-0042", Currency: "EUR", Due: 119000, DueOn: rig.Day("2026-03-01"), URL: pay}),
		"link-invoice-paid": letter.OfInvoiceLink(locale, letter.LinkFacts{Name: "Ada Lovelace", Number: "2026-0042", Currency: "EUR", URL: pay}),
	}
}

func compose(tb testing.TB, locale string, c letter.Content) letter.Message {
	tb.Helper()
	m, err := letter.Compose(letter.Sender{Seller: seller(), Accent: "#0b6e4f", Locale: locale}, "Ada Lovelace", "ada@client.example", c)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// The words of every letter, as the client reads them.
func TestGolden(t *testing.T) {
	for _, locale := range []string{"en", "de"} {
		for name, c := range letters(locale) {
			m := compose(t, locale, c)
			path := filepath.Join("testdata", name+"."+locale+".txt")
			got := "Subject: " + m.Subject + "\n\n" + m.Text
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(strings.TrimSuffix(path, "txt")+"html", []byte(m.HTML), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for ext, got := range map[string]string{"txt": got, "html": m.HTML} {
				want, err := os.ReadFile(strings.TrimSuffix(path, "txt") + ext)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(string(want), got); d != "" {
					t.Errorf("%s.%s.%s: %s", name, locale, ext, d)
				}
			}
		}
	}
}

var tags = regexp.MustCompile(`<[^>]*>`)

// Every figure and every link is in both parts of a letter.
func TestBothPartsSayTheSame(t *testing.T) {
	for _, locale := range []string{"en", "de"} {
		for name, c := range letters(locale) {
			m := compose(t, locale, c)
			seen := html.UnescapeString(tags.ReplaceAllString(m.HTML, " "))
			all := append([]string{c.Hello, c.Lead, c.Close, c.Button, c.URL, "Studio Nord", "20457 Hamburg", "office@studio.example"}, c.After...)
			for _, f := range c.Facts {
				all = append(all, f.Name, f.Value)
			}
			for _, s := range all {
				if !strings.Contains(m.Text, s) {
					t.Errorf("%s.%s: the text lacks %q", name, locale, s)
				}
				if !strings.Contains(seen, s) {
					t.Errorf("%s.%s: the page lacks %q", name, locale, s)
				}
			}
			if n := strings.Count(m.HTML, `href="`+c.URL+`"`); n != 2 {
				t.Errorf("%s.%s: %d links to the document", name, locale, n)
			}
		}
	}
}

// hostile are texts that would like to be more than text.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><svg/onload=alert(1)>`, `</td></tr></table><iframe src="https://evil.example">`,
	`javascript:alert(1)`, `<a href="javascript:alert(1)">x</a>`, `{{.Seller}}`, `&lt;script&gt;`, `<style>*{display:none}</style>`, "<!--", "]]>",
	`<base href="https://evil.example/">`, "\u202eevil", "\x00\x01\x02", `" style="position:fixed`, `<meta http-equiv=refresh content=0>`,
}

// allowed are the only elements that a letter is made of.
var allowed = regexp.MustCompile(`^</?(!doctype|html|head|meta|title|style|body|div|table|tr|td|a|br)\b`)

// Names, numbers and words of strangers stay text: no element, attribute or address of theirs gets into a letter.
func TestNothingHostile(t *testing.T) {
	plain := compose(t, "en", letters("en")["invoice"])
	count := len(tags.FindAllString(plain.HTML, -1))
	for _, x := range hostile {
		c := letters("en")["invoice"]
		c.Hello, c.Lead, c.Subject, c.Button, c.Close = x, x, x, x, x
		c.Facts[0] = letter.Fact{Name: x, Value: x}
		p := seller()
		p.Name, p.Address[0], p.Phone, p.Email, p.Website = x, x, x, x, x
		m, err := letter.Compose(letter.Sender{Seller: p, Accent: x, Locale: x}, x, "ada@client.example", c)
		if err != nil {
			t.Fatal(err)
		}
		found := tags.FindAllString(m.HTML, -1)
		if n := len(found); n != count {
			t.Errorf("%q: %d elements instead of %d", x, n, count)
		}
		for _, tag := range found {
			if !allowed.MatchString(tag) || strings.Contains(tag, "onerror") || strings.Contains(tag, "javascript:") || strings.Contains(tag, "evil") || strings.Contains(tag, "http-equiv=refresh") {
				t.Errorf("%q became %q", x, tag)
			}
		}
		if !strings.Contains(m.HTML, "background:#1f5fbf") {
			t.Errorf("%q: a colour that is none is not replaced", x)
		}
	}
}

// A letter leads to our own pages over https, or on one's own machine, and nowhere else.
func TestLinks(t *testing.T) {
	for url, ok := range map[string]bool{
		pay: true, "http://127.0.0.1:8080/i/#x": true, "http://localhost/i/": true, "http://[::1]:8080/i/": true,
		"http://book.example/i/": false, "javascript:alert(1)": false, "https://": false, "//evil.example": false, "https://a@evil.example": false,
		"https://evil.example/\r\nBcc: x": false, "data:text/html,x": false, "ftp://x": false, "http://127.0.0.1.evil.example/": false, `https://x/"onclick="`: false,
	} {
		c := letters("en")["invoice"]
		c.URL = url
		_, err := letter.Compose(letter.Sender{Seller: seller(), Locale: "en"}, "Ada", "ada@client.example", c)
		if (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// A name is one line, so that it cannot add sentences of its own to a letter.
func TestNameIsOneLine(t *testing.T) {
	for _, locale := range []string{"en", "de"} {
		c := letter.OfReceipt(locale, letter.ReceiptFacts{Name: "Ada\n\nYour account is closed.\r\nPay at once", Number: "1", Currency: "EUR", ReceivedOn: rig.Day("2026-01-01"), URL: pay})
		if strings.ContainsAny(c.Hello, "\r\n") {
			t.Errorf("%q", c.Hello)
		}
	}
}

// The button can be read whatever colour the organisation has.
func TestButtonCanBeRead(t *testing.T) {
	for accent, ink := range map[string]string{"#0b6e4f": "#ffffff", "#000000": "#ffffff", "#1f5fbf": "#ffffff", "#ffd400": "#1b1f24", "#ffffff": "#1b1f24", "#7fdbca": "#1b1f24", "red": "#ffffff"} {
		m, err := letter.Compose(letter.Sender{Seller: seller(), Accent: accent, Locale: "en"}, "Ada", "ada@client.example", letters("en")["invoice"])
		if err != nil || !strings.Contains(m.HTML, "padding:12px 22px;color:"+ink+";") {
			t.Errorf("on %s it is not %s: %v", accent, ink, err)
		}
	}
}

// Whatever is in names and subjects, what reaches a header is one line without controls, and goes to one recipient.
func FuzzHeaders(f *testing.F) {
	for _, x := range append(hostile, "Ada\r\nBcc: evil@evil.example", "a\nb", "a\rb", "ada@client.example\r\nCc: e@evil.example",
		"Ada <ada@client.example>", "a@b, c@d", "\u2028\u2029", "\xff\xfe", strings.Repeat("ä", 5000), "") {
		f.Add(x, "ada@client.example")
		f.Add("Ada", x)
	}
	f.Fuzz(func(t *testing.T, text, address string) {
		p := seller()
		p.Name, p.Email = text, address
		c := letter.OfInvoice("en", letter.InvoiceFacts{Name: text, Number: text, Currency: "EUR", Total: 1, Due: 1, DueOn: rig.Day("2026-01-01"), URL: pay})
		m, err := letter.Compose(letter.Sender{Seller: p, Locale: "en"}, text, address, c)
		if err != nil {
			return
		}
		headers := []string{m.FromName, m.To.Name, m.To.Address, m.Subject}
		if m.ReplyTo != nil {
			headers = append(headers, m.ReplyTo.Name, m.ReplyTo.Address)
		}
		for _, h := range headers {
			if strings.ContainsFunc(h, func(r rune) bool { return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 }) || len([]rune(h)) > 400 {
				t.Errorf("a header holds %q", h)
			}
		}
		list, err := mail.ParseAddressList(m.To.String())
		if err != nil || len(list) != 1 || list[0].Address != m.To.Address {
			t.Errorf("the recipient %q reads as %v: %v", m.To.String(), list, err)
		}
	})
}
