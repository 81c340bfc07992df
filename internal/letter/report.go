package letter

import (
	"context"
	"errors"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/contact"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/member"
	"onebook/internal/store"
	"onebook/internal/suppression"
)

// Report is what the mail service tells of a letter.
type Report struct {
	State   invoice.DeliveryState // Delivered, Bounced or Complained
	To      string                // the address that it went to; empty when the report does not say
	Why     string
	Lasting bool // the address will not take the next letter either
}

// Actions that the issue of a letter that did not arrive offers.
const (
	Resend  = "resend"  // mail it again, to the contact's address as it is now
	Unblock = "unblock" // write to the address again; what has not arrived is mailed again
)

// Delivered notes what the mail service reports of a letter. A bounce or a complaint is an open issue: the client has not
// got it, or does not want it. When the reason lasts, the address gets no letters until a person says otherwise.
func (p *Post) Delivered(ctx context.Context, effectID string, r Report) error {
	e, err := effect.Get(ctx, p.Table, effectID)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || e.ContactID == "" {
		return err // a letter of ours always goes to a contact
	}
	_, err = p.Records.Do(ctx, member.Automaton(member.Courier), activity.ContactChain(e.ContactID),
		func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
			d := &activity.Deed{
				Kind: "letter." + string(r.State), Subject: e.Subject, Refs: map[string]string{"effect": e.ID}, Text: e.Title + ": " + string(r.State), Reason: r.Why,
			}
			if strings.HasPrefix(e.Subject, "in_") {
				known, err := p.track(ctx, e, r.State, d)
				if err != nil || known {
					return nil, err
				}
			}
			if r.State == invoice.Delivered {
				if len(d.Ops) == 0 {
					return nil, nil // nothing keeps it, so it would be told again with every report
				}
				return d, nil
			}
			op, made, err := issue.Raise(ctx, p.Table, p.Now().UTC(), returned(e, r))
			if err != nil {
				return nil, err
			}
			if made.Count > 1 {
				return nil, nil // the same report again
			}
			d.Ops = append(d.Ops, op)
			if block, ok, err := p.block(ctx, e, r); err != nil {
				return nil, err
			} else if ok {
				d.Ops = append(d.Ops, block)
				d.Text += "; nothing is mailed to " + r.To + " any more"
			}
			return d, nil
		})
	return err
}

// returned is the issue of a letter that came back or was complained of.
func returned(e effect.Effect, r Report) issue.Issue {
	in := issue.Issue{
		Code: "letter." + string(r.State), Subject: e.ID, State: issue.Open, Area: issue.Billing, ContactID: e.ContactID,
		Title: e.Title + " did not arrive", Refs: map[string]string{"about": e.Subject, "letter": e.ID, "address": r.To},
		Offers: []string{Resend},
	}
	said := strings.TrimSpace("The mail service reports: " + string(r.State) + " " + r.Why)
	switch {
	case r.To == "":
		in.Refs = map[string]string{"about": e.Subject, "letter": e.ID}
		in.Detail = said + ". Check the client's address, then send it again."
	case r.State == invoice.Complained:
		in.Title = "The client marked a letter as unwanted: " + e.Title
		in.Detail = said + ". Nothing is mailed to " + r.To + " any more. Talk to the client, and unblock the address when letters are welcome again."
		in.Offers = []string{Unblock}
	case r.Lasting:
		in.Detail = said + ". Nothing is mailed to " + r.To + " any more. Correct the contact's address and resend, or unblock the address when it works again."
		in.Offers = []string{Resend, Unblock}
	default:
		in.Detail = said + ". This may pass: resend it later, or correct the contact's address first."
	}
	return in
}

// block answers the operation that stops letters to the address of a lasting failure, and false when there is nothing to do.
func (p *Post) block(ctx context.Context, e effect.Effect, r Report) (store.Op, bool, error) {
	key, _, err := contact.Key(r.To)
	if !r.Lasting || err != nil {
		return store.Op{}, false, nil
	}
	b, err := suppression.Get(ctx, p.Table, suppression.Transactional, key)
	if err != nil || b.Stands() {
		return store.Op{}, false, err
	}
	b.Because, b.Detail, b.Effect, b.At, b.LiftedAt = suppression.Bounced, r.Why, e.ID, p.Now().UTC(), time.Time{}
	if r.State == invoice.Complained {
		b.Because = suppression.Complained
	}
	op, err := b.Put()
	return op, err == nil, err
}

// track notes the state on the invoice's track, and answers whether it was known: reports come twice and in any order.
func (p *Post) track(ctx context.Context, e effect.Effect, next invoice.DeliveryState, d *activity.Deed) (known bool, err error) {
	i, err := invoice.Get(ctx, p.Table, e.Subject)
	if err != nil {
		return false, err
	}
	tr, err := invoice.GetTrack(ctx, p.Table, i)
	if err != nil {
		return false, err
	}
	was := tr.OfMessage(e.Result)
	if was == nil {
		return false, nil // of an earlier letter
	}
	if !was.State.After(next) {
		return true, nil
	}
	was.State, was.At = next, p.Now().UTC()
	tr.Note(*was, i.Recipients)
	op, err := tr.Put(i)
	d.Ops = append(d.Ops, op)
	return false, err
}
