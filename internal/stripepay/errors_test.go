package stripepay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onebook/internal/fault"
	"onebook/internal/payment"
)

var aRequest = payment.SessionRequest{Customer: "cus_1", Amount: 11900, Currency: "EUR", Description: "Invoice", Reference: "py_1",
	SuccessURL: "https://studio.test/", Methods: []string{"card"}}

// An answer is known, unknown, or no for good: what is unknown is never taken for no, or a client pays twice.
func TestWhatAnErrorMeans(t *testing.T) {
	problem := func(kind, code string) string {
		return fmt.Sprintf(`{"error":{"type":%q,"code":%q,"message":"Stripe's words","param":"customer"}}`, kind, code)
	}
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   fault.Kind // 0: refused for good
		code   string
	}{
		{"an error of Stripe's", 500, problem("api_error", ""), fault.Busy, "busy"},
		{"a stored error of Stripe's", 502, problem("api_error", "x"), fault.Busy, "busy"},
		{"down", 503, `<html>down</html>`, fault.Busy, "busy"},
		{"too fast", 429, problem("invalid_request_error", "rate_limit"), fault.Busy, "busy"},
		{"locked", 429, problem("invalid_request_error", "lock_timeout"), fault.Busy, "busy"},
		{"the key is in use", 409, problem("idempotency_error", "idempotency_key_in_use"), fault.Busy, "busy"},
		{"a proxy's no", 403, `<html>Forbidden</html>`, fault.Busy, "busy"},
		{"half an answer", 200, `{"id":"cs_te`, fault.Busy, "busy"},
		{"no error in the error", 400, `{}`, fault.Busy, "busy"},
		{"another site", 302, ``, fault.Busy, "busy"},
		{"gone", 404, problem("invalid_request_error", "resource_missing"), fault.NotFound, "not_found"},
		{"too little", 400, problem("invalid_request_error", "amount_too_small"), fault.Invalid, "amount_not_payable_online"},
		{"too much", 400, problem("invalid_request_error", "amount_too_large"), fault.Invalid, "amount_not_payable_online"},
		{"a customer of nobody", 400, problem("invalid_request_error", "resource_missing"), 0, "resource_missing"},
		{"no such address", 404, problem("invalid_request_error", ""), 0, ""},
		{"a wrong key", 401, problem("invalid_request_error", "api_key_expired"), 0, "api_key_expired"},
		{"a right that lacks", 403, problem("invalid_request_error", "more_permissions_required"), 0, "more_permissions_required"},
		{"the key was used", 400, problem("idempotency_error", ""), 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int32
			cl := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				w.Header().Set("Request-Id", "req_1")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			_, err := cl.NewSession(t.Context(), "key", aRequest)
			if asked.Load() != 1 {
				t.Errorf("asked %d times", asked.Load())
			}
			if c.want != 0 {
				var f *fault.Error
				if !errors.As(err, &f) || f.Kind != c.want || f.Code != c.code {
					t.Fatalf("%v, want %v with code %s", err, c.want, c.code)
				}
				if strings.Contains(f.Message, "html") || strings.Contains(f.Message, "json") {
					t.Errorf("the message is not for people: %s", f.Message)
				}
				return
			}
			var r *Refused
			if !errors.As(err, &r) || fault.KindOf(err) != 0 {
				t.Fatalf("%v, want a refusal", err)
			}
			if r.Code != c.code || r.Type == "" || r.Status != c.status || r.Message != "Stripe's words" || r.Param != "customer" || r.Request != "req_1" {
				t.Errorf("%+v", r)
			}
			if reused := c.name == "the key was used"; errors.Is(err, ErrKeyReused) != reused || strings.Contains(err.Error(), "used before") != reused {
				t.Errorf("reused is %v: %v", !reused, err)
			}
		})
	}
}

// A cut line, a slow answer and a request broken off are all the same: nobody knows.
func TestNoAnswerIsUnknown(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Idempotency-Key") {
		case "cut":
			panic(http.ErrAbortHandler)
		default:
			<-release
		}
	}))
	defer s.Close()
	defer close(release)
	cl, err := New(Config{Key: "sk_test_1", URL: s.URL, Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	nowhere, _ := New(Config{Key: "sk_test_1", URL: "http://127.0.0.1:1"})
	for name, do := range map[string]func() error{
		"cut":        func() error { _, err := cl.NewSession(t.Context(), "cut", aRequest); return err },
		"slow":       func() error { _, err := cl.NewSession(t.Context(), "slow", aRequest); return err },
		"broken off": func() error { _, err := cl.NewSession(gone, "slow", aRequest); return err },
		"nobody":     func() error { _, err := nowhere.NewSession(t.Context(), "slow", aRequest); return err },
		"a list":     func() error { _, err := nowhere.Events(t.Context(), time.Unix(0, 0)); return err },
		"a page":     func() error { _, err := nowhere.Sessions(t.Context(), "cus_1", time.Unix(0, 0)); return err },
		"an end":     func() error { _, err := nowhere.ExpireSession(t.Context(), "cs_1"); return err },
		"an intent":  func() error { _, err := nowhere.Intent(t.Context(), "pi_1"); return err },
	} {
		if err := do(); !errors.Is(err, fault.Busy) || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := cl.NewSession(t.Context(), "slow", aRequest); err == nil || !strings.Contains(err.Error(), "in time") {
		t.Errorf("a slow answer says %v", err)
	}
	if _, err := cl.NewSession(gone, "slow", aRequest); !errors.Is(err, context.Canceled) {
		t.Errorf("the cause is lost: %v", err)
	}
}

// An id that came from a stranger never becomes another path.
func TestIdsOfStrangers(t *testing.T) {
	cl := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("asked for %s", r.URL) }))
	for _, id := range []string{"", "../customers", "cs_1/expire", "cs_1?expand[]=customer", "cs 1", "cs_é", strings.Repeat("a", 256)} {
		for what, do := range map[string]func() error{
			"page":   func() error { _, err := cl.Session(t.Context(), id); return err },
			"end":    func() error { _, err := cl.ExpireSession(t.Context(), id); return err },
			"intent": func() error { _, err := cl.Intent(t.Context(), id); return err },
		} {
			if err := do(); !errors.Is(err, fault.NotFound) {
				t.Errorf("%s %q: %v", what, id, err)
			}
		}
	}
	if _, err := cl.Sessions(t.Context(), "", time.Unix(0, 0)); !errors.Is(err, fault.NotFound) {
		t.Errorf("the pages of nobody: %v", err)
	}
}

// A deployment without a key fails when it starts.
func TestNoKey(t *testing.T) {
	for _, key := range []string{"", " \n"} {
		if _, err := New(Config{Key: key}); err == nil {
			t.Errorf("%q was taken", key)
		}
	}
}

// What Stripe says of an object may be of any version: an event with an expanded or a strange object is read as
// far as it goes.
func TestEventsOfOtherVersions(t *testing.T) {
	cl := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "has_more": false, "data": []any{
			map[string]any{"id": "evt_2", "type": "charge.refunded", "api_version": "2026-08-26.dahlia", "created": 20, "data": map[string]any{"object": map[string]any{
				"id": "ch_1", "object": "charge", "payment_intent": map[string]any{"id": "pi_1"}}}},
			map[string]any{"id": "evt_1", "type": "balance.available", "created": 10, "livemode": true, "data": map[string]any{"object": map[string]any{"object": "balance"}}},
			map[string]any{"id": "evt_0", "type": "v2.something", "created": 5},
		}})
	}))
	got, err := cl.Events(t.Context(), time.Unix(0, 0))
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	if e := got[2]; e.ID != "evt_2" || e.Intent != "pi_1" || e.ObjectType != "charge" || e.ObjectID != "ch_1" || e.APIVersion != "2026-08-26.dahlia" {
		t.Errorf("%+v", e)
	}
	if e := got[1]; e.ID != "evt_1" || !e.Live || e.ObjectID != "" || !e.Created.Equal(time.Unix(10, 0)) {
		t.Errorf("%+v", e)
	}
}

// A list that never ends is an error and not an endless loop, nor a short list that looks complete.
func TestAListThatNeverEnds(t *testing.T) {
	cl := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := make([]any, pageSize)
		for i := range page {
			page[i] = map[string]any{"id": fmt.Sprintf("cs_%d", i), "object": "checkout.session", "currency": "eur"}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "has_more": true, "data": page})
	}))
	if _, err := cl.Sessions(t.Context(), "cus_1", time.Unix(0, 0)); !errors.Is(err, fault.Busy) {
		t.Errorf("%v", err)
	}
}
