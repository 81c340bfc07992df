package api

import (
	"slices"
	"strings"
	"testing"
)

// Duplicates are found, previewed, merged and taken apart again over HTTP; the old id leads to the survivor; what is sent
// twice is done once.
func TestMergesOverHTTP(t *testing.T) {
	h := move(t)
	web := h.made("/contacts", `{"kind":"person","name":"Jane Doe","emails":[{"address":"jane@doe.example"}],"phones":[{"number":"+49 30 901820"}]}`)
	call := h.made("/contacts", `{"kind":"person","name":"Jane Doe","phones":[{"number":"+4930901820"}],"company":"Doe Ltd"}`)
	first, second := h.made("/invoices", bill(web)), h.made("/invoices", bill(call))
	if x := h.call("GET", "/contacts/duplicates", "").want(t, 200, ""); len(x.items()) != 1 || x.text("items", 0, "because", 1) != "same name" {
		t.Fatalf("%s", x.body)
	}
	body := `{"fromId":"` + call + `"}`
	if x := h.call("POST", "/contacts/"+web+"/merge?preview=true", body).want(t, 200, ""); x.text("preview", "contact", "company") != "Doe Ltd" {
		t.Errorf("%s", x.body)
	}
	h.call("GET", "/contacts/"+call, "").want(t, 200, "").is(t, map[string]any{"id": call})
	id := h.call("POST", "/contacts/"+web+"/merge", body, "Idempotency-Key", "m").want(t, 200, "").text("merge", "id")
	for _, key := range []string{"m", "n"} {
		if again := h.call("POST", "/contacts/"+web+"/merge", body, "Idempotency-Key", key).want(t, 200, ""); again.text("merge", "id") != id || id == "" {
			t.Errorf("merged twice: %s", again.body)
		}
	}
	h.call("POST", "/contacts/"+call+"/merge", `{"fromId":"`+web+`"}`).want(t, 409, "merged")
	h.call("GET", "/contacts/"+call, "").want(t, 200, "").is(t, map[string]any{"id": web, "company": "Doe Ltd"})
	third := h.made("/invoices", bill(call))
	h.call("GET", "/invoices/"+third, "").is(t, map[string]any{"contactId": web})
	for _, asked := range []string{web, call} {
		for _, path := range []string{"/invoices?limit=2&contactId=" + asked, "/contacts/" + asked + "/documents?limit=2"} {
			if got, want := h.pages(path), []string{third, second, first}; !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", path, got, want)
			}
		}
	}
	h.call("POST", "/merges/"+id+"/undo?restore=emails", "").want(t, 422, "invalid")
	for range 2 {
		if x := h.call("POST", "/merges/"+id+"/undo", "").want(t, 200, ""); x.text("merge", "undoneAt") == "" {
			t.Errorf("%s", x.body)
		}
	}
	if got, want := h.pages("/invoices?contactId="+call), []string{second}; !slices.Equal(got, want) {
		t.Errorf("after undoing: %v", got)
	}
	if got, want := h.pages("/invoices?contactId="+web), []string{third, first}; !slices.Equal(got, want) {
		t.Errorf("after undoing: %v", got)
	}
	if got := h.pages("/contacts/" + web + "/merges"); !slices.Equal(got, []string{id}) {
		t.Errorf("%v", got)
	}
	h.call("POST", "/contacts/duplicates/dismiss", `{"contactIds":["`+web+`","`+call+`"]}`).want(t, 200, "")
	if x := h.call("GET", "/contacts/duplicates", ""); len(x.items()) != 0 {
		t.Errorf("dismissed and proposed: %s", x.body)
	}
}

// pages answers the ids of a list, page by page.
func (h *house) pages(path string) []string {
	h.t.Helper()
	var out []string
	for cursor := ""; ; {
		at := path
		if cursor != "" {
			sep := "?"
			if strings.Contains(path, sep) {
				sep = "&"
			}
			at += sep + "cursor=" + cursor
		}
		x := h.call("GET", at, "").want(h.t, 200, "")
		for n := range x.items() {
			out = append(out, x.text("items", n, "id"))
		}
		if cursor = x.text("nextCursor"); cursor == "" {
			return out
		}
	}
}
