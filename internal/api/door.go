package api

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/org"
	"onebook/internal/store"
)

// books are what the reads of several doors need.
type books struct {
	table   store.Table
	records *activity.Records
	org     *org.Service
}

// idParam are the parameters of a route that names one thing.
type idParam struct {
	ID string `path:"id"`
}

// today is the organisation's date.
func (b books) today(ctx context.Context) (civil.Date, error) { return b.org.Today(ctx) }

// tag is the tag of a thing of a contact's; day is zero where no date matters.
func (b books) tag(ctx context.Context, contactID string, rev int64, day civil.Date) (Tag, error) {
	h, err := b.records.Head(ctx, activity.ContactChain(contactID))
	return Tag{Rev: rev, Seq: h.Seq, Day: day.String()}, err
}

// ofContact demands that a filter's contactId is one, since a malformed one is a mistake and not an empty list.
func ofContact(contactID string) error {
	if contactID != "" && id.Check("ct", contactID) != nil {
		return fault.InField("contactId", "not_found", "there is no contact with the id %q", printable(contactID))
	}
	return nil
}

// family answers a contact, after a merge was followed, with those merged into it; nobody for no contact.
func (b books) family(ctx context.Context, contactID string) ([]string, error) {
	if contactID == "" {
		return nil, nil
	}
	return b.records.Family(ctx, contactID)
}

// window answers the page of a list that is short enough to be read whole, sorted by id: what stands behind the cursor.
func window[T any](all []T, idOf func(T) string, p Page) (page []T, next string, err error) {
	after, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return nil, "", store.ErrBadCursor
	}
	for n, v := range all {
		if idOf(v) <= string(after) {
			continue
		}
		page = append(page, v)
		if len(page) == p.Limit && n < len(all)-1 {
			return page, base64.RawURLEncoding.EncodeToString([]byte(idOf(v))), nil
		}
	}
	return page, "", nil
}

// each turns every one of a list; none stays none.
func each[A, B any](in []A, turn func(A) B) []B {
	var out []B
	for _, v := range in {
		out = append(out, turn(v))
	}
	return out
}

// when answers nil for a moment that has not come.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// PDFs leads to the documents' files.
type PDFs interface {
	// Link answers an address that anybody may read the invoice's PDF at until expiresAt, at most five minutes.
	// fault.Unready while the PDF is being made; fault.NotFound when there will be none.
	Link(ctx context.Context, by activity.By, documentID string) (url string, expiresAt time.Time, err error)
}

// withoutCurrent takes the current document out of a stale fault, since the door shows it in its own form.
func withoutCurrent(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Stale && f.Data["current"] != nil {
		return f.Kind.Errorf("%s", f.Message)
	}
	return err
}
