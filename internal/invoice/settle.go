package invoice

import (
	"fmt"
	"time"

	"onebook/internal/activity"
)

// takes reports whether money may go to an invoice that stands in s.
func (s State) takes() bool { return s == Open || s == Uncollectible }

// Takes is how much of an amount in a currency the invoice takes: what is due and what was written off, and nothing once it
// is paid, void or a draft.
func (i Invoice) Takes(amount int64, currency string) int64 {
	if !i.State.takes() || i.Body.Currency != currency || amount <= 0 {
		return 0
	}
	return min(amount, i.Owed())
}

// Settle takes money or credit, first for what is due, then for what was written off: that part is recovered, and the
// write-off is taken back by as much (rules.md §5). amount must not exceed what [Invoice.Takes] answers.
func (i *Invoice) Settle(amount int64, at time.Time) (recovered int64, err error) {
	if amount <= 0 || amount != i.Takes(amount, i.Body.Currency) {
		return 0, fmt.Errorf("invoice %s: cannot settle %d of %d", i.ID, amount, i.Owed())
	}
	recovered = max(0, amount-i.Due())
	i.Paid += amount
	i.WrittenOff -= recovered
	return recovered, i.rest(at)
}

// Unsettle undoes a Settle: the amount is owed again, and as much of it as had been recovered is written off again.
func (i *Invoice) Unsettle(amount, recovered int64, at time.Time) error {
	if amount <= 0 || amount > i.Paid || recovered < 0 || recovered > amount || i.State != Paid && !i.State.takes() {
		return fmt.Errorf("invoice %s: cannot take back %d (%d recovered) of %d paid", i.ID, amount, recovered, i.Paid)
	}
	i.Paid -= amount
	i.WrittenOff += recovered
	return i.rest(at)
}

// GiveUp writes all that is due off, and answers how much that was.
func (i *Invoice) GiveUp(reason string, at time.Time) (int64, error) {
	lost := i.Due()
	if i.State != Open || lost <= 0 {
		return 0, fmt.Errorf("invoice %s: nothing to write off", i.ID)
	}
	i.WrittenOff += lost
	i.LossReason = reason
	return lost, i.rest(at)
}

// rest moves the invoice to the state that what is left of it demands.
func (i *Invoice) rest(at time.Time) error {
	i.UpdatedAt = at
	next := Paid
	switch {
	case i.Due() > 0:
		next = Open
	case i.WrittenOff > 0:
		next = Uncollectible
	}
	if next == i.State {
		return nil
	}
	if i.State == Paid {
		i.PaidAt = time.Time{}
		if next != Open { // a payment that is taken back opens it first
			if err := i.To(Open); err != nil {
				return err
			}
		}
	}
	if next == Paid {
		i.PaidAt = at
	}
	return i.To(next)
}

// Apply pays amount out of the contact's credit and answers the postings (rules.md §11).
func (i *Invoice) Apply(amount int64, at time.Time) ([]activity.Posting, error) {
	if amount > i.Due() {
		return nil, fmt.Errorf("invoice %s: credit of %d for %d due", i.ID, amount, i.Due())
	}
	if _, err := i.Settle(amount, at); err != nil {
		return nil, err
	}
	i.Applied += amount
	return i.applied(amount), nil
}

// Release gives all credit back that was applied, and answers the postings.
func (i *Invoice) Release(at time.Time) ([]activity.Posting, error) {
	if i.Applied == 0 {
		return nil, nil
	}
	n := i.Applied
	if err := i.Unsettle(n, 0, at); err != nil {
		return nil, err
	}
	i.Applied = 0
	return activity.Reversed(i.applied(n)), nil
}

func (i Invoice) applied(n int64) []activity.Posting {
	return []activity.Posting{
		{Account: activity.Credit, Currency: i.Body.Currency, Amount: n, Ref: i.ID},
		{Account: activity.Receivable, Currency: i.Body.Currency, Amount: -n, Ref: i.ID},
	}
}
