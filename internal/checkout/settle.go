package checkout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/payment"
	"onebook/internal/store"
)

// Settle looks an intent up and applies what became of it. However often, by whomever and in whatever order it is called,
// its money is recorded once. Money that cannot be matched ends in an open issue; so does what does not agree with what
// was asked for.
func (s *Service) Settle(ctx context.Context, by activity.By, intentID string) error {
	if err := member.May(by, member.PaymentOutcome); err != nil {
		return err
	}
	in, err := s.Provider.Intent(ctx, intentID)
	if errors.Is(err, fault.NotFound) {
		return s.unmatched(ctx, payment.Intent{ID: intentID}, "the provider does not know this payment")
	}
	if err != nil {
		return err
	}
	late := false
	if p, err := s.ours(ctx, in); err == nil && p.Open() && p.Online != nil && p.Online.Paying && in.Status != "succeeded" && in.Status != "processing" {
		// What was read may be older than the word that the money is on its way: a decline before it. Read again, it is not.
		if in, err = s.Provider.Intent(ctx, intentID); err != nil {
			return err
		}
		late = true
	}
	return s.apply(ctx, by, in, late)
}

// apply records what became of an intent, when it agrees with what was asked for. late says that it was read after the
// money was known to be on its way.
func (s *Service) apply(ctx context.Context, by activity.By, in payment.Intent, late bool) error {
	p, err := s.ours(ctx, in)
	if errors.Is(err, fault.NotFound) {
		return s.unmatched(ctx, in, "it does not name a payment of ours")
	}
	if err != nil {
		return err
	}
	if why := s.disagrees(in, p); why != "" {
		return s.unmatched(ctx, in, why)
	}
	switch in.Status {
	case "succeeded":
		return s.paid(ctx, by, in, p)
	case "canceled":
		return s.close(ctx, by, p.ID, payment.Failed, "The payment was canceled", nil)
	case "processing":
		return s.processing(ctx, by, in, p.ID)
	}
	return s.declined(ctx, by, in, p.ID, late)
}

// ours answers the payment that an intent names in its metadata.
func (s *Service) ours(ctx context.Context, in payment.Intent) (payment.Payment, error) {
	return payment.Get(ctx, s.Table, in.Metadata[metaKey])
}

// disagrees says what of an intent is not as it was asked for; empty when all is.
func (s *Service) disagrees(in payment.Intent, p payment.Payment) string {
	switch {
	case p.Online == nil:
		return "it names a payment that was made by hand"
	case in.Live != s.Live:
		return "it is of the provider's other mode (test or live)"
	case in.Currency != p.Currency:
		return fmt.Sprintf("it is in %s, and %s was asked for", in.Currency, p.Currency)
	case in.Amount != p.Amount:
		return fmt.Sprintf("it is over %s %s, and %s was asked for", money.Format(in.Amount, p.Currency), p.Currency, money.Format(p.Amount, p.Currency))
	case in.Status == "succeeded" && in.Received != p.Amount:
		return fmt.Sprintf("%s %s was received, and %s was asked for", money.Format(in.Received, p.Currency), p.Currency, money.Format(p.Amount, p.Currency))
	case in.Metadata[invoices] != p.Online.InvoiceID:
		return "it names another invoice than the one it was opened for"
	}
	return ""
}

// paid records the money of an intent.
func (s *Service) paid(ctx context.Context, by activity.By, in payment.Intent, p payment.Payment) error {
	_, err := s.Records.Do(ctx, by, activity.ContactChain(p.ContactID), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		p, err := payment.Get(ctx, s.Table, p.ID)
		if err != nil {
			return nil, err
		}
		if p.Online.Intent == in.ID && !p.SucceededAt.IsZero() {
			return nil, nil
		}
		now := s.Now().UTC()
		if !p.SucceededAt.IsZero() {
			// The same page was made twice, and both were paid: money of its own.
			p = payment.Payment{
				ID: s.IDs.Of("py", p.ContactID), ContactID: p.ContactID, State: payment.Pending, Amount: p.Amount, Currency: p.Currency,
				Method: p.Method, Online: &payment.Online{InvoiceID: p.Online.InvoiceID, LinkID: p.Online.LinkID, Methods: p.Online.Methods}, CreatedAt: now,
			}
		}
		claim, err := payment.PaidClaim(in.ID, p.ID)
		if err != nil {
			return nil, err
		}
		if err := p.To(payment.Succeeded); err != nil {
			return nil, err
		}
		set, err := s.Org.Get(ctx)
		if err != nil {
			return nil, err
		}
		day, err := set.Today(now)
		if err != nil {
			return nil, err
		}
		p.Method = method(in, p)
		paying := p.Online.Paying
		p.SucceededAt, p.ReceivedOn, p.Online.Intent, p.Online.Paying, p.Online.LookAt = now, day, in.ID, false, time.Time{}
		inv, err := invoice.Get(ctx, s.Table, p.Online.InvoiceID)
		if err != nil {
			return nil, err
		}
		ops, ps, err := s.received(ctx, &p, []share{whole(inv, p)}, activity.Clearing, now)
		if err != nil {
			return nil, err
		}
		op, err := p.Put()
		if err != nil {
			return nil, err
		}
		ops = append(ops, claim, op)
		if paying {
			shown, err := s.track(ctx, p)
			if err != nil {
				return nil, err
			}
			ops = append(ops, shown)
		}
		text := fmt.Sprintf("Received %s %s by %s", money.Format(p.Amount, p.Currency), p.Currency, p.Method)
		if p.Credit > 0 {
			over, err := s.overpaid(ctx, p)
			if err != nil {
				return nil, err
			}
			ops = append(ops, over)
			text += fmt.Sprintf("; %s of it became credit", money.Format(p.Credit, p.Currency))
		}
		return &activity.Deed{
			Kind: "payment.succeeded", Subject: p.ID, Refs: map[string]string{"invoice": p.Online.InvoiceID, "intent": in.ID},
			Text: text, On: day.String(), Postings: ps, Ops: ops,
		}, nil
	})
	if errors.Is(err, payment.ErrPaid) {
		return nil // recorded by whoever came first
	}
	return err
}

func (s *Service) overpaid(ctx context.Context, p payment.Payment) (store.Op, error) {
	op, _, err := issue.Raise(ctx, s.Table, s.Now().UTC(), issue.Issue{
		Code: "overpaid", Subject: p.ID, State: issue.Open, Area: issue.Billing, ContactID: p.ContactID,
		Title:  fmt.Sprintf("%s %s more was paid than was due", money.Format(p.Credit, p.Currency), p.Currency),
		Detail: "The rest is kept as the client's credit. Leave it for the next invoice, or give it back.",
		AtRisk: &issue.Money{Amount: p.Credit, Currency: p.Currency}, Refs: map[string]string{"payment": p.ID, "invoice": p.Online.InvoiceID},
	})
	return op, err
}

// unmatched makes money (or the word of it) that fits nothing visible, once.
func (s *Service) unmatched(ctx context.Context, in payment.Intent, why string) error {
	it := issue.Issue{
		Code: "unmatched_payment", Subject: in.ID, State: issue.Open, Area: issue.Billing, Title: "A payment at the provider matches nothing here",
		Detail: "Payment " + in.ID + ": " + why + ". Find out whose it is at the provider, then record it by hand or give it back there.",
		Refs:   map[string]string{"paymentIntent": in.ID},
	}
	if in.Received > 0 {
		it.AtRisk = &issue.Money{Amount: in.Received, Currency: in.Currency}
	}
	if p, err := payment.Get(ctx, s.Table, in.Metadata[metaKey]); err == nil {
		it.ContactID, it.Refs["payment"] = p.ContactID, p.ID
	}
	return s.raise(ctx, it)
}

// raise stores an issue that belongs to no deed of a contact, as an entry of the organisation. A repeat of the same word
// changes nothing: what is known and open is not said again.
func (s *Service) raise(ctx context.Context, in issue.Issue) error {
	now := s.Now().UTC()
	_, err := s.Records.Do(ctx, member.Automaton(member.Webhook), activity.OrgChain(now), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		old, err := issue.Get(ctx, s.Table, issue.IDOf(in.Code, in.Subject))
		if err == nil && old.State != issue.ResolvedAuto {
			return nil, nil
		}
		if err != nil && !errors.Is(err, fault.NotFound) {
			return nil, err
		}
		op, made, err := issue.Raise(ctx, s.Table, now, in)
		if err != nil {
			return nil, err
		}
		return &activity.Deed{Kind: "issue.opened", Subject: made.ID, Text: in.Title, Ops: []store.Op{op}}, nil
	})
	return err
}

// handled are the events whose news the intent itself tells; the rest are open issues until they are understood.
var (
	ofIntent = map[string]bool{
		"payment_intent.succeeded": true, "payment_intent.payment_failed": true, "payment_intent.canceled": true,
		"payment_intent.processing": true, "payment_intent.requires_action": true,
	}
	ofSession = map[string]bool{
		"checkout.session.completed": true, "checkout.session.async_payment_succeeded": true,
		"checkout.session.async_payment_failed": true, "checkout.session.expired": true,
	}
	silent = map[string]bool{ // they move no money, or say nothing that the intent does not
		"charge.succeeded": true, "charge.failed": true, "charge.pending": true, "charge.updated": true, "customer.created": true,
		"customer.updated": true, "payment_method.attached": true, "payment_method.automatically_updated": true,
		"payment_method.updated": true, "payment_method.detached": true, "payment_intent.created": true, "product.created": true,
		"product.updated": true, "price.created": true, "price.updated": true, "balance.available": true,
	}
)

// Hint takes an event of the provider: what it is about is fetched and applied. An event that is not understood becomes an
// open issue, once.
func (s *Service) Hint(ctx context.Context, by activity.By, ev payment.Event) error {
	if err := member.May(by, member.PaymentOutcome); err != nil {
		return err
	}
	switch {
	case silent[ev.Type]:
		return nil
	case ev.Live != s.Live:
		return s.unmatched(ctx, payment.Intent{ID: ev.ObjectID}, "its event is of the provider's other mode (test or live)")
	case ofIntent[ev.Type]:
		return s.Settle(ctx, by, ev.ObjectID)
	case ofSession[ev.Type]:
		err := s.SettleSession(ctx, by, ev.ObjectID)
		if errors.Is(err, fault.NotFound) {
			return s.unmatched(ctx, payment.Intent{ID: ev.ObjectID}, "the provider does not know this payment page")
		}
		return err
	}
	// By the event's id: a second refund of one charge is a second thing to do.
	return s.raise(ctx, issue.Issue{
		Code: "event_not_handled", Subject: ev.ID, State: issue.Open, Area: issue.Billing,
		Title:  "The payment provider reports something that is not handled here yet: " + ev.Type,
		Detail: "Object " + ev.ObjectID + ". Look at it in the provider's dashboard, do what is needed there, and settle this with a note.",
		Refs:   map[string]string{"event": ev.ID, "object": ev.ObjectID, "paymentIntent": ev.Intent},
	})
}

// SettleSession looks a page up and applies what became of it. fault.NotFound when it is none of ours.
func (s *Service) SettleSession(ctx context.Context, by activity.By, sessionID string) error {
	if err := member.May(by, member.PaymentOutcome); err != nil {
		return err
	}
	ses, err := s.Provider.Session(ctx, sessionID)
	if err != nil {
		return err
	}
	if ses.Status == "complete" && ses.Paid != "paid" && ses.Intent != "" {
		return s.Settle(ctx, by, ses.Intent) // the page looks the same whatever became of a debit
	}
	return s.settleSession(ctx, by, ses)
}

// Return applies what the page says when the client comes back from it. It needs no look at the intent, since the client's
// return is served with a key that may read pages only. fault.NotFound when the page is none of ours.
func (s *Service) Return(ctx context.Context, by activity.By, sessionID string) error {
	if err := member.May(by, member.PaymentOutcome); err != nil {
		return err
	}
	ses, err := s.Provider.Session(ctx, sessionID)
	if err != nil {
		return err
	}
	return s.settleSession(ctx, by, ses)
}

// settleSession applies what the page itself says.
func (s *Service) settleSession(ctx context.Context, by activity.By, ses payment.Session) error {
	in := payment.Intent{
		ID: ses.Intent, Amount: ses.Amount, Currency: ses.Currency, Live: ses.Live, Metadata: ses.Metadata, Created: ses.Created,
	}
	switch {
	case ses.Status == "complete" && ses.Paid == "paid":
		in.Status, in.Received = "succeeded", ses.Amount
		if err := s.apply(ctx, by, in, false); err != nil {
			return err
		}
		return s.over(ctx, by, ses)
	case ses.Status == "complete":
		in.Status = "processing"
		return s.apply(ctx, by, in, false)
	case ses.Status != "expired":
		return nil // still open: a decline is told by the intent
	}
	p, err := payment.Get(ctx, s.Table, ses.Metadata[metaKey])
	if errors.Is(err, fault.NotFound) {
		return s.unmatched(ctx, payment.Intent{ID: ses.ID}, "it is a payment page that is none of ours")
	}
	if err != nil {
		return err
	}
	if p.Online == nil || (p.Online.Session != "" && p.Online.Session != ses.ID) || ses.Live != s.Live {
		return nil // one payment's page that was made twice ends with the one that the client was sent to
	}
	return s.close(ctx, by, p.ID, payment.Failed, "The payment page closed unused", nil)
}

// over ends a payment whose page was paid with something else than was asked for. An issue tells of that money; nothing
// more can come of the page, and it must not be looked up for ever.
func (s *Service) over(ctx context.Context, by activity.By, ses payment.Session) error {
	p, err := payment.OfSession(ctx, s.Table, ses.ID)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || !p.Open() {
		return err
	}
	return s.close(ctx, by, p.ID, payment.Failed, "What was paid is not what was asked for", nil)
}
