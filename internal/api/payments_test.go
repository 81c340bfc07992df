package api

import (
	"fmt"
	"testing"
)

// A company pays four invoices with one transfer and 50.00 too much: the rest is credit, the next invoice takes it, and a
// transfer that was keyed twice is voided.
func TestOneTransferOverFourInvoices(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", `{"kind":"company","name":"Miller & Co","company":"Miller & Co","emails":[{"address":"accounts@miller.example","use":"shared"}]}`)
	var ids []string
	for n := range 4 {
		in := h.made("/invoices", fmt.Sprintf(`{"contactId":"%s","currency":"EUR","dueOn":"2026-02-0%d","lines":[%s]}`, ct, 9-n, design))
		h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
		ids = append(ids, in)
	}
	transfer := `{"contactId":"` + ct + `","amount":52600,"method":"transfer","receivedOn":"2026-01-01","reference":"statement 7"}`
	p := h.call("POST", "/payments", transfer, "Idempotency-Key", "t1").want(t, 201, "").is(t, map[string]any{
		"amount": 52600, "credit": 5000, "currency": "EUR", "status": "succeeded", "reference": "statement 7",
	})
	again := h.call("POST", "/payments", transfer, "Idempotency-Key", "t1").want(t, 201, "")
	if again.text("id") != p.text("id") || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the same transfer again is %s", again.text("id"))
	}
	for n := range 4 {
		if got := p.text("allocations", n, "invoiceId"); got != ids[3-n] {
			t.Errorf("share %d went to %s: not the oldest first", n, got)
		}
		h.call("GET", "/invoices/"+ids[n], "").is(t, map[string]any{"status": "paid", "due": 0, "paid": 11900})
	}
	h.call("GET", "/contacts/"+ct, "").is(t, map[string]any{"balance": []any{map[string]any{"currency": "EUR", "due": 0, "credit": 5000}}})

	// Keyed once more, and taken back: as if it had never been.
	twice := h.call("POST", "/payments", transfer).want(t, 201, "").is(t, map[string]any{"credit": 52600})
	void := "/payments/" + twice.text("id") + "/void"
	h.call("POST", void, `{}`).want(t, 422, "invalid")
	for range 2 {
		h.call("POST", void, `{"reason":"keyed twice"}`).want(t, 200, "").is(t, map[string]any{"status": "voided", "voidReason": "keyed twice"})
	}
	next := h.made("/invoices", bill(ct))
	h.call("POST", "/invoices/"+next+"/issue", "").want(t, 200, "").is(t, map[string]any{"due": 6900, "paid": 5000, "fromCredit": 5000})
	h.call("POST", "/payments/"+p.text("id")+"/void", `{"reason":"bounced"}`).want(t, 409, "credit_used")
	h.call("POST", "/invoices/"+next+"/apply-credit", `{}`).want(t, 409, "no_credit")
	h.call("POST", "/invoices/"+next+"/apply-credit", `{"amount":0}`).want(t, 422, "invalid")
	h.call("POST", "/payments", `{"contactId":"`+ct+`","amount":1,"method":"transfer","receivedOn":"1900-01-01"}`).want(t, 422, "invalid")
	h.call("POST", "/payments", `{"contactId":"`+ct+`","amount":10,"method":"transfer","receivedOn":"2026-01-01","allocations":[{"invoiceId":"`+next+`","amount":6901}]}`).want(t, 422, "invalid")
}

// A write-off waits for the second person, is shown to them, and is done when they approve: the same answer to the same
// request, before and after.
func TestAWriteOffTakesTwoPersons(t *testing.T) {
	h := move(t)
	clerk := h.as("billing")
	in := h.made("/invoices", bill(h.made("/contacts", ada)))
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
	off := "/invoices/" + in + "/write-off"
	clerk.call("POST", off, `{"reason":""}`).want(t, 422, "invalid")
	asked := clerk.call("POST", off, `{"reason":"bankrupt"}`, "Idempotency-Key", "w1").want(t, 202, "")
	id := asked.text("approvalId")
	if again := clerk.call("POST", off, `{"reason":"bankrupt"}`, "Idempotency-Key", "w1").want(t, 202, ""); again.text("approvalId") != id || again.header.Get("Idempotency-Replayed") != "true" {
		t.Error(again.body)
	}
	if again := clerk.call("POST", off, `{"reason":"bankrupt"}`).want(t, 202, ""); again.text("approvalId") != id {
		t.Error(again.body)
	}
	h.call("GET", "/invoices/"+in, "").is(t, map[string]any{"status": "open", "due": 11900})
	h.call("GET", "/approvals?state=open", "").want(t, 200, "").is(t, map[string]any{})
	h.call("GET", "/approvals/"+id, "").want(t, 200, "").is(t, map[string]any{
		"state": "open", "kind": "invoice.write-off", "subject": in, "amount": 11900, "currency": "EUR", "reason": "bankrupt",
	})
	clerk.call("POST", "/approvals/"+id+"/approve", "").want(t, 403, "denied")
	h.as("viewer").call("POST", "/approvals/"+id+"/approve", "").want(t, 403, "denied")
	for range 2 {
		h.call("POST", "/approvals/"+id+"/approve", "", "Idempotency-Key", "a1").want(t, 200, "").is(t, map[string]any{"state": "approved"})
	}
	h.call("GET", "/invoices/"+in, "").is(t, map[string]any{"status": "uncollectible", "display": "written off", "due": 0, "writtenOff": 11900, "lossReason": "bankrupt"})
	clerk.call("POST", off, `{"reason":"bankrupt"}`).want(t, 200, "").is(t, map[string]any{"status": "uncollectible"})
	clerk.call("POST", "/approvals/"+id+"/reject", `{"reason":"no"}`).want(t, 409, "unready")
	h.call("POST", "/invoices/"+in+"/payments", `{"amount":11900,"method":"transfer","receivedOn":"2026-01-01"}`).want(t, 201, "")
	h.call("GET", "/invoices/"+in, "").is(t, map[string]any{"status": "paid", "writtenOff": nil})
	h.call("POST", "/approvals/av_x/approve", "").want(t, 404, "not_found")
}

// Instalments are typed with the draft, frozen, and shown with what was paid of each.
func TestInstalmentsOverHTTP(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	draft := func(more string) string {
		return `{"contactId":"` + ct + `","currency":"EUR","lines":[` + design + `],"instalments":[{"amount":5000,"dueOn":"2026-02-01"},{"amount":6900,"dueOn":"2026-03-01"}]` + more + `}`
	}
	h.call("POST", "/invoices", draft(`,"dueDays":3`)).want(t, 422, "invalid")
	in := h.made("/invoices", draft(""))
	path := "/invoices/" + in
	h.call("PATCH", path, `{"notes":"by bank"}`, "If-Match", h.etag(path)).want(t, 200, "").is(t, map[string]any{"nextDueOn": "2026-02-01"})
	h.call("POST", path+"/issue", "").want(t, 200, "").is(t, map[string]any{"dueOn": "2026-03-01", "nextDueOn": "2026-02-01"})
	h.call("POST", path+"/payments", `{"amount":5100,"method":"cash","receivedOn":"2026-01-01"}`).want(t, 201, "")
	h.call("GET", path, "").is(t, map[string]any{"nextDueOn": "2026-03-01", "instalments": []any{
		map[string]any{"amount": 5000, "dueOn": "2026-02-01", "paid": 5000, "due": 0},
		map[string]any{"amount": 6900, "dueOn": "2026-03-01", "paid": 100, "due": 6800},
	}})
}
