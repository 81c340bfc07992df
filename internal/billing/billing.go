// Package billing is the way of an invoice from draft to the client: drafted, issued, sent, seen, voided.
//
// Issuing is one write: the number of the series, the frozen document, the receivable on the books, the order's bill and
// the effect that makes the PDF. Letters and PDFs are effects; nothing here calls out.
package billing

import (
	"context"
	"errors"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/approval"
	"onebook/internal/civil"
	"onebook/internal/deal"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/link"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/org"
	"onebook/internal/payment"
	"onebook/internal/sale"
	"onebook/internal/store"
	"onebook/internal/task"
)

// Effects of an invoice; their subject is the invoice.
const (
	MailInvoice = "mail.invoice"
	PrintPDF    = "pdf.invoice"
)

// Service bills.
type Service struct {
	Table   store.Table
	Records *activity.Records
	IDs     id.Source
	Now     func() time.Time
	Maker   *sale.Maker
	Org     *org.Service
	Clients sale.Clients
	Links   *link.Service
	Second  *approval.Desk // where deeds wait that take two persons
}

// Input is what a person says of an invoice.
type Input struct {
	ContactID string
	DealID    string // empty: of no deal
	Body      sale.Input
	DueOn     civil.Date
	DueDays   *int
	// Instalments stand in place of dueOn and dueDays.
	Instalments []invoice.Instalment
	// Recipients get its letters, at most MaxRecipients; nil: the contact's people who receive invoices.
	Recipients []sale.Addressee
}

func (in Input) check(f *fault.Fields, today civil.Date) {
	switch {
	case in.DueOn.After(today.AddDays(sale.MaxAhead)):
		f.Add("dueOn", "invalid", "dueOn lies more than ten years ahead")
	case len(in.Instalments) > 0 && (in.DueDays != nil || !in.DueOn.IsZero()):
		f.Add("instalments", "invalid", "give instalments, or dueOn or dueDays, not both")
	case len(in.Instalments) > 0 && in.Instalments[len(in.Instalments)-1].DueOn.After(today.AddDays(sale.MaxAhead)):
		f.Add("instalments", "invalid", "the last instalment lies more than ten years ahead")
	case in.DueDays != nil && !in.DueOn.IsZero():
		f.Add("dueDays", "invalid", "give dueOn or dueDays, not both")
	case in.DueDays != nil && (*in.DueDays < 0 || *in.DueDays > sale.MaxAhead):
		f.Add("dueDays", "invalid", "dueDays is 0 to 3650")
	}
	checkRecipients(f, in.Recipients)
}

func (s *Service) today(ctx context.Context) (org.Settings, civil.Date, error) {
	set, err := s.Org.Get(ctx)
	if err != nil {
		return org.Settings{}, civil.Date{}, err
	}
	day, err := set.Today(s.Now())
	return set, day, err
}

// made turns what was typed into a body; every wrong field is told at once.
func (s *Service) made(ctx context.Context, in Input) (sale.Body, error) {
	set, today, err := s.today(ctx)
	if err != nil {
		return sale.Body{}, err
	}
	var f fault.Fields
	in.check(&f, today)
	if err := f.Join("", in.Body.NoChoices()); err != nil {
		return sale.Body{}, err
	}
	body, err := s.Maker.Make(ctx, in.Body, set, today)
	if err := f.Join("", err); err != nil {
		return sale.Body{}, err
	}
	invoice.CheckInstalments(&f, in.Instalments, body.Totals.Payable)
	return body, f.Err()
}

// Create stores a draft. fault.Invalid names each wrong field. Drafting asks for invoice.propose, which sales and booking
// have too; what follows is billing's.
func (s *Service) Create(ctx context.Context, by activity.By, in Input) (invoice.Invoice, error) {
	if err := member.May(by, member.InvoicePropose); err != nil {
		return invoice.Invoice{}, err
	}
	c, err := s.Clients.Client(ctx, in.ContactID)
	if errors.Is(err, fault.NotFound) {
		return invoice.Invoice{}, fault.InField("contactId", "not_found", "there is no such contact")
	}
	if err != nil {
		return invoice.Invoice{}, err
	}
	if err := c.Active(); err != nil {
		return invoice.Invoice{}, err
	}
	if err := deal.Of(ctx, s.Table, s.Clients, in.DealID, c.ContactID); err != nil {
		return invoice.Invoice{}, err
	}
	if in.Body.Currency == "" {
		in.Body.Currency = c.Currency
	}
	body, err := s.made(ctx, in)
	if err != nil {
		return invoice.Invoice{}, err
	}
	now := s.Now().UTC()
	var i invoice.Invoice
	_, err = s.Records.Begin(ctx, by, c.ContactID, func(_ context.Context, contact string, _ activity.Head) (*activity.Deed, error) {
		i = invoice.Invoice{
			ID: s.IDs.Of("in", contact), ContactID: contact, State: invoice.Draft, DealID: in.DealID, Body: body, DueOn: in.DueOn, DueDays: in.DueDays, Instalments: in.Instalments,
			Chosen:    in.Recipients,
			CreatedAt: now, UpdatedAt: now,
		}
		op, err := i.Put()
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "invoice.drafted", Subject: i.ID, Text: "Drafted an invoice over " + amount(i), Ops: []store.Op{op},
		}, nil
	})
	if err != nil {
		return invoice.Invoice{}, err
	}
	return invoice.Get(ctx, s.Table, i.ID)
}

func amount(i invoice.Invoice) string { return minor(i.Body.Totals.Total, i.Body.Currency) }

func minor(amount int64, currency string) string {
	return money.Format(amount, currency) + " " + currency
}

// edit decides what becomes of an invoice that was just read. One that answers no deed leaves everything as it is.
type edit func(ctx context.Context, h activity.Head, i *invoice.Invoice) (*activity.Deed, error)

// change writes what an edit comes to with its entry, again until nothing came between.
func (s *Service) change(ctx context.Context, by activity.By, invoiceID string, e edit) (invoice.Invoice, error) {
	contact, err := id.Contact("in", invoiceID)
	if err != nil {
		return invoice.Invoice{}, err
	}
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, h activity.Head) (*activity.Deed, error) {
		return s.written(ctx, h, invoiceID, e)
	})
	if err != nil {
		return invoice.Invoice{}, err
	}
	return invoice.Get(ctx, s.Table, invoiceID)
}

// written is the deed of an edit, with the invoice and the tasks that end with it.
func (s *Service) written(ctx context.Context, h activity.Head, invoiceID string, e edit) (*activity.Deed, error) {
	i, err := invoice.Get(ctx, s.Table, invoiceID)
	if err != nil {
		return nil, err
	}
	before, at := i.State, s.Now().UTC()
	d, err := e(ctx, h, &i)
	if err != nil || d == nil {
		return nil, err
	}
	i.UpdatedAt = at // not after SentAt, by which a second click is known
	op, err := i.Put()
	if err != nil {
		return nil, err
	}
	d.Subject, d.Ops = i.ID, append([]store.Op{op}, d.Ops...)
	if i.State == before {
		return d, nil
	}
	o, because := Outcome(i)
	ends, err := task.Ended(ctx, s.Table, i.UpdatedAt, i.ID, o, because)
	d.Ops = append(d.Ops, ends...)
	return d, err
}

// Outcome is what an invoice's state means for the tasks that hang on it.
func Outcome(i invoice.Invoice) (task.Outcome, string) {
	because := strings.TrimSpace("invoice "+i.Number) + " is " + string(i.State)
	switch i.State {
	case invoice.Draft, invoice.Open:
		return task.Goes, because
	case invoice.Paid:
		return task.Settled, because
	}
	return task.Gone, because
}

var errImmutable = fault.Unready.Errorf("an issued invoice cannot be changed; void it or correct it with a credit note").Coded("immutable")

// Update changes a draft. fault.Stale when version is not the stored one, fault.Unready once it is issued.
func (s *Service) Update(ctx context.Context, by activity.By, invoiceID string, version int64, in Input) (invoice.Invoice, error) {
	if err := member.May(by, member.InvoicePropose); err != nil {
		return invoice.Invoice{}, err
	}
	return s.change(ctx, by, invoiceID, func(ctx context.Context, h activity.Head, i *invoice.Invoice) (*activity.Deed, error) {
		switch {
		case i.Version() != version:
			return nil, invoice.ErrStale
		case i.State != invoice.Draft:
			return nil, errImmutable
		case in.ContactID != "" && in.ContactID != i.ContactID:
			return nil, fault.InField("contactId", "immutable", "an invoice stays with its contact; make a new one")
		}
		if i.OrderID != "" && in.DealID != i.DealID {
			return nil, fault.InField("dealId", "immutable", "this draft bills an order, and belongs to that one's deal")
		}
		if err := deal.Of(ctx, s.Table, s.Clients, in.DealID, i.ContactID); err != nil {
			return nil, err
		}
		body, err := s.edited(ctx, *i, in)
		if err != nil {
			return nil, err
		}
		before := *i
		i.Body, i.DueOn, i.DueDays, i.Instalments, i.Chosen, i.DealID = body, in.DueOn, in.DueDays, in.Instalments, in.Recipients, in.DealID
		return &activity.Deed{
			Kind: "invoice.changed", Text: "Changed the invoice's draft to " + amount(*i),
			Changes: []activity.Change{{Field: "total", From: amount(before), To: amount(*i)}},
		}, nil
	})
}

// edited answers the new content of a draft. What bills a share of an order keeps its lines: they were made of the order,
// and sum to it.
func (s *Service) edited(ctx context.Context, i invoice.Invoice, in Input) (sale.Body, error) {
	if i.EstimateID != "" {
		in.Body.Keep(i.Body)
	}
	if i.Share == "" {
		return s.made(ctx, in)
	}
	_, today, err := s.today(ctx)
	if err != nil {
		return sale.Body{}, err
	}
	var f fault.Fields
	in.check(&f, today)
	body, err := i.Body.Noted(in.Body)
	if err := f.Join("", err); err != nil {
		return sale.Body{}, err
	}
	return body, f.Err()
}

// Delete throws a draft away; what it bills of an order may be billed anew.
func (s *Service) Delete(ctx context.Context, by activity.By, invoiceID string, version int64) error {
	if err := member.May(by, member.InvoiceWrite); err != nil {
		return err
	}
	contact, err := id.Contact("in", invoiceID)
	if err != nil {
		return err
	}
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		i, err := invoice.Get(ctx, s.Table, invoiceID)
		switch {
		case err != nil:
			return nil, err
		case i.Version() != version:
			return nil, invoice.ErrStale
		case i.State != invoice.Draft:
			return nil, errImmutable
		}
		ops, err := s.thrown(ctx, i)
		if err != nil {
			return nil, err
		}
		released, err := s.released(ctx, i)
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "invoice.deleted", Subject: i.ID, Text: "Threw an invoice's draft away", Ops: append(ops, released...),
		}, nil
	})
	return err
}

// thrown removes a draft, and ends the tasks about it.
func (s *Service) thrown(ctx context.Context, i invoice.Invoice) ([]store.Op, error) {
	ends, err := task.Ended(ctx, s.Table, s.Now(), i.ID, task.Gone, "the invoice was thrown away")
	return append(ends, i.Remove()), err
}

// Issue takes the next number, freezes the document and books the receivable, in one write. Repeated, it answers the same
// invoice. A total of zero is paid at once; a negative one is refused, since only a credit note gives money back. So is one
// whose tax is not that of its day of supply any more: a person decides which of both it shall be (code tax_changed).
func (s *Service) Issue(ctx context.Context, by activity.By, invoiceID string) (invoice.Invoice, error) {
	if err := member.May(by, member.InvoiceWrite); err != nil {
		return invoice.Invoice{}, err
	}
	return s.change(ctx, by, invoiceID, func(ctx context.Context, h activity.Head, i *invoice.Invoice) (*activity.Deed, error) {
		if i.State != invoice.Draft {
			return nil, nil // issued before: the same invoice
		}
		return s.issue(ctx, h, i)
	})
}

// Send puts the letter with the pay link in line; a draft is issued first, in the same write. Sending again mails it again,
// but not within a minute of an invoice that nothing happened to: that is a second click on the first letter.
// fault.Unready when the address gets no letters (address_blocked).
func (s *Service) Send(ctx context.Context, by activity.By, invoiceID string) (invoice.Invoice, error) {
	if err := member.May(by, member.InvoiceWrite); err != nil {
		return invoice.Invoice{}, err
	}
	return s.change(ctx, by, invoiceID, func(ctx context.Context, h activity.Head, i *invoice.Invoice) (*activity.Deed, error) {
		d := &activity.Deed{}
		var err error
		switch i.State {
		case invoice.Draft:
			if d, err = s.issue(ctx, h, i); err != nil {
				return nil, err
			}
		case invoice.Void:
			return nil, fault.Unready.Errorf("a void invoice cannot be sent")
		}
		if sale.JustSent(i.SentAt, i.UpdatedAt, s.Now()) {
			return nil, nil
		}
		c, err := s.Clients.Client(ctx, i.ContactID)
		if err != nil {
			return nil, err
		}
		i.Recipients = recipients(*i, c)
		now := s.Now().UTC()
		letters, err := s.letters(ctx, i, c.Name, now)
		if err != nil {
			return nil, err
		}
		i.SentAt = now
		if d.Kind == "" {
			d.Kind, d.Text = "invoice.sent", "Sent invoice "+i.Number
		} else {
			d.Text = strings.Replace(d.Text, "Issued", "Issued and sent", 1)
		}
		d.Ops = append(d.Ops, letters...)
		return d, nil
	})
}

// explained is a reason that is kept in the history.
func explained(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || len([]rune(reason)) > 1000 {
		return "", fault.InField("reason", "required", "say why, in 1 to 1,000 characters: it is kept in the history")
	}
	return reason, nil
}

// idle refuses while money for the invoice is on its way.
func (s *Service) idle(ctx context.Context, i invoice.Invoice) error {
	for cursor := ""; ; {
		ps, next, err := payment.OfContact(ctx, s.Table, i.ContactID, 0, cursor)
		if err != nil {
			return err
		}
		for _, p := range ps {
			if p.Paying(i.ID) {
				return fault.Unready.Errorf("a payment of invoice %s is under way; wait for it", i.Number).Coded("paying")
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

// View notes that a person opened the invoice's page. It is noted once; later openings change nothing.
func (s *Service) View(ctx context.Context, by activity.By, invoiceID string) error {
	contact, err := id.Contact("in", invoiceID)
	if err != nil {
		return err
	}
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		i, err := invoice.Get(ctx, s.Table, invoiceID)
		if err != nil {
			return nil, err
		}
		tr, err := invoice.GetTrack(ctx, s.Table, i)
		if err != nil {
			return nil, err
		}
		if err := link.Own(by, i.LinkID); err != nil {
			return nil, err
		}
		if i.State == invoice.Draft || !tr.ViewedAt.IsZero() {
			return nil, nil
		}
		tr.ViewedAt = s.Now().UTC()
		op, err := tr.Put(i)
		if err != nil {
			return nil, err
		}
		return &activity.Deed{Kind: "invoice.viewed", Subject: i.ID, Text: "The client opened invoice " + i.Number, Ops: []store.Op{op}}, nil
	})
	return err
}

// PayLink is the address at which the client sees and pays the invoice. fault.Unready for a draft or void one.
func (s *Service) PayLink(ctx context.Context, by activity.By, invoiceID string) (string, error) {
	if err := member.May(by, member.InvoiceWrite); err != nil {
		return "", err
	}
	i, err := invoice.Get(ctx, s.Table, invoiceID)
	if err != nil {
		return "", err
	}
	if i.LinkID == "" || i.State == invoice.Void {
		return "", fault.Unready.Errorf("an invoice has a link once it is issued, and as long as it is not void")
	}
	return s.Links.URL(ctx, link.Link{ID: i.LinkID, Scope: link.Invoice})
}

// Renew mails the link of an invoice again, to the address on record. link.ErrRenewed when that was done a moment ago.
func (s *Service) Renew(ctx context.Context, by activity.By, l link.Link) error {
	_, err := s.Records.Do(ctx, by, activity.ContactChain(l.ContactID), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		i, err := invoice.Get(ctx, s.Table, l.Document)
		if err != nil {
			return nil, err
		}
		now := s.Now().UTC()
		op, err := s.mail(i, link.MailRenewal, "Link of invoice "+i.Number, now)
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "link.renewed", Subject: i.ID, Text: "The client asked for the link of invoice " + i.Number + " again",
			Ops: []store.Op{l.Renewal(now), op},
		}, nil
	})
	return err
}

// mail puts a letter about an invoice in line.
func (s *Service) mail(i invoice.Invoice, kind, title string, now time.Time) (store.Op, error) {
	return effect.New(effect.Effect{
		ID: s.IDs.New("ef"), Lane: effect.Mail, Kind: kind, ContactID: i.ContactID, Subject: i.ID,
		Title: title, Area: issue.Billing,
	}, now)
}
