package billing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"onebook/internal/contact"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// MaxRecipients is how many may get the letters of one invoice.
const MaxRecipients = 10

func checkRecipients(f *fault.Fields, all []sale.Addressee) {
	if len(all) > MaxRecipients {
		f.Add("recipients", "too_many", "an invoice goes to at most %d recipients", MaxRecipients)
		return
	}
	seen := map[string]bool{}
	for n, a := range all {
		at := fmt.Sprintf("recipients[%d].", n)
		if len([]rune(a.Name)) > 100 || strings.ContainsFunc(a.Name, unicode.IsControl) {
			f.Add(at+"name", "invalid", "a name is one line of at most 100 characters")
		}
		key, _, err := contact.Key(a.Email)
		if err == nil {
			err = contact.Acceptable(a.Email)
		}
		switch {
		case err != nil:
			f.Add(at+"email", "invalid", "%q is not an e-mail address", a.Email)
		case seen[key]:
			f.Add(at+"email", "duplicate", "%s is named twice", a.Email)
		}
		seen[key] = true
	}
}

// recipients are who gets the letters: those that were chosen, else the client's people who receive invoices.
func recipients(i invoice.Invoice, c sale.Client) []sale.Addressee {
	if len(i.Chosen) > 0 {
		return i.Chosen
	}
	return c.All
}

// letters puts a letter for each recipient in line, so that none sees who else gets it and each is told of by itself. Those
// whose address gets no letters are noted on the invoice's track; when nobody is left it is refused.
func (s *Service) letters(ctx context.Context, i *invoice.Invoice, client string, now time.Time) ([]store.Op, error) {
	if len(i.Recipients) == 0 {
		return nil, fault.Unready.Errorf("%s has no e-mail address; add one and send again", client).Coded("no_address")
	}
	var ops []store.Op
	var blocked []invoice.Delivery
	var refused error
	for _, a := range i.Recipients {
		err := contact.Welcome(ctx, s.Table, a.Email)
		if errors.Is(err, contact.ErrBlocked) {
			blocked, refused = append(blocked, invoice.Delivery{State: invoice.Suppressed, To: a.Email, At: now}), err
			continue
		}
		if err != nil {
			return nil, err
		}
		title := "Mail of invoice " + i.Number
		if len(i.Recipients) > 1 {
			title += " to " + a.Email
		}
		op, err := effect.New(effect.Effect{
			ID: s.IDs.New("ef"), Lane: effect.Mail, Kind: MailInvoice, ContactID: i.ContactID, Subject: i.ID, Title: title, Area: issue.Billing,
			Args: map[string]string{"to": a.Email, "name": a.Name},
		}, now)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	if len(ops) == 0 {
		return nil, refused
	}
	if len(blocked) == 0 {
		return ops, nil
	}
	tr, err := invoice.GetTrack(ctx, s.Table, *i)
	if err != nil {
		return nil, err
	}
	for _, d := range blocked {
		tr.Note(d, i.Recipients)
	}
	op, err := tr.Put(*i)
	return append(ops, op), err
}
