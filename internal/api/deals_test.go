package api

import (
	"fmt"
	"strings"
	"testing"
)

// A deal over HTTP: opened, moved, offered, won by the client's yes; its invoice says whose deal it is, others say none.
func TestADealOverTheAPI(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	lone := h.made("/invoices", bill(ct))
	made := h.call("POST", "/deals", `{"contactId":"`+ct+`","title":"Website","currency":"EUR","stage":"meeting",`+choosing+`}`).want(t, 201, "")
	made.is(t, map[string]any{"state": "open", "stage": "meeting", "stageName": "Meeting", "chance": 40, "amount": 13090})
	dl := made.text("id")
	h.call("PATCH", "/deals/"+dl, `{"stage":"nowhere"}`, "If-Match", h.etag("/deals/"+dl)).want(t, 422, "invalid")
	h.call("PATCH", "/deals/"+dl, `{"stage":"proposal","probability":55}`).want(t, 428, "")
	h.call("PATCH", "/deals/"+dl, `{"stage":"proposal","probability":55}`, "If-Match", h.etag("/deals/"+dl)).want(t, 200, "").
		is(t, map[string]any{"stage": "proposal", "chance": 55, "title": "Website"})
	for query, n := range map[string]int{
		"": 1, "?stage=proposal": 1, "?stage=meeting": 0, "?state=won": 0, "?state=open&contactId=" + ct: 1, "?ownerId=mb_x": 0,
	} {
		if r := h.call("GET", "/deals"+query, "").want(t, 200, ""); len(r.items()) != n {
			t.Errorf("%s: %s", query, r.body)
		}
	}
	h.call("GET", "/deals?state=lead", "").want(t, 422, "invalid")
	es := h.call("POST", "/deals/"+dl+"/estimates", "", "Idempotency-Key", "e").want(t, 201, "").is(t, map[string]any{"dealId": dl, "total": 13090}).text("id")
	h.call("POST", "/deals/"+dl+"/estimates", "", "Idempotency-Key", "e").want(t, 201, "").is(t, map[string]any{"id": es})
	h.call("POST", "/estimates/"+es+"/send", "").want(t, 200, "")
	h.as("").call("POST", h.ref(es)+"/accept", `{"name":"Ada"}`).want(t, 200, "")
	won := h.call("GET", "/deals/"+dl, "").want(t, 200, "").is(t, map[string]any{"state": "won", "chance": 100, "estimateId": es})
	if fmt.Sprint(won.at("mismatch")) != "[won, but nothing is billed]" || won.number("money", "agreed") != 13090 {
		t.Errorf("%s", won.body)
	}
	h.call("POST", "/deals/"+dl+"/lost", `{"reason":"no"}`).want(t, 409, "unready")
	order := h.call("POST", "/estimates/"+es+"/convert", "").want(t, 200, "")
	h.call("GET", "/orders/"+order.text("orderId"), "").is(t, map[string]any{"dealId": dl})
	in := order.text("invoiceId")
	h.call("GET", "/invoices/"+in, "").is(t, map[string]any{"dealId": dl})
	if r := h.call("GET", "/invoices/"+lone, "").want(t, 200, ""); !strings.Contains(r.body, `"dealId":null`) {
		t.Errorf("it does not say that it has no deal: %s", r.body)
	}
	for query, id := range map[string]string{"none": lone, dl: in, "none&contactId=" + ct: lone} {
		if r := h.call("GET", "/invoices?limit=1&deal="+query, "").want(t, 200, ""); len(r.items()) != 1 || r.at("items", 0, "id") != id {
			t.Errorf("%s: %s", query, r.body)
		}
	}
	h.call("PATCH", "/invoices/"+in, `{"dealId":null}`, "If-Match", h.etag("/invoices/"+in)).want(t, 422, "invalid")
	h.call("PATCH", "/invoices/"+lone, `{"dealId":"`+dl+`"}`, "If-Match", h.etag("/invoices/"+lone)).want(t, 200, "").is(t, map[string]any{"dealId": dl})
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
	h.call("POST", "/deals/"+dl+"/reopen", "").want(t, 409, "billed")
}
