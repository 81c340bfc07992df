package checkout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onebook/internal/activity"
	"onebook/internal/effect"
	"onebook/internal/id"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/money"
	"onebook/internal/payment"
	"onebook/internal/store"
	"onebook/internal/task"
)

// A bank debit is under way for days after its page is complete. Until its outcome is final it settles nothing, and its
// invoice shows it as paying; then it is money like any other, or the invoice is due as it was before.

// lookEvery is how often the provider is asked about money on its way that nobody tells of.
const lookEvery = 24 * time.Hour

// DebitFailed is the code of the issue that a debit did not arrive; its subject is the invoice.
const DebitFailed = "debit_failed"

// method is what an intent was paid by. A page does not tell, but only a debit is ever under way.
func method(in payment.Intent, p payment.Payment) string {
	switch {
	case in.Method != "":
		return in.Method
	case (p.Online.Paying || in.Status == "processing") && p.Debit() != "":
		return p.Debit()
	}
	return p.Method
}

// processing records that the money is on its way, once. Told again when a look was due, it puts off the next one.
func (s *Service) processing(ctx context.Context, by activity.By, in payment.Intent, paymentID string) error {
	contact, err := id.Contact("py", paymentID)
	if err != nil {
		return err
	}
	var looked []store.Op
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		p, err := payment.Get(ctx, s.Table, paymentID)
		if err != nil || !p.Open() {
			return nil, err // a late word of what is known already never moves it back
		}
		now := s.Now().UTC()
		if p.Online.Paying {
			if !now.Before(p.Online.LookAt) {
				looked, err = p.Looked(now.Add(lookEvery))
			}
			return nil, err
		}
		p.Method = method(in, p)
		p.Online.Paying, p.Online.Intent, p.Online.LookAt = true, in.ID, now.Add(lookEvery)
		return s.shown(ctx, p, &activity.Deed{
			Kind: "payment.processing", Subject: p.ID, Refs: map[string]string{"invoice": p.Online.InvoiceID, "intent": in.ID},
			Text: fmt.Sprintf("A payment of %s %s is on its way", money.Format(p.Amount, p.Currency), p.Currency),
		}, MailProcessing)
	})
	if err != nil || looked == nil {
		return err
	}
	if err := s.Table.Write(ctx, looked...); !errors.Is(err, activity.ErrContended) {
		return err
	}
	return nil // somebody knows more by now
}

// declined records an attempt that failed while the page is open, or that what was on its way did not arrive; late says
// that the provider was asked after the money was on its way.
func (s *Service) declined(ctx context.Context, by activity.By, in payment.Intent, paymentID string, late bool) error {
	contact, err := id.Contact("py", paymentID)
	if err != nil {
		return err
	}
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		p, err := payment.Get(ctx, s.Table, paymentID)
		switch {
		case err != nil || !p.Open():
			return nil, err
		case p.Online.Paying && late:
			return s.returned(ctx, p, in)
		case p.Online.Paying || in.Decline == nil || !fresh(p.Online.Attempts, *in.Decline):
			return nil, nil
		}
		s.tried(&p, *in.Decline)
		p.Online.Intent = in.ID
		op, err := p.Put()
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "payment.declined", Subject: p.ID, Refs: map[string]string{"invoice": p.Online.InvoiceID, "intent": in.ID},
			Text: "A payment was declined", Reason: in.Decline.Message, Ops: []store.Op{op},
		}, nil
	})
	return err
}

// returned is the deed of money that was on its way and did not arrive. Nothing was booked for it, so the invoice is due
// exactly as before; its page is complete and lets nobody try again. The client is written to, and a person is told.
func (s *Service) returned(ctx context.Context, p payment.Payment, in payment.Intent) (*activity.Deed, error) {
	d := &activity.Deed{
		Kind: "payment.failed", Subject: p.ID, Refs: map[string]string{"invoice": p.Online.InvoiceID, "intent": in.ID},
		Text: fmt.Sprintf("A payment of %s %s did not arrive", money.Format(p.Amount, p.Currency), p.Currency),
	}
	if in.Decline != nil {
		s.tried(&p, *in.Decline)
		d.Reason = in.Decline.Message
	}
	p.Method, p.Online.Paying, p.Online.LookAt = method(in, p), false, time.Time{}
	if err := p.To(payment.Failed); err != nil {
		return nil, err
	}
	op, _, err := issue.Raise(ctx, s.Table, s.Now().UTC(), issue.Issue{
		Code: DebitFailed, Subject: p.Online.InvoiceID, State: issue.Open, Area: issue.Billing, ContactID: p.ContactID,
		Title: fmt.Sprintf("A bank debit of %s %s did not arrive", money.Format(p.Amount, p.Currency), p.Currency),
		Detail: "The invoice is due as it was before, and the client was written to. Agree with them on another way to pay; " +
			"this settles itself when the invoice is paid.",
		AtRisk: &issue.Money{Amount: p.Amount, Currency: p.Currency}, Refs: map[string]string{"payment": p.ID, "invoice": p.Online.InvoiceID},
	})
	if err != nil {
		return nil, err
	}
	d.Ops = append(d.Ops, op)
	return s.shown(ctx, p, d, MailFailed)
}

// shown completes a deed about money on its way: the payment, what its invoice shows of it, and the letter.
func (s *Service) shown(ctx context.Context, p payment.Payment, d *activity.Deed, mail string) (*activity.Deed, error) {
	track, err := s.track(ctx, p)
	if err != nil {
		return nil, err
	}
	op, err := p.Put()
	if err != nil {
		return nil, err
	}
	letter, err := effect.New(effect.Effect{
		ID: s.IDs.New("ef"), Lane: effect.Mail, Kind: mail, ContactID: p.ContactID, Subject: p.ID,
		Args: map[string]string{"invoice": p.Online.InvoiceID}, Title: "Letter: " + d.Text, Area: issue.Billing,
	}, s.Now().UTC())
	if err != nil {
		return nil, err
	}
	d.Ops = append(d.Ops, op, track, letter)
	return d, nil
}

// track answers the operation by which an invoice shows a payment as on its way, or not any more.
func (s *Service) track(ctx context.Context, p payment.Payment) (store.Op, error) {
	inv, err := invoice.Get(ctx, s.Table, p.Online.InvoiceID)
	if err != nil {
		return store.Op{}, err
	}
	tr, err := invoice.GetTrack(ctx, s.Table, inv)
	if err != nil {
		return store.Op{}, err
	}
	tr.Under(p.ID, p.Online.Paying)
	op, err := tr.Put(inv)
	return op.Else(activity.ErrContended), err // a view or a PDF may be noted at the same time
}

// ended answers the operations that close what waited for an invoice to be paid: tasks, and the issue of a failed debit.
func (s *Service) ended(ctx context.Context, inv invoice.Invoice, now time.Time) ([]store.Op, error) {
	because := "invoice " + inv.Number + " is paid"
	ops, err := task.Ended(ctx, s.Table, now, inv.ID, task.Settled, because)
	if err != nil {
		return nil, err
	}
	settled, there, err := issue.Settled(ctx, s.Table, now, DebitFailed, inv.ID, because)
	if there {
		ops = append(ops, settled)
	}
	return ops, err
}

// maxAttempts is how many declined attempts of one page are kept, the newest.
const maxAttempts = 20

// tried notes an attempt that failed.
func (s *Service) tried(p *payment.Payment, d payment.Decline) {
	p.Online.Attempts = append(p.Online.Attempts, payment.Attempt{At: s.Now().UTC(), Code: d.Code, Message: d.Message})
	if n := len(p.Online.Attempts) - maxAttempts; n > 0 {
		p.Online.Attempts = p.Online.Attempts[n:]
	}
}

// fresh reports whether a decline is not noted yet. The provider keeps only the last one, without a time, so the same
// reason twice in a row counts once.
func fresh(known []payment.Attempt, d payment.Decline) bool {
	return len(known) == 0 || known[len(known)-1].Code != d.Code || known[len(known)-1].Message != d.Message
}

// unoffered tells a person that the provider's account does not take a method that the settings offer.
func (s *Service) unoffered(ctx context.Context, debit string) error {
	return s.raise(ctx, issue.Issue{
		Code: "method_not_offered", Subject: debit, State: issue.Open, Area: issue.Billing,
		Title:  "The payment provider's account does not take " + debit,
		Detail: "Pages are opened with the card alone. Switch the method on at the provider, or take it out of onlineMethods in the settings.",
	})
}
