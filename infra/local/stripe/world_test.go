package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testKey    = "sk_test_standin"
	testSecret = "whsec_standin"
)

var monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// world is a stand-in with a clock that the test moves and an endpoint that remembers what it got.
type world struct {
	*Server
	t    *testing.T
	http *httptest.Server
	path string

	mu   sync.Mutex
	now  time.Time
	got  []string // types of the events received, in order
	raw  [][]byte
	sigs []string
	down bool // the endpoint answers with an error
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: monday, path: filepath.Join(t.TempDir(), "stripe.db")}
	w.open()
	w.http = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.ServeHTTP(rw, r) }))
	t.Cleanup(func() { w.http.Close(); _ = w.Close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	s, err := New(Config{Now: w.clock, Path: w.path, Shop: "Studio N", Secret: testSecret, Deliver: w.receive})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Server = s
}

func (w *world) reopen() {
	w.t.Helper()
	if err := w.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

func (w *world) clock() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
	if err := w.Drain(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) receive(_ context.Context, payload []byte, signature string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return errors.New("503")
	}
	var e struct{ Type string }
	if err := json.Unmarshal(payload, &e); err != nil {
		return err
	}
	w.got, w.raw, w.sigs = append(w.got, e.Type), append(w.raw, payload), append(w.sigs, signature)
	return nil
}

// received answers what arrived since the last time it was asked.
func (w *world) received() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.got
	w.got = nil
	return out
}

func (w *world) breakEndpoint(down bool) { w.mu.Lock(); w.down = down; w.mu.Unlock() }

type response struct {
	status int
	header http.Header
	text   []byte
	body   map[string]any
}

func (r response) id() string { s, _ := r.body["id"].(string); return s }

func (r response) code() string {
	e, _ := r.body["error"].(map[string]any)
	s, _ := e["code"].(string)
	if s == "" {
		s, _ = e["type"].(string)
	}
	return s
}

// call makes a request as curl would; params are name=value.
func (w *world) call(method, path, key string, params ...string) response {
	w.t.Helper()
	v := url.Values{}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		v.Add(name, value)
	}
	var body io.Reader
	address := w.http.URL + path
	if method == "GET" {
		address += "?" + v.Encode()
	} else {
		body = strings.NewReader(v.Encode())
	}
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testKey)
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return w.do(r)
}

func (w *world) do(r *http.Request) response {
	w.t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	out := response{status: res.StatusCode, header: res.Header}
	if out.text, err = io.ReadAll(res.Body); err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(out.text, &out.body); err != nil {
		w.t.Fatalf("%s %s answers no JSON: %s", r.Method, r.URL, out.text)
	}
	return out
}

func line11900(currency, amount string) []string {
	return []string{"mode=payment", "success_url=https://studio.test/return?session={CHECKOUT_SESSION_ID}", "cancel_url=https://studio.test/i/",
		"line_items[0][quantity]=1", "line_items[0][price_data][currency]=" + currency, "line_items[0][price_data][unit_amount]=" + amount,
		"line_items[0][price_data][product_data][name]=Invoice 2026-0041"}
}

// coin is the currency of a page with these parameters: that of its debit, euros otherwise.
func coin(more []string) string {
	if strings.Contains(strings.Join(more, " "), "us_bank_account") {
		return "usd"
	}
	return "eur"
}

// page opens a payment page over 119.00 € (or $, for an American debit) and answers its id.
func (w *world) page(more ...string) string {
	w.t.Helper()
	r := w.call("POST", "/v1/checkout/sessions", "", append(line11900(coin(more), "11900"), more...)...)
	if r.status != 200 {
		w.t.Fatalf("no page: %s", r.text)
	}
	return r.id()
}

func (w *world) pay(id, outcome, method string) PayResult {
	w.t.Helper()
	out, err := w.Pay(context.Background(), w.http.URL+"/pay/"+id, PayRequest{Outcome: outcome, Method: method})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}
