package invoice

import (
	"fmt"

	"onebook/internal/civil"
	"onebook/internal/fault"
)

// MaxInstalments is how many instalments an invoice has at most: three years of months.
const MaxInstalments = 36

// Instalment is a part of an invoice that is due on a day of its own, minor units.
type Instalment struct {
	Amount int64      `json:"amount"`
	DueOn  civil.Date `json:"dueOn"`
}

// CheckInstalments adds to f what is wrong with instalments of an amount: they add up to it, each later than the one before.
func CheckInstalments(f *fault.Fields, all []Instalment, payable int64) {
	if len(all) == 0 {
		return
	}
	if len(all) < 2 || len(all) > MaxInstalments {
		f.Add("instalments", "invalid", "there are 2 to %d instalments", MaxInstalments)
		return
	}
	rest := payable
	for n, x := range all {
		at := fmt.Sprintf("instalments[%d]", n)
		if x.Amount <= 0 || x.Amount > payable {
			f.Add(at+".amount", "invalid", "an instalment is above zero, and the instalments add up to what is payable, %d", payable)
			return
		}
		rest -= x.Amount
		if x.DueOn.IsZero() || n > 0 && !all[n-1].DueOn.Before(x.DueOn) {
			f.Add(at+".dueOn", "invalid", "each instalment is due on a later day than the one before")
		}
	}
	if rest != 0 {
		f.Add("instalments", "sum", "the instalments add up to %d, and %d is payable", payable-rest, payable)
	}
}

// Part is an instalment with what was paid of it.
type Part struct {
	Instalment
	Paid, Due int64
}

// Parts answers the instalments with what came in, which pays the oldest first.
func (i Invoice) Parts() []Part {
	if len(i.Instalments) == 0 {
		return nil
	}
	left := i.Paid + i.Credited
	open := i.Due()
	var out []Part
	for _, x := range i.Instalments {
		p := Part{Instalment: x, Paid: min(left, x.Amount)}
		left -= p.Paid
		p.Due = min(open, x.Amount-p.Paid)
		open -= p.Due
		out = append(out, p)
	}
	return out
}

// NextDue is the day by which the next money is due: that of the oldest instalment that is not paid, else dueOn.
func (i Invoice) NextDue() civil.Date {
	if i.State == Draft && len(i.Instalments) > 0 {
		return i.Instalments[0].DueOn
	}
	for _, p := range i.Parts() {
		if p.Due > 0 {
			return p.DueOn
		}
	}
	return i.DueOn
}
