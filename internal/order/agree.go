package order

import (
	"fmt"
	"math/big"
	"strings"

	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/money"
)

// Portion is a percent or an amount of an order, one of both.
type Portion struct {
	Percent money.Decimal
	Amount  int64 // minor units with tax
}

func (p Portion) check(f *fault.Fields, at string) {
	switch {
	case p.Percent.Given() == (p.Amount != 0):
		f.Add(at+"amount", "required", "give a percent or an amount, one of both")
	case p.Amount < 0:
		f.Add(at+"amount", "invalid", "an amount above zero is needed, in the smallest unit of the currency")
	case p.Percent.Given() && (p.Percent.Sign() <= 0 || p.Percent.Rat().Cmp(big.NewRat(100, 1)) > 0):
		f.Add(at+"percent", "out_of_range", "a percent here is above 0 and at most 100")
	}
}

// Of answers the portion of an order's total. fault.Invalid names what is wrong with it.
func (p Portion) Of(total int64) (int64, error) {
	var f fault.Fields
	if p.check(&f, ""); len(f) > 0 {
		return 0, f.Err()
	}
	if !p.Percent.Given() {
		return p.Amount, nil
	}
	return p.Percent.Percent(total)
}

// Schedule is how an order is to be billed before it is done.
type Schedule struct {
	Deposit    *Portion
	Milestones []MilestoneIn
}

// MilestoneIn is a milestone as it is agreed.
type MilestoneIn struct {
	Name  string
	DueOn civil.Date
	Portion
}

// Agree puts a schedule on the order. Percents are rounded cumulatively, so that those that sum to a hundred come to the
// total. fault.Invalid names each wrong field, as the API does.
func (o *Order) Agree(s Schedule) error {
	var f fault.Fields
	percents, before := new(big.Rat), int64(0)
	part := func(at string, p Portion) int64 {
		n := len(f)
		if p.check(&f, at); len(f) > n || !p.Percent.Given() {
			return p.Amount
		}
		percents.Add(percents, p.Percent.Rat())
		upto := new(big.Rat).Mul(percents, big.NewRat(o.Total(), 100))
		sum, err := money.Round(upto)
		if err != nil {
			f.Add(at+"percent", "out_of_range", "the percents are too large together")
			return 0
		}
		amount := sum - before
		before = sum
		return amount
	}
	if s.Deposit != nil {
		o.Deposit = part("deposit.", *s.Deposit)
	}
	if len(s.Milestones) > MaxMilestones {
		f.Add("milestones", "too_many", "an order has at most %d milestones", MaxMilestones)
		return f.Err()
	}
	names := map[string]bool{}
	amounts := []int64{o.Deposit}
	for n, m := range s.Milestones {
		at := fmt.Sprintf("milestones[%d].", n)
		m.Name = strings.TrimSpace(m.Name)
		if m.Name == "" || len([]rune(m.Name)) > 200 || names[m.Name] {
			f.Add(at+"name", "invalid", "a milestone needs a name of its own, of 1 to 200 characters")
		}
		names[m.Name] = true
		amount := part(at, m.Portion)
		if amount <= 0 && len(f) == 0 {
			f.Add(at+"percent", "out_of_range", "this comes to nothing")
		}
		o.Milestones = append(o.Milestones, Milestone{Name: m.Name, Amount: amount, DueOn: m.DueOn})
		amounts = append(amounts, amount)
	}
	if s.Deposit != nil && o.Deposit <= 0 && len(f) == 0 {
		f.Add("deposit.percent", "out_of_range", "this comes to nothing")
	}
	if err := f.Err(); err != nil {
		return err
	}
	sum, err := money.Sum(amounts...)
	if err != nil || sum > o.Total() {
		at := "deposit"
		if len(s.Milestones) > 0 {
			at = "milestones"
		}
		return fault.InField(at, "too_large", "together they come to more than the order, %s %s", money.Format(o.Total(), o.Body.Currency), o.Body.Currency)
	}
	if sum > 0 {
		return o.Divisible()
	}
	return nil
}

// Agreed reports whether the order was made with this schedule.
func (o Order) Agreed(s Schedule) bool {
	again := Order{Body: o.Body}
	if again.Agree(s) != nil || again.Deposit != o.Deposit || len(again.Milestones) != len(o.Milestones) {
		return false
	}
	for n, m := range again.Milestones {
		m.InvoiceID = o.Milestones[n].InvoiceID
		if m != o.Milestones[n] {
			return false
		}
	}
	return true
}
