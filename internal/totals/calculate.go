package totals

import (
	"fmt"
	"math/big"

	"onebook/internal/fault"
	"onebook/internal/money"
)

// Calculate works out what a document comes to. A wrong document is an Invalid that names every wrong field, as
// Check does; so is one whose amounts grow beyond money.Max, with the code too_large.
func Calculate(d Document) (Result, error) {
	c, err := work(d)
	return c.result, err
}

// work answers a calculation that is done, or an empty one.
func work(d Document) (calculation, error) {
	if err := d.Check(); err != nil {
		return calculation{}, err
	}
	scale, err := money.Exponent(d.Currency)
	if err != nil {
		return calculation{}, err
	}
	c := calculation{doc: d, result: Result{Currency: d.Currency, Scale: scale, Lines: make([]LineResult, len(d.Lines))}}
	for _, step := range []func() error{c.lines, c.adjustments, c.taxes, c.sums} {
		if err := step(); err != nil {
			return calculation{}, err
		}
	}
	return c, nil
}

// calculation is one document being worked out, step by step.
type calculation struct {
	doc    Document
	result Result
	items  []item // whatever has an amount and taxes: lines first, then the parts of allowances and charges
	shares []*share
}

// item is a line, or the part of an allowance (with a minus) or charge that falls on one combination of taxes.
type item struct {
	amount int64 // with tax, where prices include it
	mix    mix
	net    *int64 // where its amount without tax is told
	sign   int64  // -1 for an allowance, whose own figures have no minus
}

// lines works out BT-131 of each line.
func (c *calculation) lines() error {
	var f fault.Fields
	nets := make([]int64, len(c.doc.Lines))
	for i, l := range c.doc.Lines {
		r := &c.result.Lines[i]
		if err := c.line(l, r); err != nil {
			if err := f.Join(fmt.Sprintf("lines[%d]", i), err); err != nil {
				return err
			}
		}
		nets[i] = r.Net
		c.items = append(c.items, item{r.Net, mixOf(taxed(l.Tax, l.Taxes)), &r.TaxExclusive, 1})
	}
	if err := f.Err(); err != nil {
		return err
	}
	return c.sum("lines", &c.result.LinesTotal, nets...)
}

func (c *calculation) line(l Line, r *LineResult) (err error) {
	if r.Gross, err = money.Extend(l.Quantity, l.UnitPrice, l.PriceBase, c.doc.Currency); err != nil {
		return err
	}
	net := []int64{r.Gross}
	take := func(percent, amount money.Decimal, sign int64, into *[]int64) error {
		n, err := c.part(percent, amount, r.Gross)
		*into, net = append(*into, n), append(net, sign*n)
		return err
	}
	if l.Discount != nil {
		if err := take(l.Discount.Percent, l.Discount.Amount, -1, &r.Allowances); err != nil {
			return err
		}
	}
	for _, a := range l.Allowances {
		if err := take(a.Percent, a.Amount, -1, &r.Allowances); err != nil {
			return err
		}
	}
	for _, a := range l.Charges {
		if err := take(a.Percent, a.Amount, 1, &r.Charges); err != nil {
			return err
		}
	}
	r.Net, err = money.Sum(net...)
	return err
}

// part answers an allowance or charge in minor units: the amount where there is one, else the percent of base.
func (c *calculation) part(percent, amount money.Decimal, base int64) (int64, error) {
	if amount.Given() {
		return amount.RoundMinor(c.doc.Currency)
	}
	return percent.Percent(base)
}

// sum is money.Sum with the field that an overflow is told at.
func (c *calculation) sum(field string, into *int64, ns ...int64) (err error) {
	if *into, err = money.Sum(ns...); err != nil {
		return tooLarge(field, err)
	}
	return nil
}

// tooLarge names the field whose amounts are too large together.
func tooLarge(field string, err error) error {
	var f fault.Fields
	if err := f.Join(field, err); err != nil {
		return err
	}
	return f.Err()
}

// adjustments works out BT-107 and BT-108, and on which taxes they fall.
func (c *calculation) adjustments() error {
	lines := c.items
	var allowances, charges []Applied
	var f fault.Fields
	add := func(at string, a Adjustment, list *[]Applied) error {
		parts, err := c.applied(at, a, lines)
		*list = append(*list, parts...)
		return f.Join(at, err)
	}
	if d := c.doc.Discount; d != nil {
		if err := add("discount", Adjustment{Percent: d.Percent, Amount: d.Amount}, &allowances); err != nil {
			return err
		}
	}
	for i, a := range c.doc.Allowances {
		if err := add(fmt.Sprintf("allowances[%d]", i), a, &allowances); err != nil {
			return err
		}
	}
	for i, a := range c.doc.Charges {
		if err := add(fmt.Sprintf("charges[%d]", i), a, &charges); err != nil {
			return err
		}
	}
	if err := f.Err(); err != nil {
		return err
	}
	c.result.Allowances, c.result.Charges = allowances, charges
	if err := c.sum("allowances", &c.result.AllowancesTotal, c.apply(allowances, -1)...); err != nil {
		return err
	}
	return c.sum("charges", &c.result.ChargesTotal, c.apply(charges, 1)...)
}

// apply makes items of allowances or charges, and answers their amounts.
func (c *calculation) apply(list []Applied, sign int64) []int64 {
	amounts := make([]int64, len(list))
	for i := range list {
		a := &list[i]
		amounts[i] = a.Amount
		c.items = append(c.items, item{sign * a.Amount, mixOf(a.Taxes), &a.TaxExclusive, sign})
	}
	return amounts
}

// applied answers an allowance or charge in parts with one combination of taxes each.
func (c *calculation) applied(at string, a Adjustment, lines []item) ([]Applied, error) {
	taxes := taxed(a.Tax, a.Taxes)
	own := mixOf(taxes)
	base := new(big.Int)
	bearing := 0
	for _, l := range lines {
		if l.mix.has(own) {
			base.Add(base, big.NewInt(l.amount))
			bearing++
		}
	}
	if len(taxes) > 0 && bearing == 0 && !a.Amount.Given() {
		return nil, fault.InField("percent", "no_base", "no line has this tax, so there is nothing to take a percent of: give an amount")
	}
	sum, err := money.Round(new(big.Rat).SetInt(base))
	if err != nil {
		return nil, err
	}
	amount, err := c.part(a.Percent, a.Amount, sum)
	if err != nil {
		return nil, err
	}
	whole := Applied{From: at, Reason: a.Reason, Percent: a.Percent, Amount: amount, Taxes: own.taxes}
	if len(taxes) > 0 {
		return []Applied{whole}, nil
	}
	return split(whole, lines)
}

// split divides an adjustment without a tax of its own over the combinations of taxes that the lines have.
func split(whole Applied, lines []item) ([]Applied, error) {
	if whole.Amount == 0 {
		return nil, nil
	}
	groups := byMix(lines)
	weights := make([]int64, len(groups))
	for i, g := range groups {
		sum := make([]int64, len(g.items))
		for j, it := range g.items {
			sum[j] = it.amount
		}
		var err error
		if weights[i], err = money.Sum(sum...); err != nil {
			return nil, err
		}
	}
	total, err := money.Sum(weights...)
	if err != nil {
		return nil, err
	}
	if total == 0 {
		return nil, fault.InField("tax", "required", "the lines come to zero, so this cannot be spread over their taxes: give it a tax")
	}
	amounts, err := money.Split(whole.Amount, weights)
	if err != nil {
		return nil, err
	}
	var parts []Applied
	for i, g := range groups {
		if amounts[i] == 0 {
			continue
		}
		part := whole
		part.Amount, part.Taxes = amounts[i], g.mix.taxes
		parts = append(parts, part)
	}
	return parts, nil
}

// sums closes the document: BT-109 to BT-115.
func (c *calculation) sums() error {
	r := &c.result
	var f fault.Fields
	for _, typed := range []struct {
		field string
		value money.Decimal
		into  *int64
	}{{"prepaid", c.doc.Prepaid, &r.Prepaid}, {"rounding", c.doc.Rounding, &r.Rounding}} {
		n, err := typed.value.Minor(c.doc.Currency)
		if err := f.Join(typed.field, err); err != nil {
			return err
		}
		*typed.into = n
	}
	if err := f.Err(); err != nil {
		return err
	}
	if err := c.sum("lines", &r.TaxExclusive, r.LinesTotal, -r.AllowancesTotal, r.ChargesTotal, -r.TaxIncluded); err != nil {
		return err
	}
	if err := c.sum("lines", &r.TaxInclusive, r.TaxExclusive, r.TaxTotal); err != nil {
		return err
	}
	return c.sum("lines", &r.Payable, r.TaxInclusive, -r.Withheld, -r.Prepaid, r.Rounding)
}
