package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"onebook/internal/fault"
)

// What the shop hears of each thing a client can do, in the order in which it happened.
func TestWhatTheShopHears(t *testing.T) {
	paid := []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}
	declined := []string{"payment_intent.created", "charge.failed", "payment_intent.payment_failed"}
	under := []string{"payment_intent.created", "charge.pending", "payment_intent.processing", "checkout.session.completed"}
	for _, c := range []struct {
		outcome, method       string
		events                []string
		status, paid, intent  string
		received, lastDecline any
	}{
		{Success, "card", paid, "complete", "paid", "succeeded", 11900.0, nil},
		{Decline, "card", declined, "open", "unpaid", "requires_payment_method", 0.0, "Your card was declined."},
		{DeclineThenSuccess, "card", slices.Concat(declined, paid[1:]), "complete", "paid", "succeeded", 11900.0, nil},
		{Processing, "sepa_debit", under, "complete", "unpaid", "processing", 0.0, nil},
		{Success, "sepa_debit", slices.Concat(under, []string{"charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded"}),
			"complete", "paid", "succeeded", 11900.0, nil},
		{Abandon, "card", nil, "open", "unpaid", "", nil, nil},
	} {
		t.Run(c.outcome+" by "+c.method, func(t *testing.T) {
			w := newWorld(t)
			id := w.page("payment_method_types[0]=card", "payment_method_types[1]=sepa_debit")
			got := w.pay(id, c.outcome, c.method)
			if e := w.received(); !slices.Equal(e, c.events) {
				t.Errorf("heard %v, want %v", e, c.events)
			}
			if got.Status != c.status || got.PaymentStatus != c.paid {
				t.Errorf("the page is %s and %s", got.Status, got.PaymentStatus)
			}
			if c.status == "complete" && got.Redirect != "https://studio.test/return?session="+id {
				t.Errorf("sent to %q", got.Redirect)
			}
			if c.intent == "" {
				if got.PaymentIntent != "" {
					t.Error("an abandoned page has a payment")
				}
				return
			}
			pi := w.call("GET", "/v1/payment_intents/"+got.PaymentIntent, "", "expand[0]=latest_charge").body
			e, _ := pi["last_payment_error"].(map[string]any)
			if pi["status"] != c.intent || pi["amount_received"] != c.received || (e == nil) != (c.lastDecline == nil) || e != nil && e["message"] != c.lastDecline {
				t.Errorf("the payment is %v, received %v, error %v", pi["status"], pi["amount_received"], e)
			}
			if m := pi["latest_charge"].(map[string]any)["payment_method_details"].(map[string]any)["type"]; m != c.method {
				t.Errorf("paid by %v", m)
			}
		})
	}
}

// Declined and then paid on one page is one payment: the shop must not see two.
func TestOnePageOnePayment(t *testing.T) {
	w := newWorld(t)
	id := w.page()
	a := w.pay(id, Decline, "card").PaymentIntent
	w.pass(time.Minute)
	b := w.pay(id, DeclineThenSuccess, "card").PaymentIntent
	if a == "" || a != b {
		t.Errorf("two payments: %s, %s", a, b)
	}
	_, err := w.Pay(t.Context(), id, PayRequest{Outcome: Success})
	if !errors.Is(err, fault.Unready) {
		t.Errorf("paid twice: %v", err)
	}
}

// Many clicks at once on one page are one payment.
func TestManyClicks(t *testing.T) {
	w := newWorld(t)
	id := w.page()
	results := make(chan error, 32)
	for range 32 {
		go func() {
			_, err := w.Pay(context.Background(), id, PayRequest{Outcome: Success})
			results <- err
		}()
	}
	paid := 0
	for range 32 {
		if err := <-results; err == nil {
			paid++
		} else if !errors.Is(err, fault.Unready) {
			t.Error(err)
		}
	}
	if got := w.received(); paid != 1 || len(got) != 4 {
		t.Errorf("paid %d times, heard %v", paid, got)
	}
}

// With a page that runs out goes the payment that was tried on it in vain.
func TestAPaymentInVain(t *testing.T) {
	w := newWorld(t)
	byTime, byHand := w.page(), w.page()
	a, b := w.pay(byTime, Decline, "card").PaymentIntent, w.pay(byHand, Decline, "card").PaymentIntent
	w.received()
	want := []string{"payment_intent.canceled", "checkout.session.expired"}
	w.call("POST", "/v1/checkout/sessions/"+byHand+"/expire", "")
	w.pass(0)
	if got := w.received(); !slices.Equal(got, want) {
		t.Errorf("closed by hand: %v", got)
	}
	w.pass(24 * time.Hour)
	if got := w.received(); !slices.Equal(got, want) {
		t.Errorf("run out: %v", got)
	}
	for _, id := range []string{a, b} {
		if pi := w.call("GET", "/v1/payment_intents/"+id, "").body; pi["status"] != "canceled" || pi["canceled_at"] == nil {
			t.Errorf("%v", pi)
		}
	}
}

// A debit that was under way arrives or comes back, once.
func TestDebitsEnd(t *testing.T) {
	for arrived, want := range map[bool][]string{
		true:  {"charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded"},
		false: {"charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed"},
	} {
		w := newWorld(t)
		id := w.page("payment_method_types[0]=us_bank_account")
		pi := w.pay(id, Processing, "").PaymentIntent
		w.received()
		w.pass(4 * 24 * time.Hour)
		if err := w.Settle(t.Context(), pi, arrived); err != nil {
			t.Fatal(err)
		}
		if got := w.received(); !slices.Equal(got, want) {
			t.Errorf("heard %v, want %v", got, want)
		}
		if got := w.call("GET", "/v1/checkout/sessions/"+id, "").body["payment_status"]; (got == "paid") != arrived {
			t.Errorf("the page is %v", got)
		}
		if err := w.Settle(t.Context(), pi, true); !errors.Is(err, fault.Unready) {
			t.Errorf("settled twice: %v", err)
		}
	}
}

// A debit ends by itself after its days, as it was said to, and says so once.
func TestDebitsEndByThemselves(t *testing.T) {
	day := 24 * time.Hour
	three, none := 3, 0
	arrives := []string{"charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded"}
	returns := []string{"charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed"}
	for _, c := range []struct {
		what   string
		then   string
		days   *int
		before time.Duration // nothing is heard until then
		want   []string
	}{
		{"as a rule it arrives after five days", "", nil, 5*day - time.Second, arrives},
		{"it comes back after five days", Failure, nil, 5*day - time.Second, returns},
		{"it comes back after three days", Failure, &three, 3*day - time.Second, returns},
		{"it stays under way", "", &none, 90 * day, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWorld(t)
			id := w.page("payment_method_types[0]=sepa_debit")
			got, err := w.Pay(t.Context(), id, PayRequest{Outcome: Processing, Then: c.then, Days: c.days})
			if err != nil {
				t.Fatal(err)
			}
			w.received()
			if due, err := w.Due(w.clock()); err != nil || (c.want != nil) != (due.Sub(w.clock()) == c.before+time.Second) {
				t.Errorf("something happens at %v, %v", due, err)
			}
			w.pass(c.before)
			if heard := w.received(); heard != nil {
				t.Fatalf("heard %v before its time", heard)
			}
			w.reopen()
			for range 2 {
				w.pass(time.Second)
			}
			if heard := w.received(); !slices.Equal(heard, c.want) {
				t.Errorf("heard %v, want %v", heard, c.want)
			}
			if err := w.Settle(t.Context(), got.PaymentIntent, true); (err == nil) != (c.want == nil) {
				t.Errorf("settled by hand after its end: %v", err)
			}
		})
	}
	w := newWorld(t)
	id := w.page("payment_method_types[0]=sepa_debit")
	pi := w.pay(id, Processing, "").PaymentIntent
	if err := w.Settle(t.Context(), pi, false); err != nil {
		t.Fatal(err)
	}
	w.received()
	w.pass(9 * day)
	if heard := w.received(); heard != nil {
		t.Errorf("a debit that was settled by hand ended again: %v", heard)
	}
}

// What a client cannot do is told, and changes nothing.
func TestWhatNobodyCanPay(t *testing.T) {
	w := newWorld(t)
	id := w.page()
	for _, c := range []struct {
		link string
		r    PayRequest
		want fault.Kind
	}{
		{"http://x/pay/cs_test_no", PayRequest{Outcome: Success}, fault.NotFound},
		{"", PayRequest{Outcome: Success}, fault.NotFound},
		{id, PayRequest{}, fault.Invalid},
		{id, PayRequest{Outcome: "steal"}, fault.Invalid},
		{id, PayRequest{Outcome: Success, Method: "sepa_debit"}, fault.Invalid},
		{id, PayRequest{Outcome: Processing, Method: "card"}, fault.Invalid},
		{id, PayRequest{Outcome: Success, Amount: -1}, fault.Invalid},
		{id, PayRequest{Outcome: Processing, Then: "theft"}, fault.Invalid},
		{id, PayRequest{Outcome: Processing, Days: new(int), Method: "card"}, fault.Invalid},
		{id, PayRequest{Outcome: Processing, Days: days(61)}, fault.Invalid},
		{id, PayRequest{Outcome: Processing, Days: days(-1)}, fault.Invalid},
	} {
		if _, err := w.Pay(t.Context(), c.link, c.r); !errors.Is(err, c.want) {
			t.Errorf("%q %+v: %v, want %v", c.link, c.r, err, c.want)
		}
	}
	if got := w.received(); got != nil {
		t.Errorf("heard of it: %v", got)
	}
}

// A payment of another amount than was asked can be played, in the units of the product's API.
func TestAnotherAmount(t *testing.T) {
	for currency, unit := range map[string]int64{"eur": 1, "isk": 100, "ugx": 100, "jpy": 1, "kwd": 1} {
		w := newWorld(t)
		id := w.call("POST", "/v1/checkout/sessions", "", line11900(currency, "11900")...).id()
		got, err := w.Pay(t.Context(), id, PayRequest{Outcome: Success, Amount: 500})
		if err != nil {
			t.Fatal(err)
		}
		pi := w.call("GET", "/v1/payment_intents/"+got.PaymentIntent, "").body
		if want := float64(500 * unit); pi["amount"] != want || pi["amount_received"] != want {
			t.Errorf("%s: %v, want %v", currency, pi["amount_received"], want)
		}
	}
}

// A webhook that fails is tried again, later and later, and is never lost.
func TestWebhooksAreTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.breakEndpoint(true)
	w.pay(w.page(), Success, "card")
	waiting := func() int {
		t.Helper()
		s, err := w.State()
		if err != nil {
			t.Fatal(err)
		}
		return s.Waiting
	}
	if waiting() != 4 {
		t.Fatalf("%d wait, want 4", waiting())
	}
	if at, _ := w.Due(monday); !at.Equal(monday.Add(time.Minute)) {
		t.Errorf("the next try is at %v", at)
	}
	w.breakEndpoint(false)
	w.pass(59 * time.Second)
	if got := w.received(); got != nil {
		t.Errorf("tried too early: %v", got)
	}
	w.pass(time.Second)
	if got := w.received(); len(got) != 4 || waiting() != 0 {
		t.Errorf("after a minute: %v, %d wait", got, waiting())
	}
	w.breakEndpoint(true)
	w.pay(w.page(), Success, "card")
	for range 100 {
		w.pass(time.Hour)
	}
	if at, err := w.Due(w.clock()); err != nil || !at.IsZero() {
		t.Errorf("what was given up is due at %v, %v", at, err)
	}
	w.breakEndpoint(false)
	w.pass(100 * time.Hour)
	if got := w.received(); got != nil || waiting() != 4 {
		t.Errorf("after three days it goes on: %v, %d wait", got, waiting())
	}
	w.reopen()
	if err := w.Redeliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.received(); len(got) != 4 || waiting() != 0 {
		t.Errorf("redelivered %v, %d wait", got, waiting())
	}
}

// While webhooks are off the shop hears nothing, but can look.
func TestWebhooksOff(t *testing.T) {
	w := newWorld(t)
	if err := w.Webhooks(false); err != nil {
		t.Fatal(err)
	}
	w.pay(w.page(), Success, "card")
	w.pass(2 * time.Hour)
	w.reopen()
	w.pass(time.Hour)
	if got := w.received(); got != nil {
		t.Errorf("heard %v", got)
	}
	if n := len(w.call("GET", "/v1/events", "").body["data"].([]any)); n != 4 {
		t.Errorf("%d events can be listed, want 4", n)
	}
	if err := w.Webhooks(true); err != nil {
		t.Fatal(err)
	}
	w.pass(0)
	if got := w.received(); len(got) != 4 {
		t.Errorf("heard %v when they were on again", got)
	}
}

// The network repeats, reorders and loses webhooks as the test wants it to.
func TestTheNetwork(t *testing.T) {
	w := newWorld(t)
	pi := w.pay(w.page(), Success, "card").PaymentIntent
	other := w.pay(w.page(), Decline, "card").PaymentIntent
	four := w.received()[:4]
	deliver := func(r DeliverRequest) DeliverResult {
		t.Helper()
		got, err := w.Deliver(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := deliver(DeliverRequest{PaymentIntent: pi, Times: 2}); got.Delivered != 8 || !slices.Equal(w.received(), slices.Concat(four, four)) {
		t.Errorf("twice: %+v", got)
	}
	back := slices.Clone(four)
	slices.Reverse(back)
	deliver(DeliverRequest{PaymentIntent: pi, Order: "reversed"})
	if got := w.received(); !slices.Equal(got, back) {
		t.Errorf("reversed: %v", got)
	}
	deliver(DeliverRequest{All: true, Order: "shuffled", Times: 30})
	if got := w.received(); len(got) != 30*7 || slices.Equal(got[:7], append(slices.Clone(four), "payment_intent.created", "charge.failed", "payment_intent.payment_failed")) {
		t.Errorf("shuffled: %d %v", len(got), got[:7])
	}
	if got := deliver(DeliverRequest{PaymentIntent: other, Drop: Drop{Types: []string{"charge.failed"}}}); got.Delivered != 2 || got.Dropped != 1 {
		t.Errorf("one lost: %+v", got)
	}
	w.received()
	deliver(DeliverRequest{All: true, Drop: Drop{Every: true}})
	w.pay(w.page(), Success, "card")
	w.pass(time.Hour)
	if got := w.received(); got != nil {
		t.Errorf("all were to be lost, and it heard %v", got)
	}
	if got := deliver(DeliverRequest{All: true}); got.Delivered != 11 {
		t.Errorf("all: %+v", got)
	}
	w.pass(time.Hour)
	if n := len(w.received()); n != 11 {
		t.Errorf("heard %d, want 11, each once", n)
	}
	w.breakEndpoint(true)
	if got := deliver(DeliverRequest{PaymentIntent: pi}); got.Failed != 4 || len(got.Trouble) != 4 {
		t.Errorf("a broken endpoint: %+v", got)
	}
	for _, r := range []DeliverRequest{{}, {PaymentIntent: pi, All: true}, {All: true, Order: "upwards"}, {All: true, Times: -1}, {PaymentIntent: "pi_no"}} {
		if _, err := w.Deliver(t.Context(), r); fault.KindOf(err) == 0 {
			t.Errorf("%+v: %v", r, err)
		}
	}
	for text, want := range map[string]bool{`true`: true, `false`: false, `"charge.failed"`: true, `["charge.failed"]`: true, `[]`: false} {
		var d Drop
		if err := json.Unmarshal([]byte(text), &d); err != nil || d.takes("charge.failed") != want {
			t.Errorf("drop %s: %v %v", text, d, err)
		}
	}
}

// Every endpoint gets what it asked for, signed with its own secret, and its bytes do not change between tries.
func TestEndpoints(t *testing.T) {
	w := newWorld(t)
	type hit struct{ body, signature string }
	hits := make(chan hit, 10)
	status := http.StatusInternalServerError
	hook := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var b strings.Builder
		_ = r.Write(&b)
		_, body, _ := strings.Cut(b.String(), "\r\n\r\n")
		hits <- hit{body, r.Header.Get("Stripe-Signature")}
		rw.WriteHeader(status)
	}))
	defer hook.Close()
	e := w.call("POST", "/v1/webhook_endpoints", "", "url="+hook.URL, "enabled_events[0]=payment_intent.succeeded")
	secret, _ := e.body["secret"].(string)
	if again := w.call("GET", "/v1/webhook_endpoints/"+e.id(), ""); secret == "" || again.body["secret"] != nil {
		t.Errorf("the secret is told once: %q, %v", secret, again.body["secret"])
	}
	w.pay(w.page(), Success, "card")
	first := <-hits
	status = http.StatusOK
	w.pass(time.Minute)
	second := <-hits
	if first.body != second.body || first.body == "" {
		t.Errorf("the bytes changed:\n%s\n%s", first.body, second.body)
	}
	if want := Sign([]byte(second.body), secret, monday.Add(time.Minute)); second.signature != want {
		t.Errorf("signed %s, want %s", second.signature, want)
	}
	if len(hits) != 0 || len(w.received()) != 4 {
		t.Error("an endpoint got what it did not ask for, or the own one did not")
	}
	for i, raw := range w.raw {
		if w.sigs[i] != Sign(raw, testSecret, monday) {
			t.Errorf("the own endpoint got %s", w.sigs[i])
		}
	}
	w.call("DELETE", "/v1/webhook_endpoints/"+e.id(), "")
	w.pay(w.page(), Success, "card")
	if len(hits) != 0 {
		t.Error("a deleted endpoint is still called")
	}
	if r := w.call("GET", "/v1/webhook_endpoints/"+e.id(), ""); r.status != 404 {
		t.Errorf("a deleted endpoint is %d", r.status)
	}
}

// A webhook may come before the shop's own request has ended: whoever is told may ask at once.
func TestAskingFromWithinAWebhook(t *testing.T) {
	w := newWorld(t)
	asked := 0
	w.Config.Deliver = func(_ context.Context, payload []byte, _ string) error {
		var e struct {
			Data struct{ Object struct{ ID, Object string } }
		}
		if err := json.Unmarshal(payload, &e); err != nil {
			return err
		}
		path := map[string]string{"payment_intent": "/v1/payment_intents/", "charge": "/v1/charges/", "checkout.session": "/v1/checkout/sessions/"}[e.Data.Object.Object]
		if r := w.call("GET", path+e.Data.Object.ID, ""); r.status == 200 {
			asked++
		}
		return nil
	}
	w.pay(w.page(), Success, "card")
	if asked != 4 {
		t.Errorf("%d of 4 could ask", asked)
	}
}

func days(n int) *int { return &n }
