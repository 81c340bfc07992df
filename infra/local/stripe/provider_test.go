package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/fault"
	"onebook/internal/hook"
	"onebook/internal/payment"
	"onebook/internal/stripepay"
)

// These tests hold the contract of payment.Provider against the adapter and the stand-in together, over HTTP.

func (w *world) provider() payment.Provider {
	w.t.Helper()
	c, err := stripepay.New(stripepay.Config{Key: testKey, URL: w.http.URL})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func request(customer string) payment.SessionRequest {
	return payment.SessionRequest{
		Customer: customer, Amount: 11900, Currency: "EUR", Description: "Invoice 2026-0041", Reference: "py_1",
		Metadata:   map[string]string{"paymentId": "py_1", "invoiceId": "in_1"},
		SuccessURL: "https://studio.test/v1/public/return?session={CHECKOUT_SESSION_ID}", CancelURL: "https://studio.test/i/",
		Methods: []string{"card"}, ExpiresAt: monday.Add(2 * time.Hour), Locale: "de-DE",
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// A page says exactly what was asked, before and after it is paid.
func TestAPageIsWhatWasAsked(t *testing.T) {
	w := newWorld(t)
	p, ctx := w.provider(), t.Context()
	cu := must[string](t)(p.NewCustomer(ctx, "cu1", payment.Customer{ContactID: "ct_1", Name: "Ada Lovelace", Email: "ada@example.com"}))
	r := request(cu)
	s := must[payment.Session](t)(p.NewSession(ctx, "k1", r))
	want := payment.Session{
		ID: s.ID, URL: w.http.URL + "/pay/" + s.ID, Status: "open", Paid: "unpaid", Customer: cu, Reference: "py_1", Amount: 11900, Currency: "EUR",
		Metadata: r.Metadata, Created: monday, ExpiresAt: r.ExpiresAt,
	}
	if d := cmp.Diff(want, s); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(s, must[payment.Session](t)(p.Session(ctx, s.ID))); d != "" {
		t.Error(d)
	}
	got := w.pay(s.ID, Success, "card")
	paid := want
	paid.URL, paid.Status, paid.Paid, paid.Intent = "", "complete", "paid", got.PaymentIntent
	if d := cmp.Diff(paid, must[payment.Session](t)(p.Session(ctx, s.ID))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(paid, must[payment.Session](t)(p.ExpireSession(ctx, s.ID))); d != "" {
		t.Errorf("closing a paid page: %s", d)
	}
	pi := must[payment.Intent](t)(p.Intent(ctx, got.PaymentIntent))
	if d := cmp.Diff(payment.Intent{ID: got.PaymentIntent, Status: "succeeded", Amount: 11900, Received: 11900, Currency: "EUR", Method: "card", Metadata: r.Metadata, Created: monday}, pi); d != "" {
		t.Error(d)
	}
	if got := w.call("GET", "/v1/customers/"+cu, "").body["metadata"]; fmt.Sprint(got) != "map[contactId:ct_1]" {
		t.Errorf("the customer's metadata is %v", got)
	}
}

// The same key is the same page, as it is now; other parameters are refused for good; after a day it is another.
func TestOneKeyOnePage(t *testing.T) {
	w := newWorld(t)
	p, ctx := w.provider(), t.Context()
	r := request("")
	r.ExpiresAt = time.Time{}
	first := must[payment.Session](t)(p.NewSession(ctx, "k1", r))
	if !first.ExpiresAt.Equal(monday.Add(24 * time.Hour)) {
		t.Errorf("it runs out at %v", first.ExpiresAt)
	}
	if d := cmp.Diff(first, must[payment.Session](t)(p.NewSession(ctx, "k1", r))); d != "" {
		t.Errorf("another page: %s", d)
	}
	w.pay(first.ID, Success, "card")
	if again := must[payment.Session](t)(p.NewSession(ctx, "k1", r)); again.ID != first.ID || again.Paid != "paid" || again.Intent == "" {
		t.Errorf("a page that was paid is told as it was: %+v", again)
	}
	other := r
	other.Amount++
	_, err := p.NewSession(ctx, "k1", other)
	if !errors.Is(err, stripepay.ErrKeyReused) || fault.KindOf(err) != 0 {
		t.Errorf("other parameters: %v", err)
	}
	w.pass(24 * time.Hour)
	if late := must[payment.Session](t)(p.NewSession(ctx, "k1", r)); late.ID == first.ID {
		t.Error("the key is still known after a day")
	}
	a := must[string](t)(p.NewCustomer(ctx, "cu1", payment.Customer{ContactID: "ct_1"}))
	if b := must[string](t)(p.NewCustomer(ctx, "cu1", payment.Customer{ContactID: "ct_1"})); a != b {
		t.Error("one contact became two customers")
	}
}

// Every class of currency goes there and back to the same amount, also through a payment.
func TestEveryClassOfCurrency(t *testing.T) {
	w := newWorld(t)
	p, ctx := w.provider(), t.Context()
	for i, c := range []struct {
		currency string
		amount   int64
		theirs   float64
	}{{"EUR", 11900, 11900}, {"USD", 50, 50}, {"JPY", 500, 500}, {"ISK", 5, 500}, {"UGX", 1234, 123400}, {"MGA", 500000, 5000}, {"KWD", 5120, 5120},
		{"BHD", 10, 10}, {"JOD", 10, 10}, {"OMR", 10, 10}, {"TND", 10, 10}, {"HUF", 17500, 17500}, {"IDR", 200_000_000, 200_000_000}} {
		r := request("")
		r.Currency, r.Amount = c.currency, c.amount
		s := must[payment.Session](t)(p.NewSession(ctx, fmt.Sprint("k", i), r))
		if raw := w.call("GET", "/v1/checkout/sessions/"+s.ID, "").body["amount_total"]; raw != c.theirs {
			t.Errorf("%s: asked for %v of Stripe's units, want %v", c.currency, raw, c.theirs)
		}
		pi := must[payment.Intent](t)(p.Intent(ctx, w.pay(s.ID, Success, "card").PaymentIntent))
		if s.Amount != c.amount || s.Currency != c.currency || pi.Amount != c.amount || pi.Received != c.amount || pi.Currency != c.currency {
			t.Errorf("%d %s came back as %d %s and %d, %d %s", c.amount, c.currency, s.Amount, s.Currency, pi.Amount, pi.Received, pi.Currency)
		}
	}
	for currency, amount := range map[string]int64{"EUR": 49, "KWD": 5124, "USD": 100_000_000, "MGA": 550, "IQD": 1000} {
		r := request("")
		r.Currency, r.Amount = currency, amount
		_, err := p.NewSession(ctx, "no", r)
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != "amount_not_payable_online" || !strings.Contains(f.Message, "transfer") {
			t.Errorf("%d %s: %v", amount, currency, err)
		}
	}
}

// Both sides know the same limits: what the adapter lets through, the provider takes.
func TestLimitsAgree(t *testing.T) {
	w := newWorld(t)
	p, ctx := w.provider(), t.Context()
	for _, currency := range []string{"AED", "AUD", "BGN", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "INR", "JPY", "MXN", "MYR", "NOK", "NZD",
		"PLN", "RON", "SEK", "SGD", "THB", "USD", "COP", "IDR", "ISK", "KWD", "LBP", "MGA", "UGX"} {
		for amount := int64(1); amount < 1<<44; amount = amount*3/2 + 1 {
			if stripepay.CheckAmount(amount, currency) != nil {
				continue
			}
			r := request("")
			r.Currency, r.Amount = currency, amount
			if _, err := p.NewSession(ctx, fmt.Sprint(currency, amount), r); err != nil {
				t.Errorf("%d %s passes our check, and then: %v", amount, currency, err)
			}
		}
	}
}

// Declined and then paid is one payment, and the reason can be shown in between.
func TestDeclinedThenPaid(t *testing.T) {
	w := newWorld(t)
	p, ctx := w.provider(), t.Context()
	s := must[payment.Session](t)(p.NewSession(ctx, "k1", request("")))
	id := w.pay(s.ID, Decline, "card").PaymentIntent
	pi := must[payment.Intent](t)(p.Intent(ctx, id))
	if d := cmp.Diff(&payment.Decline{Code: "generic_decline", Message: "Your card was declined."}, pi.Decline); d != "" || pi.Status != "requires_payment_method" || pi.Received != 0 || pi.Method != "card" {
		t.Errorf("%+v %s", pi, d)
	}
	if now := must[payment.Session](t)(p.Session(ctx, s.ID)); now.Status != "open" || now.Intent != id {
		t.Errorf("%+v", now)
	}
	if w.pay(s.ID, Success, "card").PaymentIntent != id {
		t.Error("two payments")
	}
	if pi = must[payment.Intent](t)(p.Intent(ctx, id)); pi.Decline != nil || pi.Status != "succeeded" {
		t.Errorf("%+v", pi)
	}
}

// A debit is processing, and then it is there or it is not.
func TestADebit(t *testing.T) {
	for arrived, want := range map[bool]string{true: "succeeded", false: "requires_payment_method"} {
		w := newWorld(t)
		p, ctx := w.provider(), t.Context()
		r := request("")
		r.Methods = []string{"card", "sepa_debit"}
		s := must[payment.Session](t)(p.NewSession(ctx, "k1", r))
		id := w.pay(s.ID, Processing, "sepa_debit").PaymentIntent
		if pi := must[payment.Intent](t)(p.Intent(ctx, id)); pi.Status != "processing" || pi.Method != "sepa_debit" || pi.Received != 0 {
			t.Errorf("%+v", pi)
		}
		if err := w.Settle(ctx, id, arrived); err != nil {
			t.Fatal(err)
		}
		pi := must[payment.Intent](t)(p.Intent(ctx, id))
		if pi.Status != want || (pi.Decline == nil) != arrived || pi.Method != "sepa_debit" {
			t.Errorf("%+v", pi)
		}
	}
}

// A page that was closed cannot be paid; closing it again says that it is closed.
func TestClosing(t *testing.T) {
	w := newWorld(t)
	p, ctx := w.provider(), t.Context()
	s := must[payment.Session](t)(p.NewSession(ctx, "k1", request("")))
	for range 2 {
		if got := must[payment.Session](t)(p.ExpireSession(ctx, s.ID)); got.Status != "expired" || got.URL != "" {
			t.Errorf("%+v", got)
		}
	}
	if _, err := w.Pay(ctx, s.ID, PayRequest{Outcome: Success}); !errors.Is(err, fault.Unready) {
		t.Errorf("paid: %v", err)
	}
}

// What does not exist is NotFound, and only that.
func TestUnknownIds(t *testing.T) {
	w := newWorld(t)
	p, ctx := w.provider(), t.Context()
	for what, do := range map[string]func() error{
		"page":    func() error { _, err := p.Session(ctx, "cs_test_no"); return err },
		"closing": func() error { _, err := p.ExpireSession(ctx, "cs_test_no"); return err },
		"payment": func() error { _, err := p.Intent(ctx, "pi_no"); return err },
	} {
		if err := do(); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got, err := p.Sessions(ctx, "cus_no", monday); err != nil || len(got) != 0 {
		t.Errorf("the pages of nobody: %v %v", got, err)
	}
	_, err := p.NewSession(ctx, "k1", request("cus_no"))
	var r *stripepay.Refused
	if !errors.As(err, &r) || r.Code != "resource_missing" || r.Param != "customer" {
		t.Errorf("a page for nobody: %v", err)
	}
}

// Lists go to the end, over many pages: newest first the sessions, oldest first the events.
func TestListsToTheEnd(t *testing.T) {
	w := newWorld(t)
	p, ctx := w.provider(), t.Context()
	cu := must[string](t)(p.NewCustomer(ctx, "cu1", payment.Customer{ContactID: "ct_1"}))
	w.page("customer=" + cu)
	w.pass(time.Hour)
	since := w.clock()
	var want, paid []string
	for i := range 203 {
		id := w.page("customer=" + cu)
		want = append(want, id)
		if i%2 == 0 {
			paid = append(paid, w.pay(id, Success, "card").PaymentIntent)
		}
	}
	slices.Reverse(want)
	var got []string
	for _, s := range must[[]payment.Session](t)(p.Sessions(ctx, cu, since)) {
		got = append(got, s.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d pages, want %d", len(got), len(want))
	}
	var succeeded []string
	for _, e := range must[[]payment.Event](t)(p.Events(ctx, since)) {
		if e.Type == "payment_intent.succeeded" {
			succeeded = append(succeeded, e.Intent)
		}
	}
	if !slices.Equal(succeeded, paid) {
		t.Errorf("%d payments among the events, want %d", len(succeeded), len(paid))
	}
}

// The webhook that the stand-in signs is one that the door believes, and it says the same as the list of events.
func TestWebhooksAndListAgree(t *testing.T) {
	w := newWorld(t)
	p, ctx := w.provider(), t.Context()
	w.pay(must[payment.Session](t)(p.NewSession(ctx, "k1", request(""))).ID, DeclineThenSuccess, "card")
	w.pass(24 * time.Hour)
	var told []payment.Event
	for i, raw := range w.raw {
		told = append(told, must[payment.Event](t)(hook.Verify(raw, w.sigs[i], []string{testSecret}, monday)))
	}
	listed := must[[]payment.Event](t)(p.Events(ctx, monday))
	if d := cmp.Diff(listed, told); d != "" || len(told) != 6 {
		t.Errorf("%d told: %s", len(told), d)
	}
	for _, e := range told {
		if e.Intent == "" || e.ObjectID == "" || e.APIVersion != "2023-10-16" || e.Live {
			t.Errorf("%+v", e)
		}
	}
}

// A request that was done and whose answer was lost is found by its key, and by the list when the key is gone.
func TestALostAnswer(t *testing.T) {
	w := newWorld(t)
	lose := true
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !lose {
			w.ServeHTTP(rw, r)
			return
		}
		w.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}))
	defer front.Close()
	p := must[*stripepay.Client](t)(stripepay.New(stripepay.Config{Key: testKey, URL: front.URL}))
	ctx := t.Context()
	cu := w.call("POST", "/v1/customers", "").id()
	r := request(cu)
	if _, err := p.NewSession(ctx, "k1", r); !errors.Is(err, fault.Busy) {
		t.Fatalf("%v, want unknown", err)
	}
	lose = false
	s := must[payment.Session](t)(p.NewSession(ctx, "k1", r))
	w.pass(25 * time.Hour)
	all := must[[]payment.Session](t)(p.Sessions(ctx, cu, monday))
	if len(all) != 1 || all[0].ID != s.ID || all[0].Metadata["paymentId"] != "py_1" {
		t.Errorf("%+v, want the one page", all)
	}
}

// The webhook endpoint is made once, in our version, and completed where an event lacks.
func TestEnsureWebhook(t *testing.T) {
	w := newWorld(t)
	c := w.provider().(*stripepay.Client)
	ctx := context.Background()
	const url = "https://studio.test/hooks/stripe"
	made := must[stripepay.Webhook](t)(c.EnsureWebhook(ctx, url))
	if !made.Made || !strings.HasPrefix(made.Secret, "whsec_") {
		t.Errorf("%+v", made)
	}
	again := must[stripepay.Webhook](t)(c.EnsureWebhook(ctx, url))
	if again.Made || again.ID != made.ID || again.Secret != "" {
		t.Errorf("%+v, want the one that is there", again)
	}
	w.call("POST", "/v1/webhook_endpoints/"+made.ID, "", "enabled_events[0]=payout.paid")
	must[stripepay.Webhook](t)(c.EnsureWebhook(ctx, url))
	e := w.call("GET", "/v1/webhook_endpoints/"+made.ID, "").body
	if events := fmt.Sprint(e["enabled_events"]); !strings.Contains(events, "payout.paid") || !strings.Contains(events, "charge.dispute.created") || e["api_version"] != "2023-10-16" {
		t.Errorf("%v in %v", events, e["api_version"])
	}
	if other := must[stripepay.Webhook](t)(c.EnsureWebhook(ctx, "https://other.test/hooks/stripe")); !other.Made {
		t.Error("another address is the same endpoint")
	}
}

// A debit is asked for by its provider's word, in its own currency, where the account has it; else the page is refused with
// the one error that leads to a page by card. Through the adapter its outcome is told with its method.
func TestDebitsThroughTheAdapter(t *testing.T) {
	w := newWorld(t)
	p, ctx := w.provider(), t.Context()
	cu := must[string](t)(p.NewCustomer(ctx, "cu1", payment.Customer{ContactID: "ct_1", Name: "Ada"}))
	for _, x := range []struct {
		currency, method string
		on               []string
		refused          bool
	}{
		{"EUR", "sepa_debit", nil, false},
		{"USD", "us_bank_account", nil, false},
		{"USD", "sepa_debit", nil, true},
		{"EUR", "us_bank_account", nil, true},
		{"EUR", "sepa_debit", []string{"card"}, true},
	} {
		w.Methods = x.on
		r := request(cu)
		r.Currency, r.Methods = x.currency, []string{"card", x.method}
		s, err := p.NewSession(ctx, x.currency+x.method+fmt.Sprint(x.on), r)
		if errors.Is(err, payment.ErrMethod) != x.refused {
			t.Errorf("%s in %s: %v", x.method, x.currency, err)
		}
		if err != nil {
			continue
		}
		got, err := w.Pay(ctx, s.ID, PayRequest{Method: x.method, Outcome: Processing, Then: Failure})
		if err != nil {
			t.Fatal(err)
		}
		if in := must[payment.Intent](t)(p.Intent(ctx, got.PaymentIntent)); in.Status != "processing" || in.Method != x.method || in.Decline != nil {
			t.Errorf("under way it is %+v", in)
		}
		w.pass(5 * 24 * time.Hour)
		if err := w.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		in := must[payment.Intent](t)(p.Intent(ctx, got.PaymentIntent))
		if in.Status != "requires_payment_method" || in.Method != x.method || in.Received != 0 || in.Decline == nil || in.Decline.Message == "" {
			t.Errorf("come back it is %+v", in)
		}
		w.pass(-5 * 24 * time.Hour)
	}
}
