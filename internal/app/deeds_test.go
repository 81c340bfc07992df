package app_test

import (
	"errors"
	"strings"
	"testing"

	"onebook/internal/activity"
	"onebook/internal/billing"
	"onebook/internal/catalog"
	"onebook/internal/checkout"
	"onebook/internal/contact"
	"onebook/internal/fault"
	"onebook/internal/issue"
	"onebook/internal/member"
	"onebook/internal/order"
	"onebook/internal/org"
	"onebook/internal/payment"
	"onebook/internal/rig"
	"onebook/internal/selling"
)

// Every deed asks for its right in the domain: who is not in its row of rules.md §9 is refused before anything is looked up,
// and who is in it gets as far as what is wrong with the request.
func TestEveryDeedAsks(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	c := r.Contact("Ada", "ada@client.example")
	e := r.Offer(c.ID, rig.Lines("1.00"))
	i := r.Invoice(c.ID, rig.Lines("1.00"))
	r.Webhook(r.Bank.Happen("charge.refunded", "charge", "ch_1"))
	open, _, err := r.Desk.List(r.Ctx, issue.Open, 1, "")
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	gone := r.Contact("Gone", "")
	draft := billing.Input{ContactID: c.ID, Body: rig.Lines("1.00")}
	type by = activity.By
	for _, x := range []struct {
		what, who string
		do        func(by by) error
	}{
		{"draft an estimate", "owner admin billing sales", func(b by) error {
			return second(r.Selling.Create(r.Ctx, b, selling.Input{ContactID: c.ID, Body: rig.Lines("1.00")}))
		}},
		{"edit an estimate", "owner admin billing sales", func(b by) error { return second(r.Selling.Update(r.Ctx, b, e.ID, 1, selling.Input{})) }},
		{"throw an estimate away", "owner admin billing sales", func(b by) error { return r.Selling.Delete(r.Ctx, b, e.ID, 1) }},
		{"send an estimate", "owner admin billing sales", func(b by) error { return second(r.Selling.Send(r.Ctx, b, e.ID)) }},
		{"accept for the client", "owner admin billing sales client", func(b by) error { return second(r.Selling.Accept(r.Ctx, b, e.ID, "")) }},
		{"decline for the client", "owner admin billing sales client", func(b by) error {
			return second(r.Selling.Decline(r.Ctx, b, e.ID, strings.Repeat("x", 999), ""))
		}},
		{"convert", "owner admin billing sales on-accept", func(b by) error { return second(r.Selling.Convert(r.Ctx, b, e.ID, order.Schedule{})) }},
		{"bill an order", "owner admin billing booking sales on-accept", func(b by) error {
			return second(r.Billing.BillOrder(r.Ctx, b, "or_x", billing.OrderInput{}))
		}},
		{"cancel an order", "owner admin billing sales", func(b by) error { return second(r.Billing.CancelOrder(r.Ctx, b, "or_x", "")) }},
		{"draft an invoice", "owner admin billing booking sales on-accept", func(b by) error { return second(r.Billing.Create(r.Ctx, b, draft)) }},
		{"edit a draft", "owner admin billing booking sales on-accept", func(b by) error { return second(r.Billing.Update(r.Ctx, b, i.ID, 1, draft)) }},
		{"throw a draft away", "owner admin billing on-accept", func(b by) error { return r.Billing.Delete(r.Ctx, b, i.ID, 1) }},
		{"issue", "owner admin billing on-accept", func(b by) error { return second(r.Billing.Issue(r.Ctx, b, i.ID)) }},
		{"send an invoice", "owner admin billing on-accept", func(b by) error { return second(r.Billing.Send(r.Ctx, b, i.ID)) }},
		{"void", "owner admin billing on-accept", func(b by) error { return second(r.Billing.Void(r.Ctx, b, i.ID, "")) }},
		{"ask for the pay link", "owner admin billing on-accept", func(b by) error { return second(r.Billing.PayLink(r.Ctx, b, i.ID)) }},
		{"record a payment", "owner billing", func(b by) error {
			return second(r.Checkout.Manual(r.Ctx, b, checkout.ManualInput{InvoiceID: i.ID}))
		}},
		{"open the payment page", "owner billing client", func(b by) error { return second(r.Checkout.Start(r.Ctx, b, i.ID, checkout.Ask{Amount: -1})) }},
		{"tell an outcome", "webhook puller client", func(b by) error { return r.Checkout.Settle(r.Ctx, b, "pi_x") }},
		{"tell of a page", "webhook puller client", func(b by) error { return r.Checkout.SettleSession(r.Ctx, b, "cs_x") }},
		{"tell of an event", "webhook puller client", func(b by) error {
			return r.Checkout.Hint(r.Ctx, b, payment.Event{ID: "evt_x", Type: "customer.created"})
		}},
		{"add to the catalog", "owner admin booking", func(b by) error { return second(r.Catalog.Create(r.Ctx, b, catalog.Input{})) }},
		{"add a tax", "owner billing", func(b by) error { return second(r.Org.AddTaxRule(r.Ctx, b, org.TaxRule{})) }},
		{"remove a tax", "owner billing", func(b by) error { return r.Org.RemoveTaxRule(r.Ctx, b, "tx_x", 1) }},
		{"settle a billing issue", "owner admin billing", func(b by) error {
			return r.Desk.Assign(r.Ctx, b, open[0].ID, issue.Decision{Member: "mb_1"})
		}},
		{"invite", "owner admin setup", func(b by) error {
			return second(r.Members.Invite(r.Ctx, b, member.Input{Name: "N", Email: b.ID + b.Kind + "@studio.example", Role: member.Viewer}))
		}},
		{"archive a contact", "owner admin sales", func(b by) error { return second(r.Contacts.Archive(r.Ctx, b, gone.ID, 0)) }},
		{"edit a contact's name", "owner admin booking sales", func(b by) error {
			return second(r.Contacts.Create(r.Ctx, b, contact.Input{Kind: contact.Person, Name: "Dup", Emails: []contact.EmailInput{{Address: "ada@client.example"}}}))
		}},
	} {
		actors := map[string]by{"client": rig.Client(e.LinkID)}
		for _, role := range member.Roles {
			actors[string(role)] = rig.As(role)
		}
		for _, job := range []string{member.Webhook, member.Puller, member.Courier, member.Printer, member.Clock, member.OnAccept, member.Setup} {
			actors[job] = member.Automaton(job)
		}
		for name, b := range actors {
			err := x.do(b)
			want := strings.Contains(" "+x.who+" ", " "+name+" ")
			if errors.Is(err, fault.Denied) == want {
				t.Errorf("%s, by %s: %v", x.what, name, err)
			}
		}
	}
	for role, want := range map[member.Role]bool{member.Owner: true, member.Admin: true, member.Billing: false, member.Sales: false, member.Viewer: false} {
		now, err := r.Org.Get(r.Ctx)
		if err != nil {
			t.Fatal(err)
		}
		now.Name = "By " + string(role)
		if _, err := r.Org.Update(r.Ctx, rig.As(role), now.Version(), now); errors.Is(err, fault.Denied) == want {
			t.Errorf("the name, by %s: %v", role, err)
		}
	}
	for role, want := range map[member.Role]bool{member.Owner: true, member.Billing: true, member.Admin: false, member.Sales: false} {
		now, err := r.Org.Get(r.Ctx)
		if err != nil {
			t.Fatal(err)
		}
		now.PaymentTerms, now.DueDays = "By "+string(role), len(role)
		if _, err := r.Org.Update(r.Ctx, rig.As(role), now.Version(), now); errors.Is(err, fault.Denied) == want {
			t.Errorf("the terms, by %s: %v", role, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
