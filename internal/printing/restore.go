package printing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"onebook/internal/activity"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/member"
	"onebook/internal/paper"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// Restore plans the effect that brings a document's PDF back: the recorded version with the recorded hash becomes the
// current one again. It is never drawn anew; when no version has the hash, that is for a person.
func (p *Printer) Restore(ctx context.Context, e effect.Effect) (effect.Plan, error) {
	d, err := paper.Get(ctx, p.Table, e.Subject)
	if err != nil {
		return effect.Plan{}, err
	}
	if d.PDF == nil || d.PDF.Lost == "" {
		return effect.Plan{Skip: "it is there again"}, nil
	}
	pdf := *d.PDF
	return effect.Plan{
		Call: func(ctx context.Context) (string, error) { return p.bring(ctx, pdf) },
		Done: func(ctx context.Context, version string, ops ...store.Op) error {
			return p.restored(ctx, d, version, ops)
		},
	}, nil
}

// bring puts the bytes of a recorded version under the key again and answers the version that they have now.
func (p *Printer) bring(ctx context.Context, pdf sale.PDF) (string, error) {
	for _, version := range append([]string{pdf.Version}, pdf.Earlier...) {
		body, _, err := p.Blobs.Get(ctx, pdf.Key, version)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) == pdf.SHA256 {
			return p.Blobs.PutAgain(ctx, pdf.Key, body, "application/pdf")
		}
	}
	return "", fmt.Errorf("no recorded version of %s has the hash %s", pdf.Key, pdf.SHA256)
}

func (p *Printer) restored(ctx context.Context, d paper.Document, version string, ops []store.Op) error {
	_, err := p.Records.Do(ctx, member.Automaton(member.Printer), activity.ContactChain(d.ContactID), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		d, err := paper.Get(ctx, p.Table, d.ID)
		if err != nil {
			return nil, err
		}
		deed := &activity.Deed{
			Kind: "document.restored", Subject: d.ID, Text: "Restored the PDF of " + d.Noun + " " + d.Number + " from its recorded version", Ops: ops,
		}
		if d.PDF != nil && d.PDF.Lost != "" {
			d.PDF.Earlier = append([]string{d.PDF.Version}, d.PDF.Earlier...)
			d.PDF.Earlier = d.PDF.Earlier[:min(len(d.PDF.Earlier), maxEarlier)]
			d.PDF.Version, d.PDF.Lost = version, ""
			op, err := d.Put()
			if err != nil {
				return nil, err
			}
			deed.Refs = map[string]string{"sha256": d.PDF.SHA256}
			deed.Ops = append(append([]store.Op(nil), ops...), op)
		}
		return deed, nil
	})
	return err
}

// maxEarlier is how many earlier versions with the same bytes are remembered.
const maxEarlier = 5
