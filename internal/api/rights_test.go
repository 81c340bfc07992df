package api

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"onebook/internal/effect"
	"onebook/internal/issue"
	"onebook/internal/store"
)

// The table of rights (rules.md §9), as a client meets it; every refusal is audited.
func TestWhoMayDoWhat(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	twin := h.made("/contacts", `{"kind":"person","name":"Ada L."}`)
	catalog := `{"name":"Hour","unit":"hour","unitPrice":"90","currency":"EUR","taxClass":"standard"}`
	draft, es := h.made("/invoices", bill(ct)), h.made("/estimates", offer(ct))
	open := h.made("/invoices", bill(ct))
	dl := h.made("/deals", `{"contactId":"`+ct+`","title":"Website","currency":"EUR","amount":100}`)
	todo := h.made("/tasks", `{"contactId":"`+ct+`","title":"Call"}`)
	h.call("POST", "/invoices/"+open+"/issue", "").want(t, 200, "")
	or := h.order(ct, `{"deposit":{"percent":"30"}}`)
	paid := h.made("/payments", `{"contactId":"`+ct+`","amount":500,"method":"cash","receivedOn":"2026-01-01","allocations":[{"invoiceId":"`+open+`","amount":1}]}`)
	lost := h.made("/invoices", bill(ct))
	h.call("POST", "/invoices/"+lost+"/issue", "").want(t, 200, "")
	asked := h.call("POST", "/invoices/"+lost+"/write-off", `{"reason":"bankrupt"}`).want(t, 202, "").text("approvalId")
	back := h.raised(issue.Issue{Code: "letter.bounced", Subject: "ef_1", State: issue.Open, Area: issue.Billing, Title: "It came back", Offers: []string{"resend", "unblock"}})
	for _, c := range []struct{ method, path, body, may string }{
		{"POST", "/deals", `{"contactId":"` + ct + `","title":"Website","currency":"EUR","amount":100}`, "owner admin billing sales"},
		{"PATCH", "/deals/" + dl, `{"title":"%s"}`, "owner admin billing sales"},
		{"POST", "/deals/" + dl + "/won", "", "owner admin billing sales"},
		{"POST", "/deals/" + dl + "/reopen", "", "owner admin billing sales"},
		{"POST", "/deals/" + dl + "/lost", `{"reason":"no"}`, "owner admin billing sales"},
		{"POST", "/deals/" + dl + "/estimates", "", "owner admin billing sales"},
		{"GET", "/deals/" + dl, "", "owner admin billing booking sales viewer"},
		{"POST", "/estimates", offer(ct), "owner admin billing sales"},
		{"POST", "/orders/" + or + "/invoices", `{"amount":100}`, "owner admin billing booking sales"},
		{"POST", "/orders/" + or + "/cancel", `{"reason":"r"}`, "owner admin billing sales"},
		{"POST", "/estimates/" + es + "/send", "", "owner admin billing sales"},
		{"POST", "/estimates/" + es + "/revise", "", "owner admin billing sales"},
		{"POST", "/estimates/" + es + "/cancel", "", "owner admin billing sales"},
		{"POST", "/invoices", bill(ct), "owner admin billing booking sales"},
		{"POST", "/invoices/" + draft + "/issue", "", "owner admin billing"},
		{"POST", "/invoices/" + draft + "/send", "", "owner admin billing"},
		{"POST", "/invoices/" + open + "/pay-link", "", "owner admin billing"},
		{"POST", "/invoices/" + open + "/payments", `{"amount":1,"method":"cash","receivedOn":"2026-01-01"}`, "owner billing"},
		{"POST", "/invoices/" + open + "/write-off", `{"reason":"%s"}`, "owner billing"},
		{"POST", "/approvals/" + asked + "/reject", `{}`, "owner billing"},
		{"GET", "/approvals", "", "owner admin billing booking sales viewer"},
		{"PATCH", "/settings", `{"footer":"x","smallBalance":1}`, "owner"},
		{"POST", "/payments", `{"contactId":"` + ct + `","amount":1,"method":"cash","receivedOn":"2026-01-01"}`, "owner billing"},
		{"POST", "/payments/" + paid + "/void", `{"reason":"typo"}`, "owner billing"},
		{"POST", "/invoices/" + open + "/apply-credit", `{"amount":1}`, "owner billing"},
		{"POST", "/catalog/items", catalog, "owner admin booking"},
		{"PATCH", "/contacts/" + ct, `{"taxId":"%s"}`, "owner admin billing"},
		{"PATCH", "/contacts/" + ct, `{"source":"%s"}`, "owner admin booking sales"},
		{"POST", "/tasks", `{"contactId":"` + ct + `","title":"Call"}`, "owner admin billing booking sales"},
		{"POST", "/tasks/" + todo + "/done", "", "owner admin billing booking sales"},
		{"POST", "/tasks/" + todo + "/reopen", "", "owner admin billing booking sales"},
		{"PATCH", "/tasks/" + todo, `{"title":"%s"}`, "owner admin billing booking sales"},
		{"GET", "/tasks", "", "owner admin billing booking sales viewer"},
		{"GET", "/contacts/" + ct + "/messages", "", "owner admin billing booking sales viewer"},
		{"POST", "/contacts/" + ct + "/merge?preview=true", `{"fromId":"` + twin + `"}`, "owner admin"},
		{"POST", "/contacts/duplicates/dismiss", `{"contactIds":["` + ct + `","` + twin + `"]}`, "owner admin"},
		{"POST", "/contacts/" + ct + "/merge", `{"fromId":"` + twin + `"}`, "owner admin"},
		{"GET", "/contacts/duplicates", "", "owner admin billing booking sales viewer"},
		{"POST", "/contacts/" + ct + "/archive", "", "owner admin sales"},
		{"POST", "/contacts/" + ct + "/restore", "", "owner admin sales"},
		{"PATCH", "/settings", `{"footer":"%s"}`, "owner admin"},
		{"PATCH", "/settings", `{"customFields":[{"key":"%s","label":"L","kind":"text"}]}`, "owner admin"},
		{"PATCH", "/settings", `{"dealStages":[{"key":"qualified","name":"%s","probability":1}]}`, "owner admin"},
		{"PATCH", "/settings", `{"paymentTerms":"%s"}`, "owner billing"},
		{"PATCH", "/settings", `{"bank":{"accountHolder":"%s","iban":"DE89370400440532013000"}}`, "owner billing"},
		{"PATCH", "/settings", `{"terms":{"text":"%s"}}`, "owner billing"},
		{"POST", "/tax-rules", `{"taxClass":"a","category":"Z","from":"2026-01-01"}`, "owner billing"},
		{"POST", "/locations", `{"name":"Harbour"}`, "owner admin"},
		{"GET", "/locations", "", "owner admin billing booking sales viewer"},
		{"GET", "/invoices/" + open + "/history", "", "owner admin billing booking sales viewer"},
		{"GET", "/audit", "", "owner admin billing booking sales viewer"},
		{"POST", "/members", `{"name":"n","email":"%s@new.example","role":"viewer"}`, "owner admin"},
		{"POST", "/members", `{"name":"n","email":"%s2@new.example","role":"owner"}`, "owner"},
		{"POST", "/issues/" + back + "/unblock", `{"reason":"it works again"}`, "owner admin billing"},
		{"POST", "/issues/" + back + "/resend", `{"reason":"it works again"}`, "owner admin billing"},
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

// raised stores an issue as a deed would.
func (h *house) raised(in issue.Issue) string {
	h.t.Helper()
	op, made, err := issue.Raise(context.Background(), h.table, h.clock.Now(), in)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.table.Write(context.Background(), op); err != nil {
		h.t.Fatal(err)
	}
	return made.ID
}

// A link leads to its own document. Whatever else is tried, the answer is the same.
func TestALinkOpensNothingElse(t *testing.T) {
	h := move(t)
	client := h.as("")
	ct := h.made("/contacts", ada)
	h.made("/tax-rules", `{"taxClass":"standard","category":"S","rate":"19","from":"2026-01-01"}`)
	it := h.made("/catalog/items", `{"name":"Hour","unit":"hour","unitPrice":"90","currency":"EUR","taxClass":"standard"}`)
	in := h.made("/invoices", `{"contactId":"`+ct+`","currency":"EUR","locationId":"`+h.made("/locations", `{"name":"Harbour"}`)+`","lines":[{"itemId":"`+it+`","quantity":"1"}]}`)
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
		{"POST", ofInvoice + "/decline", ""}, {"POST", ofEstimate + "/checkout", ""},
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
