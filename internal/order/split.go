package order

import (
	"onebook/internal/fault"
	"onebook/internal/money"
	"onebook/internal/sale"
	"onebook/internal/totals"
)

// ErrNothing is answered where nothing of an order is left to bill.
var ErrNothing = fault.Unready.Errorf("nothing of this order remains to be billed").Coded("nothing_remains")

// Divisible answers fault.Unready for an order that can be billed in one piece only: what was paid before, or rounded, is
// no share of anything.
func (o Order) Divisible() error {
	if o.Body.Totals.Prepaid != 0 || o.Body.Totals.Rounding != 0 {
		return fault.Unready.Errorf("an order with an amount prepaid or a rounding is billed in one piece").Coded("not_divisible")
	}
	return nil
}

// Rest answers what of the order is not in these documents, by combination of taxes: nets and taxes alike, so that the
// last document makes the sum right to the cent.
func (o Order) Rest(billed ...sale.Body) ([]totals.Part, error) {
	parts, err := o.Body.Parts()
	if err != nil {
		return nil, err
	}
	for _, b := range billed {
		ps, err := b.Parts()
		if err != nil {
			return nil, err
		}
		for _, p := range ps {
			parts = append(parts, p.Negate())
		}
	}
	return totals.Merge(parts), nil
}

// Left answers what remains beside these documents, minor units with tax.
func (o Order) Left(billed ...sale.Body) (int64, error) {
	rest, err := o.Rest(billed...)
	if err != nil {
		return 0, err
	}
	_, sum, err := gross(rest)
	return sum, err
}

// gross sums what parts come to with their taxes.
func gross(parts []totals.Part) ([]int64, int64, error) {
	each := make([]int64, len(parts))
	for i, p := range parts {
		var err error
		if each[i], err = p.Gross(); err != nil {
			return nil, 0, err
		}
	}
	sum, err := money.Sum(each...)
	return each, sum, err
}

// Take answers a share of amount, tax included, of what remains beside these documents: over the combinations of taxes by
// largest remainder, and of each the tax that the order has on it, rounded cumulatively (rules.md §5). Taking all that
// remains takes it as it is. fault.Invalid for more than remains, fault.Unready when nothing does.
func (o Order) Take(amount int64, billed ...sale.Body) ([]totals.Part, error) {
	whole, err := o.Body.Parts()
	if err != nil {
		return nil, err
	}
	rest, err := o.Rest(billed...)
	if err != nil {
		return nil, err
	}
	left, sum, err := gross(rest)
	switch {
	case err != nil:
		return nil, err
	case sum <= 0:
		return nil, ErrNothing
	case amount > sum:
		return nil, fault.InField("amount", "too_large", "%s %s is more than the %s that remain to be billed",
			money.Format(amount, o.Body.Currency), o.Body.Currency, money.Format(sum, o.Body.Currency))
	case amount == sum:
		return some(rest), nil
	}
	// Rest begins with the combinations of the order, in their order; what others were billed by hand is left to the last.
	shares, err := money.Split(amount, left[:len(whole)])
	if err != nil {
		return nil, err
	}
	var taken []totals.Part
	for i, share := range shares {
		if share == 0 {
			continue
		}
		p, err := piece(whole[i], rest[i], share)
		if err != nil {
			return nil, err
		}
		taken = append(taken, p)
	}
	return some(taken), nil
}

// piece answers the share of one combination of taxes: gross is known, its taxes are in proportion to the whole's.
func piece(whole, rest totals.Part, share int64) (totals.Part, error) {
	all, err := whole.Gross()
	if err != nil {
		return totals.Part{}, err
	}
	left, err := rest.Gross()
	if err != nil {
		return totals.Part{}, err
	}
	out := totals.Part{Taxes: whole.Taxes, Net: share}
	for i, w := range whole.Rows {
		row := w
		row.Taxable, row.Tax = share, 0
		if all != 0 && i < len(rest.Rows) {
			if row.Tax, err = cumulated(w.Tax, rest.Rows[i].Tax, all, left, share); err != nil {
				return totals.Part{}, err
			}
			if row.Taxable, err = money.MulDiv(w.Taxable, share, all); err != nil {
				return totals.Part{}, err
			}
		}
		if !row.Withheld {
			out.Net -= row.Tax
		}
		out.Rows = append(out.Rows, row)
	}
	for i := range out.Rows {
		if !out.Rows[i].Compound {
			out.Rows[i].Taxable = out.Net
		}
	}
	return out, nil
}

// cumulated answers the tax of the next share so that what is billed with it is the rounded tax of all shares so far. Where
// voided documents have left roundings behind, no share makes up for more than one unit of them; the last takes the rest.
func cumulated(tax, restTax, all, left, share int64) (int64, error) {
	right, err := money.MulDiv(tax, share, all)
	if err != nil {
		return 0, err
	}
	after, err := money.MulDiv(tax, all-left+share, all)
	if err != nil {
		return 0, err
	}
	return min(max(after-(tax-restTax), right-1), right+1), nil
}

// some leaves out combinations on which nothing falls.
func some(parts []totals.Part) []totals.Part {
	out := make([]totals.Part, 0, len(parts))
	for _, p := range parts {
		zero := p.Net == 0
		for _, r := range p.Rows {
			zero = zero && r.Tax == 0 && r.Taxable == 0
		}
		if !zero {
			out = append(out, p)
		}
	}
	return out
}
