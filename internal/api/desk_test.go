package api

import (
	"strings"
	"testing"
)

// A task is made, changed under If-Match, done and taken up again; one that waits for money ends when it comes.
func TestTasksOverHTTP(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	in := h.made("/invoices", bill(ct))
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
	for body, want := range map[string]string{
		`{"title":"Call"}`: "contactId:required",
		`{"contactId":"` + ct + `","title":"Call","subject":"in_x"}`:                               "subject:not_found",
		`{"contactId":"` + ct + `","title":"Call","ownerId":"mb_x"}`:                               "ownerId:not_found",
		`{"contactId":"` + ct + `","title":"Call","reason":"payment"}`:                             "subject:required",
		`{"contactId":"` + ct + `","title":"Call","dueOn":"tomorrow"}`:                             "dueOn:format",
		`{"contactId":"` + ct + `","title":"Call","dueAt":"2026-01-02"}`:                           "dueAt:format",
		`{"contactId":"` + ct + `","title":"","done":true}`:                                        "title:length done:unknown",
		`{"contactId":"ct_none","title":"Call"}`:                                                   "contactId:not_found",
		`{"subject":"` + in + `","title":"x","dueOn":"2026-01-01","dueAt":"2026-01-02T10:00:00Z"}`: "dueAt:invalid",
	} {
		if f := h.call("POST", "/tasks", body).want(t, 422, "invalid").fields(); !same(f, want) {
			t.Errorf("%s: %s, want %s", body, f, want)
		}
	}
	body := `{"subject":"` + in + `","title":"Ask for the money","reason":"payment","dueOn":"2026-01-01"}`
	todo := h.call("POST", "/tasks", body, "Idempotency-Key", "k").want(t, 201, "")
	if again := h.call("POST", "/tasks", body, "Idempotency-Key", "k").want(t, 201, ""); again.text("id") != todo.text("id") {
		t.Error("the same request made another task")
	}
	path := "/tasks/" + todo.text("id")
	todo.is(t, map[string]any{"contactId": ct, "state": "open", "overdue": false, "version": 1})
	h.call("PATCH", path, `{"title":"Ask"}`).want(t, 428, "precondition_required")
	tag := h.etag(path)
	h.call("PATCH", path, `{"dueOn":null,"dueAt":"2026-01-01T00:00:00Z","notes":"by phone"}`, "If-Match", tag).want(t, 200, "").
		is(t, map[string]any{"overdue": true, "dueOn": nil, "dueAt": "2026-01-01T00:00:00Z", "version": 2})
	h.call("PATCH", path, `{"title":"Ask"}`, "If-Match", tag).want(t, 412, "stale")
	h.call("PATCH", path, `{"subject":"in_other"}`, "If-Match", h.etag(path)).want(t, 422, "invalid")
	h.call("POST", path+"/done", "", "If-Match", tag).want(t, 412, "stale")
	h.call("POST", path+"/done", "").want(t, 200, "").is(t, map[string]any{"state": "done", "overdue": false})
	h.call("POST", path+"/reopen", "").want(t, 200, "").is(t, map[string]any{"state": "open", "closedAt": nil})
	h.call("POST", "/invoices/"+in+"/payments", `{"amount":11900,"method":"cash","receivedOn":"2026-01-01"}`).want(t, 201, "")
	r := h.call("GET", path, "").is(t, map[string]any{"state": "dropped"})
	if !strings.HasSuffix(r.text("because"), "is paid") {
		t.Error(r.body)
	}
	h.call("POST", path+"/reopen", "").want(t, 409, "ended")
	for query, want := range map[string]int{"": 0, "?state=dropped": 1, "?state=dropped&contactId=" + ct: 1, "?state=done": 0, "?contactId=" + ct: 0} {
		if n := len(h.call("GET", "/tasks"+query, "").want(t, 200, "").items()); n != want {
			t.Errorf("%q lists %d", query, n)
		}
	}
	h.call("GET", "/tasks?contactId=x", "").want(t, 422, "invalid")
	h.call("GET", "/tasks/tk_none", "").want(t, 404, "not_found")
}

// The public form answers the same whether the contact existed or not, and what it may not take it refuses the same too.
func TestTheFormTellsNothing(t *testing.T) {
	h := move(t)
	h.call("PATCH", "/settings", `{"name":"Studio Nord"}`, "If-Match", h.etag("/settings")).want(t, 200, "").is(t, map[string]any{"slug": "studio-nord"})
	ct := h.made("/contacts", ada)
	form := "/public/inquiries/studio-nord"
	stranger := h.as("")
	known := stranger.call("POST", form, `{"name":"X","email":"ada@example.com","message":"Hi"}`, "Idempotency-Key", "a").want(t, 202, "")
	unknown := stranger.call("POST", form, `{"name":"X","email":"new@example.com","message":"Hi"}`, "Idempotency-Key", "b").want(t, 202, "")
	again := stranger.call("POST", form, `{"name":"X","email":"new@example.com","message":"Hi"}`, "Idempotency-Key", "b").want(t, 202, "")
	if known.body != unknown.body || again.body != unknown.body || known.body != `{"received":true}` || again.header.Get("Idempotency-Replayed") != "true" {
		t.Error(known.body, unknown.body, again.body, again.header)
	}
	if known.header.Get("ETag") != unknown.header.Get("ETag") || known.header.Get("Location") != "" {
		t.Error(known.header, unknown.header)
	}
	if n := len(h.call("GET", "/tasks", "").items()); n != 2 {
		t.Errorf("%d tasks, want 2", n)
	}
	h.call("GET", "/contacts/"+ct, "").is(t, map[string]any{"name": "Ada Lovelace", "version": 1})
	m := h.call("GET", "/contacts/"+ct+"/messages", "").want(t, 200, "")
	if m.text("items", 0, "kind") != "inquiry" || m.at("items", 0, "claimed") != true || m.text("items", 0, "name") != "X" {
		t.Error(m.body)
	}
	for body, status := range map[string]int{
		`{"name":"X","message":"Hi"}`: 422, `{"name":"X","email":"x@y.example","message":"Hi","contactId":"` + ct + `"}`: 422, `[]`: 422,
		`{"name":"X","email":"x@y.example","message":"` + strings.Repeat("x", 5001) + `"}`:    422,
		`{"name":"X","email":"x@y.example","message":"` + strings.Repeat("x", 300<<10) + `"}`: 413,
	} {
		if r := stranger.call("POST", form, body); r.status != status {
			t.Errorf("%.60s answers %d %.200s", body, r.status, r.body)
		}
	}
	stranger.call("POST", "/public/inquiries/elsewhere", `{"name":"X","email":"x@y.example","message":"Hi"}`).want(t, 404, "not_found")
	if r := h.call("PATCH", "/settings", `{"name":"Studio Sued","slug":"Nord!"}`, "If-Match", h.etag("/settings")); r.status != 422 {
		t.Error(r.body)
	}
	h.call("PATCH", "/settings", `{"name":"Studio Sued"}`, "If-Match", h.etag("/settings")).want(t, 200, "").is(t, map[string]any{"slug": "studio-sued"})
	h.call("PATCH", "/settings", `{"slug":"nord"}`, "If-Match", h.etag("/settings")).want(t, 200, "").is(t, map[string]any{"slug": "nord"})
	h.call("PATCH", "/settings", `{"name":"Other"}`, "If-Match", h.etag("/settings")).want(t, 200, "").is(t, map[string]any{"slug": "nord"})
}
