package api

import (
	"slices"
	"strconv"
	"testing"
)

// One client is entered twice, by the web form and by telephone, and billed under both names; found, merged, paid and
// taken apart again, nothing of the money or of the documents is lost, and each has what it had.
func TestTheSameClientTwice(t *testing.T) {
	h := move(t)
	web := h.made("/contacts", `{"kind":"person","name":"Jane Doe","emails":[{"address":"jane@doe.example"}],"phones":[{"number":"+49 30 901820"}],"source":"web form"}`)
	call := h.made("/contacts", `{"kind":"person","name":"Doe, Jane","phones":[{"number":"+49 (0)30 901820"}],"tags":["by phone"]}`)
	a, b := h.made("/invoices", bill(web)), h.made("/invoices", bill(call))
	for _, i := range []string{a, b} {
		h.call("POST", "/invoices/"+i+"/issue", "").want(t, 200, "")
	}
	due := h.call("GET", "/invoices/"+a, "").number("due")
	balance := func(contact string) (due, credit int64) {
		t.Helper()
		x := h.call("GET", "/contacts/"+contact, "").want(t, 200, "")
		return x.number("balance", 0, "due"), x.number("balance", 0, "credit")
	}
	pair := h.call("GET", "/contacts/duplicates", "").want(t, 200, "")
	if pair.text("items", 0, "contacts", 0, "contactId") != call || pair.text("items", 0, "contacts", 1, "contactId") != web {
		t.Fatalf("%s", pair.body)
	}
	p := h.call("POST", "/contacts/"+web+"/merge?preview=true", `{"fromId":"`+call+`"}`).want(t, 200, "")
	if p.number("preview", "contact", "balance", 0, "due") != 2*due {
		t.Errorf("%s", p.body)
	}
	m := h.call("POST", "/contacts/"+web+"/merge", `{"fromId":"`+call+`"}`).want(t, 200, "").text("merge", "id")
	if d, _ := balance(call); d != 2*due {
		t.Errorf("%d is due of both", d)
	}
	// The invoice that was made under the name that is gone is paid, too much; a new one is begun under that name.
	h.call("POST", "/invoices/"+b+"/payments", `{"amount":`+sum(due+500)+`,"method":"transfer","receivedOn":"2026-01-01"}`).want(t, 201, "")
	c := h.made("/invoices", bill(call))
	if d, cr := balance(web); d != due || cr != 500 {
		t.Errorf("%d due and %d in hand", d, cr)
	}
	if got := h.pages("/contacts/" + call + "/documents"); !slices.Equal(got, []string{c, b, a}) {
		t.Errorf("documents %v", got)
	}
	if got := h.pages("/payments?contactId=" + web); len(got) != 1 {
		t.Errorf("payments %v", got)
	}
	all, one := h.pages("/contacts/"+web+"/timeline"), h.pages("/contacts/"+call+"/timeline?limit=2")
	if !slices.Equal(all, one) || len(all) < 9 {
		t.Errorf("one story, told twice: %v and %v", all, one)
	}
	h.call("POST", "/merges/"+m+"/undo", "").want(t, 200, "")
	if d, cr := balance(web); d != due || cr != 0 {
		t.Errorf("web: %d due and %d in hand", d, cr)
	}
	if d, cr := balance(call); d != 0 || cr != 500 {
		t.Errorf("call: %d due and %d in hand", d, cr)
	}
	for contact, want := range map[string][]string{web: {c, a}, call: {b}} {
		if got := h.pages("/contacts/" + contact + "/documents"); !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", contact, got, want)
		}
		h.call("GET", "/audit/verify?contactId="+contact, "").want(t, 200, "")
	}
	h.call("POST", "/contacts/match", `{"email":"jane@doe.example"}`).is(t, map[string]any{"contactId": web})
	h.call("GET", "/contacts/"+call, "").is(t, map[string]any{"name": "Doe, Jane"})
}

func sum(minor int64) string { return strconv.FormatInt(minor, 10) }
