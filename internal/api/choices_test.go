package api

import (
	"strings"
	"testing"
)

const choosing = `"lines":[{"name":"Design","quantity":"1","unitPrice":"100.00","tax":{"category":"S","rate":"19"}},` +
	`{"name":"Photos","quantity":"1","unitPrice":"50.00","optional":true,"tax":{"category":"S","rate":"19"}},` +
	`{"name":"Small","group":"Care","chosen":true,"quantity":"1","unitPrice":"10.00","tax":{"category":"S","rate":"19"}},` +
	`{"name":"Large","group":"Care","quantity":"1","unitPrice":"20.00","tax":{"category":"S","rate":"19"}}]`

// What a client may choose, what each choice comes to, and the terms stand on the client's page; the yes carries them.
func TestAClientChoosesOnThePage(t *testing.T) {
	h := move(t)
	client := h.as("")
	h.call("PATCH", "/settings", `{"terms":{"text":"Half is due at once.","version":"2026-01"}}`, "If-Match", h.etag("/settings")).want(t, 200, "")
	ct := h.made("/contacts", ada)
	es := h.made("/estimates", `{"contactId":"`+ct+`","currency":"EUR","validUntil":"2026-02-01",`+choosing+`}`)
	sent := h.call("POST", "/estimates/"+es+"/send", "").is(t, map[string]any{"total": 13090, "revision": 1})
	if sent.text("terms", "version") != "2026-01" {
		t.Errorf("sent without the terms: %s", sent.body)
	}
	page := h.ref(es)
	shown := client.call("GET", page, "").is(t, map[string]any{"total": 13090, "canAccept": true})
	if shown.text("terms", "text") != "Half is due at once." || shown.at("lines", 1, "optional") != true ||
		shown.number("lines", 1, "net") != 5000 || shown.text("lines", 3, "group") != "Care" {
		t.Errorf("the page shows %s", shown.body)
	}
	client.call("POST", page+"/totals", `{"choices":["l2","l4"]}`).want(t, 200, "").is(t, map[string]any{"total": 20230})
	client.call("GET", page, "").is(t, map[string]any{"total": 13090})
	for _, c := range []struct{ path, body, fields string }{
		{"/totals", `{"choices":["l3","l4"]}`, "choices:one_of"},
		{"/accept", `{"name":"Ada","choices":[]}`, "choices:one_of"},
		{"/accept", `{"name":"Ada","choices":["l1","l3"]}`, "choices[0]:invalid"},
		{"/accept", `{"name":"Ada","choices":"l3"}`, "choices:type"},
	} {
		if got := client.call("POST", page+c.path, c.body).want(t, 422, "invalid").fields(); !same(got, c.fields) {
			t.Errorf("%s %s: %s", c.path, c.body, got)
		}
	}
	for range 2 {
		client.call("POST", page+"/accept", `{"name":"Ada","choices":["l4"]}`).want(t, 200, "").is(t, map[string]any{"total": 14280, "status": "accepted"})
	}
	got := h.call("GET", "/estimates/"+es, "").is(t, map[string]any{"total": 14280})
	if got.text("answer", "terms") != "2026-01" || got.at("lines", 3, "chosen") != true || got.at("lines", 2, "chosen") != nil {
		t.Errorf("accepted is %s", got.body)
	}
	made := h.call("POST", "/estimates/"+es+"/convert", "").want(t, 200, "")
	h.call("GET", "/orders/"+made.text("orderId"), "").is(t, map[string]any{"total": 14280})
}

// The link of an old version says that it is replaced, and leads nowhere else.
func TestAnOldVersionSaysSo(t *testing.T) {
	h := move(t)
	client := h.as("")
	ct := h.made("/contacts", ada)
	es := h.made("/estimates", offer(ct))
	h.call("POST", "/estimates/"+es+"/revise", "").want(t, 409, "unready")
	h.call("POST", "/estimates/"+es+"/send", "").want(t, 200, "")
	old := h.ref(es)
	first := h.call("POST", "/estimates/"+es+"/revise", "", "Idempotency-Key", "r").want(t, 200, "")
	first.is(t, map[string]any{"status": "draft", "revision": 2, "revises": es})
	next := first.text("id")
	h.call("POST", "/estimates/"+es+"/revise", "", "Idempotency-Key", "r").want(t, 200, "").is(t, map[string]any{"id": next})
	h.call("POST", "/estimates/"+es+"/revise", "").want(t, 200, "").is(t, map[string]any{"id": next})
	client.call("GET", old, "").is(t, map[string]any{"status": "sent", "canAccept": true})
	h.call("POST", "/estimates/"+next+"/send", "").want(t, 200, "").is(t, map[string]any{"number": "E-0001-R2"})
	shown := client.call("GET", old, "").want(t, 200, "")
	shown.is(t, map[string]any{"status": "superseded", "display": "superseded", "canAccept": false, "number": "E-0001"})
	for _, secret := range []string{next, "E-0001-R2", "es_"} {
		if strings.Contains(shown.body, secret) {
			t.Errorf("the old link shows %s: %s", secret, shown.body)
		}
	}
	client.call("POST", old+"/accept", `{"name":"Ada"}`).want(t, 409, "unready")
	client.call("GET", h.ref(next), "").is(t, map[string]any{"status": "sent", "canAccept": true})
	h.call("POST", "/estimates/"+next+"/cancel", `{"reason":"no capacity"}`).want(t, 200, "").is(t, map[string]any{"status": "canceled", "reason": "no capacity"})
	client.call("POST", h.ref(next)+"/accept", `{"name":"Ada"}`).want(t, 409, "unready")
}
