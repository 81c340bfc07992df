// Package paper is the record of a document's one PDF, whichever noun the document is of.
//
// Where the object lies, which version of it is the right one and what hash it has stands on a track beside the noun, so
// that printing, handing out and restoring are the same for all of them and change no document's own version.
package paper

import (
	"context"
	"strings"

	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// Document is an estimate or invoice as its paper knows it.
type Document struct {
	Noun      string // "invoice" or "estimate", as people read it
	ID        string
	ContactID string
	Number    string // empty of a draft, which has no paper
	PDF       *sale.PDF

	put func(*sale.PDF) (store.Op, error)
}

// Get reads the document with its record. fault.NotFound when there is none.
func Get(ctx context.Context, t store.Table, documentID string) (Document, error) {
	kind, _, _ := strings.Cut(documentID, "_")
	switch kind {
	case "in":
		i, err := invoice.Get(ctx, t, documentID)
		if err != nil {
			return Document{}, err
		}
		return OfInvoice(ctx, t, i)
	case "es":
		e, err := estimate.Get(ctx, t, documentID)
		if err != nil {
			return Document{}, err
		}
		return OfEstimate(ctx, t, e)
	}
	return Document{}, fault.NotFound.Errorf("there is no such document")
}

// OfInvoice reads the record of an invoice that was read.
func OfInvoice(ctx context.Context, t store.Table, i invoice.Invoice) (Document, error) {
	tr, err := invoice.GetTrack(ctx, t, i)
	return Document{
		Noun: "invoice", ID: i.ID, ContactID: i.ContactID, Number: i.Number, PDF: tr.PDF,
		put: func(p *sale.PDF) (store.Op, error) { tr.PDF = p; return tr.Put(i) },
	}, err
}

// OfEstimate reads the record of an estimate that was read.
func OfEstimate(ctx context.Context, t store.Table, e estimate.Estimate) (Document, error) {
	tr, err := estimate.GetTrack(ctx, t, e)
	return Document{
		Noun: "estimate", ID: e.ID, ContactID: e.ContactID, Number: e.Number, PDF: tr.PDF,
		put: func(p *sale.PDF) (store.Op, error) { tr.PDF = p; return tr.Put(e) },
	}, err
}

// Put answers the operation that stores the record over the one that was read.
func (d Document) Put() (store.Op, error) { return d.put(d.PDF) }
