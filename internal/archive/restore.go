package archive

import (
	"context"
	"errors"

	"onebook/internal/activity"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/member"
	"onebook/internal/store"
)

// RestorePDF is the effect that brings a PDF back from its recorded version; its subject is the invoice.
const RestorePDF = "pdf.restore"

// missing is what is noted where a key holds nothing at all.
const missing = "missing"

// intact answers nil when the bucket shows the very version that was recorded: a version's bytes never change. Otherwise
// the restoring is put in line, once, and fault.Unready answered.
func (s *Service) intact(ctx context.Context, i invoice.Invoice, p invoice.PDF) error {
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
	if err := s.restore(ctx, i, shown); err != nil {
		return err
	}
	return errRestoring
}

var errRestoring = fault.Unready.Errorf("the PDF was lost or altered and is being restored from its recorded version; try again in a moment").Coded("restoring")

func (s *Service) restore(ctx context.Context, i invoice.Invoice, shown string) error {
	_, err := s.Records.Do(ctx, member.Automaton(member.Printer), activity.ContactChain(i.ContactID), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		tr, err := invoice.GetTrack(ctx, s.Table, i)
		if err != nil || tr.PDF == nil || tr.PDF.Lost != "" || tr.PDF.Version == shown {
			return nil, err
		}
		tr.PDF.Lost = shown
		op, err := tr.Put(i)
		if err != nil {
			return nil, err
		}
		ef, err := effect.New(effect.Effect{
			ID: s.IDs.New("ef"), Lane: effect.PDF, Kind: RestorePDF, ContactID: i.ContactID, Subject: i.ID,
			Title: "Restoring the PDF of invoice " + i.Number, Area: issue.Billing,
		}, s.Clock().UTC())
		if err != nil {
			return nil, err
		}
		return &activity.Deed{
			Kind: "document.lost", Subject: i.ID, Refs: map[string]string{"sha256": tr.PDF.SHA256},
			Text: "The PDF of invoice " + i.Number + " was found missing or altered", Ops: []store.Op{op, ef},
		}, nil
	})
	return err
}
