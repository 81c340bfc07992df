package stripe

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A repeated request with the same key is the same deed; with other parameters it is a mistake that is told; and
// after 24 hours of the product's clock the key is forgotten.
func TestIdempotencyKeys(t *testing.T) {
	w := newWorld(t)
	ask := func(key, amount string) response {
		return w.call("POST", "/v1/checkout/sessions", key, line11900("eur", amount)...)
	}
	first := ask("k1", "11900")
	again := ask("k1", "11900")
	if string(first.text) != string(again.text) || again.header.Get("Idempotent-Replayed") != "true" || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("the second answer is another one:\n%s\n%s", first.text, again.text)
	}
	if a, b := again.header.Get("Original-Request"), first.header.Get("Request-Id"); a != b {
		t.Errorf("the original request is %s, want %s", a, b)
	}
	if r := ask("k1", "11901"); r.status != 400 || r.code() != "idempotency_error" {
		t.Errorf("other parameters: %d %s", r.status, r.code())
	}
	if r := w.call("POST", "/v1/customers", "k1"); r.code() != "idempotency_error" {
		t.Errorf("another operation: %d %s", r.status, r.code())
	}
	a, b := "/v1/checkout/sessions/"+w.page()+"/expire", "/v1/checkout/sessions/"+w.page()+"/expire"
	if x, y := w.call("POST", a, "k2"), w.call("POST", b, "k2"); x.status != 200 || y.code() != "idempotency_error" {
		t.Errorf("another page: %d, %d %s", x.status, y.status, y.code())
	}
	w.pay(first.id(), Success, "card")
	if r := ask("k1", "11900"); string(r.text) != string(first.text) {
		t.Error("the kept answer has changed with the page")
	}
	w.pass(24*time.Hour - time.Second)
	if r := ask("k1", "11900"); r.id() != first.id() {
		t.Error("the key was forgotten before its day was over")
	}
	w.pass(time.Second)
	if r := ask("k1", "11901"); r.status != 200 || r.id() == first.id() {
		t.Errorf("the key is still known after a day: %s", r.text)
	}
	if a, b := ask("", "11900"), ask("", "11900"); a.id() == b.id() {
		t.Error("without a key two requests were one")
	}
}

// What was refused by reading the parameters was never executed, and its key is free; what was executed and
// failed answers the same again.
func TestKeysOfRefusals(t *testing.T) {
	w := newWorld(t)
	if r := w.call("POST", "/v1/customers", "k1", "email=nonsense"); r.code() != "email_invalid" {
		t.Fatalf("%s", r.text)
	}
	if r := w.call("POST", "/v1/customers", "k1", "email=ada@example.com"); r.status != 200 {
		t.Errorf("the key of a refused request is taken: %s", r.text)
	}
	bad := append(line11900("eur", "11900"), "customer=cus_no")
	if r := w.call("POST", "/v1/checkout/sessions", "k2", bad...); r.status != 400 || r.code() != "resource_missing" {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if r := w.call("POST", "/v1/checkout/sessions", "k2", bad...); r.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("an executed refusal was not kept: %s", r.text)
	}
	if r := w.call("POST", "/v1/checkout/sessions", "k2", line11900("eur", "11900")...); r.code() != "idempotency_error" {
		t.Errorf("%s", r.text)
	}
}

// What Stripe would refuse is refused here: a mistake must not wait for production to be found.
func TestStrict(t *testing.T) {
	w := newWorld(t)
	cu := w.call("POST", "/v1/customers", "").id()
	sessions := func(more ...string) []string { return append(line11900("eur", "11900"), more...) }
	without := func(name string) []string {
		return slices.DeleteFunc(sessions(), func(p string) bool { return strings.HasPrefix(p, name+"=") })
	}
	long := strings.Repeat("x", 501)
	for _, c := range []struct {
		name, method, path string
		params             []string
		status             int
		code               string
	}{
		{"an unknown parameter", "POST", "/v1/checkout/sessions", sessions("tip=1"), 400, "parameter_unknown"},
		{"an unknown nested one", "POST", "/v1/checkout/sessions", sessions("line_items[0][price_data][tip]=1"), 400, "parameter_unknown"},
		{"a parameter twice", "POST", "/v1/checkout/sessions", sessions("mode=payment"), 400, "parameter_invalid"},
		{"metadata too deep", "POST", "/v1/checkout/sessions", sessions("metadata[a][b]=1"), 400, "parameter_unknown"},
		{"metadata too long", "POST", "/v1/checkout/sessions", sessions("metadata[a]=" + long), 400, "invalid_request_error"},
		{"another mode", "POST", "/v1/checkout/sessions", append(without("mode"), "mode=setup"), 400, "invalid_request_error"},
		{"nothing to go back to", "POST", "/v1/checkout/sessions", without("success_url"), 400, "parameter_missing"},
		{"a link that is none", "POST", "/v1/checkout/sessions", append(without("success_url"), "success_url=javascript:alert(1)"), 400, "url_invalid"},
		{"no name", "POST", "/v1/checkout/sessions", without("line_items[0][price_data][product_data][name]"), 400, "parameter_missing"},
		{"no lines", "POST", "/v1/checkout/sessions", []string{"mode=payment", "success_url=https://studio.test/"}, 400, "parameter_missing"},
		{"a decimal amount", "POST", "/v1/checkout/sessions", line11900("eur", "119.00"), 400, "parameter_invalid_integer"},
		{"a negative amount", "POST", "/v1/checkout/sessions", line11900("eur", "-1"), 400, "parameter_invalid_integer"},
		{"an upper-case currency", "POST", "/v1/checkout/sessions", line11900("EUR", "11900"), 400, "invalid_request_error"},
		{"too little", "POST", "/v1/checkout/sessions", line11900("eur", "49"), 400, "amount_too_small"},
		{"just enough", "POST", "/v1/checkout/sessions", line11900("eur", "50"), 200, ""},
		{"eight digits", "POST", "/v1/checkout/sessions", line11900("eur", "99999999"), 200, ""},
		{"nine digits", "POST", "/v1/checkout/sessions", line11900("eur", "100000000"), 400, "amount_too_large"},
		{"a fraction of a króna", "POST", "/v1/checkout/sessions", line11900("isk", "550"), 400, "parameter_invalid_integer"},
		{"the last of three decimals", "POST", "/v1/checkout/sessions", line11900("kwd", "1001"), 400, "parameter_invalid_integer"},
		{"a method nobody has", "POST", "/v1/checkout/sessions", sessions("payment_method_types[0]=gold"), 400, "invalid_request_error"},
		{"a language nobody speaks", "POST", "/v1/checkout/sessions", sessions("locale=de-DE"), 400, "invalid_request_error"},
		{"too short a time", "POST", "/v1/checkout/sessions", sessions(fmt.Sprintf("expires_at=%d", monday.Add(30*time.Minute-time.Second).Unix())), 400, "invalid_request_error"},
		{"half an hour", "POST", "/v1/checkout/sessions", sessions(fmt.Sprintf("expires_at=%d", monday.Add(30*time.Minute).Unix())), 200, ""},
		{"too long a time", "POST", "/v1/checkout/sessions", sessions(fmt.Sprintf("expires_at=%d", monday.Add(24*time.Hour+time.Second).Unix())), 400, "invalid_request_error"},
		{"a customer of nobody", "POST", "/v1/checkout/sessions", sessions("customer=cus_no"), 400, "resource_missing"},
		{"an intent for a customer", "POST", "/v1/checkout/sessions", sessions("customer=pi_no"), 400, "resource_missing"},
		{"a page of nobody", "GET", "/v1/checkout/sessions/cs_no", nil, 404, "resource_missing"},
		{"a customer as a page", "GET", "/v1/checkout/sessions/" + cu, nil, 404, "resource_missing"},
		{"an intent of nobody", "GET", "/v1/payment_intents/pi_no", nil, 404, "resource_missing"},
		{"an event of nobody", "GET", "/v1/events/evt_no", nil, 404, "resource_missing"},
		{"a list from nowhere", "GET", "/v1/events", []string{"starting_after=evt_no"}, 400, "resource_missing"},
		{"a long list", "GET", "/v1/events", []string{"limit=101"}, 400, "invalid_request_error"},
		{"an unknown filter", "GET", "/v1/events", []string{"since=1"}, 400, "parameter_unknown"},
		{"a member nobody expands", "GET", "/v1/checkout/sessions/" + w.page(), []string{"expand[0]=everything"}, 400, "invalid_request_error"},
		{"an address that is none", "POST", "/v1/customers", []string{"email=ada"}, 400, "email_invalid"},
		{"a name too long", "POST", "/v1/customers", []string{"name=" + strings.Repeat("n", 257)}, 400, "invalid_request_error"},
		{"another version of events", "POST", "/v1/webhook_endpoints", []string{"url=https://a.test/", "enabled_events[0]=*", "api_version=2020-08-27"}, 400, "invalid_request_error"},
		{"an endpoint for nothing", "POST", "/v1/webhook_endpoints", []string{"url=https://a.test/"}, 400, "parameter_missing"},
		{"an unknown address", "GET", "/v1/refunds", nil, 404, "invalid_request_error"},
		{"an unknown method", "DELETE", "/v1/customers", nil, 404, "invalid_request_error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := w.call(c.method, c.path, "", c.params...); r.status != c.status || r.code() != c.code {
				t.Errorf("%d %q, want %d %q: %s", r.status, r.code(), c.status, c.code, r.text)
			}
		})
	}
}

// Nobody is served without a key; a restricted key does what it may and nothing else.
func TestWhoMay(t *testing.T) {
	w := newWorld(t)
	page := w.page()
	for _, c := range []struct {
		name, auth, path string
		status           int
	}{
		{"nobody", "", "/v1/events", 401},
		{"a live key", "Bearer sk_live_1", "/v1/events", 401},
		{"a publishable key", "Bearer pk_test_1", "/v1/events", 401},
		{"an account's key", "Bearer sk_test_1", "/v1/events", 200},
		{"an account's key as a user", "Basic c2tfdGVzdF8xOg==", "/v1/events", 200},
		{"a restricted key on its page", "Bearer rk_test_1", "/v1/checkout/sessions/" + page, 200},
		{"a restricted key on events", "Bearer rk_test_1", "/v1/events", 403},
		{"a restricted key on an intent", "Bearer rk_test_1", "/v1/payment_intents/pi_1", 403},
	} {
		r, err := http.NewRequest("GET", w.http.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.auth != "" {
			r.Header.Set("Authorization", c.auth)
		}
		if got := w.do(r); got.status != c.status {
			t.Errorf("%s: %d, want %d: %s", c.name, got.status, c.status, got.text)
		}
	}
	w.Keys = []string{"sk_test_ours"}
	if r := w.call("GET", "/v1/events", ""); r.status != 401 || strings.Contains(string(r.text), testKey) {
		t.Errorf("a key that is not ours: %d %s", r.status, r.text)
	}
	w.Keys = nil
	r, _ := http.NewRequest("GET", w.http.URL+"/v1/events", nil)
	r.Header.Set("Authorization", "Bearer "+testKey)
	r.Header.Set("Stripe-Version", "2020-08-27")
	if got := w.do(r); got.status != 400 {
		t.Errorf("another version: %d", got.status)
	}
}

// Nobody can pay on a page after its day, and the shop is told when it ends.
func TestPagesRunOut(t *testing.T) {
	w := newWorld(t)
	short, day, paid := w.page(fmt.Sprintf("expires_at=%d", monday.Add(time.Hour).Unix())), w.page(), w.page()
	w.pay(paid, Success, "card")
	w.received()
	status := func(id string) string {
		s, _ := w.call("GET", "/v1/checkout/sessions/"+id, "").body["status"].(string)
		return s
	}
	if at, err := w.Due(monday); err != nil || !at.Equal(monday.Add(time.Hour)) {
		t.Errorf("due at %v, %v", at, err)
	}
	w.pass(time.Hour)
	if status(short) != "expired" || status(day) != "open" {
		t.Errorf("after an hour: %s, %s", status(short), status(day))
	}
	if got := w.received(); !slices.Equal(got, []string{"checkout.session.expired"}) {
		t.Errorf("told: %v", got)
	}
	w.mu.Lock()
	w.now = monday.Add(24 * time.Hour) // and nobody calls Drain
	w.mu.Unlock()
	if status(day) != "expired" || status(paid) != "complete" {
		t.Errorf("after a day: %s, %s", status(day), status(paid))
	}
	if r := w.call("GET", "/v1/checkout/sessions/"+day, ""); r.body["url"] != nil {
		t.Errorf("an expired page has an address: %s", r.text)
	}
	if _, err := w.Pay(t.Context(), day, PayRequest{Outcome: Success}); err == nil {
		t.Error("an expired page was paid")
	}
	if r := w.call("POST", "/v1/checkout/sessions/"+paid+"/expire", ""); r.status != 400 {
		t.Errorf("a paid page was closed: %s", r.text)
	}
}

// A list shows everything once, newest first, page by page, also while new ones are made.
func TestLists(t *testing.T) {
	w := newWorld(t)
	a, b := w.call("POST", "/v1/customers", "").id(), w.call("POST", "/v1/customers", "").id()
	var want []string
	for i := range 25 {
		id := w.page("customer=" + a)
		if i >= 5 {
			want = append(want, id)
		}
		w.page("customer=" + b)
		if i == 4 {
			w.pass(time.Hour)
		}
	}
	slices.Reverse(want)
	var got []string
	after := []string{}
	for {
		r := w.call("GET", "/v1/checkout/sessions", "", append(after, "customer="+a, fmt.Sprintf("created[gte]=%d", monday.Add(time.Hour).Unix()), "limit=7")...)
		for _, x := range r.body["data"].([]any) {
			got = append(got, x.(map[string]any)["id"].(string))
		}
		if r.body["has_more"] != true {
			break
		}
		after = []string{"starting_after=" + got[len(got)-1]}
		w.page("customer=" + a)
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %d, want %d\n%v\n%v", len(got), len(want), got, want)
	}
	w.pass(30*24*time.Hour + time.Second)
	if r := w.call("GET", "/v1/events", "", "limit=100", "type=customer.created"); len(r.body["data"].([]any)) != 0 {
		t.Error("events older than 30 days are listed")
	}
}
