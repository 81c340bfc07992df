package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/activity"
	"onebook/internal/billing"
	"onebook/internal/checkout"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/org"
	"onebook/internal/payment"
	"onebook/internal/rig"
	"onebook/internal/store"
)

// due drafts and issues an invoice over a net price, 19 % on top, due on a day.
func due(r *rig.Rig, contact, net, on string) invoice.Invoice {
	r.TB.Helper()
	i, err := r.Billing.Create(r.Ctx, rig.Owner, billing.Input{ContactID: contact, Body: rig.Lines(net), DueOn: rig.Day(on)})
	if err != nil {
		r.TB.Fatal(err)
	}
	return r.Issue(i.ID)
}

func transfer(contact string, amount int64, to ...payment.Allocation) checkout.TransferInput {
	return checkout.TransferInput{ContactID: contact, Allocations: to, ManualInput: checkout.ManualInput{
		Amount: amount, Method: payment.ByTransfer, Reference: "statement 7",
	}}
}

// One transfer pays four invoices, the oldest first, and what is too much is credit: one payment, one entry, one receipt.
func TestOneTransferPaysFour(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	c := r.Contact("Miller & Co", "office@client.example")
	d := due(r, c.ID, "400", "2026-04-01")
	b := due(r, c.ID, "200", "2026-02-01")
	a := due(r, c.ID, "100", "2026-01-20")
	x := due(r, c.ID, "300", "2026-03-01")
	letters := len(r.Mail.Sent())
	p, err := r.Checkout.Transfer(r.Ctx, rig.Owner, transfer(c.ID, 119000+5000))
	if err != nil {
		t.Fatal(err)
	}
	want := []payment.Allocation{{InvoiceID: a.ID, Amount: 11900}, {InvoiceID: b.ID, Amount: 23800}, {InvoiceID: x.ID, Amount: 35700}, {InvoiceID: d.ID, Amount: 47600}}
	if d := cmp.Diff(want, p.Allocations); d != "" || p.Credit != 5000 || p.Currency != "EUR" {
		t.Errorf("%s, %d credit in %s", d, p.Credit, p.Currency)
	}
	for _, i := range []invoice.Invoice{a, b, x, d} {
		if got := r.GetInvoice(i.ID); got.State != invoice.Paid || got.Due() != 0 {
			t.Errorf("%s is %s with %d due", i.Number, got.State, got.Due())
		}
	}
	if bal := r.Head(c.ID, "EUR"); bal.Due != 0 || bal.Credit != 5000 {
		t.Errorf("the balance is %+v", bal)
	}
	posts := []activity.Posting{
		rig.Post("bank", 124000), rig.Post("receivable", -11900), rig.Post("receivable", -23800), rig.Post("receivable", -35700),
		rig.Post("receivable", -47600), rig.Post("customer-credit", -5000),
	}
	if d := cmp.Diff(posts, ledger(r, c.ID, "payment.recorded")); d != "" {
		t.Error(d)
	}
	r.Drain()
	all := r.Mail.Sent()[letters:]
	if len(all) != 1 {
		t.Fatalf("%d letters tell of one payment", len(all))
	}
	for _, i := range []invoice.Invoice{a, b, x, d} {
		if !strings.Contains(all[0].Text, i.Number) {
			t.Errorf("the receipt does not name %s", i.Number)
		}
	}
}

// What was said is held to, to the cent, and a transfer that cannot be so leaves everything as it was.
func TestSaidAllocations(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	c, other := r.Contact("Ada", ""), r.Contact("Bob", "")
	a, b := due(r, c.ID, "100", "2026-01-20"), due(r, c.ID, "200", "2026-02-01")
	foreign := due(r, other.ID, "100", "2026-02-01")
	draft := r.Draft(c.ID, rig.Lines("5"))
	before := len(r.Entries(c.ID))
	of := func(i invoice.Invoice, n int64) payment.Allocation {
		return payment.Allocation{InvoiceID: i.ID, Amount: n}
	}
	many := []payment.Allocation{}
	for n := range 31 {
		many = append(many, payment.Allocation{InvoiceID: fmt.Sprint("in_", n), Amount: 1})
	}
	for _, x := range []struct {
		name, field string
		in          checkout.TransferInput
	}{
		{"more than is open", "allocations[0].amount", transfer(c.ID, 20000, of(a, 11901))},
		{"more than the payment", "allocations", transfer(c.ID, 10000, of(a, 5000), of(b, 5001))},
		{"one invoice twice", "allocations[1].invoiceId", transfer(c.ID, 10000, of(a, 1), of(a, 1))},
		{"nothing", "allocations[0].amount", transfer(c.ID, 10000, of(a, 0))},
		{"less than nothing", "allocations[0].amount", transfer(c.ID, 10000, of(a, -1))},
		{"another's", "allocations[1].invoiceId", transfer(c.ID, 20000, of(a, 1), of(foreign, 1))},
		{"a draft", "allocations[0].amount", transfer(c.ID, 20000, of(draft, 1))},
		{"no invoice", "allocations[0].invoiceId", transfer(c.ID, 20000, payment.Allocation{InvoiceID: "in_x", Amount: 1})},
		{"too many", "allocations", transfer(c.ID, 20000, many...)},
		{"nobody", "contactId", transfer("ct_06dqdpn801k5xgdst4z0", 20000)},
		{"no money", "amount", transfer(c.ID, 0)},
		{"last century", "receivedOn", func() checkout.TransferInput {
			in := transfer(c.ID, 100)
			in.ReceivedOn = civil.Date{Year: 1900, Month: 1, Day: 1}
			return in
		}()},
		{"another currency", "allocations[0].invoiceId", func() checkout.TransferInput {
			in := transfer(c.ID, 100, of(a, 1))
			in.Currency = "USD"
			return in
		}()},
	} {
		_, err := r.Checkout.Transfer(r.Ctx, rig.Owner, x.in)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || len(f.Fields) == 0 || f.Fields[0].Field != x.field {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	if n := len(r.Entries(c.ID)); n != before {
		t.Errorf("%d entries were written by refused transfers", n-before)
	}
	p, err := r.Checkout.Transfer(r.Ctx, rig.Owner, transfer(c.ID, 10000, of(b, 6000)))
	if err != nil {
		t.Fatal(err)
	}
	if p.Credit != 4000 || r.GetInvoice(a.ID).Due() != 11900 || r.GetInvoice(b.ID).Due() != 17800 {
		t.Errorf("credit %d, due %d and %d", p.Credit, r.GetInvoice(a.ID).Due(), r.GetInvoice(b.ID).Due())
	}
}

// A disputed invoice is left out of what pays by itself, and a second currency must be told.
func TestADisputedInvoiceTakesNothingByItself(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	c := r.Contact("Ada", "")
	a, b := due(r, c.ID, "100", "2026-01-20"), due(r, c.ID, "200", "2026-02-01")
	part := r.Cash(a.ID, 1900)
	if err := part.To(payment.Disputed); err != nil {
		t.Fatal(err)
	}
	op, err := part.Put()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Records.Do(r.Ctx, rig.Owner, activity.ContactChain(c.ID), func(_ context.Context, _ activity.Head) (*activity.Deed, error) {
		return &activity.Deed{Kind: "payment.disputed", Subject: part.ID, Ops: []store.Op{op}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	p, err := r.Checkout.Transfer(r.Ctx, rig.Owner, transfer(c.ID, 30000))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]payment.Allocation{{InvoiceID: b.ID, Amount: 23800}}, p.Allocations); d != "" || p.Credit != 6200 {
		t.Errorf("%s, credit %d", d, p.Credit)
	}
	in := rig.Lines("10")
	in.Currency = "USD"
	for n := range in.Lines {
		in.Lines[n].TaxClass = "standard"
	}
	r.Settings(func(s *org.Settings) { s.KeepCredit = true })
	r.Invoice(c.ID, in)
	if _, err := r.Checkout.Transfer(r.Ctx, rig.Owner, transfer(c.ID, 100)); !errors.Is(err, fault.Invalid) {
		t.Errorf("two currencies: %v", err)
	}
	dollars := transfer(c.ID, 100)
	dollars.Currency = "USD"
	if p, err := r.Checkout.Transfer(r.Ctx, rig.Owner, dollars); err != nil || p.Currency != "USD" || p.Credit != 0 {
		t.Errorf("%+v %v", p, err)
	}
}

// Credit pays the next invoice when it is issued, in the same write; by setting it waits for a person.
func TestCreditPaysTheNext(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	c := r.Contact("Ada", "")
	r.Cash(r.Invoice(c.ID, rig.Lines("100")).ID, 11900+5000)
	next := r.Invoice(c.ID, rig.Lines("100"))
	if next.Due() != 6900 || next.Applied != 5000 || next.State != invoice.Open {
		t.Errorf("%d due, %d applied, %s", next.Due(), next.Applied, next.State)
	}
	if b := r.Head(c.ID, "EUR"); b.Due != 6900 || b.Credit != 0 {
		t.Errorf("the balance is %+v", b)
	}
	// Voided, it gives the credit back.
	if _, err := r.Billing.Void(r.Ctx, rig.Owner, next.ID, "wrong price"); err != nil {
		t.Fatal(err)
	}
	if b := r.Head(c.ID, "EUR"); b.Due != 0 || b.Credit != 5000 {
		t.Errorf("after the void the balance is %+v", b)
	}
	small := r.Invoice(c.ID, rig.Lines("10")) // 11.90, all of it from credit
	if small.State != invoice.Paid || small.PaidAt.IsZero() || r.Head(c.ID, "EUR").Credit != 3810 {
		t.Errorf("%s, credit %d", small.State, r.Head(c.ID, "EUR").Credit)
	}
	r.Settings(func(s *org.Settings) { s.KeepCredit = true })
	kept := r.Invoice(c.ID, rig.Lines("100"))
	if kept.Due() != 11900 {
		t.Errorf("kept credit paid: %d due", kept.Due())
	}
	for _, n := range []int64{3811, -1} {
		if _, err := r.Checkout.ApplyCredit(r.Ctx, rig.Owner, kept.ID, n); !errors.Is(err, fault.Invalid) {
			t.Errorf("apply %d: %v", n, err)
		}
	}
	got, err := r.Checkout.ApplyCredit(r.Ctx, rig.Owner, kept.ID, 810)
	if err != nil || got.Due() != 11090 {
		t.Fatalf("%d due, %v", got.Due(), err)
	}
	if got, err = r.Checkout.ApplyCredit(r.Ctx, rig.Owner, kept.ID, 0); err != nil || got.Due() != 8090 {
		t.Fatalf("%d due, %v", got.Due(), err)
	}
	if _, err = r.Checkout.ApplyCredit(r.Ctx, rig.Owner, kept.ID, 0); !errors.Is(err, fault.Unready) {
		t.Errorf("without credit: %v", err)
	}
	want := []activity.Posting{rig.Post("customer-credit", 810), rig.Post("receivable", -810), rig.Post("customer-credit", 3000), rig.Post("receivable", -3000)}
	if d := cmp.Diff(want, ledger(r, c.ID, "credit.applied")); d != "" {
		t.Error(d)
	}
}

// A payment keyed by mistake is taken back: the invoices are owed again, its credit is gone, the reason stays. Twice is once.
func TestVoidingAPayment(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	r.Settings(func(s *org.Settings) { s.KeepCredit = true })
	c := r.Contact("Ada", "ada@client.example")
	a, b := due(r, c.ID, "100", "2026-01-20"), due(r, c.ID, "200", "2026-02-01")
	before := r.Head(c.ID, "EUR")
	p, err := r.Checkout.Transfer(r.Ctx, rig.Owner, transfer(c.ID, 40000))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Checkout.Void(r.Ctx, rig.Owner, p.ID, " "); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	for range 2 {
		if p, err = r.Checkout.Void(r.Ctx, rig.Owner, p.ID, "another client's"); err != nil || p.State != payment.Voided || p.VoidReason != "another client's" {
			t.Fatalf("%+v %v", p, err)
		}
	}
	if got := r.Head(c.ID, "EUR"); got != before {
		t.Errorf("the balance is %+v and was %+v", got, before)
	}
	for _, i := range []invoice.Invoice{a, b} {
		if got := r.GetInvoice(i.ID); got.State != invoice.Open || got.Paid != 0 || !got.PaidAt.IsZero() {
			t.Errorf("%s is %s with %d paid at %v", i.Number, got.State, got.Paid, got.PaidAt)
		}
	}
	kinds := []string{}
	for _, e := range r.Entries(c.ID) {
		if e.Kind == "payment.voided" {
			kinds = append(kinds, e.Reason)
		}
	}
	if !slices.Equal(kinds, []string{"another client's"}) {
		t.Errorf("voided %q", kinds)
	}
	if d := cmp.Diff(activity.Reversed(ledger(r, c.ID, "payment.recorded")), ledger(r, c.ID, "payment.voided")); d != "" {
		t.Error(d)
	}
	r.Drain()
	for _, l := range r.Mail.Sent() {
		if strings.Contains(l.Subject, "ayment received") {
			t.Errorf("a receipt went out for a voided payment: %s", l.Subject)
		}
	}
	// Credit that pays something by now holds the payment, and the answer says where it went.
	over := r.Cash(a.ID, 11900+5000)
	if _, err := r.Checkout.ApplyCredit(r.Ctx, rig.Owner, b.ID, 1000); err != nil {
		t.Fatal(err)
	}
	_, err = r.Checkout.Void(r.Ctx, rig.Owner, over.ID, "typo")
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != "credit_used" || !strings.Contains(f.Message, b.Number+" (10.00)") {
		t.Errorf("credit that was used: %v", err)
	}
	if r.GetInvoice(a.ID).State != invoice.Paid {
		t.Error("a refused void changed the invoice")
	}
	// Money of the provider is refunded, not voided.
	page := r.Page(r.GetInvoice(b.ID), 0)
	r.Bank.Pay(page.URL, rig.Succeed)
	r.Sweep()
	if _, err := r.Checkout.Void(r.Ctx, rig.Owner, page.PaymentID, "typo"); !errors.Is(err, fault.Unready) {
		t.Errorf("online: %v", err)
	}
}
