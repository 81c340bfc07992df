package api

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"onebook/internal/effect"
	"onebook/internal/issue"
)

// Whoever changed what, and why, is read at the thing itself, and nothing of its neighbours.
func TestHistoryIsReadAtTheThing(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	h.call("PATCH", "/contacts/"+ct, `{"name":"Ada King"}`, "If-Match", h.etag("/contacts/"+ct)).want(t, 200, "")
	a, b := h.made("/invoices", bill(ct)), h.made("/invoices", bill(ct))
	h.call("POST", "/invoices/"+a+"/issue", "").want(t, 200, "")
	h.as("billing").call("POST", "/invoices/"+a+"/void", `{"reason":"made twice"}`).want(t, 200, "")
	es := h.made("/estimates", offer(ct))
	kinds := func(path string) string {
		t.Helper()
		var out []string
		for _, x := range h.as("sales").call("GET", path+"/history", "").want(t, 200, "").items() {
			out = append(out, x.(map[string]any)["kind"].(string))
		}
		return strings.Join(out, " ")
	}
	for path, want := range map[string]string{
		"/contacts/" + ct: "contact.changed contact.created", "/invoices/" + a: "invoice.voided invoice.issued invoice.drafted",
		"/invoices/" + b: "invoice.drafted", "/estimates/" + es: "estimate.drafted",
	} {
		if got := kinds(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	r := h.call("GET", "/invoices/"+a+"/history?limit=1", "")
	if r.text("items", 0, "reason") != "made twice" || r.text("items", 0, "actorKind") != "member" || r.text("items", 0, "actor") == "" || r.text("nextCursor") == "" {
		t.Error(r.body)
	}
	r = h.call("GET", "/contacts/"+ct+"/history", "")
	if r.text("items", 0, "changes", 0, "field") != "name" || r.text("items", 0, "changes", 0, "to") != "Ada King" {
		t.Error(r.body)
	}
	h.call("GET", "/invoices/in_nonsense/history", "").want(t, 404, "")
	h.call("GET", "/invoices/"+strings.Replace(es, "es_", "in_", 1)+"/history", "").want(t, 404, "")
}

// What was done to the organisation, and what was refused, is one trail that every member reads.
func TestTheOrganisationsTrail(t *testing.T) {
	h := move(t)
	h.call("PATCH", "/settings", `{"footer":"Thank you"}`, "If-Match", h.etag("/settings")).want(t, 200, "")
	rule := h.made("/tax-rules", `{"taxClass":"books","category":"S","rate":"7","from":"2026-01-01"}`)
	h.clock.Move(40 * 24 * time.Hour) // the next month has a chain of its own
	h.call("DELETE", "/tax-rules/"+rule, "", "If-Match", h.etag("/tax-rules/"+rule)).want(t, 204, "")
	r := h.call("GET", "/tax-rules/"+rule+"/history", "").want(t, 200, "")
	if len(r.items()) != 2 || r.text("items", 0, "kind") != "tax.removed" || r.text("items", 1, "kind") != "tax.added" {
		t.Error(r.body)
	}
	r = h.call("GET", "/settings/history", "").want(t, 200, "")
	if len(r.items()) != 1 || r.text("items", 0, "changes", 0, "field") != "footer" {
		t.Error(r.body)
	}
	if r = h.as("viewer").call("GET", "/audit?limit=2", "").want(t, 200, ""); len(r.items()) != 2 || r.text("items", 0, "kind") != "tax.removed" {
		t.Error(r.body)
	}
}

// An issue that nobody was given is the keeper's of the record, each action says what it will do, and many are tried again
// at once, each by itself.
func TestIssuesHaveAnOwnerAndAreRetriedTogether(t *testing.T) {
	h := move(t)
	ctx := context.Background()
	keeper := ""
	for _, m := range h.call("GET", "/members", "").items() {
		if m.(map[string]any)["role"] == "owner" {
			keeper = m.(map[string]any)["id"].(string)
		}
	}
	h.call("PATCH", "/settings", `{"recordOwnerId":"mb_nobody"}`, "If-Match", h.etag("/settings")).want(t, 422, "invalid")
	h.call("PATCH", "/settings", `{"recordOwnerId":"`+keeper+`"}`, "If-Match", h.etag("/settings")).want(t, 200, "")
	var ids []string
	for n := range 3 {
		e := effect.Effect{ID: fmt.Sprintf("ef_00000000000000000%03d", n), Lane: effect.Mail, Kind: "mail.test", Subject: "x", Title: "Mail", Area: issue.Billing}
		put, err := effect.New(e, h.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		in := issue.Issue{Code: "effect.failed", Subject: e.ID, Effect: e.ID, State: issue.Open, Area: issue.Billing, Title: "Mail failed"}
		if n == 2 {
			in.Effect = "" // there is nothing to try again
		}
		raise, i, err := issue.Raise(ctx, h.table, h.clock.Now(), in)
		if err == nil {
			err = h.table.Write(ctx, put, raise)
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, i.ID)
	}
	r := h.call("GET", "/issues/"+ids[0], "").want(t, 200, "").is(t, map[string]any{"owner": keeper})
	if r.text("choices", 0, "action") != "retry" || r.text("choices", 0, "does") == "" {
		t.Error(r.body)
	}
	if l := h.call("GET", "/issues?owner=me&state=OPEN", ""); len(l.items()) != 3 {
		t.Error(l.body)
	}
	h.as("sales").call("POST", "/issues/retry", `{"ids":["`+ids[0]+`"]}`).want(t, 403, "denied")
	r = h.call("POST", "/issues/retry", `{"ids":["`+strings.Join(append(ids, "is_nothing"), `","`)+`"]}`).want(t, 200, "")
	for n, want := range []bool{true, true, false, false} {
		if got := r.items()[n].(map[string]any)["retried"]; got != want || want != (r.text("items", n, "problem") == "") {
			t.Errorf("%d: %s", n, r.body)
		}
	}
	if l := h.call("GET", "/issues?state=RETRYING", ""); len(l.items()) != 2 {
		t.Error(l.body)
	}
	if l := h.call("GET", "/issues/"+ids[0]+"/history", ""); len(l.items()) != 1 {
		t.Error(l.body)
	}
}

// A place has its own taxes; it stays while they are its, and a document can only name a place that is one.
func TestLocations(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	lo := h.made("/locations", `{"name":"Vancouver","timeZone":"America/Vancouver","address":{"city":"Vancouver","country":"CA"}}`)
	h.call("POST", "/locations", `{"name":"X","timeZone":"Mars/Base"}`).want(t, 422, "invalid")
	h.made("/tax-rules", `{"taxClass":"standard","name":"VAT","category":"S","rate":"19","from":"2020-01-01"}`)
	h.call("POST", "/tax-rules", `{"taxClass":"standard","locationId":"lo_nothing","category":"S","rate":"5","from":"2020-01-01"}`).want(t, 422, "invalid")
	gst := h.made("/tax-rules", `{"taxClass":"standard","locationId":"`+lo+`","name":"GST","category":"S","rate":"5","from":"2020-01-01"}`)
	h.made("/tax-rules", `{"taxClass":"standard","locationId":"`+lo+`","name":"PST","category":"S","rate":"7","from":"2020-01-01"}`)
	line := `"lines":[{"name":"Work","quantity":"1","unitPrice":"100.00","taxClass":"standard"}]`
	total := func(place string) any {
		return h.call("GET", "/estimates/"+h.made("/estimates", `{"contactId":"`+ct+`","currency":"CAD",`+place+line+`}`), "").want(t, 200, "").json["total"]
	}
	if a, b := total(""), total(`"locationId":"`+lo+`",`); fmt.Sprint(a) != "11900" || fmt.Sprint(b) != "11200" {
		t.Errorf("%v elsewhere and %v there", a, b)
	}
	h.call("POST", "/estimates", `{"contactId":"`+ct+`","locationId":"lo_nothing",`+line+`}`).want(t, 422, "invalid")
	path := "/locations/" + lo
	h.call("PATCH", path, `{"name":"Vancouver Island"}`, "If-Match", h.etag(path)).want(t, 200, "").is(t, map[string]any{"name": "Vancouver Island", "timeZone": "America/Vancouver"})
	h.call("DELETE", path, "", "If-Match", h.etag(path)).want(t, 409, "unready")
	if r := h.call("GET", path+"/history", ""); len(r.items()) != 2 || r.text("items", 0, "changes", 0, "field") != "name" {
		t.Error(r.body)
	}
	for _, rule := range h.call("GET", "/tax-rules", "").items() {
		if x := rule.(map[string]any); x["locationId"] == lo {
			p := "/tax-rules/" + x["id"].(string)
			h.call("DELETE", p, "", "If-Match", h.etag(p)).want(t, 204, "")
		}
	}
	h.call("GET", "/tax-rules/"+gst, "").want(t, 404, "")
	h.call("DELETE", path, "", "If-Match", h.etag(path)).want(t, 204, "")
	h.call("GET", path, "").want(t, 404, "")
}
