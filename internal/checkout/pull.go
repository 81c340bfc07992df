package checkout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/payment"
	"onebook/internal/store"
)

// overlap is how far before its cursor the puller looks again: the provider lists events by second, and not in strict order.
const overlap = 5 * time.Minute

// maxPast bounds how far back events are listed; the provider keeps them for 30 days.
const maxPast = 29 * 24 * time.Hour

var cursorKey = store.Key{PK: "RUN#provider-events", SK: "CURSOR"}

type cursor struct {
	At time.Time `json:"at"`
}

// Pull asks the provider what happened since the last time, while any payment is open, and applies it as a webhook would.
// It then looks up each payment whose page has ended without news, and once a day each whose money is on its way. It goes on
// after a failure of one and joins the errors.
func (s *Service) Pull(ctx context.Context) error {
	now := s.Now().UTC()
	pages, err := s.openPayments(ctx, payment.DuePartition, "")
	if err != nil {
		return err
	}
	debits, err := s.openPayments(ctx, payment.DebitPartition, "")
	if err != nil || len(pages)+len(debits) == 0 {
		return err
	}
	errs := []error{s.pullEvents(ctx, now, slices.Concat(pages, debits))}
	due, err := s.openPayments(ctx, payment.DebitPartition, now.Add(time.Second).Format(time.RFC3339))
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, paymentID := range append(pages, due...) {
		if err := s.Resolve(ctx, paymentID); err != nil {
			errs = append(errs, fmt.Errorf("payment %s: %w", paymentID, err))
		}
	}
	return errors.Join(errs...)
}

// openPayments answers the ids of the payments in these partitions of the due index, before an instant when one is given.
func (s *Service) openPayments(ctx context.Context, partition func(shard int) string, before string) ([]string, error) {
	var out []string
	for n := range payment.DueShards {
		q := store.Query{Index: store.Due, Partition: partition(n), To: before}
		for {
			p, err := s.Table.List(ctx, q)
			if err != nil {
				return nil, err
			}
			for _, it := range p.Items {
				out = append(out, it.SK[len("PAY#"):])
			}
			if q.Cursor = p.Cursor; q.Cursor == "" {
				break
			}
		}
	}
	return out, nil
}

func (s *Service) pullEvents(ctx context.Context, now time.Time, open []string) error {
	since, version, err := s.cursor(ctx)
	if err != nil {
		return err
	}
	if since.IsZero() {
		// The first time: nothing of ours can have happened before the oldest open attempt.
		since = now
		for _, paymentID := range open {
			p, err := payment.Get(ctx, s.Table, paymentID)
			if err != nil {
				return err
			}
			if p.CreatedAt.Before(since) {
				since = p.CreatedAt
			}
		}
	}
	if oldest := now.Add(-maxPast); since.Before(oldest) {
		since = oldest
	}
	events, err := s.Provider.Events(ctx, since.Add(-overlap))
	if err != nil {
		return err
	}
	var errs []error
	by := member.Automaton(member.Puller)
	seen := map[string]bool{}
	for _, ev := range events {
		// Several events of one object lead to one look at it.
		about := ev.ObjectType + " " + ev.ObjectID
		if ofIntent[ev.Type] || ofSession[ev.Type] {
			if seen[about] {
				continue
			}
			seen[about] = true
		}
		if err := s.Hint(ctx, by, ev); err != nil {
			errs = append(errs, fmt.Errorf("event %s: %w", ev.ID, err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...) // the cursor stays: the same events are looked at again
	}
	return s.moveCursor(ctx, now, version)
}

func (s *Service) cursor(ctx context.Context) (time.Time, int64, error) {
	it, err := s.Table.Get(ctx, cursorKey)
	if errors.Is(err, fault.NotFound) {
		return time.Time{}, 0, nil
	}
	if err != nil {
		return time.Time{}, 0, err
	}
	var c cursor
	if err := json.Unmarshal(it.Body, &c); err != nil {
		return time.Time{}, 0, fmt.Errorf("cursor: %w", err)
	}
	return c.At, it.Version, nil
}

// moveCursor stores how far events were read. A loser of a race has read no further than the winner: it does not matter.
func (s *Service) moveCursor(ctx context.Context, to time.Time, version int64) error {
	body, err := json.Marshal(cursor{At: to})
	if err != nil {
		return fmt.Errorf("cursor: %w", err)
	}
	mark := store.Item{
		Key: store.Key{PK: cursorKey.PK, SK: fmt.Sprintf("PULL#%012d", version+1)}, Kind: "pull", Body: body, Expires: to.Add(24 * time.Hour),
	}
	err = s.Table.Write(ctx, store.Put(store.Item{Key: cursorKey, Version: version, Kind: "cursor", Body: body}), store.Put(mark))
	if errors.Is(err, fault.Stale) {
		return nil
	}
	return err
}

// Resolve finds out what became of an open payment whose news is late: its page has ended, it never got one, or its money
// has been on its way for a day. A payment whose page is still open is left alone.
func (s *Service) Resolve(ctx context.Context, paymentID string) error {
	p, err := payment.Get(ctx, s.Table, paymentID)
	if err != nil || !p.Open() || p.Online == nil {
		return err
	}
	now := s.Now().UTC()
	by := member.Automaton(member.Puller)
	inv, err := invoice.Get(ctx, s.Table, p.Online.InvoiceID)
	if err != nil {
		return err
	}
	age := now.Sub(p.CreatedAt)
	wanted := inv.State == invoice.Open && p.Amount <= inv.Due()
	switch {
	case p.Online.Paying && now.Before(p.Online.LookAt):
		return nil
	case p.Online.Paying && p.Online.Intent != "":
		return s.Settle(ctx, by, p.Online.Intent) // the page is complete whatever became of the money
	case p.Online.Session != "" && now.Before(p.Online.ExpiresAt) && !wanted:
		return s.shut(ctx, by, p)
	case p.Online.Session != "" && now.Before(p.Online.ExpiresAt):
		return nil
	case p.Online.Session != "" && age > 2*pageFor && age%time.Hour >= 2*time.Minute:
		return nil // not as it was asked for: an hourly look is enough
	case p.Online.Session != "":
		return s.SettleSession(ctx, by, p.Online.Session)
	case age < time.Minute:
		return nil // whoever started it is still at it
	case wanted && now.Before(repeatable(p)):
		_, err = s.open(ctx, inv, p) // the same key: the page that was made, or none was
		return err
	case now.Before(repeatable(p)):
		return nil // nobody wants the page any more, and nobody was sent to it; whether there is one is looked up later
	}
	return s.lookFor(ctx, p)
}

// shut closes a page on which more could be paid than is due, because the invoice was paid otherwise or is void.
func (s *Service) shut(ctx context.Context, by activity.By, p payment.Payment) error {
	ses, err := s.Provider.ExpireSession(ctx, p.Online.Session)
	if err != nil {
		return err
	}
	return s.settleSession(ctx, by, ses)
}

// lookFor searches the provider's complete list for the page of an attempt that is too old to be repeated. Only when the
// list does not hold it, it is certain that there never was one.
func (s *Service) lookFor(ctx context.Context, p payment.Payment) error {
	by := member.Automaton(member.Puller)
	customer, ok, err := s.storedCustomer(ctx, store.Key{PK: "C#" + p.ContactID, SK: "PROVIDER"})
	if err != nil {
		return err
	}
	if ok {
		all, err := s.Provider.Sessions(ctx, customer, p.CreatedAt.Add(-overlap))
		if err != nil {
			return err
		}
		for _, ses := range all {
			if ses.Metadata[metaKey] != p.ID {
				continue
			}
			if _, err := s.opened(ctx, p.ID, ses); err != nil {
				return err
			}
			return s.settleSession(ctx, by, ses)
		}
	}
	return s.close(ctx, by, p.ID, payment.Failed, "The payment page was never opened", nil)
}
