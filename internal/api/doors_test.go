package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"onebook/internal/activity"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/issue"
	"onebook/internal/store"
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
		{"/invoices", strings.Replace(bill(ct), `"lines"`, `"instalments":[],"lines"`, 1), "instalments:unknown"},
		{"/estimates", strings.Replace(offer(ct), `"lines"`, `"dealId":"dl_1","lines"`, 1), "dealId:unknown"},
		{"/estimates", strings.Replace(offer(ct), `"quantity"`, `"optional":true,"quantity"`, 1), "lines[0].optional:unknown"},
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
	if got := h.call("POST", "/estimates/"+es+"/convert", `{"deposit":{"percent":"30"}}`).want(t, 422, "invalid").fields(); got != "deposit:unknown" {
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
	other := twice(h, "/invoices", bill(ct), 201).text("id")
	h.call("POST", "/invoices/"+other+"/issue", "").want(t, 200, "")
	twice(h, "/invoices/"+other+"/void", `{"reason":"r"}`, 200)
	no := h.made("/estimates", offer(ct))
	h.call("POST", "/estimates/"+no+"/send", "").want(t, 200, "")
	twice(h, "/estimates/"+no+"/decline", `{"reason":"dear"}`, 200)

	for path, want := range map[string]int{"/contacts": 1, "/catalog/items": 1, "/tax-rules": 1, "/members": 7, "/estimates": 2, "/invoices": 2, "/payments": 2} {
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

// An own address belongs to one contact; the second to claim it is told whose it is.
func TestContactsAreFoundNotDoubled(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	if r := h.call("POST", "/contacts", `{"kind":"person","name":"A. L.","emails":[{"address":"ADA@example.com"}]}`).want(t, 409, "exists"); r.text("contactId") != ct {
		t.Error(r.body)
	}
	r := h.call("GET", "/contacts/"+ct, "").want(t, 200, "")
	if r.text("emails", 0, "key") != "ada@example.com" || r.text("phones", 0, "e164") != "+442079460958" || r.text("emails", 0, "use") != "own" {
		t.Error(r.body)
	}
	h.call("POST", "/contacts/match", `{"email":"Ada@Example.com"}`).want(t, 200, "").is(t, map[string]any{"outcome": "match", "contactId": ct})
	h.call("POST", "/contacts/match", `{"name":"Ada Lovelace"}`).want(t, 200, "").is(t, map[string]any{"outcome": "review", "contactId": nil})
	h.call("POST", "/contacts/match", `{"name":"Nobody"}`).want(t, 200, "").is(t, map[string]any{"outcome": "none"})
	for query, want := range map[string]int{"": 1, "?query=love": 1, "?query=ada@": 1, "?query=%2B44%2020": 1, "?query=zz": 0} {
		if got := len(h.call("GET", "/contacts"+query, "").want(t, 200, "").items()); got != want {
			t.Errorf("%s finds %d, want %d", query, got, want)
		}
	}
	h.call("GET", "/contacts/ct_none", "").want(t, 404, "not_found")
	co := h.made("/contacts", `{"kind":"company","name":"Acme","people":[{"name":"Bo","emails":[{"address":"bo@acme.example"}],"receives":["invoices"]}],"externalIds":{"crm":"7"},"custom":{"size":"L"},"tags":["vip"]}`)
	h.call("PATCH", "/contacts/"+co, `{"custom":{"size":null,"plan":"gold"},"address":{"city":"Bonn","country":"DE"}}`, "If-Match", h.etag("/contacts/"+co)).
		want(t, 200, "").is(t, map[string]any{"custom": map[string]any{"plan": "gold"}})
}

// Lists answer what was asked for, each once over all pages.
func TestListsFilterAndPage(t *testing.T) {
	h := move(t)
	a, b := h.made("/contacts", ada), h.made("/contacts", `{"kind":"person","name":"Bob","emails":[{"address":"bob@example.com"}]}`)
	var first string
	for n := range 7 {
		owner := a
		if n%2 == 1 {
			owner = b
		}
		in := h.made("/invoices", strings.Replace(bill(owner), "2026-01-15", fmt.Sprintf("2026-01-%02d", 10+n), 1))
		if n < 3 {
			h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
		}
		if n == 0 {
			first = in
			h.call("POST", "/invoices/"+in+"/payments", `{"amount":11900,"method":"cash","receivedOn":"2026-01-01"}`).want(t, 201, "")
		}
		es := h.made("/estimates", offer(owner))
		if n == 0 {
			h.call("POST", "/estimates/"+es+"/send", "").want(t, 200, "")
		}
	}
	for query, want := range map[string]int{
		"/invoices": 7, "/invoices?status=draft": 4, "/invoices?status=open": 2, "/invoices?status=paid": 1, "/invoices?status=void": 0,
		"/invoices?status=overdue": 0, "/invoices?contactId=" + a: 4, "/invoices?contactId=" + b + "&status=open": 1,
		"/invoices?dueBefore=2026-01-12": 2, "/invoices?status=open&dueBefore=2026-01-12": 1, "/invoices?number=2026-0001": 1,
		"/invoices?number=2026-0001&status=open": 0, "/invoices?number=2026-0009": 0, "/invoices?number=2026-0001&contactId=" + b: 0,
		"/estimates": 7, "/estimates?status=sent": 1, "/estimates?contactId=" + b: 3, "/estimates?status=draft&contactId=" + a: 3,
		"/payments": 1, "/payments?status=succeeded": 1, "/payments?status=pending": 0, "/payments?contactId=" + b: 0, "/payments?status=pending&contactId=" + a: 0, "/contacts": 2,
		"/contacts/" + a + "/documents": 8, "/orders": 0, "/orders?state=open": 0,
	} {
		seen := map[string]bool{}
		sep := "?"
		if strings.Contains(query, "?") {
			sep = "&"
		}
		limit := 1 + len(query)%2
		if strings.HasSuffix(query, "/documents") {
			limit = 1 // of two lists read as one, the one or the other
		}
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			r := h.call("GET", fmt.Sprint(query, sep, "limit=", limit, "&cursor=", cursor), "").want(t, 200, "")
			if len(r.items()) > limit || pages > 20 {
				t.Fatalf("%s: page %d has %d", query, pages, len(r.items()))
			}
			for _, i := range r.items() {
				id := i.(map[string]any)["id"].(string)
				if seen[id] {
					t.Errorf("%s shows %s twice", query, id)
				}
				seen[id] = true
			}
			cursor = r.text("nextCursor")
		}
		if len(seen) != want {
			t.Errorf("%s has %d, want %d", query, len(seen), want)
		}
	}
	if r := h.call("GET", "/invoices?number=2026-0001", ""); r.text("items", 0, "id") != first || r.text("items", 0, "display") != "paid" {
		t.Error(r.body)
	}
	h.call("GET", "/invoices?contactId=nobody", "").want(t, 422, "invalid")
	h.call("GET", "/invoices?status=late", "").want(t, 422, "invalid")
	h.call("GET", "/invoices?cursor=!!", "").want(t, 422, "bad_cursor")
	h.call("GET", "/contacts/"+a+"/documents?cursor=!!", "").want(t, 422, "bad_cursor")
	h.call("GET", "/members?cursor=!!", "").want(t, 422, "bad_cursor")
	h.call("GET", "/invoices?limit=201", "").want(t, 422, "invalid")
	var got []string
	for cursor := ""; ; {
		r := h.call("GET", "/members?limit=4&cursor="+cursor, "").want(t, 200, "")
		for _, m := range r.items() {
			got = append(got, m.(map[string]any)["role"].(string))
		}
		if cursor = r.text("nextCursor"); cursor == "" {
			break
		}
	}
	slices.Sort(got)
	if s := strings.Join(got, " "); s != "admin billing booking owner sales viewer" {
		t.Errorf("members %s", s)
	}
}

// The table of rights (rules.md §9), as a client meets it; every refusal is audited.
func TestWhoMayDoWhat(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	catalog := `{"name":"Hour","unit":"hour","unitPrice":"90","currency":"EUR","taxClass":"standard"}`
	draft, es := h.made("/invoices", bill(ct)), h.made("/estimates", offer(ct))
	open := h.made("/invoices", bill(ct))
	h.call("POST", "/invoices/"+open+"/issue", "").want(t, 200, "")
	for _, c := range []struct{ method, path, body, may string }{
		{"POST", "/estimates", offer(ct), "owner admin billing sales"},
		{"POST", "/estimates/" + es + "/send", "", "owner admin billing sales"},
		{"POST", "/invoices", bill(ct), "owner admin billing booking sales"},
		{"POST", "/invoices/" + draft + "/issue", "", "owner admin billing"},
		{"POST", "/invoices/" + draft + "/send", "", "owner admin billing"},
		{"POST", "/invoices/" + open + "/pay-link", "", "owner admin billing"},
		{"POST", "/invoices/" + open + "/payments", `{"amount":1,"method":"cash","receivedOn":"2026-01-01"}`, "owner billing"},
		{"POST", "/catalog/items", catalog, "owner admin booking"},
		{"PATCH", "/contacts/" + ct, `{"taxId":"%s"}`, "owner admin billing"},
		{"PATCH", "/contacts/" + ct, `{"source":"%s"}`, "owner admin booking sales"},
		{"PATCH", "/settings", `{"footer":"%s"}`, "owner admin"},
		{"PATCH", "/settings", `{"paymentTerms":"%s"}`, "owner billing"},
		{"POST", "/tax-rules", `{"taxClass":"a","category":"Z","from":"2026-01-01"}`, "owner billing"},
		{"POST", "/members", `{"name":"n","email":"%s@new.example","role":"viewer"}`, "owner admin"},
		{"POST", "/members", `{"name":"n","email":"%s2@new.example","role":"owner"}`, "owner"},
		{"GET", "/audit/verify", "", "owner admin billing"},
		{"GET", "/invoices/" + open, "", "owner admin billing booking sales viewer"},
		{"POST", "/totals", `{"currency":"EUR","lines":[]}`, "owner admin billing booking sales viewer"},
		{"GET", "/members", "", "owner admin billing booking sales viewer"},
	} {
		for _, role := range []string{"viewer", "sales", "booking", "billing", "admin", "owner"} {
			var head []string
			if c.method == "PATCH" {
				head = []string{"If-Match", h.etag(c.path)}
			}
			body := strings.Replace(c.body, "%s", role, 1)
			h.denied = nil
			x := h.as(role)
			r := x.call(c.method, c.path, body, head...)
			may := slices.Contains(strings.Fields(c.may), role)
			if denied := r.status == 403; denied == may {
				t.Errorf("%s %s %s as %s answers %d %s", c.method, c.path, body, role, r.status, r.body)
			}
			if may != (len(h.denied) == 0) {
				t.Errorf("%s %s as %s: audited %q", c.method, c.path, role, h.denied)
			}
		}
	}
	h.as("").call("GET", "/contacts", "").want(t, 401, "unauthenticated")
	h.as("stranger").call("GET", "/contacts", "").want(t, 403, "denied")
}

// A link leads to its own document. Whatever else is tried, the answer is the same.
func TestALinkOpensNothingElse(t *testing.T) {
	h := move(t)
	client := h.as("")
	ct := h.made("/contacts", ada)
	h.made("/tax-rules", `{"taxClass":"standard","category":"S","rate":"19","from":"2026-01-01"}`)
	it := h.made("/catalog/items", `{"name":"Hour","unit":"hour","unitPrice":"90","currency":"EUR","taxClass":"standard"}`)
	in := h.made("/invoices", `{"contactId":"`+ct+`","currency":"EUR","locationId":"lo_1","lines":[{"itemId":"`+it+`","quantity":"1"}]}`)
	es := h.made("/estimates", offer(ct))
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
	h.call("POST", "/estimates/"+es+"/send", "").want(t, 200, "")
	ofInvoice, ofEstimate := h.ref(in), h.ref(es)
	token := h.token(in)
	none := "/public/documents/" + strings.Repeat("a", 32)
	var body string
	for _, c := range []struct{ method, path, body string }{
		{"GET", none, ""}, {"GET", "/public/documents/x", ""}, {"POST", none + "/view", ""}, {"POST", none + "/accept", `{"name":"A"}`},
		{"POST", none + "/checkout", ""}, {"GET", none + "/pdf", ""}, {"POST", ofInvoice + "/accept", `{"name":"A"}`},
		{"POST", ofInvoice + "/decline", ""}, {"POST", ofEstimate + "/checkout", ""}, {"GET", ofEstimate + "/pdf", ""},
		{"POST", "/public/open", `{"token":"` + token + `x"}`}, {"POST", "/public/open", `{"token":"2` + token[1:] + `"}`}, {"POST", "/public/open", `{"token":""}`},
	} {
		r := client.call(c.method, c.path, c.body).want(t, 404, "not_found")
		if body == "" {
			body = r.body
		} else if r.body != body {
			t.Errorf("%s %s says %s, elsewhere it is %s", c.method, c.path, r.body, body)
		}
	}
	// What a client is shown holds no id of ours and nothing of the staff's.
	for _, page := range []string{ofInvoice, ofEstimate} {
		shown := client.call("GET", page, "").want(t, 200, "").body
		for _, secret := range []string{ct, in, es, it, "ct_", "lk_", "lo_", "contactId", "version", "mb_", "taxClass"} {
			if strings.Contains(shown, secret) {
				t.Errorf("%s shows %s: %s", page, secret, shown)
			}
		}
	}
	client.call("GET", ofInvoice, "").is(t, map[string]any{"pdfReady": false})
	client.call("GET", ofInvoice+"/pdf", "").want(t, 409, "unready")
	h.pdfs.ready = true
	client.call("GET", ofInvoice+"/pdf", "").want(t, 302, "")
	h.clock.Move(31 * time.Minute)
	client.call("GET", ofInvoice, "").want(t, 404, "not_found")
	client.call("GET", h.ref(in), "").want(t, 200, "")
}

// The way back from the payment page and a link asked for again tell strangers nothing.
func TestStrangersLearnNothing(t *testing.T) {
	h := move(t)
	client := h.as("")
	in := h.made("/invoices", bill(h.made("/contacts", ada)))
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
	before := h.bank.asked
	for _, query := range []string{"", "?session=", "?session=cs_test_nobody", "?session=..%2F..", "?session=" + strings.Repeat("x", 3000)} {
		r := client.call("GET", "/public/return"+query, "").want(t, 303, "")
		if r.header.Get("Location") != "/i/" || r.body != "" {
			t.Errorf("%.40s leads to %q %s", query, r.header.Get("Location"), r.body)
		}
	}
	if h.bank.asked != before {
		t.Error("a stranger's session was looked up at the provider")
	}
	ask := func(token string) string {
		return client.call("POST", "/public/links/renew", `{"token":"`+token+`"}`).want(t, 202, "").body
	}
	letters := func() (n int) {
		for shard := range effect.Shards {
			p, err := h.table.List(context.Background(), store.Query{Index: store.Due, Partition: effect.DuePartition(shard)})
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range p.Items {
				if e, err := effect.Get(context.Background(), h.table, strings.TrimPrefix(it.PK, "EFFECT#")); err == nil && e.Lane == effect.Mail {
					n++
				}
			}
		}
		return n
	}
	good := ask(h.token(in))
	if n := letters(); n != 1 {
		t.Errorf("%d letters, want one", n)
	}
	if ask(h.token(in)) != good || ask("1.lk_x.abc") != good {
		t.Error("the answers differ")
	}
	if n := letters(); n != 1 {
		t.Errorf("%d letters within ten minutes", n)
	}
	h.clock.Move(11 * time.Minute)
	if ask(h.token(in)); letters() != 2 {
		t.Errorf("%d letters, want another", letters())
	}
}

// A provider that does not answer is asked again for the same page, not for another.
func TestACheckoutGoesOnAfterALostAnswer(t *testing.T) {
	h := move(t)
	in := h.made("/invoices", bill(h.made("/contacts", ada)))
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
	page := h.ref(in)
	h.bank.down = true
	if r := h.as("").call("POST", page+"/checkout", "", "Idempotency-Key", "k").want(t, 503, "busy"); r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.bank.down = false
	r := h.as("").call("POST", page+"/checkout", "", "Idempotency-Key", "k").want(t, 200, "")
	if r.header.Get("Idempotency-Replayed") != "true" || len(h.bank.sessions) != 1 {
		t.Error(r.header, h.bank.sessions)
	}
	if n := len(h.call("GET", "/payments", "").items()); n != 1 {
		t.Errorf("%d payments, want the one attempt", n)
	}
}

func TestTaxRulesDecideByClassPlaceAndDay(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	rule := `{"taxClass":"standard","name":"VAT","category":"S","rate":"19","from":"2025-01-01"}`
	h.made("/tax-rules", rule)
	h.made("/tax-rules", `{"taxClass":"standard","name":"VAT","category":"S","rate":"21","from":"2026-01-02"}`)
	if r := h.call("POST", "/tax-rules", rule).want(t, 409, "exists"); r.text("taxRuleId") == "" {
		t.Error(r.body)
	}
	it := h.made("/catalog/items", `{"name":"Hour","description":"of work","unit":"hour","unitPrice":"100.00","currency":"EUR","taxClass":"standard"}`)
	es := h.made("/estimates", `{"contactId":"`+ct+`","currency":"EUR","lines":[{"itemId":"`+it+`","quantity":"1"},{"itemId":"`+it+`","quantity":"1","serviceDate":"2026-01-02"}]}`)
	r := h.call("GET", "/estimates/"+es, "").is(t, map[string]any{"subtotal": 20000, "total": 24000, "validUntil": "2026-01-31"})
	if r.text("lines", 0, "name") != "Hour" || r.text("lines", 0, "taxes", 0, "rate") != "19" || r.text("lines", 1, "taxes", 0, "rate") != "21" {
		t.Error(r.body)
	}
	if h.call("GET", "/estimates/"+es, "").text("lines", 0, "unit") != "hour" {
		t.Error("the unit was not copied")
	}
}

// Settings that nobody has saved have a revision too, so the first edit can name it.
func TestTheFirstEditOfTheSettings(t *testing.T) {
	h := move(t)
	r := h.call("GET", "/settings", "").want(t, 200, "").is(t, map[string]any{"version": 1, "currency": "USD", "timeZone": "UTC", "dueDays": 14})
	r = h.call("PATCH", "/settings", `{"name":"Studio","timeZone":"Asia/Tokyo","address":{"city":"Tokyo","country":"JP"}}`, "If-Match", r.header.Get("ETag")).want(t, 200, "")
	r.is(t, map[string]any{"version": 2, "name": "Studio", "dueDays": 14})
	if r.text("numbering", "invoice") != "{year}-{n4}" || r.text("address", "city") != "Tokyo" {
		t.Error(r.body)
	}
	if f := h.call("PATCH", "/settings", `{"timeZone":"Mars/Base","numbering":{"invoice":"x"}}`, "If-Match", r.header.Get("ETag")).want(t, 422, "invalid").fields(); !same(f, "timeZone:invalid numbering.invoice:invalid") {
		t.Error(f)
	}
	h.clock.Move(15 * time.Hour) // it is the next day in Tokyo
	in := h.made("/invoices", bill(h.made("/contacts", ada)))
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "").is(t, map[string]any{"issuedOn": "2026-01-02"})
}

// The organisation is never without an owner, and a removed member is out.
func TestMembersComeAndGo(t *testing.T) {
	h := move(t)
	idOf := func(role string) string {
		for _, m := range h.call("GET", "/members", "").items() {
			if m.(map[string]any)["role"] == role {
				return m.(map[string]any)["id"].(string)
			}
		}
		return ""
	}
	owner, viewer := "/members/"+idOf("owner"), "/members/"+idOf("viewer")
	h.call("PATCH", owner, `{"role":"viewer"}`, "If-Match", h.etag(owner)).want(t, 409, "unready")
	h.call("DELETE", owner, "", "If-Match", h.etag(owner)).want(t, 409, "unready")
	h.call("POST", "/members", `{"name":"x","email":"viewer@studio.example","role":"sales"}`).want(t, 409, "exists")
	h.call("PATCH", viewer, `{"email":"else@studio.example"}`, "If-Match", h.etag(viewer)).want(t, 422, "invalid")
	h.as("viewer").call("GET", "/contacts", "").want(t, 200, "")
	h.call("DELETE", viewer, "", "If-Match", h.etag(viewer)).want(t, 204, "")
	h.clock.Move(time.Minute)
	h.as("viewer").call("GET", "/contacts", "").want(t, 403, "denied")
}

// What could not be done is a person's to settle, with a reason, and only by whose it is.
func TestIssuesAreSettled(t *testing.T) {
	h := move(t)
	ctx := context.Background()
	raise := func(subject, of string) string {
		t.Helper()
		op, i, err := issue.Raise(ctx, h.table, h.clock.Now(), issue.Issue{
			Code: "test", Subject: subject, State: issue.Open, Area: issue.Billing, Title: "It failed", Detail: "Mend it.", Effect: of,
			AtRisk: &issue.Money{Amount: 5, Currency: "EUR"}, Attempts: []issue.Attempt{{At: h.clock.Now(), Result: "no"}},
		})
		if err == nil {
			err = h.table.Write(ctx, op)
		}
		if err != nil {
			t.Fatal(err)
		}
		return "/issues/" + i.ID
	}
	a, b := raise("a", ""), raise("b", "")
	h.call("GET", a, "").want(t, 200, "").is(t, map[string]any{"state": "OPEN", "title": "It failed", "count": 1, "actions": "[resolve ignore assign]"})
	h.call("POST", a+"/resolve", `{}`).want(t, 422, "invalid")
	h.call("POST", a+"/retry", `{}`).want(t, 409, "unready")
	h.as("sales").call("POST", a+"/resolve", `{"reason":"done"}`).want(t, 403, "denied")
	h.as("booking").call("POST", a+"/assign", `{"memberId":"x"}`).want(t, 422, "invalid")
	me := h.call("GET", "/members", "").text("items", 0, "id")
	h.call("POST", a+"/assign", `{"memberId":"`+me+`"}`).want(t, 200, "").is(t, map[string]any{"owner": me})
	if l := h.call("GET", "/issues?owner="+me, ""); len(l.items()) != 1 {
		t.Error(l.body)
	}
	h.as("billing").call("POST", a+"/resolve", `{"reason":"done by hand"}`, "If-Match", h.etag(a)).want(t, 200, "").is(t, map[string]any{"state": "RESOLVED_MANUAL", "reason": "done by hand"})
	h.call("POST", a+"/resolve", `{"reason":"again"}`).want(t, 409, "unready")
	h.call("POST", b+"/ignore", `{"reason":"later","until":"2025-01-01T00:00:00Z"}`).want(t, 422, "invalid")
	h.call("POST", b+"/ignore", `{"reason":"later","until":"2026-02-01T00:00:00Z"}`).want(t, 200, "").is(t, map[string]any{"state": "IGNORED", "until": "2026-02-01T00:00:00Z"})
	for query, want := range map[string]int{"": 2, "?state=OPEN": 0, "?state=IGNORED": 1, "?state=RESOLVED_MANUAL": 1, "?owner=nobody": 0} {
		if got := len(h.call("GET", "/issues"+query, "").want(t, 200, "").items()); got != want {
			t.Errorf("%s: %d issues, want %d", query, got, want)
		}
	}
	// An effect that failed goes back in line.
	in := h.made("/invoices", bill(h.made("/contacts", ada)))
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
	_, _, err := (&effect.Runner{Table: h.table, Now: h.clock.Now}).Sweep(ctx, shardOf(t, h))
	if err != nil {
		t.Fatal(err)
	}
	l := h.call("GET", "/issues?state=OPEN", "").want(t, 200, "")
	if len(l.items()) != 1 {
		t.Fatal(l.body)
	}
	failed := "/issues/" + l.text("items", 0, "id")
	h.call("POST", failed+"/retry", `{"reason":"mended"}`).want(t, 200, "").is(t, map[string]any{"state": "RETRYING"})
	if shardOf(t, h) < 0 {
		t.Error("the effect is not in line again")
	}
}

// shardOf is the shard on which an effect waits, -1 when none does.
func shardOf(t *testing.T, h *house) int {
	t.Helper()
	for shard := range effect.Shards {
		p, err := h.table.List(context.Background(), store.Query{Index: store.Due, Partition: effect.DuePartition(shard)})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Items) > 0 {
			return shard
		}
	}
	return -1
}

// A history in which somebody has meddled is said to be so.
func TestAMeddledHistoryIsFound(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	h.made("/estimates", offer(ct))
	sound := h.call("GET", "/audit/verify?contactId="+ct, "").want(t, 200, "").is(t, map[string]any{"intact": true, "entries": 2})
	if sound.text("head") == "" {
		t.Error(sound.body)
	}
	h.call("GET", "/audit/verify", "").want(t, 200, "").is(t, map[string]any{"intact": true, "entries": 6})
	h.call("GET", "/audit/verify?month=2025-12", "").want(t, 200, "").is(t, map[string]any{"intact": true, "entries": 0})
	h.call("GET", "/audit/verify?month=2025-13", "").want(t, 422, "invalid")
	k := store.Key{PK: "A#" + ct, SK: fmt.Sprintf("%012d", 2)}
	it, err := h.table.Get(context.Background(), k)
	if err != nil {
		t.Fatal(err)
	}
	it.Body = []byte(strings.Replace(string(it.Body), "Drafted", "Dreamed", 1))
	if err := h.table.Write(context.Background(), store.Put(it), store.Put(store.Item{Key: store.Key{PK: "X", SK: "X"}, Kind: activity.OnceKind, Body: []byte("{}")})); err != nil {
		t.Fatal(err)
	}
	broken := h.call("GET", "/audit/verify?contactId="+ct, "").want(t, 200, "").is(t, map[string]any{"intact": false})
	if !strings.Contains(broken.text("problem"), "entry 2") {
		t.Error(broken.body)
	}
}

// A stale problem shows a contact as the door shows it everywhere, whoever found that it was stale.
func TestTheDoorShowsWhatIsCurrent(t *testing.T) {
	err := withoutCurrent(fault.Stale.Errorf("it was changed").With("current", "as the domain has it"))
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Stale || f.Data["current"] != nil || f.Message != "it was changed" {
		t.Errorf("%#v", err)
	}
	if err := withoutCurrent(fault.Denied); !errors.Is(err, fault.Denied) {
		t.Errorf("%v", err)
	}
}
