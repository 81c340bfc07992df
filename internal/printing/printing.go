// Package printing makes the one PDF of an issued invoice or a sent estimate and keeps it for ever.
//
// The effect that an issue or a sending leaves behind ends here: the frozen document becomes a [document.Paper], is
// rendered, and is stored under its id and revision, by the first writer and nobody after. Whoever comes second takes what
// lies there. The hash and version of the object go to the document's track, with a pointer by which anybody can ask for it
// by its hash.
package printing

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
	"onebook/internal/document"
	"onebook/internal/effect"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/link"
	"onebook/internal/member"
	"onebook/internal/paper"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// Blobs is where documents lie.
type Blobs interface {
	// PutOnce stores body unless the key holds something; then it answers fault.Exists.
	PutOnce(ctx context.Context, key string, body []byte, contentType string) (version string, err error)
	// Get reads the newest version, or the one named.
	Get(ctx context.Context, key, version string) (body []byte, got string, err error)
	// PutAgain stores body under a key whatever it holds, and answers the new version.
	PutAgain(ctx context.Context, key string, body []byte, contentType string) (version string, err error)
}

// Printer prints.
type Printer struct {
	Table   store.Table
	Records *activity.Records
	Blobs   Blobs
	Links   *link.Service
	Now     func() time.Time
}

// Key is where the PDF of a document's revision lies.
func Key(documentID string, revision int) string {
	return fmt.Sprintf("documents/%s/%d.pdf", documentID, revision)
}

// Invoice plans the effect that prints an invoice.
func (p *Printer) Invoice(ctx context.Context, e effect.Effect) (effect.Plan, error) {
	i, err := invoice.Get(ctx, p.Table, e.Subject)
	if err != nil {
		return effect.Plan{}, err
	}
	d, err := paper.OfInvoice(ctx, p.Table, i)
	if err != nil {
		return effect.Plan{}, err
	}
	return p.plan(d, i.Frozen, link.Link{ID: i.LinkID, Scope: link.Invoice}, func(url string, logo []byte) document.Paper {
		return Paper(i, url, logo)
	}), nil
}

// Estimate plans the effect that prints an estimate.
func (p *Printer) Estimate(ctx context.Context, e effect.Effect) (effect.Plan, error) {
	es, err := estimate.Get(ctx, p.Table, e.Subject)
	if err != nil {
		return effect.Plan{}, err
	}
	d, err := paper.OfEstimate(ctx, p.Table, es)
	if err != nil {
		return effect.Plan{}, err
	}
	return p.plan(d, es.Frozen, link.Link{ID: es.LinkID, Scope: link.Estimate}, func(url string, logo []byte) document.Paper {
		return Offer(es, url, logo)
	}), nil
}

func (p *Printer) plan(d paper.Document, f *sale.Frozen, l link.Link, draw func(url string, logo []byte) document.Paper) effect.Plan {
	if d.PDF != nil {
		return effect.Plan{Skip: "it is there already"}
	}
	var made sale.PDF
	return effect.Plan{
		Call: func(ctx context.Context) (sum string, err error) {
			made, err = p.make(ctx, d, f, l, draw)
			return made.SHA256, err
		},
		Done: func(ctx context.Context, _ string, ops ...store.Op) error { return p.done(ctx, d, made, ops) },
	}
}

func (p *Printer) make(ctx context.Context, d paper.Document, f *sale.Frozen, l link.Link, draw func(url string, logo []byte) document.Paper) (sale.PDF, error) {
	if f == nil {
		return sale.PDF{}, fmt.Errorf("%s %s is not frozen", d.Noun, d.ID)
	}
	var logo []byte
	if f.Look.Logo != "" {
		var err error
		if logo, _, err = p.Blobs.Get(ctx, f.Look.Logo, ""); err != nil && !errors.Is(err, fault.NotFound) {
			return sale.PDF{}, err
		}
	}
	url, err := p.Links.URL(ctx, l)
	if err != nil {
		return sale.PDF{}, err
	}
	pdf, lacking, err := document.Render(draw(url, logo))
	if err != nil {
		return sale.PDF{}, err
	}
	key := Key(d.ID, 1)
	version, err := p.Blobs.PutOnce(ctx, key, pdf, "application/pdf")
	if errors.Is(err, fault.Exists) {
		pdf, version, err = p.Blobs.Get(ctx, key, "")
	}
	if err != nil {
		return sale.PDF{}, err
	}
	sum := sha256.Sum256(pdf)
	return sale.PDF{Key: key, SHA256: hex.EncodeToString(sum[:]), Bytes: len(pdf), Version: version, ReadyAt: p.Now().UTC(), Lacking: lacking}, nil
}

func (p *Printer) done(ctx context.Context, d paper.Document, made sale.PDF, ops []store.Op) error {
	by := member.Automaton(member.Printer)
	_, err := p.Records.Do(ctx, by, activity.ContactChain(d.ContactID), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		d, err := paper.Get(ctx, p.Table, d.ID)
		if err != nil {
			return nil, err
		}
		deed := &activity.Deed{
			Kind: "document.made", Subject: d.ID, Refs: map[string]string{"sha256": made.SHA256},
			Text: "Made the PDF of " + d.Noun + " " + d.Number + lacking(made.Lacking), Ops: ops,
		}
		if d.PDF == nil {
			d.PDF = &made
			op, err := d.Put()
			if err != nil {
				return nil, err
			}
			body, err := json.Marshal(map[string]string{"id": d.ID})
			if err != nil {
				return nil, fmt.Errorf("pointer: %w", err)
			}
			pointer := store.Put(store.Item{Key: store.Key{PK: "U#sha256#" + made.SHA256, SK: "U"}, Kind: "guard", Body: body})
			deed.Ops = append(append([]store.Op(nil), ops...), op, pointer)
		}
		return deed, nil
	})
	return err
}

// lacking says in the timeline which characters stand on the document as numbers.
func lacking(characters []string) string {
	switch n := len(characters); {
	case n == 0:
		return ""
	case n > 10:
		return fmt.Sprintf("; %d characters that our fonts lack stand on it as numbers, the first as %s", n, characters[0])
	}
	return "; our fonts lack " + strings.Join(characters, ", ") + ", which stand on it as these numbers"
}
