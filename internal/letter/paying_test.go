package letter_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"onebook/internal/activity"
	"onebook/internal/checkout"
	"onebook/internal/effect"
	"onebook/internal/issue"
	"onebook/internal/letter"
	"onebook/internal/link"
	"onebook/internal/payment"
	"onebook/internal/rig"
	"onebook/internal/store"
)

// last is the newest letter.
func last(t *testing.T, r *rig.Rig) letter.Message {
	t.Helper()
	all := r.Mail.Sent()
	if len(all) == 0 {
		t.Fatal("no letter went out")
	}
	return all[len(all)-1]
}

func says(t *testing.T, m letter.Message, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(m.Text, w) {
			t.Errorf("%q does not say %q:\n%s", m.Subject, w, m.Text)
		}
	}
}

// Two parts are paid while letters are held: each receipt tells what was due after its own payment, not when it is mailed.
func TestReceiptTellsOfItsDay(t *testing.T) {
	r, c := shop(t)
	i := r.Invoice(c, rig.Lines("100.00"))
	r.Drain()
	r.Runner.Hold = true
	r.Cash(i.ID, 2000)
	r.Clock.Move(time.Minute)
	r.Cash(i.ID, 9900)
	r.Runner.Hold = false
	r.Drain()
	var got []string
	for _, m := range r.Mail.Sent() {
		_, rest, _ := strings.Cut(m.Text, "Due after this payment: ")
		figure, _, _ := strings.Cut(rest, "\n")
		got = append(got, figure)
	}
	if strings.Join(got, " ") != "€99.00 €0.00" {
		t.Errorf("the receipts tell %q", got)
	}
}

// A receipt from before the rest was kept with it still goes out.
func TestOldReceipt(t *testing.T) {
	r, c := shop(t)
	i := r.Invoice(c, rig.Lines("100.00"))
	p := r.Cash(i.ID, 2000)
	r.Drain()
	inLine(t, r, effect.Effect{Kind: checkout.MailReceipt, ContactID: c, Subject: p.ID, Args: map[string]string{"invoice": i.ID}})
	r.Drain()
	says(t, last(t, r), "Due after this payment: €99.00")
}

// inLine puts an effect in line as a deed would.
func inLine(t *testing.T, r *rig.Rig, e effect.Effect) {
	t.Helper()
	e.ID, e.Lane, e.Title, e.Area = r.IDs.New("ef"), effect.Mail, "A letter", issue.Billing
	op, err := effect.New(e, r.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Table.Write(r.Ctx, op); err != nil {
		t.Fatal(err)
	}
}

// A bank debit that is on its way is told once; when it fails, what is due again; and neither letter goes out when it is not
// so any more.
func TestPaymentUnderWay(t *testing.T) {
	r, c := shop(t)
	i := r.Invoice(c, rig.Lines("100.00"))
	pay := r.GetPayment(r.Page(i, 0).PaymentID)
	r.Drain()
	about := func(kind string) effect.Effect {
		return effect.Effect{Kind: kind, ContactID: c, Subject: pay.ID, Args: map[string]string{"invoice": i.ID}}
	}
	become := func(change func(*payment.Payment)) {
		t.Helper()
		_, err := r.Records.Do(r.Ctx, rig.Owner, activity.ContactChain(c), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
			p, err := payment.Get(ctx, r.Table, pay.ID)
			if err != nil {
				return nil, err
			}
			change(&p)
			op, err := p.Put()
			return &activity.Deed{Kind: "payment.changed", Subject: p.ID, Text: "x", Ops: []store.Op{op}}, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	none := func(kind, when string) {
		t.Helper()
		before := len(r.Mail.Sent())
		inLine(t, r, about(kind))
		r.Drain()
		if n := len(r.Mail.Sent()); n != before {
			t.Errorf("%s: %s went out", when, last(t, r).Subject)
		}
	}
	none(checkout.MailProcessing, "nothing is on its way")
	become(func(p *payment.Payment) { p.Online.Paying, p.Method = true, "sepa_debit" })
	none(checkout.MailFailed, "it may still arrive")
	inLine(t, r, about(checkout.MailProcessing))
	r.Drain()
	m := last(t, r)
	if m.Subject != "Your payment for invoice "+i.Number+" is on its way" {
		t.Errorf("%q", m.Subject)
	}
	says(t, m, "On its way: €119.00", "SEPA direct debit")
	become(func(p *payment.Payment) { p.State, p.Online.Paying = payment.Failed, false })
	none(checkout.MailProcessing, "it failed")
	inLine(t, r, about(checkout.MailFailed))
	r.Drain()
	m = last(t, r)
	if m.Subject != "Your payment for invoice "+i.Number+" did not go through" {
		t.Errorf("%q", m.Subject)
	}
	says(t, m, "Still to pay: €119.00", "Did not arrive: €119.00", "/i/#")
	r.Cash(i.ID, 11900)
	r.Drain()
	none(checkout.MailFailed, "it was paid in cash meanwhile")
	if got := append(r.Issues(issue.Open), r.Issues(issue.Retrying)...); len(got) != 0 {
		t.Errorf("issues %v", got)
	}
}

// Whoever lost the link gets it again in a letter of its own, also of an offer that was answered, and does not get a second
// invoice.
func TestLinkAgain(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("100.00"))
	if _, err := r.Selling.Decline(r.Ctx, rig.Owner, e.ID, "", ""); err != nil {
		t.Fatal(err)
	}
	i := r.Invoice(c, rig.Lines("100.00"))
	r.Drain()
	if err := r.Selling.Renew(r.Ctx, rig.Client(e.LinkID), link.Link{ID: e.LinkID, Scope: link.Estimate, Document: e.ID, ContactID: c}); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	m := last(t, r)
	if m.Subject != "Your link to estimate "+e.Number {
		t.Errorf("%q", m.Subject)
	}
	says(t, m, "/e/#")
	if err := r.Billing.Renew(r.Ctx, rig.Client(i.LinkID), link.Link{ID: i.LinkID, Scope: link.Invoice, Document: i.ID, ContactID: c}); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	m = last(t, r)
	if m.Subject != "Your link to invoice "+i.Number || m.To.Address != "ada@client.example" {
		t.Errorf("%q to %s", m.Subject, m.To.Address)
	}
	says(t, m, "/i/#", "To pay: €119.00")
}
