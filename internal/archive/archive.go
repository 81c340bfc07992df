// Package archive hands out issued documents: the one PDF of each, by an address that works for a few minutes.
package archive

import (
	"context"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/paper"
	"onebook/internal/store"
)

// Blobs makes addresses of stored objects; filename is what the browser calls the file.
type Blobs interface {
	PresignGet(ctx context.Context, key, filename string, ttl time.Duration) (string, error)
	// Current answers the version that a key shows; fault.NotFound when it shows none.
	Current(ctx context.Context, key string) (version string, err error)
}

// Service finds documents.
type Service struct {
	Table   store.Table
	Records *activity.Records
	IDs     id.Source
	Blobs   Blobs
	Now     func() time.Time // the machine's clock: addresses are checked against real time
	Clock   func() time.Time // the product's clock
}

const linkFor = 5 * time.Minute

// Link answers an address of the PDF of an invoice or estimate that works until expiresAt. fault.Unready while the PDF is
// being made, and for a draft, which has none; also while a PDF that was lost or altered is brought back.
func (s *Service) Link(ctx context.Context, _ activity.By, documentID string) (url string, expiresAt time.Time, err error) {
	d, err := paper.Get(ctx, s.Table, documentID)
	switch {
	case err != nil:
		return "", time.Time{}, err
	case d.Number == "":
		return "", time.Time{}, fault.Unready.Errorf("a draft has no PDF; it is made when the %s goes out", d.Noun)
	case d.PDF == nil:
		return "", time.Time{}, fault.Unready.Errorf("the PDF is being made; try again in a moment")
	}
	if err := s.intact(ctx, d); err != nil {
		return "", time.Time{}, err
	}
	expiresAt = s.Now().UTC().Add(linkFor).Truncate(time.Second)
	url, err = s.Blobs.PresignGet(ctx, d.PDF.Key, filename(d.Number), linkFor)
	return url, expiresAt, err
}

func filename(number string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r < ' ' {
			return '-'
		}
		return r
	}, number) + ".pdf"
}
