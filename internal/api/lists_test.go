package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

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
	h.call("PATCH", "/settings", `{"customFields":[{"key":"size","label":"Size","kind":"choice","choices":["S","L"]},{"key":"plan","label":"Plan","kind":"text"}]}`, "If-Match", h.etag("/settings")).want(t, 200, "")
	co := h.made("/contacts", `{"kind":"company","name":"Acme","people":[{"name":"Bo","emails":[{"address":"bo@acme.example"}],"receives":["invoices"]}],"externalIds":{"crm":"7"},"custom":{"size":"L"},"tags":["vip"]}`)
	h.call("PATCH", "/contacts/"+co, `{"custom":{"size":null,"plan":"gold"},"address":{"city":"Bonn","country":"DE"}}`, "If-Match", h.etag("/contacts/"+co)).
		want(t, 200, "").is(t, map[string]any{"custom": map[string]any{"plan": "gold"}})
}

// An archived contact is out of lists and searches but found where archived ones are asked for; its address still matches,
// and it comes back whole.
func TestArchivedContactsComeBack(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	found := func(want string) {
		t.Helper()
		for query, in := range map[string]string{
			"": "active", "?query=love": "active", "?state=active&query=ada@": "active", "?state=archived": "archived", "?state=archived&query=love": "archived",
		} {
			if n := len(h.call("GET", "/contacts"+query, "").want(t, 200, "").items()); n == 1 != (in == want) {
				t.Errorf("%s: %q finds %d", want, query, n)
			}
		}
	}
	found("active")
	tag := h.etag("/contacts/" + ct)
	for range 2 {
		if r := h.call("POST", "/contacts/"+ct+"/archive", "").want(t, 200, ""); r.text("archivedAt") == "" || r.number("version") != 2 {
			t.Error(r.body)
		}
	}
	found("archived")
	h.call("POST", "/contacts/"+ct+"/restore", "", "If-Match", tag).want(t, 412, "stale")
	h.call("POST", "/contacts/match", `{"email":"ada@example.com"}`).want(t, 200, "").is(t, map[string]any{"contactId": ct})
	h.call("POST", "/invoices", bill(ct)).want(t, 409, "unready")
	h.call("POST", "/contacts/"+ct+"/restore", "").want(t, 200, "").is(t, map[string]any{"archivedAt": nil, "version": 3})
	found("active")
	if n := len(h.call("GET", "/contacts/"+ct+"/timeline", "").items()); n != 3 {
		t.Errorf("%d entries, want added, archived, restored", n)
	}
}

// A record says how far it can be trusted, and why not further.
func TestContactsTellTheirQuality(t *testing.T) {
	h := move(t)
	r := h.call("POST", "/contacts", `{"kind":"person","name":"Ada"}`).want(t, 201, "")
	if r.number("quality", "score") != 65 || r.text("quality", "problems", 0, "code") != "no_email" || r.text("quality", "problems", 0, "field") != "emails" {
		t.Error(r.body)
	}
	if l := h.call("GET", "/contacts", ""); l.at("items", 0, "quality") != nil {
		t.Error("a list computes it for everybody")
	}
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
		sep := "?"
		if strings.Contains(query, "?") {
			sep = "&"
		}
		for _, limit := range []int{1, 3} {
			seen := map[string]bool{}
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
				t.Errorf("%s has %d by pages of %d, want %d", query, len(seen), limit, want)
			}
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
