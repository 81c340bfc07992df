package letter

import (
	"context"
	"errors"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/effect"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/invoice"
	"onebook/internal/issue"
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
	c.To = c.Decides
	write := func(url string) Content {
		return OfEstimate(es.Frozen.Locale, EstimateFacts{
			Name: c.To.Name, Number: es.Number, Currency: es.Body.Currency, Total: es.Body.Totals.Total, ValidUntil: es.ValidUntil, URL: url,
		})
	}
	plan, err := p.plan(e, []store.Op{es.Same()}, *es.Frozen, c, link.Link{ID: es.LinkID, Scope: link.Estimate}, write, "Mailed estimate "+es.Number, nil)
	if es.State != estimate.Sent && es.State != estimate.Viewed {
		// Not a bare plan: when the mail service reports a letter whose sender died, it was sent whatever happened since.
		plan.Skip = "the estimate is " + string(es.State)
	}
	return plan, err
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
	write := func(url string) Content {
		return OfInvoice(i.Frozen.Locale, InvoiceFacts{
			Name: c.To.Name, Number: i.Number, Currency: i.Body.Currency, Total: i.Body.Totals.Total, Due: i.Due(), DueOn: i.NextDue(), URL: url,
		})
	}
	plan, err := p.plan(e, []store.Op{i.Same()}, *i.Frozen, c, payLink(i), write, "Mailed invoice "+i.Number, func(ctx context.Context, message string) (store.Op, error) {
		tr, err := invoice.GetTrack(ctx, p.Table, i)
		if err != nil {
			return store.Op{}, err
		}
		tr.Delivery = &invoice.Delivery{State: invoice.Sent, To: c.To.Email, Message: message, At: p.Now().UTC()}
		return tr.Put(i)
	})
	if i.State == invoice.Void {
		plan.Skip = "the invoice is void" // with the plan, as above
	}
	return plan, err
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
		return p.plan(e, nil, *es.Frozen, c, link.Link{ID: es.LinkID, Scope: link.Estimate}, func(url string) Content {
			return OfEstimateLink(es.Frozen.Locale, LinkFacts{Name: c.To.Name, Number: es.Number, URL: url})
		}, "Mailed the link of estimate "+es.Number+" again", nil)
	}
	i, err := invoice.Get(ctx, p.Table, e.Subject)
	if err != nil {
		return effect.Plan{}, err
	}
	c, err := p.Clients.Client(ctx, i.ContactID)
	if err != nil {
		return effect.Plan{}, err
	}
	return p.plan(e, []store.Op{i.Same()}, *i.Frozen, c, payLink(i), func(url string) Content {
		return OfInvoiceLink(i.Frozen.Locale, LinkFacts{
			Name: c.To.Name, Number: i.Number, Currency: i.Body.Currency, Due: i.Due(), DueOn: i.NextDue(), URL: url,
		})
	}, "Mailed the link of invoice "+i.Number+" again", nil)
}

func payLink(i invoice.Invoice) link.Link { return link.Link{ID: i.LinkID, Scope: link.Invoice} }

// plan writes the letter only when it is sent: who merely confirms one needs neither the link's key nor the mail service. The
// document must still be as it was read at the last moment before the call, so that no letter tells what is not so any more.
func (p *Post) plan(e effect.Effect, same []store.Op, f sale.Frozen, c sale.Client, to link.Link, write func(url string) Content, text string, track func(context.Context, string) (store.Op, error)) (effect.Plan, error) {
	return effect.Plan{
		Checks: same,
		Call: func(ctx context.Context) (string, error) {
			url, err := p.Links.URL(ctx, to)
			if err != nil {
				return "", err
			}
			m, err := Compose(Sender{Seller: f.Seller, Accent: f.Look.Accent, Locale: f.Locale}, c.To.Name, c.To.Email, write(url))
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
						Kind: "letter.sent", Subject: e.Subject, Refs: map[string]string{"effect": e.ID, "message": sent}, Text: text,
						Changes: []activity.Change{{Field: "to", To: c.To.Email}}, Ops: append([]store.Op(nil), ops...),
					}
					kept, err := p.kept(e, f, c, write(""), sent).Put()
					if err != nil {
						return nil, err
					}
					d.Ops = append(d.Ops, kept)
					if track != nil {
						op, err := track(ctx, sent)
						if err != nil {
							return nil, err
						}
						d.Ops = append(d.Ops, op)
					}
					return d, nil
				})
			return err
		},
	}, nil
}

// kept is a letter as the contact's record keeps it: without its link, which opens the document and is never stored.
func (p *Post) kept(e effect.Effect, f sale.Frozen, c sale.Client, said Content, sent string) message.Message {
	now := p.Now().UTC()
	m := message.Message{
		ID: id.Named("ms", e.ContactID, now, e.ID), ContactID: e.ContactID, Direction: message.Out, Kind: strings.TrimPrefix(e.Kind, "mail."),
		Name: c.To.Name, Address: c.To.Email, Title: said.Subject, About: e.Subject, Sent: sent, At: now,
	}
	return m.WithText(plain(Sender{Seller: f.Seller, Accent: f.Look.Accent, Locale: f.Locale}, said))
}

// Delivered notes what the mail service reports of a letter. A bounce or a complaint is an open issue: the client has not
// got it.
func (p *Post) Delivered(ctx context.Context, effectID, state, why string) error {
	e, err := effect.Get(ctx, p.Table, effectID)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || e.ContactID == "" {
		return err // a letter of ours always goes to a contact
	}
	_, err = p.Records.Do(ctx, member.Automaton(member.Courier), activity.ContactChain(e.ContactID),
		func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
			now := p.Now().UTC()
			d := &activity.Deed{Kind: "letter." + state, Subject: e.Subject, Refs: map[string]string{"effect": e.ID}, Text: e.Title + ": " + state, Reason: why}
			if e.Kind == "mail.invoice" {
				known, err := p.track(ctx, e, state, d)
				if err != nil || known {
					return nil, err
				}
			}
			if state == "delivered" {
				if len(d.Ops) == 0 {
					return nil, nil // nothing keeps it, so it would be told again with every report
				}
				return d, nil
			}
			op, made, err := issue.Raise(ctx, p.Table, now, issue.Issue{
				Code: "letter." + state, Subject: e.ID, State: issue.Open, Area: issue.Billing, ContactID: e.ContactID, Effect: e.ID,
				Title:  e.Title + " did not arrive",
				Detail: "The mail service reports: " + state + " " + why + ". Check the client's address, then send it again.",
				Refs:   map[string]string{"about": e.Subject},
			})
			if err != nil {
				return nil, err
			}
			if made.Count > 1 {
				return nil, nil // the same report again
			}
			d.Ops = append(d.Ops, op)
			return d, nil
		})
	return err
}

// track notes the state on the invoice's track, and answers whether it was known: reports come twice and in any order.
func (p *Post) track(ctx context.Context, e effect.Effect, state string, d *activity.Deed) (known bool, err error) {
	i, err := invoice.Get(ctx, p.Table, e.Subject)
	if err != nil {
		return false, err
	}
	tr, err := invoice.GetTrack(ctx, p.Table, i)
	if err != nil {
		return false, err
	}
	if tr.Delivery == nil || tr.Delivery.Message != e.Result {
		return false, nil // of an earlier letter
	}
	next := invoice.DeliveryState(state)
	if !tr.Delivery.State.After(next) {
		return true, nil
	}
	tr.Delivery.State, tr.Delivery.At = next, p.Now().UTC()
	op, err := tr.Put(i)
	d.Ops = append(d.Ops, op)
	return false, err
}
