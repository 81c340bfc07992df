package api

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	ada    = `{"kind":"person","name":"Ada Lovelace","emails":[{"address":"ada@example.com"}],"phones":[{"number":"+44 20 7946 0958"}]}`
	design = `{"name":"Design","quantity":"2","unitPrice":"50.00","tax":{"category":"S","rate":"19"}}`
)

func offer(contactID string) string {
	return `{"contactId":"` + contactID + `","currency":"EUR","validUntil":"2026-02-01","lines":[` + design + `],"notes":"Thank you"}`
}

func bill(contactID string) string {
	return `{"contactId":"` + contactID + `","currency":"EUR","dueOn":"2026-01-15","lines":[` + design + `]}`
}

// A contact becomes an estimate, the client accepts it, it becomes an invoice, the client pays it, the books agree.
func TestOneLifeFromContactToCash(t *testing.T) {
	h := move(t)
	client := h.as("")
	ct := h.made("/contacts", ada)
	es := h.made("/estimates", offer(ct))
	draft := h.call("GET", "/estimates/"+es, "").is(t, map[string]any{
		"status": "draft", "subtotal": 10000, "total": 11900, "taxTotal": 1900, "payable": 11900, "version": 1, "currency": "EUR",
	})
	if got := draft.text("lines", 0, "unitPrice"); got != "50.00" {
		t.Errorf("the price was typed as 50.00 and reads %s", got)
	}
	if tag := draft.header.Get("ETag"); tag != `"1.2.2026-01-01"` {
		t.Errorf("ETag %s, want revision, sequence and the organisation's date", tag)
	}
	h.call("POST", "/estimates/"+es+"/accept", `{"name":"Ada"}`).want(t, 409, "unready")
	sent := h.call("POST", "/estimates/"+es+"/send", "").want(t, 200, "").is(t, map[string]any{"status": "sent", "number": "E-0001"})
	if sent.text("sentAt") == "" {
		t.Error("it was sent but says not when")
	}

	// The client.
	page := h.ref(es)
	seen := client.call("GET", page, "").want(t, 200, "").is(t, map[string]any{
		"kind": "estimate", "number": "E-0001", "display": "open", "canAccept": true, "canPay": false, "total": 11900, "validUntil": "2026-02-01",
	})
	if seen.text("seller", "name") != "My organisation" || seen.text("client", "name") != "Ada Lovelace" || seen.text("look", "accent") == "" {
		t.Error(seen.body)
	}
	client.call("POST", page+"/view", "").want(t, 200, "").is(t, map[string]any{"status": "viewed", "display": "open"})
	h.call("GET", "/estimates/"+es, "").is(t, map[string]any{"status": "viewed"})
	client.call("POST", page+"/accept", `{"name":""}`).want(t, 422, "invalid")
	client.call("POST", page+"/accept", `{"name":"Ada L.","choices":["a"]}`).want(t, 422, "invalid")
	client.call("POST", page+"/checkout", `{}`).want(t, 404, "not_found")
	accepted := client.call("POST", page+"/accept", `{"name":"Ada L."}`).want(t, 200, "")
	accepted.is(t, map[string]any{"status": "accepted", "acceptedBy": "Ada L.", "canAccept": false})
	client.call("POST", page+"/accept", `{"name":"Somebody else"}`).want(t, 200, "").is(t, map[string]any{"acceptedBy": "Ada L."})
	client.call("POST", page+"/decline", `{}`).want(t, 409, "unready")

	// Converted, twice.
	made := h.call("POST", "/estimates/"+es+"/convert", "").want(t, 200, "")
	again := h.call("POST", "/estimates/"+es+"/convert", "{}").want(t, 200, "")
	if made.body != again.body || made.text("invoiceId") == "" || made.text("invoiceId") != made.text("invoiceIds", 0) {
		t.Fatalf("%s\n%s", made.body, again.body)
	}
	in, or := made.text("invoiceId"), made.text("orderId")
	h.call("GET", "/orders/"+or, "").want(t, 200, "").is(t, map[string]any{"state": "open", "total": 11900, "billed": 0, "remaining": 11900})
	h.call("GET", "/invoices/"+in, "").is(t, map[string]any{"status": "draft", "display": "draft", "total": 11900, "due": 0, "orderId": or, "estimateId": es})

	// Issued, twice, and sent.
	h.call("GET", "/invoices/"+in+"/pdf", "").want(t, 409, "unready")
	issued := h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "").is(t, map[string]any{
		"status": "open", "number": "2026-0001", "display": "issued", "due": 11900, "issuedOn": "2026-01-01", "dueOn": "2026-01-15",
	})
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "").is(t, map[string]any{"number": "2026-0001"})
	if issued.text("recipients", 0, "email") != "ada@example.com" {
		t.Error(issued.body)
	}
	h.call("GET", "/orders/"+or, "").is(t, map[string]any{"state": "billed", "remaining": 0})
	h.call("GET", "/estimates/"+es, "").is(t, map[string]any{"status": "invoiced"})
	if l := h.call("GET", "/orders?state=billed", "").want(t, 200, ""); len(l.items()) != 1 || l.text("items", 0, "invoiceIds", 0) != in {
		t.Error(l.body)
	}
	h.call("POST", "/invoices/"+in+"/send", "").want(t, 200, "").is(t, map[string]any{"display": "sent"})
	link := h.call("POST", "/invoices/"+in+"/pay-link", "").want(t, 200, "").text("url")
	if link != "https://site.example/i/#"+h.token(in) {
		t.Errorf("pay link %s", link)
	}
	h.pdfs.ready = true
	if r := h.call("GET", "/invoices/"+in+"/pdf", "").want(t, 302, ""); r.header.Get("Location") != "https://files.example/"+in {
		t.Error(r.header)
	}
	h.call("GET", "/invoices/"+in+"/pdf", "", "Accept", "application/json").want(t, 200, "").is(t, map[string]any{"url": "https://files.example/" + in})
	if c := h.call("GET", "/contacts/"+ct, "").want(t, 200, ""); c.number("balance", 0, "due") != 11900 {
		t.Error(c.body)
	}

	// Seen and paid in two parts.
	page = h.ref(in)
	client.call("POST", page+"/view", "").want(t, 200, "").is(t, map[string]any{"kind": "invoice", "display": "due", "canPay": true, "due": 11900})
	h.call("GET", "/invoices/"+in, "").is(t, map[string]any{"display": "viewed"})
	client.call("POST", page+"/accept", `{"name":"Ada"}`).want(t, 404, "not_found")
	client.call("POST", page+"/checkout", `{"amount":"50.00"}`).want(t, 422, "invalid")
	if f := client.call("POST", page+"/checkout", `{"amount":11901}`).want(t, 422, "invalid").fields(); f != "amount:invalid" {
		t.Error(f)
	}
	url := client.call("POST", page+"/checkout", `{"amount":5000}`).want(t, 200, "").text("url")
	session := strings.TrimPrefix(url, "https://pay.example/")
	if twice := client.call("POST", page+"/checkout", `{"amount":5000}`).want(t, 200, "").text("url"); twice != url {
		t.Errorf("a double click opened %s beside %s", twice, url)
	}
	h.bank.pay(session)
	client.call("GET", "/public/return?session="+session, "").want(t, 303, "")
	client.call("GET", "/public/return?session="+session, "").want(t, 303, "")
	part := client.call("GET", page, "").is(t, map[string]any{"display": "partially paid", "paid": 5000, "due": 6900, "canPay": true})
	if part.number("payments", 0, "amount") != 5000 || part.text("payments", 0, "method") != "card" || len(part.at("payments").([]any)) != 1 {
		t.Error(part.body)
	}
	rest := client.call("POST", page+"/checkout", "").want(t, 200, "").text("url")
	h.bank.pay(strings.TrimPrefix(rest, "https://pay.example/"))
	client.call("GET", "/public/return?session="+strings.TrimPrefix(rest, "https://pay.example/"), "").want(t, 303, "")
	client.call("GET", page, "").is(t, map[string]any{"display": "paid", "due": 0, "canPay": false})
	client.call("POST", page+"/checkout", "").want(t, 409, "paid")
	h.call("GET", "/invoices/"+in, "").is(t, map[string]any{"status": "paid", "display": "paid", "paid": 11900, "due": 0})

	// The books.
	c := h.call("GET", "/contacts/"+ct, "")
	if len(c.at("balance").([]any)) != 0 {
		t.Errorf("all is paid, yet the balance is %v", c.at("balance"))
	}
	var kinds []string
	for _, e := range h.call("GET", "/contacts/"+ct+"/timeline", "").want(t, 200, "").items() {
		kinds = append(kinds, e.(map[string]any)["kind"].(string))
	}
	want := "payment.succeeded payment.started payment.succeeded payment.started invoice.viewed invoice.sent invoice.issued " +
		"estimate.converted estimate.accepted estimate.viewed estimate.sent estimate.drafted contact.created"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("the timeline is\n%s, want\n%s", got, want)
	}
	h.call("GET", "/audit/verify?contactId="+ct, "").want(t, 200, "").is(t, map[string]any{"intact": true, "entries": len(kinds)})
	docs := h.call("GET", "/contacts/"+ct+"/documents", "").want(t, 200, "")
	if len(docs.items()) != 2 || docs.text("items", 0, "number") != "2026-0001" || docs.text("items", 1, "display") != "invoiced" {
		t.Error(docs.body)
	}
	if n := len(h.call("GET", "/payments?contactId="+ct, "").want(t, 200, "").items()); n != 2 {
		t.Errorf("%d payments, want 2", n)
	}
}

// Money received by hand: part, the rest, and more than was due.
func TestAPaymentByHand(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	in := h.made("/invoices", bill(ct))
	pay := func(amount int) reply {
		return h.call("POST", "/invoices/"+in+"/payments", fmt.Sprintf(`{"amount":%d,"method":"transfer","receivedOn":"2026-01-01","reference":"R1"}`, amount))
	}
	pay(100).want(t, 409, "unready") // a draft
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
	p := pay(4000).want(t, 201, "").is(t, map[string]any{"status": "succeeded", "amount": 4000, "credit": 0, "method": "transfer", "reference": "R1"})
	if p.text("allocations", 0, "invoiceId") != in || p.number("allocations", 0, "amount") != 4000 {
		t.Error(p.body)
	}
	h.call("GET", "/payments/"+p.text("id"), "").want(t, 200, "").is(t, map[string]any{"amount": 4000})
	h.call("GET", "/invoices/"+in, "").is(t, map[string]any{"display": "partially paid", "due": 7900})
	pay(8000).want(t, 201, "").is(t, map[string]any{"credit": 100})
	h.call("GET", "/invoices/"+in, "").is(t, map[string]any{"status": "paid", "due": 0})
	if c := h.call("GET", "/contacts/"+ct, ""); c.number("balance", 0, "credit") != 100 {
		t.Error(c.body)
	}
	h.call("POST", "/invoices/"+in+"/void", `{"reason":"wrong"}`).want(t, 409, "unready")
	h.call("POST", "/invoices/"+in+"/payments", `{"amount":100,"method":"card","receivedOn":"2026-01-01"}`).want(t, 422, "invalid")
	h.call("POST", "/invoices/"+in+"/payments", `{"amount":100,"method":"cash","receivedOn":"2026-01-02"}`).want(t, 422, "invalid")
	h.call("POST", "/invoices/"+in+"/payments", `{"amount":100,"method":"cash"}`).want(t, 422, "invalid")
	h.call("POST", "/invoices/"+in+"/payments", `{"amount":"1.00","method":"cash","receivedOn":"2026-01-01"}`).want(t, 422, "invalid")
	if n := len(h.call("GET", "/payments", "").items()); n != 2 {
		t.Errorf("%d payments, want 2", n)
	}
}

// An invoice is overdue from the day after its due date, without anybody writing anything; so its tag holds the date.
func TestOverdueComesWithTheDay(t *testing.T) {
	h := move(t)
	in := h.made("/invoices", bill(h.made("/contacts", ada)))
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
	h.clock.Move(14 * 24 * time.Hour) // the due date itself
	r := h.call("GET", "/invoices/"+in, "").is(t, map[string]any{"display": "issued"})
	if n := len(h.call("GET", "/invoices?status=overdue", "").items()); n != 0 {
		t.Error("overdue on its last day")
	}
	h.call("GET", "/invoices/"+in, "", "If-None-Match", r.header.Get("ETag")).want(t, 304, "")
	h.clock.Move(24 * time.Hour)
	h.call("GET", "/invoices/"+in, "", "If-None-Match", r.header.Get("ETag")).want(t, 200, "").is(t, map[string]any{"display": "overdue", "status": "open"})
	if l := h.call("GET", "/invoices?status=overdue", ""); len(l.items()) != 1 || l.text("items", 0, "id") != in {
		t.Error(l.body)
	}
}

func TestAnOfferEndsWithItsLastDay(t *testing.T) {
	h := move(t)
	es := h.made("/estimates", offer(h.made("/contacts", ada)))
	h.call("POST", "/estimates/"+es+"/send", "").want(t, 200, "")
	h.clock.Move(32 * 24 * time.Hour)
	h.call("GET", "/estimates/"+es, "").is(t, map[string]any{"status": "expired"})
	page := h.ref(es)
	h.as("").call("GET", page, "").is(t, map[string]any{"status": "expired", "canAccept": false})
	h.as("").call("POST", page+"/accept", `{"name":"Ada"}`).want(t, 409, "expired")
	if n := len(h.call("GET", "/estimates?status=sent", "").items()); n != 0 {
		t.Error("an offer that is over is listed as sent")
	}
}
