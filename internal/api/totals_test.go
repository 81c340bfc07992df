package api

import (
	"encoding/json"
	"strings"
	"testing"

	"onebook/internal/vectors"
)

// 409 real invoices and credit notes, sent as a client would send them, come to what they say: level A in full, B from
// the line nets on. C and X contradict themselves or need what we do not have; they are answered or refused, and
// counted.
func TestRealDocumentsThroughTotals(t *testing.T) {
	h := move(t)
	count := map[string]int{}
	for _, v := range vectors.Invoices(t) {
		level := v.Check.Level
		count[level]++
		body, err := json.Marshal(v.Request(t))
		if err != nil {
			t.Fatal(err)
		}
		r := h.call("POST", "/totals", string(body))
		var diff []string
		if r.status == 200 {
			diff = v.Differences(t, []byte(r.body))
		}
		switch {
		case r.status == 200 && len(diff) == 0:
			count[level+"="]++
		case r.status != 200 && r.status != 422:
			t.Errorf("%s %s answers %d %s", level, v.ID, r.status, r.body)
		case level == "A" || level == "B":
			t.Errorf("%s %s answers %d:\n  %s\n%.300s", level, v.ID, r.status, strings.Join(diff, "\n  "), r.body)
		}
	}
	t.Logf("real documents equal through POST /totals: A %d of %d, B %d of %d, C %d of %d, X %d of %d", count["A="], count["A"],
		count["B="], count["B"], count["C="], count["C"], count["X="], count["X"])
	if count["A"] < 358 || count["B"] < 32 {
		t.Error("the vectors are incomplete")
	}
}

// The same engine answers POST /totals, an estimate and an invoice: one answer for one content (I8). EN 16931 rounds tax
// once per rate; 52.50 with 12 % inside is 46.87 + 5.63 (rules.md §1.2).
func TestOneAnswerForOneContent(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	for _, c := range []struct {
		content         string
		net, tax, total int64
	}{
		{`"lines":[{"name":"a","quantity":"1","unitPrice":"52.50","tax":{"category":"S","rate":"12"}}],"pricesIncludeTax":true`, 4687, 563, 5250},
		{`"lines":[{"name":"a","quantity":"1","unitPrice":"16.79","tax":{"category":"S","rate":"21"}},{"name":"b","quantity":"1","unitPrice":"16.79","charges":[{"amount":"1.00"}],"tax":{"category":"S","rate":"21"}}],"charges":[{"amount":"1.00","tax":{"category":"S","rate":"21"}}]`, 3558, 747, 4305},
		{`"lines":[{"name":"a","quantity":"1","unitPrice":"100.00","taxes":[{"name":"GST","category":"S","rate":"5"},{"name":"QST","category":"S","rate":"9.975"}]}],"discount":{"percent":"10"}`, 9000, 1348, 10348},
	} {
		plain := strings.NewReplacer(`"name":"a",`, "", `"name":"b",`, "").Replace(c.content)
		r := h.call("POST", "/totals", `{"currency":"EUR",`+plain+`}`).want(t, 200, "")
		if r.number("taxExclusive") != c.net || r.number("taxTotal") != c.tax || r.number("taxInclusive") != c.total || r.number("scale") != 2 {
			t.Errorf("%s comes to %s", plain, r.body)
		}
		for _, path := range []string{"/estimates", "/invoices"} {
			d := h.call("POST", path, `{"contactId":"`+ct+`","currency":"EUR",`+c.content+`}`).want(t, 201, "")
			for here, there := range map[string]string{
				"subtotal": "linesTotal", "taxExclusive": "taxExclusive", "taxTotal": "taxTotal", "total": "taxInclusive", "payable": "payable",
			} {
				if d.number(here) != r.number(there) {
					t.Errorf("%s: %s is %d, /totals says %d", path, here, d.number(here), r.number(there))
				}
			}
		}
	}
}
