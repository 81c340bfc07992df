package api

import (
	"strings"
	"testing"
)

// order is an order that was offered, accepted and converted with this schedule.
func (h *house) order(contactID, schedule string) string {
	h.t.Helper()
	es := h.made("/estimates", offer(contactID))
	h.call("POST", "/estimates/"+es+"/send", "").want(h.t, 200, "")
	h.call("POST", "/estimates/"+es+"/accept", `{"name":"Ada"}`).want(h.t, 200, "")
	return h.call("POST", "/estimates/"+es+"/convert", schedule).want(h.t, 200, "").text("orderId")
}

// An order over 119.00 is billed as a client of the API does it: deposit, milestone, final invoice, whose totals are the order's.
func TestAnOrderIsBilledInShares(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	schedule := `{"deposit":{"percent":"40"},"milestones":[{"name":"Draft","amount":3333,"dueOn":"2026-03-01"}]}`
	es := h.made("/estimates", offer(ct))
	h.call("POST", "/estimates/"+es+"/send", "").want(t, 200, "")
	h.call("POST", "/estimates/"+es+"/accept", `{"name":"Ada"}`).want(t, 200, "")
	for body, field := range map[string]string{
		`{"deposit":{}}`: "deposit.amount:required", `{"deposit":{"percent":"40","amount":1}}`: "deposit.amount:required",
		`{"deposit":{"percent":40}}`: "deposit.percent:type", `{"deposit":{"amount":"40"}}`: "deposit.amount:type",
		`{"deposit":{"amount":11901}}`:           "deposit:too_large",
		`{"milestones":[{"percent":"10"}]}`:      "milestones[0].name:required",
		`{"milestones":[{"name":"A"}]}`:          "milestones[0].amount:required",
		`{"deposit":{"percent":"10"},"rest":{}}`: "rest:unknown",
	} {
		if got := h.call("POST", "/estimates/"+es+"/convert", body).want(t, 422, "invalid").fields(); got != field {
			t.Errorf("%s: %s, want %s", body, got, field)
		}
	}
	made := h.call("POST", "/estimates/"+es+"/convert", schedule).want(t, 200, "")
	or, deposit, draft := made.text("orderId"), made.text("invoiceIds", 0), made.text("invoiceIds", 1)
	if made.text("invoiceId") != deposit {
		t.Error(made.body)
	}
	for _, body := range []string{schedule, "", "{}", `{"deposit":{"percent":"40.0"},"milestones":[{"name":"Draft","amount":3333,"dueOn":"2026-03-01"}]}`} {
		if again := h.call("POST", "/estimates/"+es+"/convert", body).want(t, 200, ""); again.body != made.body {
			t.Errorf("again with %q: %s", body, again.body)
		}
	}
	h.call("POST", "/estimates/"+es+"/convert", `{"deposit":{"percent":"41"}}`).want(t, 409, "converted")
	order := func(want map[string]any) reply { return h.call("GET", "/orders/"+or, "").want(t, 200, "").is(t, want) }
	o := order(map[string]any{"total": 11900, "billed": 0, "remaining": 11900, "state": "open", "deposit": 4760})
	if o.text("milestones", 0, "name") != "Draft" || o.text("milestones", 0, "invoiceId") != draft || o.text("milestones", 0, "dueOn") != "2026-03-01" {
		t.Error(o.body)
	}
	h.call("GET", "/invoices/"+deposit, "").is(t, map[string]any{"share": "deposit", "deposit": true, "total": 4760, "taxTotal": 760, "orderId": or})
	h.call("GET", "/invoices/"+draft, "").is(t, map[string]any{"share": "milestone", "total": 3333, "taxExclusive": 2801, "taxTotal": 532})
	h.call("PATCH", "/invoices/"+draft, `{"notes":"Thank you"}`, "If-Match", h.etag("/invoices/"+draft)).want(t, 200, "")
	h.call("PATCH", "/invoices/"+draft, `{"discount":{"percent":"3"}}`, "If-Match", h.etag("/invoices/"+draft)).want(t, 422, "invalid")

	h.call("POST", "/orders/"+or+"/invoices", `{"final":true}`).want(t, 409, "drafts")
	for _, x := range []string{deposit, draft} {
		h.call("POST", "/invoices/"+x+"/issue", "").want(t, 200, "")
	}
	order(map[string]any{"billed": 8093, "remaining": 3807})
	h.call("POST", "/invoices/"+deposit+"/payments", `{"amount":4760,"method":"transfer","receivedOn":"2026-01-01"}`).want(t, 201, "")
	unpaid := h.call("POST", "/orders/"+or+"/invoices", `{"final":true}`).want(t, 409, "advance_unpaid")
	if unpaid.text("invoiceIds", 0) != draft || !strings.Contains(unpaid.text("detail"), "2026-0002") {
		t.Error(unpaid.body)
	}
	if got := h.call("POST", "/orders/"+or+"/invoices", `{"final":true,"amount":1}`).want(t, 422, "invalid").fields(); got != "final:required" {
		t.Error(got)
	}
	last := h.call("POST", "/orders/"+or+"/invoices", `{"final":true,"leaveOut":["`+draft+`"]}`).want(t, 201, "")
	last.is(t, map[string]any{"share": "final", "total": 3807, "taxTotal": 1900 - 760 - 532, "status": "draft"})
	page := last.text("id")
	h.call("POST", "/invoices/"+page+"/issue", "").want(t, 200, "")
	order(map[string]any{"billed": 11900, "remaining": 0, "state": "billed"})
	h.call("GET", "/estimates/"+es, "").is(t, map[string]any{"status": "invoiced"})
	h.call("POST", "/orders/"+or+"/cancel", `{"reason":"late"}`).want(t, 409, "billed")
	h.call("POST", "/invoices/"+deposit+"/void", `{"reason":"late"}`).want(t, 409, "")
	shown := h.as("").call("GET", h.ref(page), "").want(t, 200, "").is(t, map[string]any{"total": 3807})
	if strings.Contains(shown.body, "in_") || !strings.Contains(shown.body, "Less invoice 2026-0001 of 2026-01-01") {
		t.Error(shown.body)
	}
	if got := len(h.call("GET", "/orders?state=billed", "").want(t, 200, "").items()); got != 1 {
		t.Errorf("%d billed orders", got)
	}
}

// What is left of an order is canceled with a reason, once.
func TestAnOrderIsCanceled(t *testing.T) {
	h := move(t)
	or := h.order(h.made("/contacts", ada), `{"milestones":[{"name":"A","percent":"50"},{"name":"B","percent":"50"}]}`)
	a := h.call("GET", "/orders/"+or, "").text("invoiceIds", 0)
	h.call("POST", "/invoices/"+a+"/issue", "").want(t, 200, "")
	h.call("POST", "/orders/"+or+"/cancel", `{}`).want(t, 422, "invalid")
	for range 2 {
		h.call("POST", "/orders/"+or+"/cancel", `{"reason":"moved"}`).want(t, 200, "").
			is(t, map[string]any{"state": "canceled", "billed": 5950, "remaining": 0, "total": 11900, "cancelReason": "moved"})
	}
	if got := h.call("GET", "/invoices", "").items(); len(got) != 1 {
		t.Errorf("%d invoices are left", len(got))
	}
	h.call("POST", "/orders/"+or+"/invoices", `{"milestone":"B"}`).want(t, 409, "canceled")
}
