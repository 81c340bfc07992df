package selling

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/member"
	"onebook/internal/order"
	"onebook/internal/org"
	"onebook/internal/series"
	"onebook/internal/store"
	"onebook/internal/task"
)

// Revise makes the draft of a new version from an offer that waits for its answer or has expired. The offer stays good until
// the new version is sent, which supersedes it. Repeated, it answers the same draft while there is one. fault.Unready for an
// estimate that was answered, canceled or never sent.
func (s *Service) Revise(ctx context.Context, by activity.By, estimateID string) (estimate.Estimate, error) {
	if err := member.May(by, member.EstimateWrite); err != nil {
		return estimate.Estimate{}, err
	}
	contact, err := id.Contact("es", estimateID)
	if err != nil {
		return estimate.Estimate{}, err
	}
	var made string
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		old, err := estimate.Get(ctx, s.Table, estimateID)
		if err != nil {
			return nil, err
		}
		if made, err = s.revision(ctx, old); err != nil || made != "" {
			return nil, err
		}
		if !old.State.Can(estimate.Superseded) {
			return nil, fault.Unready.Errorf("an estimate that is %s cannot be revised; make a new one", old.State)
		}
		set, today, err := s.today(ctx)
		if err != nil {
			return nil, err
		}
		until := old.ValidUntil
		if until.Before(today) {
			until = today.AddDays(set.ValidDays)
		}
		now := s.Now().UTC()
		next := old.Revised(s.IDs.Of("es", old.ContactID), until, now)
		made, old.RevisedBy, old.UpdatedAt = next.ID, next.ID, now
		a, err := old.Put()
		if err != nil {
			return nil, err
		}
		b, err := next.Put()
		return &activity.Deed{
			Kind: "estimate.revised", Subject: next.ID, Text: "Began a new version of estimate " + old.Number,
			Refs: map[string]string{"revises": old.ID}, Ops: []store.Op{a, b},
		}, err
	})
	if err != nil {
		return estimate.Estimate{}, err
	}
	return estimate.Get(ctx, s.Table, made)
}

// revision answers the id of the version after old, empty when there is none or it was thrown away.
func (s *Service) revision(ctx context.Context, old estimate.Estimate) (string, error) {
	if old.RevisedBy == "" {
		return "", nil
	}
	next, err := estimate.Get(ctx, s.Table, old.RevisedBy)
	switch {
	case errors.Is(err, fault.NotFound):
		return "", nil
	case err != nil:
		return "", err
	case next.State == estimate.Canceled && old.State != estimate.Superseded:
		return "", nil // a draft that was given up
	}
	return next.ID, nil
}

// number gives the estimate its number: the next of the series, or, of a new version, that of the one before, which it
// supersedes in the same write.
func (s *Service) number(ctx context.Context, e *estimate.Estimate, set org.Settings, today civil.Date) ([]store.Op, error) {
	if e.Revises == "" {
		n, err := series.Take(ctx, s.Table, "estimate", set.Numbering.Estimate, today)
		e.Number, e.IssuedOn = n.Number, n.On
		return []store.Op{n.Op}, err
	}
	old, err := estimate.Get(ctx, s.Table, e.Revises)
	if err != nil {
		return nil, err
	}
	was := old.State
	switch {
	case old.RevisedBy != e.ID:
		return nil, fault.Unready.Errorf("another version of estimate %s was begun since; go on with that one", old.Number)
	case old.To(estimate.Superseded) != nil:
		return nil, fault.Unready.Errorf("estimate %s is %s meanwhile, so this version cannot replace it", old.Number, was)
	}
	old.UpdatedAt = s.Now().UTC()
	e.Number, e.IssuedOn = e.NumberAfter(old), today
	op, err := old.Put()
	if err != nil {
		return nil, err
	}
	ends, err := task.Ended(ctx, s.Table, old.UpdatedAt, old.ID, task.Gone, fmt.Sprintf("estimate %s is replaced by %s", old.Number, e.Number))
	return append(ends, op), err
}

// Cancel takes an estimate back: a draft, an offer, or an agreement of which nothing was made yet. Its link says so.
// Repeated, it changes nothing. fault.Unready when the client has declined it, when a newer version has replaced it, and
// while its order stands: that is what is canceled then.
func (s *Service) Cancel(ctx context.Context, by activity.By, estimateID, reason string) (estimate.Estimate, error) {
	if err := member.May(by, member.EstimateWrite); err != nil {
		return estimate.Estimate{}, err
	}
	reason = strings.TrimSpace(reason)
	if len([]rune(reason)) > 1000 {
		return estimate.Estimate{}, fault.InField("reason", "too_long", "a reason has at most 1,000 characters")
	}
	return s.change(ctx, by, estimateID, func(ctx context.Context, e *estimate.Estimate) (*activity.Deed, error) {
		if e.State == estimate.Canceled {
			return nil, nil
		}
		if err := s.unbilled(ctx, *e); err != nil {
			return nil, err
		}
		if err := e.To(estimate.Canceled); err != nil {
			return nil, err
		}
		e.Reason = reason
		return &activity.Deed{Kind: "estimate.canceled", Text: strings.TrimSpace("Canceled estimate " + e.Number), Reason: reason}, nil
	})
}

// unbilled refuses an estimate whose order still stands or is billed in part.
func (s *Service) unbilled(ctx context.Context, e estimate.Estimate) error {
	if e.OrderID == "" {
		return nil
	}
	o, err := order.Get(ctx, s.Table, e.OrderID)
	if err != nil {
		return err
	}
	if o.State != order.Canceled || o.Billed != 0 {
		return fault.Unready.Errorf("estimate %s has become an order; cancel that, or what is left of it", e.Number).Coded("ordered")
	}
	return nil
}
