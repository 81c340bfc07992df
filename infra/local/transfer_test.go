package main

import (
	"fmt"
	"strings"
	"testing"
)

// A company's assistant books and its accountant receives: the invoices go to the accountant alone, who pays four of them with
// one transfer and 50.00 too much. The rest is the company's credit, and the next invoice uses it.
func TestACompanyPaysFourInvoicesAtOnce(t *testing.T) {
	c, _ := whole(t)
	ct := c.say("POST", "/v1/contacts", `{"kind":"company","name":"Harbour Ltd","emails":[{"address":"hello@harbour.example","use":"own"}],"people":[
		{"name":"Ann Assistant","role":"assistant","emails":[{"address":"ann@harbour.example"}],"receives":["visits"]},
		{"name":"Carl Count","role":"accountant","emails":[{"address":"carl@harbour.example"}],"receives":["invoices"]}]}`)["id"].(string)
	who := c.say("POST", "/v1/contacts/match", `{"name":"Ann Assistant","email":"ann@harbour.example"}`)
	if who["outcome"] != "match" || who["contactId"] != ct || who["person"] != "Ann Assistant" {
		t.Errorf("the assistant is %v", who)
	}
	bill := func(price string) string {
		t.Helper()
		id := c.say("POST", "/v1/invoices", `{"contactId":"`+ct+`","currency":"EUR","lines":[{"name":"Work","quantity":"1","unitPrice":"`+price+`","tax":{"category":"Z","rate":"0"}}]}`)["id"].(string)
		c.say("POST", "/v1/invoices/"+id+"/send", `{}`)
		return id
	}
	var ids []string
	for n, price := range []string{"100.00", "200.00", "300.00", "400.00"} {
		ids = append(ids, bill(price))
		eventually(t, "the accountant gets it", func() bool {
			got := 0
			for _, m := range c.mails() {
				if strings.Contains(m.To, "carl@harbour.example") {
					got++
				}
			}
			return got == n+1
		})
	}
	paid := c.say("POST", "/v1/payments", `{"contactId":"`+ct+`","amount":105000,"method":"transfer","receivedOn":"2026-01-05","reference":"4 invoices"}`)
	if parts := paid["allocations"].([]any); len(parts) != 4 || paid["credit"] != float64(5000) {
		t.Errorf("the transfer is spread over %v, %v is left", parts, paid["credit"])
	}
	for _, id := range ids {
		if i := c.say("GET", "/v1/invoices/"+id, ""); i["status"] != "paid" || i["due"] != float64(0) {
			t.Errorf("%v is %v with %v due", i["number"], i["status"], i["due"])
		}
	}
	if b := fmt.Sprint(c.say("GET", "/v1/contacts/"+ct, "")["balance"]); b != "[map[credit:5000 currency:EUR due:0]]" {
		t.Errorf("the balance is %s", b)
	}
	eventually(t, "one receipt", func() bool { return len(c.mails()) == 5 })
	for _, m := range c.mails() {
		if !strings.Contains(m.To, "carl@harbour.example") {
			t.Errorf("%q went to %s", m.Subject, m.To)
		}
	}
	if next := c.say("GET", "/v1/invoices/"+bill("80.00"), ""); next["due"] != float64(3000) {
		t.Errorf("of the next invoice %v are due", next["due"])
	}
	if v := c.say("GET", "/v1/audit/verify?contactId="+ct, ""); v["intact"] != true {
		t.Errorf("the chain: %v", v)
	}
	if open := c.say("GET", "/v1/issues?state=OPEN", "")["items"].([]any); len(open) != 0 {
		t.Errorf("open issues: %v", open)
	}
}
