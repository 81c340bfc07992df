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
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/store"
)

// Restore plans the effect that brings an invoice's PDF back: the recorded version with the recorded hash becomes the
// current one again. It is never drawn anew; when no version has the hash, that is for a person.
func (p *Printer) Restore(ctx context.Context, e effect.Effect) (effect.Plan, error) {
	i, err := invoice.Get(ctx, p.Table, e.Subject)
	if err != nil {
		return effect.Plan{}, err
	}
	tr, err := invoice.GetTrack(ctx, p.Table, i)
	if err != nil {
		return effect.Plan{}, err
	}
	if tr.PDF == nil || tr.PDF.Lost == "" {
		return effect.Plan{Skip: "it is there again"}, nil
	}
	pdf := *tr.PDF
	return effect.Plan{
		Call: func(ctx context.Context) (string, error) { return p.bring(ctx, pdf) },
		Done: func(ctx context.Context, version string, ops ...store.Op) error {
			return p.restored(ctx, i, version, ops)
		},
	}, nil
}

// bring puts the bytes of a recorded version under the key again and answers the version that they have now.
func (p *Printer) bring(ctx context.Context, pdf invoice.PDF) (string, error) {
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

func (p *Printer) restored(ctx context.Context, i invoice.Invoice, version string, ops []store.Op) error {
	_, err := p.Records.Do(ctx, member.Automaton(member.Printer), activity.ContactChain(i.ContactID), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		tr, err := invoice.GetTrack(ctx, p.Table, i)
		if err != nil {
			return nil, err
		}
		d := &activity.Deed{
			Kind: "document.restored", Subject: i.ID, Text: "Restored the PDF of invoice " + i.Number + " from its recorded version", Ops: ops,
		}
		if tr.PDF != nil && tr.PDF.Lost != "" {
			tr.PDF.Earlier = append([]string{tr.PDF.Version}, tr.PDF.Earlier...)
			tr.PDF.Earlier = tr.PDF.Earlier[:min(len(tr.PDF.Earlier), maxEarlier)]
			tr.PDF.Version, tr.PDF.Lost = version, ""
			op, err := tr.Put(i)
			if err != nil {
				return nil, err
			}
			d.Refs = map[string]string{"sha256": tr.PDF.SHA256}
			d.Ops = append(append([]store.Op(nil), ops...), op)
		}
		return d, nil
	})
	return err
}

// maxEarlier is how many earlier versions with the same bytes are remembered.
const maxEarlier = 5
