package functions_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"onebook/infra/local/stripe"
	"onebook/internal/activity"
	"onebook/internal/app/back"
	"onebook/internal/billing"
	"onebook/internal/contact"
	"onebook/internal/effect"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/sale"
)

// life drives one life through the functions, by their samples. What the samples name and the life makes anew (an
// effect, a token) takes its place in them.
func (w *world) life(t *testing.T) {
	step := func(name string, f func(t *testing.T)) {
		if !t.Run(name, f) {
			t.FailNow()
		}
	}
	ctx := t.Context()
	var owner activity.By
	step("setup makes the first owner, once", func(t *testing.T) {
		var first, again back.SetupAnswer
		for _, into := range []*back.SetupAnswer{&first, &again} {
			b, err := w.call(t, "setup", sample(t, "setup"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, into); err != nil {
				t.Fatal(err)
			}
		}
		m, err := w.product.Members.Get(ctx, first.MemberID)
		if err != nil || first != again || m.Role != member.Owner || m.Email != "owner@studio.example" || m.Sub != subject(t) {
			t.Fatalf("%+v, then %+v: %+v, %v", first, again, m, err)
		}
		if b, err := w.call(t, "setup", []byte(`{"ownerEmail":"another@studio.example"}`)); err == nil {
			t.Errorf("a second owner was made: %s", b)
		}
		owner = activity.By{Kind: activity.Member, ID: m.ID, Name: m.Name, Role: string(m.Role)}
	})
	step("the API answers its members", func(t *testing.T) {
		for _, c := range []struct {
			door   string
			status int
			has    string
		}{{"contacts", 201, "id"}, {"sales", 200, "items"}, {"invoices", 200, "payable"}, {"settings", 200, "timeZone"}} {
			r := request(t, c.door)
			if status, body := w.ask(t, c.door, r); status != c.status || body[c.has] == nil {
				t.Errorf("%s: %s: %d %v", c.door, r.RouteKey, status, body)
			}
		}
		for door, path := range map[string]string{"contacts": "/v1/contacts", "sales": "/v1/estimates", "invoices": "/v1/invoices", "settings": "/v1/members"} {
			get := routed(request(t, door), "GET", path, "")
			for why, c := range map[string]struct {
				r      events.APIGatewayV2HTTPRequest
				status int
			}{
				"a member": {get, 200}, "nobody": {claiming(get, nil), 401}, "a stranger": {claiming(get, map[string]string{"sub": "stranger"}), 403},
				"an ID token":      {claiming(get, map[string]string{"token_use": "id"}), 401},
				"another client":   {claiming(get, map[string]string{"client_id": "another"}), 401},
				"another issuer":   {claiming(get, map[string]string{"iss": site}), 401},
				"a forged subject": {claiming(get, map[string]string{"sub": "../MEM#" + owner.ID}), 403},
			} {
				if status, body := w.ask(t, door, c.r); status != c.status {
					t.Errorf("%s answers %s on GET %s with %d %v, not %d", door, why, path, status, body, c.status)
				}
			}
		}
	})
	bill := w.bill(t, owner)
	mail, pdf := w.effect(t, effect.Mail), w.effect(t, effect.PDF)
	step("pdf prints what the stream brings", func(t *testing.T) {
		w.batch(t, "pdf", pdf)
		got, err := invoice.GetTrack(ctx, w.product.Table, bill)
		if err != nil || got.PDF == nil || got.PDF.Bytes < 1000 {
			t.Fatalf("%+v, %v", got, err)
		}
	})
	var letter string
	step("relay mails what the stream brings", func(t *testing.T) {
		w.batch(t, "relay", mail)
		got := w.letter(t, payer)
		if got.From != mailFrom || got.ConfigSet != letters || got.Tags["effect"] != mail.ID || !strings.Contains(got.Subject, bill.Number) {
			t.Errorf("%+v", got)
		}
		letter = token(t, got)
	})
	var page string
	step("portal opens what a link names, and nothing else", func(t *testing.T) {
		open := request(t, "portal")
		if status, body := w.ask(t, "portal", open); status != 404 || body["code"] != "not_found" {
			t.Errorf("a made-up token: %d %v", status, body)
		}
		open.Body = fmt.Sprintf(`{"token":%q}`, letter)
		delete(open.Headers, "content-length")
		status, body := w.ask(t, "portal", open)
		ref, _ := body["ref"].(string)
		if status != 200 || ref == "" {
			t.Fatalf("%d %v", status, body)
		}
		doc := "/v1/public/documents/" + ref
		if status, body := w.ask(t, "portal", routed(open, "GET", doc, "")); status != 200 || body["number"] != bill.Number || body["canPay"] != true {
			t.Fatalf("%d %v", status, body)
		}
		pdf := routed(open, "GET", doc+"/pdf", "")
		if status, body := w.ask(t, "portal", pdf); status != 200 || body["url"] == nil {
			t.Errorf("the PDF: %d %v", status, body)
		}
		status, body = w.ask(t, "portal", routed(open, "POST", doc+"/checkout", "{}"))
		if page, _ = body["url"].(string); status != 200 && status != 201 || page == "" {
			t.Fatalf("%d %v", status, body)
		}
	})
	step("stripehook believes a signature, and the provider", func(t *testing.T) {
		w.hooks(t, page)
		got, err := invoice.Get(ctx, w.product.Table, bill.ID)
		if err != nil || got.State != invoice.Paid {
			t.Errorf("the invoice is %s, %v", got.State, err)
		}
	})
	step("mailhook notes what the mail service reports", func(t *testing.T) {
		if b, err := w.call(t, "mailhook", swap(t, sample(t, "mailhook"), sampleEffect(t, "relay"), mail.ID)); err != nil {
			t.Fatalf("%s, %v", b, err)
		}
		w.raised(t, "letter.bounced")
	})
	step("sweeper sends what nobody has", func(t *testing.T) {
		b, err := w.call(t, "sweeper", sample(t, "sweeper"))
		var swept struct{ Effects int }
		if err != nil || json.Unmarshal(b, &swept) != nil || swept.Effects < 1 {
			t.Fatalf("%s, %v", b, err)
		}
		if got := w.letter(t, payer); !strings.Contains(got.Text, bill.Number) || got.Tags["effect"] == mail.ID {
			t.Errorf("no receipt, but %+v", got)
		}
	})
}

// payer is who is billed.
const payer = "ada@lovelace.example"

// bill makes a contact and sends an invoice over 119.00 EUR to it.
func (w *world) bill(t *testing.T, by activity.By) invoice.Invoice {
	t.Helper()
	ctx := t.Context()
	set, err := w.product.Org.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	version := set.Version()
	set.Name, set.TimeZone, set.Currency, set.Address.Country = "Studio Ada", "Europe/Berlin", "EUR", "DE"
	if _, err := w.product.Org.Update(ctx, by, version, set); err != nil {
		t.Fatal(err)
	}
	who, err := w.product.Contacts.Create(ctx, by, contact.Input{Kind: "person", Name: "Ada Lovelace", Emails: []contact.EmailInput{{Address: payer}}})
	if err != nil {
		t.Fatal(err)
	}
	one, err := money.ParseDecimal("1")
	if err != nil {
		t.Fatal(err)
	}
	price, err := money.ParseDecimal("119.00")
	if err != nil {
		t.Fatal(err)
	}
	i, err := w.product.Billing.Create(ctx, by, billing.Input{ContactID: who.ID, Body: sale.Input{
		Currency: "EUR", Lines: []sale.LineInput{{Name: "Workshop", Quantity: one, UnitPrice: price}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if i, err = w.product.Billing.Send(ctx, by, i.ID); err != nil || i.Number == "" {
		t.Fatalf("%+v, %v", i, err)
	}
	return i
}

// batch feeds the sample of a stream, with this effect in the place of its own, and sees it done.
func (w *world) batch(t *testing.T, door string, e effect.Effect) {
	t.Helper()
	for range 2 { // a stream delivers at least once
		b, err := w.call(t, door, swap(t, sample(t, door), sampleEffect(t, door), e.ID))
		if err != nil || string(b) != `{"batchItemFailures":[]}` {
			t.Fatalf("%s, %v", b, err)
		}
	}
	got, err := effect.Get(t.Context(), w.product.Table, e.ID)
	if err != nil || got.State != effect.Done || got.Tries != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
}

// hooks feeds the signed sample, as it is and broken, and then what the provider sends of a payment on page.
func (w *world) hooks(t *testing.T, page string) {
	t.Helper()
	r := request(t, "stripehook")
	status, _ := w.ask(t, "stripehook", r)
	switch {
	case w.live && status != 400:
		t.Errorf("a signature of another day: %d", status)
	case w.live:
		r.Headers["stripe-signature"] = signed(r.Body, w.now())
		status, _ = w.ask(t, "stripehook", r)
	}
	if status != 200 {
		t.Errorf("the signed sample: %d", status)
	}
	w.raised(t, "unmatched_payment")
	broken := r
	broken.Body = strings.Replace(r.Body, "11900", "11901", 1)
	if status, _ := w.ask(t, "stripehook", broken); status != 400 {
		t.Errorf("another amount under the same signature: %d", status)
	}
	w.sent()
	if _, err := w.stripe.Pay(t.Context(), page, stripe.PayRequest{Outcome: stripe.Success}); err != nil {
		t.Fatal(err)
	}
	sent := w.sent()
	if len(sent) == 0 {
		t.Fatal("the provider tells nothing of a payment")
	}
	for range 2 { // it tells at least once
		for _, h := range sent {
			r.Body, r.Headers["stripe-signature"] = h.body, h.signature
			if status, body := w.ask(t, "stripehook", r); status != 200 {
				t.Errorf("%d %v: %s", status, body, h.body)
			}
		}
	}
}
