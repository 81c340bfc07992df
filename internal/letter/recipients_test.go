package letter_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"onebook/internal/billing"
	"onebook/internal/contact"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/letter"
	"onebook/internal/link"
	"onebook/internal/rig"
	"onebook/internal/sale"
)

// company has an assistant who books and two people who receive invoices.
func company(t *testing.T, r *rig.Rig) string {
	t.Helper()
	human := func(name, email string, receives ...string) contact.HumanInput {
		return contact.HumanInput{Name: name, Emails: []contact.EmailInput{{Address: email}}, Receives: receives}
	}
	c, err := r.Contacts.Create(r.Ctx, rig.Owner, contact.Input{
		Kind: contact.Company, Name: "Analytical Engines", Emails: []contact.EmailInput{{Address: "info@engines.example"}},
		People: []contact.HumanInput{
			human("Ada Booker", "ada@engines.example", contact.Visits),
			human("Bob Books", "bob@engines.example", contact.Invoices),
			human("Cleo Counts", "cleo@engines.example", contact.Invoices, contact.Visits),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// to answers who got letters, sorted.
func to(ms []letter.Message) (out []string) {
	for _, m := range ms {
		out = append(out, m.To.Address)
	}
	slices.Sort(out)
	return out
}

func track(t *testing.T, r *rig.Rig, i invoice.Invoice) invoice.Track {
	t.Helper()
	tr, err := invoice.GetTrack(r.Ctx, r.Table, i)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// All of a company's people who receive invoices get the letter, one each and addressed by name; each one's delivery is told
// of by itself, and the invoice shows the one that needs a person.
func TestEveryRecipientGetsOne(t *testing.T) {
	r, _ := shop(t)
	i, err := r.Billing.Send(r.Ctx, rig.Owner, r.Draft(company(t, r), rig.Lines("100.00")).ID)
	if err != nil {
		t.Fatal(err)
	}
	r.Drain()
	if got := to(r.Mail.Sent()); !slices.Equal(got, []string{"bob@engines.example", "cleo@engines.example"}) {
		t.Fatalf("letters to %v", got)
	}
	for _, m := range r.Mail.Sent() {
		says(t, m, "Hello "+m.To.Name+",")
	}
	tags := map[string]string{}
	for _, m := range r.Mail.Sent() {
		tags[m.To.Address] = m.Tag
	}
	tr := track(t, r, i)
	report(t, r, "Delivery", tags["cleo@engines.example"], tr.Of("cleo@engines.example").Message)
	reportOf(t, r, "Bounce", "Transient", tags["bob@engines.example"], tr.Of("bob@engines.example").Message)
	tr = track(t, r, i)
	if tr.Of("cleo@engines.example").State != invoice.Delivered || tr.Of("bob@engines.example").State != invoice.Bounced {
		t.Errorf("%+v", tr.Deliveries)
	}
	if tr.Delivery.State != invoice.Bounced || tr.Delivery.To != "bob@engines.example" {
		t.Errorf("the invoice shows %+v", tr.Delivery)
	}
}

// Those whom a person chose get the letters, and nobody else; wrong ones are refused with their place named.
func TestChosenRecipients(t *testing.T) {
	r, c := shop(t)
	draft := func(all ...sale.Addressee) (invoice.Invoice, error) {
		return r.Billing.Create(r.Ctx, rig.Owner, billing.Input{ContactID: c, Body: rig.Lines("100.00"), Recipients: all})
	}
	for field, all := range map[string][]sale.Addressee{
		"recipients[0].email": {{Email: "nobody"}},
		"recipients[1].email": {{Email: "a@x.example"}, {Email: "A@X.example"}},
		"recipients[0].name":  {{Name: "A\r\nBcc: evil@x.example", Email: "a@x.example"}},
		"recipients":          make([]sale.Addressee, 11),
	} {
		_, err := draft(all...)
		var f *fault.Error
		if !errors.As(err, &f) || len(f.Fields) != 1 || f.Fields[0].Field != field {
			t.Errorf("%v: %v", all, err)
		}
	}
	i, err := draft(sale.Addressee{Name: "Tax Advisor", Email: "tax@advisor.example"}, sale.Addressee{Email: "boss@client.example"})
	if err != nil {
		t.Fatal(err)
	}
	if i, err = r.Billing.Send(r.Ctx, rig.Owner, i.ID); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	if got := to(r.Mail.Sent()); !slices.Equal(got, []string{"boss@client.example", "tax@advisor.example"}) {
		t.Errorf("letters to %v", got)
	}
	r.Cash(i.ID, 100)
	r.Drain()
	if m := last(t, r); m.To.Address != "tax@advisor.example" {
		t.Errorf("the receipt goes to %s", m.To.Address)
	}
	if err := r.Billing.Renew(r.Ctx, rig.Client(i.LinkID), link.Link{ID: i.LinkID, Scope: link.Invoice, Document: i.ID, ContactID: c}); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	if m := last(t, r); m.To.Address != "tax@advisor.example" {
		t.Errorf("the link goes to %s, who was not to get this invoice", m.To.Address)
	}
}

// One blocked recipient keeps no letter from the others, and is shown.
func TestOneOfThemBlocked(t *testing.T) {
	r, _ := shop(t)
	i, err := r.Billing.Send(r.Ctx, rig.Owner, r.Draft(company(t, r), rig.Lines("100.00")).ID)
	if err != nil {
		t.Fatal(err)
	}
	r.Drain()
	block(t, r, "bob@engines.example")
	r.Clock.Move(time.Hour)
	before := len(r.Mail.Sent())
	if _, err := r.Billing.Send(r.Ctx, rig.Owner, i.ID); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	if got := to(r.Mail.Sent()[before:]); !slices.Equal(got, []string{"cleo@engines.example"}) {
		t.Errorf("letters to %v", got)
	}
	tr := track(t, r, i)
	if tr.Delivery.To != "bob@engines.example" || tr.Delivery.State != invoice.Suppressed || tr.Of("cleo@engines.example").State != invoice.Sent {
		t.Errorf("%+v", tr.Deliveries)
	}
	block(t, r, "cleo@engines.example")
	r.Clock.Move(time.Hour)
	if _, err := r.Billing.Send(r.Ctx, rig.Owner, i.ID); codeOf(err) != "address_blocked" {
		t.Errorf("with nobody left: %v", err)
	}
}

// A letter that came back is mailed again to that recipient, whatever became of the others' addresses.
func TestResendToOneOfThem(t *testing.T) {
	r, _ := shop(t)
	if _, err := r.Billing.Send(r.Ctx, rig.Owner, r.Draft(company(t, r), rig.Lines("100.00")).ID); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	block(t, r, "bob@engines.example")
	tags := map[string]string{}
	for _, m := range r.Mail.Sent() {
		tags[m.To.Address] = m.Tag
	}
	err := r.Post.Delivered(r.Ctx, tags["cleo@engines.example"], letter.Report{State: invoice.Bounced, To: "cleo@engines.example"})
	if err != nil {
		t.Fatal(err)
	}
	id := issue.IDOf("letter.bounced", tags["cleo@engines.example"])
	if err := desk(r).Resend(r.Ctx, rig.Owner, id, "there is room again"); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	if m := last(t, r); m.To.Address != "cleo@engines.example" || len(r.Mail.Sent()) != 3 {
		t.Errorf("%d letters, the last to %s", len(r.Mail.Sent()), m.To.Address)
	}
}

// block lets a letter to an address come back for good.
func block(t *testing.T, r *rig.Rig, address string) {
	t.Helper()
	for _, m := range r.Mail.Sent() {
		if m.To.Address == address {
			err := r.Post.Delivered(r.Ctx, m.Tag, letter.Report{State: invoice.Bounced, To: address, Lasting: true})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The address was wrong: once the contact has another, resending goes there, and the slip tells of that one.
func TestCorrectedAddress(t *testing.T) {
	r, c := shop(t)
	i, e := sent(t, r, c)
	r.Drain()
	report(t, r, "Bounce", e, "ses-1")
	was, err := r.Contacts.Get(r.Ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	in := was.Input()
	in.Emails = []contact.EmailInput{{Address: "ada@new.example"}}
	if _, err := r.Contacts.Update(r.Ctx, rig.Owner, c, was.Version(), in); err != nil {
		t.Fatal(err)
	}
	if err := desk(r).Resend(r.Ctx, rig.Owner, only(t, r).ID, "she moved to another host"); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	if m := last(t, r); m.To.Address != "ada@new.example" || len(r.Issues(issue.Open)) != 0 {
		t.Errorf("to %s, issues %v", m.To.Address, r.Issues(issue.Open))
	}
	if d := track(t, r, i).Delivery; d.To != "ada@new.example" || d.State != invoice.Sent {
		t.Errorf("%+v", d)
	}
}

// A letter that was put in line before there were several recipients goes to the client.
func TestOldLetter(t *testing.T) {
	r, c := shop(t)
	i := r.Invoice(c, rig.Lines("1.00"))
	inLine(t, r, effect.Effect{Kind: billing.MailInvoice, ContactID: c, Subject: i.ID})
	r.Drain()
	if m := last(t, r); m.To.Address != "ada@client.example" {
		t.Errorf("to %s", m.To.Address)
	}
}
