package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What two people edit at once is overwritten by neither.
func TestEditsNameWhatTheyHaveRead(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	it := h.made("/catalog/items", `{"name":"Hour","unit":"hour","unitPrice":"90.00","currency":"EUR","taxClass":"standard"}`)
	tx := h.made("/tax-rules", `{"taxClass":"standard","category":"S","rate":"19","from":"2026-01-01"}`)
	me := h.made("/members", `{"name":"New","email":"new@studio.example","role":"sales"}`)
	es, in := h.made("/estimates", offer(ct)), h.made("/invoices", bill(ct))
	for _, c := range []struct{ path, patch, member string }{
		{"/contacts/" + ct, `{"name":"Ada King"}`, "name"},
		{"/catalog/items/" + it, `{"unitPrice":"95.00"}`, "unitPrice"},
		{"/estimates/" + es, `{"validUntil":"2026-02-02"}`, "validUntil"},
		{"/invoices/" + in, `{"dueOn":"2026-01-20"}`, "dueOn"},
		{"/settings", `{"footer":"A line"}`, "footer"},
		{"/members/" + me, `{"role":"billing"}`, "role"},
	} {
		tag := h.etag(c.path)
		h.call("PATCH", c.path, c.patch).want(t, 428, "precondition_required")
		h.call("PATCH", c.path, c.patch, "If-Match", `"7.1"`).want(t, 412, "stale")
		h.call("PATCH", c.path, `{"nonsense":1}`, "If-Match", tag).want(t, 422, "invalid")
		r := h.call("PATCH", c.path, c.patch, "If-Match", tag).want(t, 200, "")
		if !strings.Contains(c.patch, `"`+r.text(c.member)+`"`) || r.header.Get("ETag") == tag {
			t.Errorf("%s: %s is %s after %s", c.path, c.member, r.text(c.member), c.patch)
		}
		old := h.call("PATCH", c.path, c.patch, "If-Match", tag).want(t, 412, "stale")
		if got := old.text("current", c.member); got != r.text(c.member) {
			t.Errorf("%s: the stale problem shows %s, not what is there now: %s", c.path, got, old.body)
		}
	}
	for _, path := range []string{"/catalog/items/" + it, "/estimates/" + es, "/invoices/" + in, "/tax-rules/" + tx, "/members/" + me} {
		h.call("DELETE", path, "").want(t, 428, "precondition_required")
		h.call("DELETE", path, "", "If-Match", `"7"`).want(t, 412, "stale")
		h.call("DELETE", path, "", "If-Match", h.etag(path)).want(t, 204, "")
		h.call("GET", path, "").want(t, 404, "not_found")
	}
}

// A deed on what somebody else has changed meanwhile is refused when the caller says what was read.
func TestDeedsHonourIfMatch(t *testing.T) {
	h := move(t)
	in := h.made("/invoices", bill(h.made("/contacts", ada)))
	tag := h.etag("/invoices/" + in)
	h.call("PATCH", "/invoices/"+in, `{"notes":"x"}`, "If-Match", tag).want(t, 200, "")
	stale := h.call("POST", "/invoices/"+in+"/issue", "", "If-Match", tag).want(t, 412, "stale")
	if stale.text("current", "notes") != "x" {
		t.Error(stale.body)
	}
	h.call("POST", "/invoices/"+in+"/issue", "", "If-Match", h.etag("/invoices/"+in)).want(t, 200, "")
}

// What was issued or sent never changes again.
func TestFrozenDocumentsAreNotEdited(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	in, es := h.made("/invoices", bill(ct)), h.made("/estimates", offer(ct))
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
	h.call("POST", "/estimates/"+es+"/send", "").want(t, 200, "")
	h.call("PATCH", "/invoices/"+in, `{"notes":"x"}`, "If-Match", h.etag("/invoices/"+in)).want(t, 409, "immutable")
	h.call("DELETE", "/invoices/"+in, "", "If-Match", h.etag("/invoices/"+in)).want(t, 409, "immutable")
	h.call("PATCH", "/estimates/"+es, `{"notes":"x"}`, "If-Match", h.etag("/estimates/"+es)).want(t, 409, "immutable")
	h.call("POST", "/invoices/"+in+"/void", `{}`).want(t, 422, "invalid")
	h.call("POST", "/invoices/"+in+"/void", `{"reason":"wrong client"}`).want(t, 200, "").is(t, map[string]any{
		"status": "void", "display": "void", "number": "2026-0001", "due": 0, "voidReason": "wrong client",
	})
	h.call("POST", "/invoices/"+in+"/pay-link", "").want(t, 409, "unready")
}

// A merge patch keeps what it does not name, removes what it nulls, and replaces lists whole.
func TestAPatchOfADraftIsAMergePatch(t *testing.T) {
	h := move(t)
	in := h.made("/invoices", strings.Replace(bill(h.made("/contacts", ada)), `"lines"`, `"discount":{"percent":"10"},"notes":"n","lines"`, 1))
	path := "/invoices/" + in
	h.call("GET", path, "").is(t, map[string]any{"subtotal": 10000, "allowancesTotal": 1000, "total": 10710})
	patch := func(body string) reply { return h.call("PATCH", path, body, "If-Match", h.etag(path)) }
	patch(`{"notes":"m"}`).want(t, 200, "").is(t, map[string]any{"total": 10710, "notes": "m", "dueOn": "2026-01-15"})
	patch(`{"discount":null,"notes":null}`).want(t, 200, "").is(t, map[string]any{"total": 11900, "notes": nil, "discount": nil})
	patch(`{"dueOn":null,"dueDays":30}`).want(t, 200, "").is(t, map[string]any{"dueOn": nil, "dueDays": 30})
	patch(`{"dueOn":"2026-01-15"}`).want(t, 422, "invalid") // beside dueDays
	r := patch(`{"lines":[{"name":"Print","quantity":"1","unitPrice":"10.00","tax":{"category":"Z","rate":"0"}}]}`).want(t, 200, "")
	if r.is(t, map[string]any{"total": 1000}); len(r.at("lines").([]any)) != 1 {
		t.Error(r.body)
	}
	patch(`{"contactId":"`+h.made("/contacts", `{"kind":"person","name":"Bob"}`)+`"}`).want(t, 422, "invalid")
}

// Every wrong field is named where it stands, all at once, and nothing unknown is taken and ignored.
func TestWrongFieldsAreNamed(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	with := func(line string) string { return `{"contactId":"` + ct + `","currency":"EUR","lines":[` + line + `]}` }
	for _, c := range []struct{ path, body, fields string }{
		{"/invoices", with(`{"name":"a","quantity":"1","unitPrice":1,"tax":{"category":"S","rate":"19"}}`), "lines[0].unitPrice:type"},
		{"/invoices", with(`{"name":"a","quantity":"1","unitPrice":"1,00","tax":{"category":"S","rate":"19"}}`), "lines[0].unitPrice:format"},
		{"/invoices", with(`{"name":"a","quantity":"1","unitPrice":"-1","tax":{"category":"S","rate":"19"}}`), "lines[0].unitPrice:negative_price"},
		{"/invoices", with(`{"name":"a","quantity":"1","unitPrice":"1.00","tax":{"category":"S"}}`), "lines[0].tax.rate:required"},
		{"/invoices", with(`{"name":"a","quantity":"1","unitPrice":"1.00","tax":{"category":"Q","rate":"1"}}`), "lines[0].tax.category:unknown_category"},
		{"/invoices", with(`{"quantity":"1","tax":{"category":"Z"}}`), "lines[0].name:invalid lines[0].unitPrice:required"},
		{"/invoices", with(`{"name":"a","quantity":"1","unitPrice":"1","taxClass":"none"}`), "lines[0].taxClass:no_rule"},
		{"/invoices", with(`{"name":"a","quantity":"1","unitPrice":"1","serviceFrom":"2026-01-31","serviceTo":"2026-01-01"}`), "lines[0].serviceTo:invalid"},
		{"/invoices", with(`{"name":"a","quantity":"1","unitPrice":"1","serviceDate":"2026-02-30"}`), "lines[0].serviceDate:format"},
		{"/invoices", with(`{"itemId":"ca_none","quantity":"1"}`), "lines[0].itemId:not_found lines[0].name:invalid lines[0].unitPrice:required"},
		{"/invoices", with(design + `,` + `{"name":"b","quantity":"x","unitPrice":null}`), "lines[1].quantity:format lines[1].unitPrice:null"},
		{"/invoices", with(``), "lines:length"},
		{"/invoices", strings.Replace(bill(ct), "dueOn", "due_on", 1), "due_on:unknown"},
		{"/invoices", strings.Replace(bill(ct), `"currency"`, `"currency":"USD","currency"`, 1), "currency:duplicate"},
		{"/invoices", strings.Replace(bill(ct), `"EUR"`, `"XXY"`, 1), "currency:unknown_currency"},
		{"/invoices", strings.Replace(bill(ct), ct, "ct_nobody", 1), "contactId:not_found"},
		{"/invoices", strings.Replace(bill(ct), `"lines"`, `"reminders":[],"lines"`, 1), "reminders:unknown"},
		{"/estimates", strings.Replace(offer(ct), `"lines"`, `"dealId":"dl_1","lines"`, 1), "dealId:not_found"},
		{"/estimates", strings.Replace(offer(ct), `"quantity"`, `"optional":true,"group":"a","quantity"`, 1), "lines[0].optional:invalid"},
		{"/estimates", strings.Replace(offer(ct), `"quantity"`, `"group":"a","quantity"`, 1), "lines[0].group:invalid"},
		{"/invoices", strings.Replace(bill(ct), `"quantity"`, `"optional":true,"quantity"`, 1), "lines[0].optional:invalid"},
		{"/estimates", strings.Replace(offer(ct), "2026-02-01", "2025-12-31", 1), "validUntil:past"},
		{"/estimates", `{}`, "contactId:required lines:required"},
		{"/contacts", `{"kind":"person","name":"","emails":[{"address":"x"}],"archived":true}`, "name:length archived:unknown"},
		{"/contacts", `{"kind":"person","name":"A","emails":[{"address":"x"}],"address":{"country":"XX"}}`, "emails[0].address:invalid address.country:invalid"},
		{"/contacts", `{"kind":"person","name":"A","people":[{"name":"B"}]}`, "people:invalid"},
		{"/catalog/items", `{"name":"a","unit":"day","unitPrice":"1","currency":"EUR","taxClass":"s"}`, "unit:choice"},
		{"/catalog/items", `{"name":"a","unit":"hour","unitPrice":"1","currency":"EUR","taxClass":"s","booking":{}}`, "booking:unknown"},
		{"/tax-rules", `{"taxClass":"a","category":"E","from":"2026-01-01"}`, "reason:required"},
		{"/members", `{"name":"a","email":"no","role":"owner"}`, "email:invalid"},
		{"/totals", `{"currency":"EUR","lines":[{"quantity":"1","unitPrice":"1.00"}],"total":1}`, "total:unknown"},
		{"/totals", `{"currency":"EUR","lines":[{"quantity":"1","unitPrice":"1.00"}]}`, "lines[0].tax:required"},
	} {
		if got := h.call("POST", c.path, c.body).want(t, 422, "invalid").fields(); !same(got, c.fields) {
			t.Errorf("%s %s: %s, want %s", c.path, c.body, got, c.fields)
		}
	}
	es := h.made("/estimates", offer(ct))
	if got := h.call("POST", "/estimates/"+es+"/convert", `{"deposit":{"percent":"30"},"half":true}`).want(t, 422, "invalid").fields(); got != "half:unknown" {
		t.Error(got)
	}
}

func same(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// Whoever repeats a POST with its key does nothing again and is told the same thing.
func TestEveryPostTakesAnIdempotencyKey(t *testing.T) {
	h := move(t)
	n := 0
	twice := func(x *house, path, body string, status int) reply {
		t.Helper()
		n++
		key := fmt.Sprint("key-", n)
		first := x.call("POST", path, body, "Idempotency-Key", key).want(t, status, "")
		again := x.call("POST", path, body, "Idempotency-Key", key).want(t, status, "")
		if again.header.Get("Idempotency-Replayed") != "true" || first.header.Get("Idempotency-Replayed") != "" {
			t.Errorf("POST %s: replayed is %q, then %q", path, first.header.Get("Idempotency-Replayed"), again.header.Get("Idempotency-Replayed"))
		}
		if first.text("id") != again.text("id") || first.text("url") != again.text("url") || first.text("invoiceId") != again.text("invoiceId") {
			t.Errorf("POST %s: %s, then %s", path, first.body, again.body)
		}
		return first
	}
	ct := twice(h, "/contacts", ada, 201).text("id")
	twice(h, "/catalog/items", `{"name":"Hour","unit":"hour","unitPrice":"90","currency":"EUR","taxClass":"standard"}`, 201)
	twice(h, "/tax-rules", `{"taxClass":"standard","category":"S","rate":"19","from":"2026-01-01"}`, 201)
	twice(h, "/members", `{"name":"New","email":"new@studio.example","role":"sales"}`, 201)
	es := twice(h, "/estimates", offer(ct), 201).text("id")
	twice(h, "/estimates/"+es+"/send", "", 200)
	page := h.ref(es)
	twice(h.as(""), page+"/view", "", 200)
	twice(h.as(""), page+"/accept", `{"name":"Ada"}`, 200)
	in := twice(h, "/estimates/"+es+"/convert", "", 200).text("invoiceId")
	twice(h, "/invoices/"+in+"/issue", "", 200)
	twice(h, "/invoices/"+in+"/send", "", 200)
	twice(h, "/invoices/"+in+"/payments", `{"amount":100,"method":"cash","receivedOn":"2026-01-01"}`, 201)
	twice(h.as(""), h.ref(in)+"/checkout", `{"amount":700}`, 200)
	// A page that is open already is no new deed, and yet the key's repetition is told as one.
	twice(h.as(""), h.ref(in)+"/checkout", `{"amount":700,"method":"card"}`, 200)
	h.as("").call("POST", h.ref(in)+"/checkout", `{"amount":800}`).want(t, 200, "")
	twice(h.as(""), h.ref(in)+"/checkout", `{"amount":800}`, 200)
	other := twice(h, "/invoices", bill(ct), 201).text("id")
	h.call("POST", "/invoices/"+other+"/issue", "").want(t, 200, "")
	twice(h, "/invoices/"+other+"/void", `{"reason":"r"}`, 200)
	no := h.made("/estimates", offer(ct))
	h.call("POST", "/estimates/"+no+"/send", "").want(t, 200, "")
	twice(h, "/estimates/"+no+"/decline", `{"reason":"dear"}`, 200)

	for path, want := range map[string]int{"/contacts": 1, "/catalog/items": 1, "/tax-rules": 1, "/members": 7, "/estimates": 2, "/invoices": 2, "/payments": 4} {
		if got := len(h.call("GET", path, "").want(t, 200, "").items()); got != want {
			t.Errorf("%s has %d, want %d", path, got, want)
		}
	}
	h.call("POST", "/invoices/"+in+"/payments", `{"amount":100,"method":"cash","receivedOn":"2026-01-01"}`, "Idempotency-Key", "once").want(t, 201, "")
	h.call("POST", "/invoices/"+in+"/payments", `{"amount":101,"method":"cash","receivedOn":"2026-01-01"}`, "Idempotency-Key", "once").want(t, 422, "idempotency_mismatch")
	if r := h.call("GET", "/invoices/"+in, ""); r.number("paid") != 200 {
		t.Errorf("paid %d, want 200", r.number("paid"))
	}
}
