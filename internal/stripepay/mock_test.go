package stripepay

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/server"

	"onebook/internal/payment"
)

// mock is stripe-mock v0.203.0 in this process: it checks every parameter against Stripe's published specification
// and refuses what that does not know. Its answers are fixtures and say nothing about us.
var mock = sync.OnceValue(func() http.Handler {
	spec, err := server.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		panic(err)
	}
	fixtures, err := server.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		panic(err)
	}
	stub, err := server.NewStubServer(fixtures, spec, false, false)
	if err != nil {
		panic(err)
	}
	return http.HandlerFunc(stub.HandleRequest)
})

// recorder is a server that remembers what it was asked and how it answered.
type recorder struct {
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
	statuses []int
}

func (rec *recorder) around(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		got := httptest.NewRecorder()
		h.ServeHTTP(got, r)
		rec.mu.Lock()
		rec.requests, rec.bodies, rec.statuses = append(rec.requests, r), append(rec.bodies, string(body)), append(rec.statuses, got.Code)
		rec.mu.Unlock()
		for k, v := range got.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(got.Code)
		_, _ = w.Write(got.Body.Bytes())
	})
}

func clientOf(t *testing.T, h http.Handler) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(Config{Key: "sk_test_123", URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every request that we make is one that Stripe's specification allows, in every variant in which we make it.
func TestStripeTakesOurRequests(t *testing.T) {
	rec := &recorder{}
	c := clientOf(t, rec.around(mock()))
	ctx := t.Context()
	full := payment.SessionRequest{
		Customer: "cus_1", Amount: 11900, Currency: "EUR", Description: "Invoice 2026-0041, Ada & Söhne [100%]", Reference: "py_1",
		Metadata:   map[string]string{"paymentId": "py_1", "invoiceId": "in_1"},
		SuccessURL: "https://studio.test/v1/public/return?session={CHECKOUT_SESSION_ID}", CancelURL: "https://studio.test/i/",
		Methods: []string{"card", "us_bank_account", "sepa_debit"}, ExpiresAt: time.Unix(1767690000, 0), Locale: "de-AT",
	}
	sessions := []payment.SessionRequest{full, {Customer: "cus_1", Amount: 50, Currency: "USD", Reference: "py_2", SuccessURL: "https://studio.test/", Methods: []string{"card"}}}
	for _, l := range []string{"", "de", "pt-BR", "zh_TW", "no", "nn-NO", "gsw", "en-GB", "x-klingon"} {
		s := full
		s.Locale = l
		sessions = append(sessions, s)
	}
	for _, s := range sessions {
		if _, err := c.NewSession(ctx, "key", s); err != nil {
			t.Errorf("a page in %q: %v", s.Locale, err)
		}
	}
	for what, do := range map[string]func() error{
		"a customer": func() error {
			_, err := c.NewCustomer(ctx, "key", payment.Customer{ContactID: "ct_1", Name: "Ada", Email: "ada@example.com"})
			return err
		},
		"a nameless one":     func() error { _, err := c.NewCustomer(ctx, "key", payment.Customer{ContactID: "ct_1"}); return err },
		"a page looked up":   func() error { _, err := c.Session(ctx, "cs_test_1"); return err },
		"a page closed":      func() error { _, err := c.ExpireSession(ctx, "cs_test_1"); return err },
		"pages":              func() error { _, err := c.Sessions(ctx, "cus_1", time.Unix(1767600000, 0)); return err },
		"a payment":          func() error { _, err := c.Intent(ctx, "pi_1"); return err },
		"events":             func() error { _, err := c.Events(ctx, time.Unix(1767600000, 0)); return err },
		"events from before": func() error { _, err := c.Events(ctx, time.Time{}); return err },
		"an endpoint":        func() error { _, err := c.EnsureWebhook(ctx, "https://studio.test/hooks/stripe"); return err },
	} {
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for i, r := range rec.requests {
		if rec.statuses[i] != 200 {
			t.Errorf("%s %s was answered %d", r.Method, r.URL, rec.statuses[i])
		}
		if v := r.Header.Get("Stripe-Version"); v != "2023-10-16" {
			t.Errorf("%s %s asks for version %q", r.Method, r.URL, v)
		}
		if r.Header.Get("X-Stripe-Client-Telemetry") != "" {
			t.Errorf("%s %s tells Stripe how long the last one took", r.Method, r.URL)
		}
	}
	made := false
	for i, r := range rec.requests {
		if r.Method == "POST" && strings.HasSuffix(r.URL.Path, "/webhook_endpoints") {
			made = strings.Contains(rec.bodies[i], "api_version=2023-10-16")
		}
	}
	if !made {
		t.Error("the webhook endpoint was not made with our version")
	}
	if len(rec.requests) < 20 {
		t.Errorf("only %d requests were checked", len(rec.requests))
	}
}

// The mock must be able to refuse, or the test above proves nothing.
func TestTheMockBites(t *testing.T) {
	c := clientOf(t, mock())
	_, err := c.NewSession(t.Context(), "key", payment.SessionRequest{Amount: 11900, Currency: "EUR", SuccessURL: "https://studio.test/", Description: "x", Methods: []string{"gold"}})
	if err == nil {
		t.Error("a method that does not exist was accepted")
	}
}
