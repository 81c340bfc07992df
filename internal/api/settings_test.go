package api

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"onebook/internal/activity"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/issue"
	"onebook/internal/money"
	"onebook/internal/sale"
	"onebook/internal/store"
)

func TestTaxRulesDecideByClassPlaceAndDay(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	rule := `{"taxClass":"standard","name":"VAT","category":"S","rate":"19","from":"2025-01-01"}`
	h.made("/tax-rules", rule)
	h.made("/tax-rules", `{"taxClass":"standard","name":"VAT","category":"S","rate":"21","from":"2026-01-02"}`)
	if r := h.call("POST", "/tax-rules", rule).want(t, 409, "exists"); r.text("taxRuleId") == "" {
		t.Error(r.body)
	}
	it := h.made("/catalog/items", `{"name":"Hour","description":"of work","unit":"hour","unitPrice":"100.00","currency":"EUR","taxClass":"standard"}`)
	es := h.made("/estimates", `{"contactId":"`+ct+`","currency":"EUR","lines":[{"itemId":"`+it+`","quantity":"1"},{"itemId":"`+it+`","quantity":"1","serviceDate":"2026-01-02"}]}`)
	r := h.call("GET", "/estimates/"+es, "").is(t, map[string]any{"subtotal": 20000, "total": 24000, "validUntil": "2026-01-31"})
	if r.text("lines", 0, "name") != "Hour" || r.text("lines", 0, "taxes", 0, "rate") != "19" || r.text("lines", 1, "taxes", 0, "rate") != "21" {
		t.Error(r.body)
	}
	if h.call("GET", "/estimates/"+es, "").text("lines", 0, "unit") != "hour" {
		t.Error("the unit was not copied")
	}
}

// Settings that nobody has saved have a revision too, so the first edit can name it.
func TestTheFirstEditOfTheSettings(t *testing.T) {
	h := move(t)
	r := h.call("GET", "/settings", "").want(t, 200, "").is(t, map[string]any{"version": 1, "currency": "USD", "timeZone": "UTC", "dueDays": 14})
	r = h.call("PATCH", "/settings", `{"name":"Studio","timeZone":"Asia/Tokyo","address":{"city":"Tokyo","country":"JP"}}`, "If-Match", r.header.Get("ETag")).want(t, 200, "")
	r.is(t, map[string]any{"version": 2, "name": "Studio", "dueDays": 14})
	if r.text("numbering", "invoice") != "{year}-{n4}" || r.text("address", "city") != "Tokyo" {
		t.Error(r.body)
	}
	if f := h.call("PATCH", "/settings", `{"timeZone":"Mars/Base","numbering":{"invoice":"x"}}`, "If-Match", r.header.Get("ETag")).want(t, 422, "invalid").fields(); !same(f, "timeZone:invalid numbering.invoice:invalid") {
		t.Error(f)
	}
	h.clock.Move(15 * time.Hour) // it is the next day in Tokyo
	in := h.made("/invoices", bill(h.made("/contacts", ada)))
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "").is(t, map[string]any{"issuedOn": "2026-01-02"})
}

// What happens when a client accepts is a setting that tells who chose it, and it happens.
func TestOnAcceptanceIsASetting(t *testing.T) {
	h := move(t)
	edit := func(body string) reply { return h.call("PATCH", "/settings", body, "If-Match", h.etag("/settings")) }
	edit(`{"onAcceptance":"shred"}`).want(t, 422, "invalid")
	edit(`{"acceptanceDeposit":"0"}`).want(t, 422, "invalid")
	set := edit(`{"onAcceptance":"draft","acceptanceDeposit":"40"}`).want(t, 200, "").is(t, map[string]any{"onAcceptance": "draft", "acceptanceDeposit": "40"})
	if set.text("onAcceptanceBy", "name") != "The owner" || set.text("onAcceptanceBy", "at") == "" {
		t.Error(set.body)
	}
	es := h.made("/estimates", offer(h.made("/contacts", ada)))
	h.call("POST", "/estimates/"+es+"/send", "").want(t, 200, "")
	h.as("").call("POST", h.ref(es)+"/accept", `{"name":"Ada"}`).want(t, 200, "")
	var lines []string
	for shard := range effect.Shards {
		p, err := h.table.List(context.Background(), store.Query{Index: store.Due, Partition: effect.DuePartition(shard)})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range p.Items {
			lines = append(lines, it.Kind)
		}
	}
	if !strings.Contains(strings.Join(lines, " "), "effect."+effect.Book) {
		t.Errorf("in line are %v", lines)
	}
	edit(`{"onAcceptance":"nothing","acceptanceDeposit":null}`).want(t, 200, "")
	if got := h.call("GET", "/settings", ""); strings.Contains(got.body, "onAcceptanceBy") || strings.Contains(got.body, "acceptanceDeposit") {
		t.Error(got.body)
	}
}

// The account that clients transfer to is checked, stands on what is issued from then on, and is asked for until nothing
// is due.
func TestClientsSeeWhereToTransfer(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	before := h.made("/invoices", bill(ct))
	h.call("POST", "/invoices/"+before+"/issue", "").want(t, 200, "")
	if f := h.call("PATCH", "/settings", `{"bank":{"accountHolder":"Studio","iban":"DE89370400440532013001"}}`, "If-Match", h.etag("/settings")).want(t, 422, "invalid").fields(); !same(f, "bank.iban:checksum") {
		t.Error(f)
	}
	r := h.call("PATCH", "/settings", `{"bank":{"accountHolder":"Studio","iban":"de89 3704 0044 0532 0130 00","bic":"COBADEFFXXX","creditorReference":true}}`, "If-Match", h.etag("/settings")).want(t, 200, "")
	if r.text("bank", "iban") != "DE89370400440532013000" {
		t.Error(r.body)
	}
	in := h.made("/invoices", strings.Replace(bill(ct), "{", `{"purchaseOrder":"PO 7",`, 1))
	issued := h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "").is(t, map[string]any{"purchaseOrder": "PO 7"})
	rf, _ := sale.CreditorReference(issued.text("number"))
	page := h.ref(in)
	v := h.as("").call("GET", page, "").want(t, 200, "").is(t, map[string]any{"purchaseOrder": "PO 7"})
	due := money.Format(v.number("due"), "EUR")
	if v.text("transfer", "holder") != "Studio" || v.text("transfer", "reference") != rf ||
		v.text("transfer", "epc") != "BCD\n002\n1\nSCT\nCOBADEFFXXX\nStudio\nDE89370400440532013000\nEUR"+due+"\n\n"+rf {
		t.Error(v.body)
	}
	h.call("POST", "/invoices/"+in+"/payments", `{"amount":`+strconv.FormatInt(v.number("due"), 10)+`,"method":"transfer","receivedOn":"2026-01-01"}`).want(t, 201, "")
	for _, gone := range []string{page, h.ref(before)} {
		if v := h.as("").call("GET", gone, "").want(t, 200, ""); v.at("transfer") != nil {
			t.Error(v.body)
		}
	}
	h.call("PATCH", "/settings", `{"bank":null}`, "If-Match", h.etag("/settings")).want(t, 200, "").is(t, map[string]any{"bank": nil})
}

// The organisation is never without an owner, and a removed member is out.
func TestMembersComeAndGo(t *testing.T) {
	h := move(t)
	idOf := func(role string) string {
		for _, m := range h.call("GET", "/members", "").items() {
			if m.(map[string]any)["role"] == role {
				return m.(map[string]any)["id"].(string)
			}
		}
		return ""
	}
	owner, viewer := "/members/"+idOf("owner"), "/members/"+idOf("viewer")
	h.call("PATCH", owner, `{"role":"viewer"}`, "If-Match", h.etag(owner)).want(t, 409, "unready")
	h.call("DELETE", owner, "", "If-Match", h.etag(owner)).want(t, 409, "unready")
	h.call("POST", "/members", `{"name":"x","email":"viewer@studio.example","role":"sales"}`).want(t, 409, "exists")
	h.call("PATCH", viewer, `{"email":"else@studio.example"}`, "If-Match", h.etag(viewer)).want(t, 422, "invalid")
	h.as("viewer").call("GET", "/contacts", "").want(t, 200, "")
	h.call("DELETE", viewer, "", "If-Match", h.etag(viewer)).want(t, 204, "")
	h.clock.Move(time.Minute)
	h.as("viewer").call("GET", "/contacts", "").want(t, 403, "denied")
}

// What could not be done is a person's to settle, with a reason, and only by whose it is.
func TestIssuesAreSettled(t *testing.T) {
	h := move(t)
	ctx := context.Background()
	raise := func(subject, of string) string {
		t.Helper()
		op, i, err := issue.Raise(ctx, h.table, h.clock.Now(), issue.Issue{
			Code: "test", Subject: subject, State: issue.Open, Area: issue.Billing, Title: "It failed", Detail: "Mend it.", Effect: of,
			AtRisk: &issue.Money{Amount: 5, Currency: "EUR"}, Attempts: []issue.Attempt{{At: h.clock.Now(), Result: "no"}},
		})
		if err == nil {
			err = h.table.Write(ctx, op)
		}
		if err != nil {
			t.Fatal(err)
		}
		return "/issues/" + i.ID
	}
	a, b := raise("a", ""), raise("b", "")
	h.call("GET", a, "").want(t, 200, "").is(t, map[string]any{"state": "OPEN", "title": "It failed", "count": 1, "actions": "[resolve ignore assign]"})
	h.call("POST", a+"/resolve", `{}`).want(t, 422, "invalid")
	h.call("POST", a+"/retry", `{}`).want(t, 409, "unready")
	h.as("sales").call("POST", a+"/resolve", `{"reason":"done"}`).want(t, 403, "denied")
	h.as("booking").call("POST", a+"/assign", `{"memberId":"x"}`).want(t, 422, "invalid")
	me := h.call("GET", "/members", "").text("items", 0, "id")
	h.call("POST", a+"/assign", `{"memberId":"`+me+`"}`).want(t, 200, "").is(t, map[string]any{"owner": me})
	if l := h.call("GET", "/issues?owner="+me, ""); len(l.items()) != 1 {
		t.Error(l.body)
	}
	h.as("billing").call("POST", a+"/resolve", `{"reason":"done by hand"}`, "If-Match", h.etag(a)).want(t, 200, "").is(t, map[string]any{"state": "RESOLVED_MANUAL", "reason": "done by hand"})
	h.call("POST", a+"/resolve", `{"reason":"again"}`).want(t, 409, "unready")
	h.call("POST", b+"/ignore", `{"reason":"later","until":"2025-01-01T00:00:00Z"}`).want(t, 422, "invalid")
	h.call("POST", b+"/ignore", `{"reason":"later","until":"2026-02-01T00:00:00Z"}`).want(t, 200, "").is(t, map[string]any{"state": "IGNORED", "until": "2026-02-01T00:00:00Z"})
	for query, want := range map[string]int{"": 2, "?state=OPEN": 0, "?state=IGNORED": 1, "?state=RESOLVED_MANUAL": 1, "?owner=nobody": 0} {
		if got := len(h.call("GET", "/issues"+query, "").want(t, 200, "").items()); got != want {
			t.Errorf("%s: %d issues, want %d", query, got, want)
		}
	}
	// An effect that failed goes back in line.
	in := h.made("/invoices", bill(h.made("/contacts", ada)))
	h.call("POST", "/invoices/"+in+"/issue", "").want(t, 200, "")
	_, _, err := (&effect.Runner{Table: h.table, Now: h.clock.Now}).Sweep(ctx, shardOf(t, h))
	if err != nil {
		t.Fatal(err)
	}
	l := h.call("GET", "/issues?state=OPEN", "").want(t, 200, "")
	if len(l.items()) != 1 {
		t.Fatal(l.body)
	}
	failed := "/issues/" + l.text("items", 0, "id")
	h.call("POST", failed+"/retry", `{"reason":"mended"}`).want(t, 200, "").is(t, map[string]any{"state": "RETRYING"})
	if shardOf(t, h) < 0 {
		t.Error("the effect is not in line again")
	}
}

// shardOf is the shard on which an effect waits, -1 when none does.
func shardOf(t *testing.T, h *house) int {
	t.Helper()
	for shard := range effect.Shards {
		p, err := h.table.List(context.Background(), store.Query{Index: store.Due, Partition: effect.DuePartition(shard)})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Items) > 0 {
			return shard
		}
	}
	return -1
}

// A history in which somebody has meddled is said to be so.
func TestAMeddledHistoryIsFound(t *testing.T) {
	h := move(t)
	ct := h.made("/contacts", ada)
	h.made("/estimates", offer(ct))
	sound := h.call("GET", "/audit/verify?contactId="+ct, "").want(t, 200, "").is(t, map[string]any{"intact": true, "entries": 2})
	if sound.text("head") == "" {
		t.Error(sound.body)
	}
	h.call("GET", "/audit/verify", "").want(t, 200, "").is(t, map[string]any{"intact": true, "entries": 6})
	h.call("GET", "/audit/verify?month=2025-12", "").want(t, 200, "").is(t, map[string]any{"intact": true, "entries": 0})
	h.call("GET", "/audit/verify?month=2025-13", "").want(t, 422, "invalid")
	k := store.Key{PK: "A#" + ct, SK: fmt.Sprintf("%012d", 2)}
	it, err := h.table.Get(context.Background(), k)
	if err != nil {
		t.Fatal(err)
	}
	it.Body = []byte(strings.Replace(string(it.Body), "Drafted", "Dreamed", 1))
	if err := h.table.Write(context.Background(), store.Put(it), store.Put(store.Item{Key: store.Key{PK: "X", SK: "X"}, Kind: activity.OnceKind, Body: []byte("{}")})); err != nil {
		t.Fatal(err)
	}
	broken := h.call("GET", "/audit/verify?contactId="+ct, "").want(t, 200, "").is(t, map[string]any{"intact": false})
	if !strings.Contains(broken.text("problem"), "entry 2") {
		t.Error(broken.body)
	}
}

// A stale problem shows a contact as the door shows it everywhere, whoever found that it was stale.
func TestTheDoorShowsWhatIsCurrent(t *testing.T) {
	err := withoutCurrent(fault.Stale.Errorf("it was changed").With("current", "as the domain has it"))
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Stale || f.Data["current"] != nil || f.Message != "it was changed" {
		t.Errorf("%#v", err)
	}
	if err := withoutCurrent(fault.Denied); !errors.Is(err, fault.Denied) {
		t.Errorf("%v", err)
	}
}
