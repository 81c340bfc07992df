package selling

import (
	"context"
	"fmt"
	"strings"

	"onebook/internal/activity"
	"onebook/internal/deal"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/sale"
	"onebook/internal/store"
	"onebook/internal/task"
)

// CreateDeal opens a deal, in the first stage unless one is given. Lines without an amount make the amount. fault.Invalid
// names each wrong field.
func (s *Service) CreateDeal(ctx context.Context, by activity.By, in deal.Input) (deal.Deal, error) {
	if err := member.May(by, member.EstimateWrite); err != nil {
		return deal.Deal{}, err
	}
	c, err := s.client(ctx, in.ContactID)
	if err != nil {
		return deal.Deal{}, err
	}
	if err := c.Active(); err != nil {
		return deal.Deal{}, err
	}
	if in.Currency == "" {
		in.Currency = c.Currency
	}
	if in.OwnerID == "" && by.Kind == activity.Member {
		in.OwnerID = by.ID
	}
	now := s.Now().UTC()
	if err := s.dealInput(ctx, &in, deal.Deal{OwnerID: by.ID}); err != nil {
		return deal.Deal{}, err
	}
	var d deal.Deal
	_, err = s.Records.Begin(ctx, by, c.ContactID, func(_ context.Context, contact string, _ activity.Head) (*activity.Deed, error) {
		d = deal.Deal{ID: s.IDs.Of("dl", contact), ContactID: contact, State: deal.Open, CreatedAt: now}
		if err := d.Apply(in, now); err != nil {
			return nil, err
		}
		op, err := d.Put()
		return &activity.Deed{Kind: "deal.opened", Subject: d.ID, Text: "Opened the deal " + d.Title + worth(d), Ops: []store.Op{op}}, err
	})
	if err != nil {
		return deal.Deal{}, err
	}
	return deal.Get(ctx, s.Table, d.ID)
}

func worth(d deal.Deal) string {
	if d.Amount == nil {
		return ""
	}
	return " over " + amount(*d.Amount, d.Currency)
}

// dealInput checks what was typed against the settings, the members and the catalog, and fills in what follows from them. old is
// the deal as it stands: what it has may stay, even where a stage or a member is gone.
func (s *Service) dealInput(ctx context.Context, in *deal.Input, old deal.Deal) error {
	set, today, err := s.today(ctx)
	if err != nil {
		return err
	}
	if in.Currency == "" {
		in.Currency = set.Currency
	}
	if in.Stage == "" {
		in.Stage = old.Stage
	}
	if in.Stage == "" {
		in.Stage = set.DealStages[0].Key
	}
	var f fault.Fields
	if err := f.Join("", in.Check()); err != nil {
		return err
	}
	if _, ok := set.Stage(in.Stage); !ok && in.Stage != old.Stage {
		var names []string
		for _, x := range set.DealStages {
			names = append(names, x.Key)
		}
		f.Add("stage", "not_found", "there is no stage %q; the settings have %s", in.Stage, strings.Join(names, ", "))
	}
	if in.OwnerID != old.OwnerID && in.OwnerID != "" {
		m, err := s.Members.Get(ctx, in.OwnerID)
		if k := fault.KindOf(err); err != nil && k != fault.NotFound && k != fault.Invalid {
			return err
		}
		if err != nil || !m.RemovedAt.IsZero() {
			f.Add("ownerId", "not_found", "there is no such member")
		}
	}
	if len(in.Lines) > 0 {
		body, err := s.Maker.Make(ctx, sale.Input{Currency: in.Currency, Lines: in.Lines}, set, today)
		if err := f.Join("", err); err != nil {
			return err
		}
		if err == nil && in.Amount == nil {
			in.Amount = &body.Totals.Total
		}
	}
	return f.Err()
}

// changeDeal reads a deal, lets edit decide, and writes it with its entry, again until nothing came between. An edit that
// answers no deed leaves everything as it is.
func (s *Service) changeDeal(ctx context.Context, by activity.By, dealID string, edit func(ctx context.Context, d *deal.Deal) (*activity.Deed, error)) (deal.Deal, error) {
	if err := member.May(by, member.EstimateWrite); err != nil {
		return deal.Deal{}, err
	}
	contact, err := id.Contact("dl", dealID)
	if err != nil {
		return deal.Deal{}, err
	}
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		d, err := deal.Get(ctx, s.Table, dealID)
		if err != nil {
			return nil, err
		}
		before := d.State
		deed, err := edit(ctx, &d)
		if err != nil || deed == nil {
			return nil, err
		}
		d.UpdatedAt = s.Now().UTC()
		op, err := d.Put()
		if err != nil {
			return nil, err
		}
		deed.Subject, deed.Ops = d.ID, append([]store.Op{op}, deed.Ops...)
		if d.State != before {
			o, because := OutcomeOfDeal(d)
			ends, err := task.Ended(ctx, s.Table, d.UpdatedAt, d.ID, o, because)
			if err != nil {
				return nil, err
			}
			deed.Ops = append(deed.Ops, ends...)
		}
		return deed, nil
	})
	if err != nil {
		return deal.Deal{}, err
	}
	return deal.Get(ctx, s.Table, dealID)
}

// OutcomeOfDeal is what a deal's state means for the tasks that hang on it.
func OutcomeOfDeal(d deal.Deal) (task.Outcome, string) {
	because := "the deal " + d.Title + " is " + string(d.State)
	switch d.State {
	case deal.Won:
		return task.Settled, because
	case deal.Lost:
		return task.Gone, because
	}
	return task.Goes, because
}

// UpdateDeal changes a deal; one that has ended keeps its stage. fault.Stale when version is not the stored one.
func (s *Service) UpdateDeal(ctx context.Context, by activity.By, dealID string, version int64, in deal.Input) (deal.Deal, error) {
	return s.changeDeal(ctx, by, dealID, func(ctx context.Context, d *deal.Deal) (*activity.Deed, error) {
		switch {
		case d.Version() != version:
			return nil, deal.ErrStale
		case in.ContactID != "" && in.ContactID != d.ContactID:
			return nil, fault.InField("contactId", "immutable", "a deal stays with its contact; make a new one")
		}
		next := in
		if next.Currency == "" {
			next.Currency = d.Currency
		}
		if err := s.dealInput(ctx, &next, *d); err != nil {
			return nil, err
		}
		before := *d
		if err := d.Apply(next, s.Now().UTC()); err != nil {
			return nil, err
		}
		text := "Changed the deal " + d.Title
		if before.Stage != d.Stage {
			text = fmt.Sprintf("Moved the deal %s to %s", d.Title, s.stageName(ctx, d.Stage))
		}
		return &activity.Deed{Kind: "deal.changed", Text: text, Changes: dealChanges(before, *d)}, nil
	})
}

func (s *Service) stageName(ctx context.Context, stage string) string {
	set, err := s.Org.Get(ctx)
	if x, ok := set.Stage(stage); ok && err == nil {
		return x.Name
	}
	return stage
}

func dealChanges(a, b deal.Deal) []activity.Change {
	percent := func(p *int) string {
		if p == nil {
			return ""
		}
		return fmt.Sprint(*p)
	}
	sum := func(d deal.Deal) string {
		if d.Amount == nil {
			return ""
		}
		return money.Format(*d.Amount, d.Currency) + " " + d.Currency
	}
	var out []activity.Change
	for _, c := range []activity.Change{
		{Field: "title", From: a.Title, To: b.Title}, {Field: "stage", From: a.Stage, To: b.Stage}, {Field: "amount", From: sum(a), To: sum(b)},
		{Field: "probability", From: percent(a.Probability), To: percent(b.Probability)}, {Field: "ownerId", From: a.OwnerID, To: b.OwnerID},
		{Field: "expectedCloseOn", From: a.ExpectedCloseOn.String(), To: b.ExpectedCloseOn.String()},
	} {
		if c.From != c.To {
			out = append(out, c)
		}
	}
	return out
}

// WinDeal ends a deal well, by hand. Repeated, it changes nothing. fault.Unready without an amount, or for a lost one.
func (s *Service) WinDeal(ctx context.Context, by activity.By, dealID string) (deal.Deal, error) {
	return s.changeDeal(ctx, by, dealID, func(_ context.Context, d *deal.Deal) (*activity.Deed, error) {
		if d.State == deal.Won {
			return nil, nil
		}
		err := d.Win(s.Now().UTC())
		return &activity.Deed{Kind: "deal.won", Text: "Won the deal " + d.Title + worth(*d)}, err
	})
}

// LoseDeal ends a deal badly, for a reason. Repeated, it changes nothing.
func (s *Service) LoseDeal(ctx context.Context, by activity.By, dealID, reason string) (deal.Deal, error) {
	return s.changeDeal(ctx, by, dealID, func(_ context.Context, d *deal.Deal) (*activity.Deed, error) {
		if d.State == deal.Lost {
			return nil, nil
		}
		err := d.Lose(reason, s.Now().UTC())
		return &activity.Deed{Kind: "deal.lost", Text: "Lost the deal " + d.Title, Reason: d.Reason}, err
	})
}

// ReopenDeal takes the end of a deal back. fault.Unready for a won one of which something is billed.
func (s *Service) ReopenDeal(ctx context.Context, by activity.By, dealID string) (deal.Deal, error) {
	return s.changeDeal(ctx, by, dealID, func(ctx context.Context, d *deal.Deal) (*activity.Deed, error) {
		if d.State == deal.Open {
			return nil, nil
		}
		if d.State == deal.Won {
			st, err := s.Standing(ctx, *d)
			if err != nil {
				return nil, err
			}
			if st.invoiced {
				return nil, fault.Unready.Errorf("an invoice of this deal is issued; it stays won").Coded("billed")
			}
		}
		d.Reopen()
		return &activity.Deed{Kind: "deal.reopened", Text: "Reopened the deal " + d.Title}, nil
	})
}

// OfferDeal drafts an estimate from the deal's lines. fault.Unready when there are none, or when the deal is lost.
func (s *Service) OfferDeal(ctx context.Context, by activity.By, dealID string) (estimate.Estimate, error) {
	if err := member.May(by, member.EstimateWrite); err != nil {
		return estimate.Estimate{}, err
	}
	d, err := deal.Get(ctx, s.Table, dealID)
	switch {
	case err != nil:
		return estimate.Estimate{}, err
	case d.State == deal.Lost:
		return estimate.Estimate{}, fault.Unready.Errorf("this deal is lost; reopen it first")
	case len(d.Lines) == 0:
		return estimate.Estimate{}, fault.Unready.Errorf("this deal has no lines to offer; add some, or make the estimate by hand with its dealId").Coded("no_lines")
	}
	return s.Create(ctx, by, Input{ContactID: d.ContactID, DealID: d.ID, Body: sale.Input{Currency: d.Currency, Lines: d.Lines}})
}

// winDeal wins the deal of an estimate that is being accepted, in the same write.
func (s *Service) winDeal(ctx context.Context, e estimate.Estimate, deed *activity.Deed) error {
	if e.DealID == "" {
		return nil
	}
	d, err := deal.Get(ctx, s.Table, e.DealID)
	if err != nil {
		return err
	}
	now := s.Now().UTC()
	changed, err := d.Accepted(e.ID, e.Body.Totals.Total, e.Body.Currency, now)
	if err != nil || !changed {
		return err
	}
	op, err := d.Put()
	if err != nil {
		return err
	}
	o, because := OutcomeOfDeal(d)
	ends, err := task.Ended(ctx, s.Table, now, d.ID, o, because)
	if err != nil {
		return err
	}
	deed.Text += ", which wins the deal " + d.Title
	deed.Refs["deal"] = d.ID
	// The deal may lie with a contact that was merged into this one, whose deeds move another head.
	deed.Ops = append(append(deed.Ops, op.Else(activity.ErrContended)), ends...)
	return nil
}
