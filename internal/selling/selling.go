// Package selling is the way from an offer to an agreement: estimates, the client's answer, and what is made of it.
package selling

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/contact"
	"onebook/internal/deal"
	"onebook/internal/effect"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/find"
	"onebook/internal/id"
	"onebook/internal/issue"
	"onebook/internal/link"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/org"
	"onebook/internal/sale"
	"onebook/internal/store"
	"onebook/internal/task"
)

// The effects that mail and print an estimate; their subject is the estimate.
const (
	MailEstimate  = "mail.estimate"
	PrintEstimate = "pdf.estimate"
)

// Service sells.
type Service struct {
	Table   store.Table
	Records *activity.Records
	IDs     id.Source
	Now     func() time.Time
	Maker   *sale.Maker
	Org     *org.Service
	Members *member.Service
	Clients sale.Clients
	Links   *link.Service
}

// Input is what a person says of an estimate.
type Input struct {
	ContactID  string
	DealID     string     // empty: of no deal
	ValidUntil civil.Date // zero: the organisation's usual number of days
	Body       sale.Input
	Terms      *org.Terms // nil: the organisation's, as they are when it is sent
}

// today answers everything about the organisation at one moment, for one decision.
func (s *Service) today(ctx context.Context) (org.Settings, civil.Date, error) {
	set, err := s.Org.Get(ctx)
	if err != nil {
		return org.Settings{}, civil.Date{}, err
	}
	day, err := set.Today(s.Now())
	return set, day, err
}

func (s *Service) made(ctx context.Context, in *Input, set org.Settings, today civil.Date) (sale.Body, civil.Date, error) {
	until := in.ValidUntil
	if until.IsZero() {
		until = today.AddDays(set.ValidDays)
	}
	var f fault.Fields
	switch {
	case until.Before(today):
		f.Add("validUntil", "past", "validUntil lies in the past; today is %s", today)
	case until.After(today.AddDays(sale.MaxAhead)):
		f.Add("validUntil", "invalid", "validUntil lies more than ten years ahead")
	}
	if err := f.Join("terms", in.stateTerms()); err != nil {
		return sale.Body{}, civil.Date{}, err
	}
	body, err := s.Maker.Make(ctx, in.Body, set, today)
	if err := f.Join("", err); err != nil {
		return sale.Body{}, civil.Date{}, err
	}
	return body, until, f.Err()
}

// stateTerms brings the terms to their stored form.
func (in *Input) stateTerms() error {
	if in.Terms == nil {
		return nil
	}
	t, err := in.Terms.Stated()
	in.Terms = &t
	if t.Text == "" {
		in.Terms = nil
	}
	return err
}

// Create stores a draft. fault.Invalid names each wrong field; fault.NotFound when there is no such contact.
func (s *Service) Create(ctx context.Context, by activity.By, in Input) (estimate.Estimate, error) {
	if err := member.May(by, member.EstimateWrite); err != nil {
		return estimate.Estimate{}, err
	}
	set, today, err := s.today(ctx)
	if err != nil {
		return estimate.Estimate{}, err
	}
	c, err := s.client(ctx, in.ContactID)
	if err != nil {
		return estimate.Estimate{}, err
	}
	if err := c.Active(); err != nil {
		return estimate.Estimate{}, err
	}
	if err := deal.Of(ctx, s.Table, s.Clients, in.DealID, c.ContactID); err != nil {
		return estimate.Estimate{}, err
	}
	if in.Body.Currency == "" {
		in.Body.Currency = c.Currency
	}
	body, until, err := s.made(ctx, &in, set, today)
	if err != nil {
		return estimate.Estimate{}, err
	}
	now := s.Now().UTC()
	var e estimate.Estimate
	_, err = s.Records.Begin(ctx, by, c.ContactID, func(_ context.Context, contact string, _ activity.Head) (*activity.Deed, error) {
		e = estimate.Estimate{
			ID: s.IDs.Of("es", contact), ContactID: contact, State: estimate.Draft, Body: body, ValidUntil: until,
			DealID: in.DealID, Conditions: in.Terms, CreatedAt: now, UpdatedAt: now,
		}
		op, err := e.Put()
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "estimate.drafted", Subject: e.ID, Text: "Drafted an estimate over " + amount(e.Body.Totals.Total, e.Body.Currency),
			Ops: []store.Op{op},
		}, nil
	})
	if err != nil {
		return estimate.Estimate{}, err
	}
	return estimate.Get(ctx, s.Table, e.ID)
}

// client is the contact of a document; a contact that is not there is a wrong field of what was typed.
func (s *Service) client(ctx context.Context, contactID string) (sale.Client, error) {
	c, err := s.Clients.Client(ctx, contactID)
	if errors.Is(err, fault.NotFound) {
		return sale.Client{}, fault.InField("contactId", "not_found", "there is no such contact")
	}
	return c, err
}

func amount(minor int64, currency string) string {
	return money.Format(minor, currency) + " " + currency
}

// change reads an estimate, lets edit decide, and writes it with its entry, again and again until nothing came between.
// An edit that answers no deed leaves everything as it is.
func (s *Service) change(ctx context.Context, by activity.By, estimateID string, edit func(ctx context.Context, e *estimate.Estimate) (*activity.Deed, error)) (estimate.Estimate, error) {
	contact, err := id.Contact("es", estimateID)
	if err != nil {
		return estimate.Estimate{}, err
	}
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		e, err := estimate.Get(ctx, s.Table, estimateID)
		if err != nil {
			return nil, err
		}
		before, at := e.State, s.Now().UTC()
		d, err := edit(ctx, &e)
		if err != nil || d == nil {
			return nil, err
		}
		e.UpdatedAt = at
		op, err := e.Put()
		if err != nil {
			return nil, err
		}
		d.Subject, d.Ops = e.ID, append([]store.Op{op}, d.Ops...)
		if e.State == before {
			return d, nil
		}
		o, because := Outcome(e)
		ends, err := task.Ended(ctx, s.Table, e.UpdatedAt, e.ID, o, because)
		d.Ops = append(d.Ops, ends...)
		return d, err
	})
	if err != nil {
		return estimate.Estimate{}, err
	}
	return estimate.Get(ctx, s.Table, estimateID)
}

// Outcome is what an estimate's state means for the tasks that hang on it.
func Outcome(e estimate.Estimate) (task.Outcome, string) {
	because := strings.TrimSpace("estimate "+e.Number) + " is " + string(e.State)
	switch e.State {
	case estimate.Draft, estimate.Sent, estimate.Viewed:
		return task.Goes, because
	case estimate.Accepted, estimate.Invoiced:
		return task.Settled, because
	}
	return task.Gone, because
}

// Update changes a draft. fault.Stale when version is not the stored one, fault.Unready when it was sent already.
func (s *Service) Update(ctx context.Context, by activity.By, estimateID string, version int64, in Input) (estimate.Estimate, error) {
	if err := member.May(by, member.EstimateWrite); err != nil {
		return estimate.Estimate{}, err
	}
	return s.change(ctx, by, estimateID, func(ctx context.Context, e *estimate.Estimate) (*activity.Deed, error) {
		switch {
		case e.Version() != version:
			return nil, estimate.ErrStale
		case e.State != estimate.Draft:
			return nil, fault.Unready.Errorf("an estimate that was sent cannot be changed").Coded("immutable")
		case in.ContactID != "" && in.ContactID != e.ContactID:
			return nil, fault.InField("contactId", "immutable", "an estimate stays with its contact; make a new one")
		}
		set, today, err := s.today(ctx)
		if err != nil {
			return nil, err
		}
		if err := deal.Of(ctx, s.Table, s.Clients, in.DealID, e.ContactID); err != nil {
			return nil, err
		}
		if in.Terms != nil && e.Conditions != nil {
			after := in.Terms.After(*e.Conditions)
			in.Terms = &after
		}
		body, until, err := s.made(ctx, &in, set, today)
		if err != nil {
			return nil, err
		}
		before := *e
		e.Body, e.ValidUntil, e.Conditions, e.DealID = body, until, in.Terms, in.DealID
		return &activity.Deed{
			Kind: "estimate.changed", Text: "Changed the estimate to " + amount(body.Totals.Total, body.Currency),
			Changes: []activity.Change{
				{Field: "total", From: money.Format(before.Body.Totals.Total, before.Body.Currency), To: money.Format(body.Totals.Total, body.Currency)},
				{Field: "validUntil", From: before.ValidUntil.String(), To: until.String()},
			},
		}, nil
	})
}

// Delete throws a draft away.
func (s *Service) Delete(ctx context.Context, by activity.By, estimateID string, version int64) error {
	if err := member.May(by, member.EstimateWrite); err != nil {
		return err
	}
	contact, err := id.Contact("es", estimateID)
	if err != nil {
		return err
	}
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		e, err := estimate.Get(ctx, s.Table, estimateID)
		if err != nil {
			return nil, err
		}
		if e.Version() != version {
			return nil, estimate.ErrStale
		}
		if err := e.To(estimate.Deleted); err != nil {
			return nil, err
		}
		ends, err := task.Ended(ctx, s.Table, s.Now(), e.ID, task.Gone, "the estimate was thrown away")
		if err != nil {
			return nil, err
		}
		return &activity.Deed{Kind: "estimate.deleted", Subject: e.ID, Text: "Threw an estimate's draft away", Ops: append(ends, e.Remove())}, nil
	})
	return err
}

// Send freezes the estimate, numbers it and puts the letter with the link in line. Sending again mails the same offer again,
// but not within a minute of one that nothing happened to: that is a second click. fault.Unready when it was answered, its last
// day has passed, or the address gets no letters (address_blocked).
func (s *Service) Send(ctx context.Context, by activity.By, estimateID string) (estimate.Estimate, error) {
	if err := member.May(by, member.EstimateWrite); err != nil {
		return estimate.Estimate{}, err
	}
	return s.change(ctx, by, estimateID, func(ctx context.Context, e *estimate.Estimate) (*activity.Deed, error) {
		set, today, err := s.today(ctx)
		if err != nil {
			return nil, err
		}
		if e.ValidUntil.Before(today) {
			return nil, fault.Unready.Errorf("its last day, %s, has passed; give it a new one first", e.ValidUntil)
		}
		c, err := s.Clients.Client(ctx, e.ContactID)
		if err != nil {
			return nil, err
		}
		if c.Decides.Email == "" {
			return nil, fault.Unready.Errorf("%s has no e-mail address; add one and send again", c.Name).Coded("no_address")
		}
		if err := contact.Welcome(ctx, s.Table, c.Decides.Email); err != nil {
			return nil, err
		}
		var ops []store.Op
		now := s.Now().UTC()
		switch e.State {
		case estimate.Draft:
			if ops, err = s.freeze(ctx, e, set, c, today); err != nil {
				return nil, err
			}
		case estimate.Sent, estimate.Viewed:
			if sale.JustSent(e.SentAt, e.UpdatedAt, now) {
				return nil, nil
			}
		default:
			return nil, fault.Unready.Errorf("an estimate that is %s cannot be sent", e.State)
		}
		op, err := s.mail(*e, MailEstimate, "Mail of estimate "+e.Number, now)
		if err != nil {
			return nil, err
		}
		e.SentAt = now
		return &activity.Deed{
			Kind: "estimate.sent", Text: fmt.Sprintf("Sent estimate %s over %s", e.Number, amount(e.Body.Totals.Total, e.Body.Currency)),
			Ops: append(ops, op),
		}, nil
	})
}

func (s *Service) freeze(ctx context.Context, e *estimate.Estimate, set org.Settings, c sale.Client, today civil.Date) ([]store.Op, error) {
	if err := e.To(estimate.Sent); err != nil {
		return nil, err
	}
	ops, err := s.number(ctx, e, set, today)
	if err != nil {
		return nil, err
	}
	l, op, err := s.Links.New(link.Link{Scope: link.Estimate, Document: e.ID, ContactID: e.ContactID})
	if err != nil {
		return nil, err
	}
	frozen := sale.Freeze(set, c)
	e.Frozen, e.LinkID = &frozen, l.ID
	if e.Conditions == nil && set.Terms.Text != "" {
		e.Conditions = &set.Terms
	}
	pdf, err := effect.New(effect.Effect{
		ID: s.IDs.New("ef"), Lane: effect.PDF, Kind: PrintEstimate, ContactID: e.ContactID, Subject: e.ID,
		Title: "PDF of estimate " + e.Number, Area: issue.Billing,
	}, s.Now().UTC())
	if err != nil {
		return nil, err
	}
	guard, err := e.Guard()
	return append(append(e.Terms(), ops...), op, guard, pdf), err
}

// View notes that a person opened the estimate. It is noted once; later openings change nothing.
func (s *Service) View(ctx context.Context, by activity.By, estimateID string) error {
	_, err := s.change(ctx, by, estimateID, func(_ context.Context, e *estimate.Estimate) (*activity.Deed, error) {
		if err := link.Own(by, e.LinkID); err != nil {
			return nil, err
		}
		if !e.ViewedAt.IsZero() || e.State != estimate.Sent {
			return nil, nil
		}
		if err := e.To(estimate.Viewed); err != nil {
			return nil, err
		}
		e.ViewedAt = s.Now().UTC()
		return &activity.Deed{Kind: "estimate.viewed", Text: "The client opened estimate " + e.Number}, nil
	})
	return err
}

// Hash is the fingerprint of what a client accepts: number, lines with what was chosen of them, totals, and terms.
func Hash(e estimate.Estimate) (string, error) {
	raw, err := json.Marshal(struct {
		Number string
		Body   sale.Body
		Terms  *org.Terms `json:",omitempty"`
	}{e.Number, e.Body, e.Conditions})
	if err != nil {
		return "", fmt.Errorf("estimate: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

// Accept takes the client's yes, with the terms that stand in the offer, exactly once: a second one finds it accepted and
// changes nothing. choices are the ids of the optional lines that are taken and of one line of each group; nil is what was
// proposed. fault.Unready when the last day has passed or the answer was no; fault.Invalid, in choices, unless exactly one
// line of each group is chosen.
func (s *Service) Accept(ctx context.Context, by activity.By, estimateID, name string, choices ...string) (estimate.Estimate, error) {
	return s.answer(ctx, by, estimateID, estimate.Accepted, name, "", choices)
}

// Decline takes the client's no, once.
func (s *Service) Decline(ctx context.Context, by activity.By, estimateID, name, reason string) (estimate.Estimate, error) {
	return s.answer(ctx, by, estimateID, estimate.Declined, name, reason, nil)
}

func (s *Service) answer(ctx context.Context, by activity.By, estimateID string, to estimate.State, name, reason string, choices []string) (estimate.Estimate, error) {
	if err := member.May(by, member.EstimateAnswer); err != nil {
		return estimate.Estimate{}, err
	}
	name = strings.TrimSpace(name)
	var f fault.Fields
	if name == "" && to == estimate.Accepted || len([]rune(name)) > 200 {
		f.Add("name", "invalid", "say who answers: a name of 1 to 200 characters")
	}
	if len([]rune(reason)) > 2000 {
		f.Add("reason", "too_long", "a reason has at most 2,000 characters")
	}
	if err := f.Err(); err != nil {
		return estimate.Estimate{}, err
	}
	return s.change(ctx, by, estimateID, func(ctx context.Context, e *estimate.Estimate) (*activity.Deed, error) {
		if err := link.Own(by, e.LinkID); err != nil {
			return nil, err
		}
		set, today, err := s.today(ctx)
		if err != nil {
			return nil, err
		}
		if e.State == to || (to == estimate.Accepted && e.State == estimate.Invoiced) {
			return nil, nil
		}
		if e.StateOn(today) == estimate.Expired {
			return nil, fault.Unready.Errorf("this offer was good until %s; ask for a new one", e.ValidUntil).Coded("expired")
		}
		if err := e.To(to); err != nil {
			return nil, err
		}
		offered := e.Body.Totals.Total
		if to == estimate.Accepted {
			if err := choose(e, choices); err != nil {
				return nil, err
			}
		}
		hash, err := Hash(*e)
		if err != nil {
			return nil, err
		}
		e.Answer = &estimate.Answer{Name: name, At: s.Now().UTC(), By: by.Kind + ":" + by.ID, Reason: reason, Hash: hash}
		if to == estimate.Declined {
			return &activity.Deed{Kind: "estimate.declined", Text: fmt.Sprintf("Estimate %s was declined", e.Number), Reason: reason}, nil
		}
		d := &activity.Deed{
			Kind: "estimate.accepted", Text: fmt.Sprintf("%s accepted estimate %s over %s", name, e.Number, amount(e.Body.Totals.Total, e.Body.Currency)),
			Refs: map[string]string{"accepted": hash},
		}
		if e.Conditions != nil {
			e.Answer.Terms = e.Conditions.Version
			d.Changes = []activity.Change{{Field: "terms", To: e.Conditions.Version}}
		}
		if d.Ops, err = s.onAcceptance(*e, set, e.Answer.At); err != nil {
			return nil, err
		}
		if e.Body.Totals.Total != offered { // a search finds it by what was agreed as well
			d.Ops = append(d.Ops, find.Put(find.Amount(e.Body.Totals.Total), find.Estimate, e.ID))
		}
		return d, s.winDeal(ctx, *e, d)
	})
}

// choose puts what the client has chosen into the estimate; without a word about it, what was proposed.
func choose(e *estimate.Estimate, choices []string) error {
	if choices == nil {
		return e.Body.Decided()
	}
	body, err := e.Body.Choose(choices)
	if err == nil {
		e.Body = body
	}
	return err
}

// Sums answers what an offer comes to with these choices; nothing is stored. fault.Invalid as of Accept.
func (s *Service) Sums(ctx context.Context, estimateID string, choices []string) (sale.Body, error) {
	e, err := estimate.Get(ctx, s.Table, estimateID)
	if err != nil {
		return sale.Body{}, err
	}
	return e.Body.Choose(choices)
}

// Expire ends every offer whose last day has passed and answers how many; a failure of one does not stop the rest.
func (s *Service) Expire(ctx context.Context, shard int) (int, error) {
	ids, err := estimate.Expiring(ctx, s.Table, shard, s.Now())
	if err != nil {
		return 0, err
	}
	n := 0
	var errs []error
	for _, x := range ids {
		over := false
		_, err := s.change(ctx, member.Automaton(member.Clock), x, func(ctx context.Context, e *estimate.Estimate) (*activity.Deed, error) {
			_, today, err := s.today(ctx)
			if err != nil {
				return nil, err
			}
			if over = e.Over(today); !over {
				return nil, nil
			}
			return &activity.Deed{Kind: "estimate.expired", Text: "Estimate " + e.Number + " expired unanswered"}, e.To(estimate.Expired)
		})
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("estimate %s: %w", x, err))
		case over:
			n++
		}
	}
	return n, errors.Join(errs...)
}

// Renew mails the link of an estimate again, to the address on record. link.ErrRenewed when that was done a moment ago.
func (s *Service) Renew(ctx context.Context, by activity.By, l link.Link) error {
	_, err := s.Records.Do(ctx, by, activity.ContactChain(l.ContactID), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		e, err := estimate.Get(ctx, s.Table, l.Document)
		if err != nil {
			return nil, err
		}
		now := s.Now().UTC()
		op, err := s.mail(e, link.MailRenewal, "Link of estimate "+e.Number, now)
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "link.renewed", Subject: e.ID, Text: "The client asked for the link of estimate " + e.Number + " again",
			Ops: []store.Op{l.Renewal(now), op},
		}, nil
	})
	return err
}

// mail puts a letter about an estimate in line.
func (s *Service) mail(e estimate.Estimate, kind, title string, now time.Time) (store.Op, error) {
	return effect.New(effect.Effect{
		ID: s.IDs.New("ef"), Lane: effect.Mail, Kind: kind, ContactID: e.ContactID, Subject: e.ID,
		Title: title, Area: issue.Billing,
	}, now)
}
