package rig

import (
	"onebook/internal/activity"
	"onebook/internal/billing"
	"onebook/internal/catalog"
	"onebook/internal/checkout"
	"onebook/internal/civil"
	"onebook/internal/contact"
	"onebook/internal/estimate"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/order"
	"onebook/internal/org"
	"onebook/internal/payment"
	"onebook/internal/sale"
	"onebook/internal/selling"
	"onebook/internal/store"
)

// Dec reads a decimal.
func Dec(s string) money.Decimal {
	d, err := money.ParseDecimal(s)
	if err != nil {
		panic("rig: " + err.Error())
	}
	return d
}

// Day reads a date.
func Day(s string) civil.Date {
	d, err := civil.ParseDate(s)
	if err != nil {
		panic("rig: " + err.Error())
	}
	return d
}

// need fails the test on an error.
func need[T any](r *Rig) func(T, error) T {
	return func(v T, err error) T {
		r.TB.Helper()
		if err != nil {
			r.TB.Fatalf("%v (%T)", err, err)
		}
		return v
	}
}

// Settings changes the organisation.
func (r *Rig) Settings(change func(s *org.Settings)) org.Settings {
	r.TB.Helper()
	s := need[org.Settings](r)(r.Org.Get(r.Ctx))
	next := s
	change(&next)
	return need[org.Settings](r)(r.Org.Update(r.Ctx, Owner, s.Version(), next))
}

// Organise makes a German studio with value added tax: standard 19 %, reduced 7 %, and exempt lessons.
func (r *Rig) Organise() {
	r.TB.Helper()
	r.Settings(func(s *org.Settings) {
		s.Name, s.TimeZone, s.Currency, s.Email = "Studio Nord", "Europe/Berlin", "EUR", "office@studio.example"
		s.Address = org.Address{Line1: "Hafenstraße 1", PostalCode: "20457", City: "Hamburg", Country: "DE"}
		s.TaxID, s.Phone, s.Website = "DE123456789", "+49 40 123456", "https://studio.example"
	})
	r.Tax(org.TaxRule{TaxClass: "standard", Category: "S", Rate: Dec("19"), From: Day("2007-01-01")})
	r.Tax(org.TaxRule{TaxClass: "reduced", Category: "S", Rate: Dec("7"), From: Day("2007-01-01")})
	r.Tax(org.TaxRule{TaxClass: "lessons", Category: "E", Reason: "§ 4 Nr. 21 UStG", From: Day("2007-01-01")})
}

// Tax adds a rule.
func (r *Rig) Tax(t org.TaxRule) org.TaxRule {
	r.TB.Helper()
	return need[org.TaxRule](r)(r.Org.AddTaxRule(r.Ctx, Owner, t))
}

// Item adds a service to the catalog, in euros an hour.
func (r *Rig) Item(name, price string) catalog.Item {
	r.TB.Helper()
	return need[catalog.Item](r)(r.Catalog.Create(r.Ctx, Owner, catalog.Input{
		Name: name, Unit: "hour", UnitPrice: Dec(price), Currency: "EUR", TaxClass: "standard", Description: "As agreed.",
	}))
}

// Contact adds a person; email may be empty.
func (r *Rig) Contact(name, email string) contact.Contact {
	r.TB.Helper()
	in := contact.Input{Kind: contact.Person, Name: name}
	if email != "" {
		in.Emails = []contact.EmailInput{{Address: email}}
	}
	return need[contact.Contact](r)(r.Contacts.Create(r.Ctx, Owner, in))
}

// Lines are lines of one unit at these prices, taxed by the standard class.
func Lines(prices ...string) sale.Input {
	var in sale.Input
	for _, p := range prices {
		in.Lines = append(in.Lines, sale.LineInput{Name: "Work", Quantity: Dec("1"), Unit: "hour", UnitPrice: Dec(p), TaxClass: "standard"})
	}
	return in
}

// Estimate drafts an estimate.
func (r *Rig) Estimate(contactID string, in sale.Input) estimate.Estimate {
	r.TB.Helper()
	return need[estimate.Estimate](r)(r.Selling.Create(r.Ctx, Owner, selling.Input{ContactID: contactID, Body: in}))
}

// Offer drafts and sends an estimate.
func (r *Rig) Offer(contactID string, in sale.Input) estimate.Estimate {
	r.TB.Helper()
	return need[estimate.Estimate](r)(r.Selling.Send(r.Ctx, Owner, r.Estimate(contactID, in).ID))
}

// Order offers, accepts and converts an estimate.
func (r *Rig) Order(contactID string, in sale.Input, schedule order.Schedule) order.Order {
	r.TB.Helper()
	e := r.Offer(contactID, in)
	need[estimate.Estimate](r)(r.Selling.Accept(r.Ctx, Client(e.LinkID), e.ID, "Ada"))
	return r.GetOrder(need[selling.Converted](r)(r.Selling.Convert(r.Ctx, Owner, e.ID, schedule)).OrderID)
}

// Draft drafts an invoice.
func (r *Rig) Draft(contactID string, in sale.Input) invoice.Invoice {
	r.TB.Helper()
	return need[invoice.Invoice](r)(r.Billing.Create(r.Ctx, Owner, billing.Input{ContactID: contactID, Body: in}))
}

// Issue issues an invoice.
func (r *Rig) Issue(invoiceID string) invoice.Invoice {
	r.TB.Helper()
	return need[invoice.Invoice](r)(r.Billing.Issue(r.Ctx, Owner, invoiceID))
}

// Invoice drafts and issues an invoice.
func (r *Rig) Invoice(contactID string, in sale.Input) invoice.Invoice {
	r.TB.Helper()
	return r.Issue(r.Draft(contactID, in).ID)
}

// GetInvoice reads one.
func (r *Rig) GetInvoice(invoiceID string) invoice.Invoice {
	r.TB.Helper()
	return need[invoice.Invoice](r)(invoice.Get(r.Ctx, r.Table, invoiceID))
}

// GetEstimate reads one.
func (r *Rig) GetEstimate(estimateID string) estimate.Estimate {
	r.TB.Helper()
	return need[estimate.Estimate](r)(estimate.Get(r.Ctx, r.Table, estimateID))
}

// GetOrder reads one.
func (r *Rig) GetOrder(orderID string) order.Order {
	r.TB.Helper()
	return need[order.Order](r)(order.Get(r.Ctx, r.Table, orderID))
}

// GetPayment reads one.
func (r *Rig) GetPayment(paymentID string) payment.Payment {
	r.TB.Helper()
	return need[payment.Payment](r)(payment.Get(r.Ctx, r.Table, paymentID))
}

// Payments answers all payments of a contact, oldest first.
func (r *Rig) Payments(contactID string) []payment.Payment {
	r.TB.Helper()
	ps, _, err := payment.OfContact(r.Ctx, r.Table, contactID, store.MaxPage, "")
	if err != nil {
		r.TB.Fatal(err)
	}
	for i, j := 0, len(ps)-1; i < j; i, j = i+1, j-1 {
		ps[i], ps[j] = ps[j], ps[i]
	}
	return ps
}

// Cash records a payment by hand.
func (r *Rig) Cash(invoiceID string, amount int64) payment.Payment {
	r.TB.Helper()
	return need[payment.Payment](r)(r.Checkout.Manual(r.Ctx, Owner, checkout.ManualInput{InvoiceID: invoiceID, Amount: amount, Method: payment.ByCash}))
}

// Page opens the payment page of an invoice as its client does; amount 0 is all that is due.
func (r *Rig) Page(i invoice.Invoice, amount int64) checkout.Page {
	r.TB.Helper()
	return need[checkout.Page](r)(r.Checkout.Start(r.Ctx, Client(i.LinkID), i.ID, checkout.Ask{Amount: amount}))
}

// Webhook tells the product of an event.
func (r *Rig) Webhook(ev payment.Event) {
	r.TB.Helper()
	if err := r.Checkout.Hint(r.Ctx, member.Automaton(member.Webhook), ev); err != nil {
		r.TB.Fatalf("%s: %v", ev.Type, err)
	}
}

// Return brings the client back from a page.
func (r *Rig) Return(session string) {
	r.TB.Helper()
	if err := r.Checkout.Return(r.Ctx, member.Automaton(member.Puller), session); err != nil {
		r.TB.Fatalf("return: %v", err)
	}
}

// Post is one posting, for tests to write down what they expect.
func Post(a activity.Account, amount int64) activity.Posting {
	return activity.Posting{Account: a, Currency: "EUR", Amount: amount}
}
