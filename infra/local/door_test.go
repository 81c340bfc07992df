package main

import (
	"fmt"
	"strings"
	"testing"
)

// What is owed in any currency is what the provider's page takes and what the books say, however many decimals the one or
// the other counts; what cannot be paid there is refused before anything is asked, with the way out named.
// Source of the units: docs.stripe.com/currencies, "Special cases".
func TestMoneyAtTheProvidersDoor(t *testing.T) {
	c, _ := whole(t)
	ct := c.say("POST", "/v1/contacts", `{"kind":"person","name":"Ada Byron","emails":[{"address":"ada@door.example"}]}`)["id"].(string)
	for _, x := range []struct {
		currency, price string
		minor           float64
		payable         bool
	}{
		{"JPY", "11900", 11900, true},
		{"JPY", "49", 49, false}, // below the least amount, 50
		{"ISK", "5000", 5000, true},
		{"UGX", "5000", 5000, true},
		{"KWD", "11.900", 11900, true},
		{"KWD", "11.905", 11905, false}, // the last digit must be 0
		{"TND", "1.010", 1010, true},
		{"EUR", "0.49", 49, false},
	} {
		what := x.price + " " + x.currency
		in := c.say("POST", "/v1/invoices", fmt.Sprintf(`{"contactId":%q,"currency":%q,"lines":[{"name":"Work","quantity":"1","unitPrice":%q,"tax":{"category":"Z","rate":"0"}}]}`,
			ct, x.currency, x.price))["id"].(string)
		if got := c.say("POST", "/v1/invoices/"+in+"/issue", `{}`)["due"]; got != x.minor {
			t.Errorf("%s is due as %v", what, got)
		}
		link := c.say("POST", "/v1/invoices/"+in+"/pay-link", `{}`)["url"].(string)
		ref := c.say("POST", "/v1/public/open", fmt.Sprintf(`{"token":%q}`, link[len(c.base+"/i/#"):]))["ref"].(string)
		status, body := c.do("POST", "/v1/public/documents/"+ref+"/checkout", `{}`)
		if !x.payable {
			if status != 422 || !strings.Contains(body, "amount_not_payable_online") || !strings.Contains(body, "transfer") {
				t.Errorf("%s: %d %s", what, status, body)
			}
			continue
		}
		if status != 200 {
			t.Fatalf("%s: %d %s", what, status, body)
		}
		url := c.say("POST", "/v1/public/documents/"+ref+"/checkout", `{}`)["url"].(string)
		c.say("POST", "/_local/stripe/pay", fmt.Sprintf(`{"url":%q,"method":"card","outcome":"success"}`, url))
		var inv map[string]any
		c.get("/v1/invoices/"+in, &inv)
		if inv["status"] != "paid" || inv["paid"] != x.minor || inv["due"] != 0.0 {
			t.Errorf("%s is %v with %v paid", what, inv["status"], inv["paid"])
		}
	}
	if open := c.say("GET", "/v1/issues?state=OPEN", "")["items"].([]any); len(open) != 0 {
		t.Errorf("open issues: %v", open)
	}
}
