package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onebook/infra/local/issuer"
)

var monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// client speaks to a program as anybody would: over HTTP.
type client struct {
	testing.TB
	base  string
	token string
}

func (c client) do(method, path, body string) (int, string) {
	c.Helper()
	status, text, err := c.try(method, path, body)
	if err != nil {
		c.Fatal(err)
	}
	return status, text
}

func (c client) try(method, path, body string) (int, string, error) {
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// get reads JSON and walks into it by names and numbers.
func (c client) get(path string, into any) {
	c.Helper()
	status, body := c.do("GET", path, "")
	if status != 200 {
		c.Fatalf("GET %s: %d %s", path, status, body)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		c.Fatalf("GET %s: %v", path, err)
	}
}

// eventually waits for what happens by itself, as the stream does.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end, again := time.After(10*time.Second), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-end:
			t.Fatalf("it did not come to this: %s", what)
		}
	}
}

// start runs a program in this process.
func start(t *testing.T, data string, begin time.Time, web string) client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d, err := testDeployment("")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(Options{Data: data, Begin: begin, Web: web, Base: "http://" + l.Addr().String(), Deployment: d, Build: testBuild, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(p)
	s.Listener.Close()
	s.Listener = l
	s.Start()
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	c := client{TB: t, base: p.Base}
	c.token = c.signIn("owner")
	return c
}

func (c client) signIn(role string) string {
	c.Helper()
	status, body := c.do("POST", "/_local/token", `{"role":"`+role+`"}`)
	var out struct{ AccessToken string }
	if err := json.Unmarshal([]byte(body), &out); err != nil || status != 200 {
		c.Fatalf("%d %s", status, body)
	}
	return out.AccessToken
}

func (c client) mails() (out []struct {
	To, Subject, Text string
	Links             []string
}) {
	c.Helper()
	var list struct {
		Items []struct {
			To, Subject, Text string
			Links             []string
		}
	}
	c.get("/_local/mail", &list)
	return list.Items
}

func (c client) items(pk string) (out []map[string]any) {
	c.Helper()
	var list struct{ Items []map[string]any }
	c.get("/_local/table?pk="+url.QueryEscape(pk), &list)
	return list.Items
}

// One deed goes all the way: door, record, stream, document, letter, the mail service's report, the record again.
func TestOneDeed(t *testing.T) {
	c := start(t, t.TempDir(), time.Time{}, "")
	if status, body := c.do("POST", "/v1/notes", `{"id":"n1","reader":"ada@example.com"}`); status != 201 {
		t.Fatalf("%d %s", status, body)
	}
	if status, _ := c.do("POST", "/v1/notes", `{"id":"n1","reader":"ada@example.com"}`); status != 409 {
		t.Errorf("a second time: %d", status)
	}
	eventually(t, "the letter is delivered and reported", func() bool { return len(c.items("MAIL#n1")) == 2 })
	got := c.mails()
	if len(got) != 2 || got[0].To != "ada@example.com" || got[0].Links[0] != c.base+"/i/#n1" {
		t.Errorf("%+v", got)
	}
	eventually(t, "the document is written", func() bool {
		status, _ := c.do("GET", "/_local/s3/onebook-documents/notes/n1.pdf", "")
		return status == 403 // there, and not for everybody
	})
	for path, want := range map[string]int{"/v1/notes/n1": 200, "/v1/notes/n2": 404, "/v1/nothing": 404, "/v1/public/broken": 500, "/_local/table": 400, "/_local/none": 404} {
		if status, body := c.do("GET", path, ""); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	stranger := client{TB: t, base: c.base}
	if status, _ := stranger.do("GET", "/v1/notes/n1", ""); status != 401 {
		t.Errorf("without a token: %d", status)
	}
	if claims := part(c.token); claims["sub"] != issuer.Subject("owner") || claims["iss"] != c.base {
		t.Errorf("claims %v", claims)
	}
}

// Each function did what its role allows, and nothing else was tried; a role that is silent refuses.
func TestRights(t *testing.T) {
	c := start(t, t.TempDir(), time.Time{}, "")
	c.do("POST", "/v1/notes", `{"id":"n1","reader":"ada@example.com","days":1}`)
	eventually(t, "the letter is reported", func() bool { return len(c.items("MAIL#n1")) == 2 })
	c.do("POST", "/_local/clock", `{"advance":"48h"}`)
	type call struct{ Function, Action, Resource string }
	var book struct{ Used, Refused, Unused []call }
	eventually(t, "every function has done its part", func() bool {
		c.get("/_local/rights", &book)
		for _, want := range []call{{"notes", "dynamodb:PutItem", "Data.Table"}, {"relay", "ses:SendRawEmail", mailResource},
			{"pdf", "s3:PutObject", "Data.Documents/notes/*"}, {"sweeper", "dynamodb:Query", "Data.Table/index/due"}, {"mailhook", "dynamodb:PutItem", "Data.Table"}} {
			if !slices.Contains(book.Used, want) {
				return false
			}
		}
		return true
	})
	if len(book.Refused) > 0 {
		t.Errorf("refused %v", book.Refused)
	}
	for _, u := range book.Unused {
		if u.Function != "stripehook" {
			t.Errorf("%v is allowed for nothing", u)
		}
	}
}

// A client pays on the hosted page, and the signed webhook arrives at its function; a page that nobody pays on
// runs out by the product's clock, and that is told too.
func TestPayment(t *testing.T) {
	c := start(t, t.TempDir(), monday, "")
	ask := func(path string, form url.Values) map[string]any {
		t.Helper()
		req, err := http.NewRequest("POST", c.base+"/_local/stripe"+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+stripePortalKey)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Stripe-Version", "2023-10-16")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var out map[string]any
		if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode != 200 {
			t.Fatalf("%s: %d %v, %v", path, res.StatusCode, out, err)
		}
		return out
	}
	page := func() string {
		t.Helper()
		s := ask("/v1/checkout/sessions", url.Values{"mode": {"payment"}, "success_url": {c.base + "/v1/public/return?session={CHECKOUT_SESSION_ID}"},
			"line_items[0][quantity]": {"1"}, "line_items[0][price_data][currency]": {"eur"}, "line_items[0][price_data][unit_amount]": {"11900"},
			"line_items[0][price_data][product_data][name]": {"Invoice"}})
		return s["url"].(string)
	}
	first, second := page(), page()
	if status, body := (client{TB: t}).do("GET", first, ""); status != 200 || !strings.Contains(body, "119") {
		t.Errorf("the page: %d %s", status, body)
	}
	if status, body := c.do("POST", "/_local/stripe/pay", `{"url":"`+first+`","method":"card","outcome":"success"}`); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if len(c.items("EVENT#payment_intent.succeeded")) != 1 || len(c.items("EVENT#checkout.session.completed")) != 1 {
		t.Error("the webhooks did not arrive")
	}
	if status, body := c.do("POST", "/_local/clock", `{"advance":"25h"}`); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if len(c.items("EVENT#checkout.session.expired")) != 1 {
		t.Errorf("that %s ran out was not told", second)
	}
}

// The clock moves from due moment to due moment, half a year of them in seconds, and never back.
func TestClock(t *testing.T) {
	c := start(t, t.TempDir(), monday, "")
	for i := range 5 {
		if status, body := c.do("POST", "/v1/notes", fmt.Sprintf(`{"id":"n%d","reader":"a@example.com","days":%d}`, i, 30*(i+1))); status != 201 {
			t.Fatalf("%d %s", status, body)
		}
	}
	began := time.Now()
	if status, body := c.do("POST", "/_local/clock", `{"advance":"3600h"}`); status != 200 || !strings.Contains(body, `"2026-06-04T09:00:`) {
		t.Fatalf("%d %s", status, body)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("150 days took %s", d)
	}
	for i := range 5 {
		items := c.items(fmt.Sprintf("NOTE#n%d", i))
		if len(items) != 2 {
			t.Fatalf("note %d was not archived: %v", i, items)
		}
		// Archived in the minute it was due, not when the clock had arrived.
		at, err := time.Parse(time.RFC3339, items[0]["body"].(map[string]any)["at"].(string))
		if due := monday.AddDate(0, 0, 30*(i+1)); err != nil || at.Before(due) || at.Sub(due) > 2*time.Minute {
			t.Errorf("note %d was archived at %s, %v", i, at, err)
		}
	}
	for body, want := range map[string]int{
		`{"now":"2026-06-01T00:00:00Z"}`: 422,
		`{"advance":"-1h"}`:              422,
		`{"advance":"soon"}`:             422,
		`{"now":"tomorrow"}`:             422,
		`{}`:                             400,
		`{"now":"2027-01-01T00:00:00Z","advance":"1h"}`: 400,
		`{"then":"2027-01-01T00:00:00Z"}`:               400,
		`{"now":"2026-07-01T00:00:00Z"}`:                200,
	} {
		if status, text := c.do("POST", "/_local/clock", body); status != want {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
}

// Without the stream nothing goes out by itself; switched on again, what waited goes out.
func TestStreamOff(t *testing.T) {
	c := start(t, t.TempDir(), time.Time{}, "")
	eventually(t, "the demo's letter", func() bool { return len(c.mails()) == 1 })
	if status, _ := c.do("POST", "/_local/stream", `{"on":false}`); status != 200 {
		t.Fatal(status)
	}
	c.do("POST", "/v1/notes", `{"id":"n1","reader":"ada@example.com"}`)
	c.do("POST", "/_local/clock", `{"advance":"1h"}`)
	if got := c.mails(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	c.do("POST", "/_local/stream", `{"on":true}`)
	eventually(t, "the letter that waited", func() bool { return len(c.mails()) == 2 })
}

// A restart finds everything, and a reset nothing but the demo organisation; a token outlives both.
func TestRestartAndReset(t *testing.T) {
	data := t.TempDir()
	t.Run("first", func(t *testing.T) {
		c := start(t, data, monday, "")
		c.do("POST", "/v1/notes", `{"id":"n1","reader":"ada@example.com"}`)
		c.do("POST", "/_local/clock", `{"advance":"72h"}`)
	})
	t.Run("second", func(t *testing.T) {
		c := start(t, data, time.Time{}, "")
		var clock struct{ Now time.Time }
		c.get("/_local/clock", &clock)
		if clock.Now.Before(monday.AddDate(0, 0, 3)) || clock.Now.After(monday.AddDate(0, 0, 3).Add(time.Minute)) {
			t.Errorf("the clock stands at %s", clock.Now)
		}
		if status, _ := c.do("GET", "/v1/notes/n1", ""); status != 200 || len(c.mails()) != 2 {
			t.Errorf("after a restart: %d, %d mails", status, len(c.mails()))
		}
		if status, body := c.do("POST", "/_local/reset", ""); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		if status, _ := c.do("GET", "/v1/notes/n1", ""); status != 404 {
			t.Errorf("after a reset the note answers %d", status)
		}
		if status, _ := c.do("GET", "/v1/notes/seeded", ""); status != 200 {
			t.Errorf("after a reset the demo note answers %d", status)
		}
		eventually(t, "the demo's letter alone", func() bool { return len(c.mails()) == 1 })
	})
}

// A reset in the middle of work waits for the work and not for its deadline: what functions call goes on answering.
func TestResetWhileBusy(t *testing.T) {
	c := start(t, t.TempDir(), time.Time{}, "")
	for i := range 20 {
		c.do("POST", "/v1/notes", fmt.Sprintf(`{"id":"n%d","reader":"a@example.com"}`, i))
	}
	began := time.Now()
	if status, body := c.do("POST", "/_local/reset", ""); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if d := time.Since(began); d > grace {
		t.Errorf("it took %s", d)
	}
	if status, _ := c.do("GET", "/v1/notes/n1", ""); status != 404 {
		t.Errorf("a note survived: %d", status)
	}
}

// A page of another site, open in the same browser, cannot use the controls.
func TestForeignPage(t *testing.T) {
	c := start(t, t.TempDir(), time.Time{}, "")
	for _, path := range []string{"/_local/reset", "/_local/token", "/_local/clock"} {
		req, err := http.NewRequest("POST", c.base+path, strings.NewReader(`{"role":"owner"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://evil.example")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 403 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func TestWeb(t *testing.T) {
	web := t.TempDir()
	for name, text := range map[string]string{"index.html": "app", "client.html": "client", "assets/a.js": "js"} {
		file := filepath.Join(web, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	with, without := start(t, t.TempDir(), time.Time{}, web), start(t, t.TempDir(), time.Time{}, "")
	for path, want := range map[string]string{
		"/": "app", "/contacts/ct_1": "app", "/i/": "client", "/e": "client", "/b/studio": "client", "/items": "app",
		"/assets/a.js": "js", "/assets/none.js": "404", "/../../etc/passwd.txt": "404", "/assets/": "app",
	} {
		status, body := with.do("GET", path, "")
		if want == "404" && status != 404 || want != "404" && body != want {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	for path, want := range map[string]int{"/": 200, "/i/": 200, "/b/studio": 200, "/assets/a.js": 404} {
		status, body := without.do("GET", path, "")
		if status != want || want == 200 && !strings.Contains(body, "Onebook is running") {
			t.Errorf("without an app, %s: %d", path, status)
		}
	}
}

// A deployment that names what was not built, or a data folder that is in use, ends with one clear line.
func TestRefusedStart(t *testing.T) {
	d, err := testDeployment("")
	if err != nil {
		t.Fatal(err)
	}
	build := func(p Parts) (Product, error) {
		x, err := testBuild(p)
		delete(x.Functions, "sweeper")
		return x, err
	}
	o := Options{Data: t.TempDir(), Base: "http://127.0.0.1:1", Deployment: d, Build: build, Log: slog.New(slog.DiscardHandler)}
	if _, err := Open(o); err == nil || !strings.Contains(err.Error(), "sweeper") {
		t.Errorf("got %v", err)
	}
	o.Build = testBuild
	p, err := Open(o) // the folder was let go again
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o); err == nil || !strings.Contains(err.Error(), "another program uses the data folder") {
		t.Errorf("got %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	var out, errOut bytes.Buffer
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct{ args, want string }{
		{"-addr " + l.Addr().String() + " -data " + t.TempDir(), "is taken by another program"},
		{"-now yesterday", "is no time such as"},
		{"serve", "begin with a dash"},
		{"-data /dev/null/x", "cannot be made"},
	} {
		err := local(t.Context(), strings.Fields(c.args+" "), &out, &errOut, testDeployment, testBuild)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", c.args, err)
		}
	}
	if out.Len() > 0 {
		t.Errorf("printed %q", out.String())
	}
}

func TestSite(t *testing.T) {
	got := &net.TCPAddr{IP: net.IPv6unspecified, Port: 8080}
	for given, want := range map[string]string{"127.0.0.1:0": "http://127.0.0.1:8080", ":8080": "http://127.0.0.1:8080", "0.0.0.0:8080": "http://127.0.0.1:8080",
		"localhost:8080": "http://localhost:8080", "[::1]:0": "http://[::1]:8080"} {
		if s := site(given, got); s != want {
			t.Errorf("%s: %s", given, s)
		}
	}
}
