package letter

import (
	"context"
	"errors"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/contact"
	"onebook/internal/effect"
	"onebook/internal/estimate"
	"onebook/internal/id"
	"onebook/internal/invoice"
	"onebook/internal/link"
	"onebook/internal/member"
	"onebook/internal/message"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// Mailer sends one letter and answers the mail service's id of it. fault.Busy: nothing was sent, try later; an error that
// wraps effect.ErrAmbiguous: it may have been sent; any other: it will never be.
type Mailer interface {
	Send(ctx context.Context, m Message) (id string, err error)
}

// Post plans the effects that send letters.
type Post struct {
	Table   store.Table
	Records *activity.Records
	Clients sale.Clients
	Links   *link.Service
	Mailer  Mailer
	People  People
	Now     func() time.Time
}

// Estimate plans the letter with an estimate. Nothing goes out once it was answered.
func (p *Post) Estimate(ctx context.Context, e effect.Effect) (effect.Plan, error) {
	es, err := estimate.Get(ctx, p.Table, e.Subject)
	if err != nil {
		return effect.Plan{}, err
	}
	c, err := p.Clients.Client(ctx, es.ContactID)
	if err != nil {
		return effect.Plan{}, err
	}
	plan := p.plan(e, sheet{
		frozen: *es.Frozen, to: c.Decides, link: estimateLink(es), same: []store.Op{es.Same()}, done: "Mailed estimate " + es.Number,
		write: func(url string) Content {
			return OfEstimate(es.Frozen.Locale, EstimateFacts{
				Name: c.Decides.Name, Number: es.Number, Currency: es.Body.Currency, Total: es.Body.Totals.Total, ValidUntil: es.ValidUntil, URL: url,
			})
		},
	})
	if es.State != estimate.Sent && es.State != estimate.Viewed {
		// Not a bare plan: when the mail service reports a letter whose sender died, it was sent whatever happened since.
		plan.Skip = "the estimate is " + string(es.State)
	}
	return plan, nil
}

// Invoice plans the letter with an invoice. Nothing goes out for one that was voided.
func (p *Post) Invoice(ctx context.Context, e effect.Effect) (effect.Plan, error) {
	i, err := invoice.Get(ctx, p.Table, e.Subject)
	if err != nil {
		return effect.Plan{}, err
	}
	if i.State == invoice.Draft {
		return effect.Plan{Skip: "the invoice is a draft"}, nil
	}
	c, err := p.Clients.Client(ctx, i.ContactID)
	if err != nil {
		return effect.Plan{}, err
	}
	to := c.To
	if e.Args["to"] != "" {
		to = sale.Addressee{Name: e.Args["name"], Email: e.Args["to"]}
	}
	plan := p.plan(e, sheet{
		frozen: *i.Frozen, to: to, link: payLink(i), same: []store.Op{i.Same()}, done: "Mailed invoice " + i.Number,
		write: func(url string) Content {
			return OfInvoice(i.Frozen.Locale, InvoiceFacts{
				Name: to.Name, Number: i.Number, Currency: i.Body.Currency, Total: i.Body.Totals.Total, Due: i.Due(), DueOn: i.NextDue(), URL: url,
			})
		},
		note: func(ctx context.Context, d invoice.Delivery) (store.Op, error) {
			tr, err := invoice.GetTrack(ctx, p.Table, i)
			if err != nil {
				return store.Op{}, err
			}
			now := c.All
			if len(i.Chosen) > 0 {
				now = i.Chosen
			}
			tr.Note(d, now)
			return tr.Put(i)
		},
	})
	if i.State == invoice.Void {
		plan.Skip = "the invoice is void" // with the plan, as above
	}
	return plan, nil
}

// Renewal plans the letter that a client asked for because the link was lost. It goes to the address on record whatever
// became of the document: the page tells.
func (p *Post) Renewal(ctx context.Context, e effect.Effect) (effect.Plan, error) {
	if strings.HasPrefix(e.Subject, "es_") {
		es, err := estimate.Get(ctx, p.Table, e.Subject)
		if err != nil {
			return effect.Plan{}, err
		}
		c, err := p.Clients.Client(ctx, es.ContactID)
		if err != nil {
			return effect.Plan{}, err
		}
		return p.plan(e, sheet{
			frozen: *es.Frozen, to: c.Decides, link: estimateLink(es), done: "Mailed the link of estimate " + es.Number + " again",
			write: func(url string) Content {
				return OfEstimateLink(es.Frozen.Locale, LinkFacts{Name: c.Decides.Name, Number: es.Number, URL: url})
			},
		}), nil
	}
	i, err := invoice.Get(ctx, p.Table, e.Subject)
	if err != nil {
		return effect.Plan{}, err
	}
	c, err := p.Clients.Client(ctx, i.ContactID)
	if err != nil {
		return effect.Plan{}, err
	}
	to := addressee(i, c)
	return p.plan(e, sheet{
		frozen: *i.Frozen, to: to, link: payLink(i), same: []store.Op{i.Same()}, done: "Mailed the link of invoice " + i.Number + " again",
		write: func(url string) Content {
			return OfInvoiceLink(i.Frozen.Locale, LinkFacts{
				Name: to.Name, Number: i.Number, Currency: i.Body.Currency, Due: i.Due(), DueOn: i.NextDue(), URL: url,
			})
		},
	}), nil
}

// addressee is who gets what belongs to an invoice: the first that was chosen, else who of the client receives invoices.
func addressee(i invoice.Invoice, c sale.Client) sale.Addressee {
	if len(i.Chosen) > 0 {
		return i.Chosen[0]
	}
	return c.To
}

func payLink(i invoice.Invoice) link.Link { return link.Link{ID: i.LinkID, Scope: link.Invoice} }

func estimateLink(e estimate.Estimate) link.Link {
	return link.Link{ID: e.LinkID, Scope: link.Estimate}
}

// sheet is what one letter is made of.
type sheet struct {
	frozen sale.Frozen
	to     sale.Addressee
	link   link.Link
	// The document must still be as it was read at the last moment before the call, so that no letter tells what is not so any
	// more.
	same  []store.Op
	write func(url string) Content // only when it is sent: who merely confirms a letter needs neither key nor mail service
	done  string                   // what the history says
	note  func(ctx context.Context, d invoice.Delivery) (store.Op, error)
}

func (p *Post) plan(e effect.Effect, s sheet) effect.Plan {
	plan := effect.Plan{
		Checks: s.same,
		Call: func(ctx context.Context) (string, error) {
			if err := contact.Welcome(ctx, p.Table, s.to.Email); err != nil {
				return "", err
			}
			url, err := p.Links.URL(ctx, s.link)
			if err != nil {
				return "", err
			}
			f := s.frozen
			m, err := Compose(Sender{Seller: f.Seller, Accent: f.Look.Accent, Locale: f.Locale}, s.to.Name, s.to.Email, s.write(url))
			if err != nil {
				return "", err
			}
			m.Tag = e.ID
			return p.Mailer.Send(ctx, m)
		},
		Done: func(ctx context.Context, sent string, ops ...store.Op) error {
			_, err := p.Records.Do(ctx, member.Automaton(member.Courier), activity.ContactChain(e.ContactID),
				func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
					d := &activity.Deed{
						Kind: "letter.sent", Subject: e.Subject, Refs: map[string]string{"effect": e.ID, "message": sent}, Text: s.done,
						Changes: []activity.Change{{Field: "to", To: s.to.Email}}, Ops: append([]store.Op(nil), ops...),
					}
					kept, err := p.kept(e, s, sent).Put()
					if err != nil {
						return nil, err
					}
					d.Ops = append(d.Ops, kept)
					if s.note != nil {
						op, err := s.note(ctx, invoice.Delivery{State: invoice.Sent, To: s.to.Email, Message: sent, At: p.Now().UTC()})
						if err != nil {
							return nil, err
						}
						d.Ops = append(d.Ops, op)
					}
					return d, nil
				})
			return err
		},
	}
	plan.Troubled = func(ctx context.Context, cause error) (effect.Trouble, error) {
		d := invoice.Delivery{State: invoice.Queued, To: s.to.Email, At: p.Now().UTC()}
		var t effect.Trouble
		switch {
		case errors.Is(cause, effect.ErrAmbiguous):
			d.Uncertain = true
		case errors.Is(cause, contact.ErrBlocked):
			d.State, t.Offers = invoice.Suppressed, []string{Unblock}
			t.Refs = map[string]string{"letter": e.ID, "address": s.to.Email}
		default:
			return t, nil
		}
		if s.note == nil {
			return t, nil
		}
		op, err := s.note(ctx, d)
		t.Ops = []store.Op{op}
		return t, err
	}
	return plan
}

// kept is a letter as the contact's record keeps it: without its link, which opens the document and is never stored.
func (p *Post) kept(e effect.Effect, s sheet, sent string) message.Message {
	now := p.Now().UTC()
	said := s.write("")
	m := message.Message{
		ID: id.Named("ms", e.ContactID, now, e.ID), ContactID: e.ContactID, Direction: message.Out, Kind: strings.TrimPrefix(e.Kind, "mail."),
		Name: s.to.Name, Address: s.to.Email, Title: said.Subject, About: e.Subject, Sent: sent, At: now,
	}
	return m.WithText(plain(Sender{Seller: s.frozen.Seller, Accent: s.frozen.Look.Accent, Locale: s.frozen.Locale}, said))
}
