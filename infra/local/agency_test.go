package main

import (
	"fmt"
	"strings"
	"testing"
)

// An agency's deal of 12,000.00 with a German client: one of two films is chosen, 40 % are paid as a deposit by a debit that
// comes back once, two milestones follow, and the final invoice asks for the rest. To the cent, with a story that tells it.
func TestAnAgencyDeal(t *testing.T) {
	c, _ := whole(t)
	const mail = "einkauf@baeckerei.example"
	ct := c.say("POST", "/v1/contacts", `{"kind":"company","name":"Bäckerei Müller GmbH","locale":"de","emails":[{"address":"`+mail+`","use":"own"}],
		"address":{"line1":"Marktplatz 3","postalCode":"93047","city":"Regensburg","country":"DE"}}`)["id"].(string)
	line := func(name, price, more string) string {
		return `{"name":"` + name + `","quantity":"1","unitPrice":"` + price + `","taxClass":"standard"` + more + `}`
	}
	dl := c.say("POST", "/v1/deals", `{"contactId":"`+ct+`","title":"Imagefilm","currency":"EUR","lines":[`+
		line("Konzept", "4000.00", "")+`,`+line("Kurzfilm", "3000.00", `,"group":"Film","chosen":true`)+`,`+line("Langfilm", "6000.00", `,"group":"Film"`)+`,`+
		line("Schnitt", "2000.00", "")+`]}`)["id"].(string)
	es := c.say("POST", "/v1/deals/"+dl+"/estimates", `{}`)["id"].(string)
	c.say("POST", "/v1/estimates/"+es+"/send", `{}`)
	ref := c.open(mail, "e")
	c.say("POST", "/v1/public/documents/"+ref+"/view", `{}`)
	// Lines 1 and 4 are fixed; of the films the client takes the long one.
	if got := c.say("POST", "/v1/public/documents/"+ref+"/totals", `{"choices":["l3"]}`); got["total"] != float64(1428000) {
		t.Errorf("with the long film it comes to %v", got["total"])
	}
	if status, body := c.do("POST", "/v1/public/documents/"+ref+"/accept", `{"name":"Frau Müller","choices":[]}`); status != 422 {
		t.Errorf("no film was chosen: %d %s", status, body)
	}
	c.say("POST", "/v1/public/documents/"+ref+"/accept", `{"name":"Frau Müller","choices":["l3"]}`)
	if d := c.say("GET", "/v1/deals/"+dl, ""); d["state"] != "won" {
		t.Errorf("the deal is %v", d["state"])
	}
	made := c.say("POST", "/v1/estimates/"+es+"/convert", `{"deposit":{"percent":"40"},"milestones":[{"name":"Rohschnitt","percent":"25"},{"name":"Abnahme","percent":"25"}]}`)
	or, ids := made["orderId"].(string), made["invoiceIds"].([]any)

	// The deposit: the first debit comes back days later, the second arrives.
	deposit := ids[0].(string)
	c.say("POST", "/v1/invoices/"+deposit+"/send", `{}`)
	ref = c.open(mail, "i")
	status := func(id string) map[string]any { return c.say("GET", "/v1/invoices/"+id, "") }
	debit := func(then string) {
		t.Helper()
		url := c.say("POST", "/v1/public/documents/"+ref+"/checkout", `{"method":"sepa_debit"}`)["url"].(string)
		c.say("POST", "/_local/stripe/pay", `{"url":"`+url+`","method":"sepa_debit","outcome":"processing","then":"`+then+`","days":3}`)
		c.say("POST", "/_local/clock", `{"advance":"2m"}`)
		if got := status(deposit); got["display"] != "paying" || got["due"] != float64(571200) {
			t.Errorf("while the debit is under way it is %v with %v due", got["display"], got["due"])
		}
		if code, body := c.do("POST", "/v1/public/documents/"+ref+"/checkout", `{}`); code != 409 || !strings.Contains(body, "paying") {
			t.Errorf("a second page meanwhile: %d %s", code, body)
		}
		c.say("POST", "/_local/clock", `{"advance":"96h"}`)
		ref = c.open(mail, "i")
	}
	debit("failure")
	if got := status(deposit); got["status"] != "open" || got["due"] != float64(571200) {
		t.Errorf("after the debit came back it is %v with %v due", got["status"], got["due"])
	}
	debit("success")
	if got := status(deposit); got["status"] != "paid" || got["due"] != float64(0) {
		t.Errorf("after the second debit it is %v with %v due", got["status"], got["due"])
	}
	subjects := ""
	for _, m := range c.mails() {
		if m.To == mail {
			subjects += m.Subject + "\n"
		}
	}
	for _, word := range []string{"Angebot", "Rechnung", "Zahlung"} {
		if !strings.Contains(subjects, word) {
			t.Errorf("no letter in German says %q:\n%s", word, subjects)
		}
	}

	for _, id := range ids[1:] {
		c.say("POST", "/v1/invoices/"+id.(string)+"/issue", `{}`)
		c.say("POST", "/v1/invoices/"+id.(string)+"/payments", fmt.Sprintf(`{"amount":%d,"method":"transfer","receivedOn":"2026-01-13"}`, int(status(id.(string))["due"].(float64))))
	}
	last := c.say("POST", "/v1/orders/"+or+"/invoices", `{"final":true}`)["id"].(string)
	c.say("POST", "/v1/invoices/"+last+"/issue", `{}`)
	if got := status(last); got["total"] != float64(142800) || got["taxTotal"] != float64(22800) || got["dealId"] != dl {
		t.Errorf("the final invoice asks for %v with %v tax, of the deal %v", got["total"], got["taxTotal"], got["dealId"])
	}
	c.say("POST", "/v1/invoices/"+last+"/payments", `{"amount":142800,"method":"transfer","receivedOn":"2026-01-13"}`)
	if o := c.say("GET", "/v1/orders/"+or, ""); o["state"] != "billed" || o["billed"] != float64(1428000) || o["remaining"] != float64(0) {
		t.Errorf("the order: %v billed, %v remain, %v", o["billed"], o["remaining"], o["state"])
	}
	if got := c.say("GET", "/v1/contacts/"+ct, ""); len(got["balance"].([]any)) != 0 {
		t.Errorf("the balance in the end: %v", got["balance"])
	}
	if v := c.say("GET", "/v1/audit/verify?contactId="+ct, ""); v["intact"] != true {
		t.Errorf("the chain: %v", v)
	}
	if open := c.say("GET", "/v1/issues?state=OPEN", "")["items"].([]any); len(open) != 0 {
		t.Errorf("open issues: %v", open)
	}
}
