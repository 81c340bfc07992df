package relay

import (
	"context"
	"fmt"
	"time"

	"onebook/internal/effect"
	"onebook/internal/estimate"
	"onebook/internal/payment"
	"onebook/internal/store"
)

// NextDue answers the earliest moment later than after at which a sweep has something to do, and zero when there is none.
// While a payment page is open, that is every minute; of money on its way the provider tells, or the daily look.
func NextDue(ctx context.Context, t store.Table, after time.Time) (time.Time, error) {
	var first time.Time
	earlier := func(at time.Time) {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	look := func(partition string, from string) (time.Time, bool, error) {
		p, err := t.List(ctx, store.Query{Index: store.Due, Partition: partition, From: from, Limit: 1})
		if err != nil || len(p.Items) == 0 {
			return time.Time{}, false, err
		}
		at, err := time.Parse(time.RFC3339, p.Items[0].Due.SK[:len("2006-01-02T15:04:05Z")])
		if err != nil {
			return time.Time{}, false, fmt.Errorf("due index: %w", err)
		}
		return at, true, nil
	}
	from := after.UTC().Add(time.Second).Truncate(time.Second).Format("2006-01-02T15:04:05Z")
	for n := range effect.Shards {
		for _, partition := range []string{effect.DuePartition(n), estimate.DuePartition(n), payment.DebitPartition(n)} {
			at, ok, err := look(partition, from)
			if err != nil {
				return time.Time{}, err
			}
			if ok {
				earlier(at)
			}
		}
		if _, open, err := look(payment.DuePartition(n), ""); err != nil {
			return time.Time{}, err
		} else if open {
			earlier(after.Add(time.Minute))
		}
	}
	return first, nil
}
