package stripe

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// browser opens and posts pages as a person's does, and stops where it is sent to another site.
type browser struct {
	t    *testing.T
	w    *world
	text string
	at   *http.Response
}

func (b *browser) open(method, path string, form url.Values) *browser {
	b.t.Helper()
	c := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), b.w.http.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	r, err := http.NewRequest(method, b.w.http.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if b.at, err = c.Do(r); err != nil {
		b.t.Fatal(err)
	}
	defer b.at.Body.Close()
	raw, err := io.ReadAll(b.at.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.text = strings.ReplaceAll(string(raw), "\u00a0", " ")
	return b
}

func (b *browser) reads(texts ...string) {
	b.t.Helper()
	for _, s := range texts {
		if !strings.Contains(b.text, s) {
			b.t.Errorf("the page does not read %q:\n%s", s, b.text)
		}
	}
}

// A person sees what is paid to whom, is declined, tries again, pays, and is sent back to the shop; a second click
// leads to the same place and pays nothing more.
func TestAPersonPays(t *testing.T) {
	w := newWorld(t)
	b := &browser{t: t, w: w}
	id := w.call("POST", "/v1/checkout/sessions", "", line11900("eur", "119000")...).id()
	path := "/pay/" + id
	b.open("GET", path, nil).reads("Studio N", "1,190.00 €", "Invoice 2026-0041", `name="with"`, "https://studio.test/i/")
	if strings.Contains(b.text, "<script") {
		t.Error("the page needs a script")
	}
	b.open("POST", path, url.Values{"with": {"card decline"}}).reads("Your card was declined.", `role="alert"`, "Pay 1,190.00 €")
	if b.at.Request.Method != "GET" {
		t.Error("a reload would pay again")
	}
	b.open("POST", path, url.Values{}).reads("Choose one of the test cards")
	b.open("POST", path, url.Values{"with": {"sepa_debit success"}}).reads("Choose one of the test cards")
	w.received()
	const shop = "https://studio.test/return?session="
	for range 2 {
		b.open("POST", path, url.Values{"with": {"card success"}})
		if to := b.at.Header.Get("Location"); b.at.StatusCode != http.StatusSeeOther || to != shop+id {
			t.Errorf("sent to %q with %d", to, b.at.StatusCode)
		}
	}
	if got := w.received(); len(got) != 3 {
		t.Errorf("two clicks were heard as %v", got)
	}
	b.open("GET", path, nil).reads("This was paid", "1,190.00 €")
	if strings.Contains(b.text, "<form") {
		t.Error("a paid page can be paid again")
	}
}

// A page that cannot be paid says so plainly.
func TestPagesThatCannotBePaid(t *testing.T) {
	w := newWorld(t)
	b := &browser{t: t, w: w}
	old := "/pay/" + w.page()
	b.open("GET", "/pay/cs_test_no", nil).reads("There is no such payment page")
	if b.at.StatusCode != 404 {
		t.Errorf("status %d", b.at.StatusCode)
	}
	b.open("POST", "/pay/cs_test_no", url.Values{"with": {"card success"}}).reads("There is no such payment page")
	w.pass(24 * time.Hour)
	b.open("GET", old, nil).reads("This page has expired", "Nothing was paid")
	b.open("POST", old, url.Values{"with": {"card success"}}).reads("This page has expired")
	debit := "/pay/" + w.page("payment_method_types[0]=sepa_debit")
	b.open("POST", debit, url.Values{"with": {"sepa_debit processing"}})
	b.open("GET", debit, nil).reads("Your bank debit is on its way")
	b.open("POST", debit, url.Values{"end": {"failure"}})
	b.open("POST", debit, url.Values{"end": {"success"}}) // too late
	b.open("GET", debit, nil).reads("Your bank debit came back", "insufficient funds")
}

// What the shop writes is text on the page, never markup.
func TestTextStaysText(t *testing.T) {
	w := newWorld(t)
	w.Shop = `<b>"N"</b>`
	params := line11900("eur", "11900")
	params[len(params)-1] = `line_items[0][price_data][product_data][name]=<script>alert(1)</script>`
	b := &browser{t: t, w: w}
	b.open("GET", "/pay/"+w.call("POST", "/v1/checkout/sessions", "", params...).id(), nil)
	if strings.Contains(b.text, "<script>") || strings.Contains(b.text, "<b>\"") {
		t.Error(b.text)
	}
}

// A screen reader and a keyboard find everything: every input has a label, the group a legend, the page one main
// heading and a language, headings in order.
func TestThePageIsAccessible(t *testing.T) {
	w := newWorld(t)
	b := &browser{t: t, w: w}
	id := w.page("payment_method_types[0]=card", "payment_method_types[1]=us_bank_account")
	w.pay(id, Decline, "card")
	doc, err := html.Parse(strings.NewReader(b.open("GET", "/pay/"+id, nil).text))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	var walk func(n *html.Node, labelled bool)
	walk = func(n *html.Node, labelled bool) {
		if n.Type == html.ElementNode {
			count[n.Data]++
			labelled = labelled || n.Data == "label"
			if n.Data == "input" && !labelled {
				t.Error("an input without a label")
			}
			for _, a := range n.Attr {
				if n.Data == "html" && a.Key == "lang" {
					count["lang"]++
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, labelled)
		}
	}
	walk(doc, false)
	for what, want := range map[string]int{"h1": 1, "main": 1, "legend": 1, "title": 1, "lang": 1, "input": 6, "button": 1} {
		if count[what] != want {
			t.Errorf("%d %s, want %d", count[what], what, want)
		}
	}
}

// Money reads as people write it, whatever the provider's units.
func TestMoneyReadsRight(t *testing.T) {
	for _, c := range []struct {
		amount   int64
		currency string
		want     string
	}{
		{119000, "eur", "1,190.00 €"}, {50, "eur", "0.50 €"}, {5, "usd", "$0.05"}, {99999999, "usd", "$999,999.99"}, {100000, "gbp", "£1,000.00"},
		{1190, "jpy", "¥1,190"}, {119000, "isk", "1,190 ISK"}, {500, "ugx", "5 UGX"}, {5, "mga", "5 MGA"}, {1190500, "kwd", "1,190.500 KWD"}, {119000, "chf", "1,190.00 CHF"},
	} {
		if got := strings.ReplaceAll(human(c.amount, c.currency), "\u00a0", " "); got != c.want {
			t.Errorf("%d %s reads %q, want %q", c.amount, c.currency, got, c.want)
		}
	}
}

// The controls of the local run speak JSON and say what is wrong.
func TestControls(t *testing.T) {
	w := newWorld(t)
	mux := http.NewServeMux()
	w.Routes(mux)
	w.http.Config.Handler = mux
	post := func(path, body string) (int, string) {
		t.Helper()
		res, err := http.Post(w.http.URL+Prefix+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		out, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(out)
	}
	r := w.call("POST", Prefix+"/v1/checkout/sessions", "", append(line11900("usd", "11900"), "payment_method_types[0]=us_bank_account")...)
	link, _ := r.body["url"].(string)
	if link != w.http.URL+"/pay/"+r.id() {
		t.Fatalf("the page is at %q: %s", link, r.text)
	}
	for _, c := range []struct {
		path, body string
		status     int
		text       string
	}{
		{"/pay", `{"url":"` + link + `","method":"us_bank_account","outcome":"processing"}`, 200, `"paymentStatus":"unpaid"`},
		{"/pay", `{"url":"` + link + `","outcome":"success"}`, 409, "paid already"},
		{"/pay", `{"url":"nowhere","outcome":"success"}`, 404, "no payment page"},
		{"/pay", `{"url":"` + link + `","outcome":"x"}`, 422, "outcomes are"},
		{"/pay", `{`, 422, "cannot be read"},
		{"/deliver", `{"all":true,"times":2,"order":"reversed"}`, 200, `"delivered":8`},
		{"/deliver", `{}`, 422, "paymentIntent"},
		{"/settle", `{"paymentIntent":"pi_no"}`, 404, "no payment intent"},
		{"/webhooks", `{"on":false}`, 200, `"webhooks":false`},
	} {
		if status, text := post(c.path, c.body); status != c.status || !strings.Contains(text, c.text) {
			t.Errorf("%s %s: %d %s, want %d and %q", c.path, c.body, status, text, c.status, c.text)
		}
	}
}
