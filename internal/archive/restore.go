package archive

import (
	"context"
	"errors"

	"onebook/internal/activity"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/issue"
	"onebook/internal/member"
	"onebook/internal/paper"
	"onebook/internal/store"
)

// RestorePDF is the effect that brings a PDF back from its recorded version; its subject is the document.
const RestorePDF = "pdf.restore"

// missing is what is noted where a key holds nothing at all.
const missing = "missing"

// intact answers nil when the bucket shows the very version that was recorded: a version's bytes never change. Otherwise
// the restoring is put in line, once, and fault.Unready answered.
func (s *Service) intact(ctx context.Context, d paper.Document) error {
	p := *d.PDF
	if p.Version == "" {
		return nil // a bucket without versions has nothing to compare
	}
	if p.Lost != "" {
		return errRestoring
	}
	shown, err := s.Blobs.Current(ctx, p.Key)
	switch {
	case errors.Is(err, fault.NotFound):
		shown = missing
	case err != nil:
		return err
	case shown == p.Version:
		return nil
	}
	if err := s.restore(ctx, d, shown); err != nil {
		return err
	}
	return errRestoring
}

var errRestoring = fault.Unready.Errorf("the PDF was lost or altered and is being restored from its recorded version; try again in a moment").Coded("restoring")

func (s *Service) restore(ctx context.Context, d paper.Document, shown string) error {
	_, err := s.Records.Do(ctx, member.Automaton(member.Printer), activity.ContactChain(d.ContactID), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		d, err := paper.Get(ctx, s.Table, d.ID)
		if err != nil || d.PDF == nil || d.PDF.Lost != "" || d.PDF.Version == shown {
			return nil, err
		}
		d.PDF.Lost = shown
		op, err := d.Put()
		if err != nil {
			return nil, err
		}
		ef, err := effect.New(effect.Effect{
			ID: s.IDs.New("ef"), Lane: effect.PDF, Kind: RestorePDF, ContactID: d.ContactID, Subject: d.ID,
			Title: "Restoring the PDF of " + d.Noun + " " + d.Number, Area: issue.Billing,
		}, s.Clock().UTC())
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "document.lost", Subject: d.ID, Refs: map[string]string{"sha256": d.PDF.SHA256},
			Text: "The PDF of " + d.Noun + " " + d.Number + " was found missing or altered", Ops: []store.Op{op, ef},
		}, nil
	})
	return err
}
