package totals

import (
	"cmp"
	"math/big"
	"slices"

	"onebook/internal/money"
)

// The rules of this file:
//
//   - Prices without tax: tax = round(taxable × rate), once per row (BR-CO-17).
//   - Prices with tax: tax = round(gross × rate ÷ (1 + rates)), once per row, and net = gross - tax: the net is never
//     rounded by itself (rules.md §1.2).
//   - A row's tax is given out to the mixes that bear it by largest remainder, so nets and rows agree to the last unit.
//   - Withheld taxes and surcharges are on the net, and in no price.

// share is the part of a document that is taxed as one: all items of a mix, or one item where tax is rounded per line.
type share struct {
	group
	net    int64             // without tax; where prices include it, the sum of amounts until takeOut
	factor *big.Rat          // what a net of 1 comes to with the taxes a price includes
	tax    map[kind]int64    // what of each row falls on this share
	exact  map[kind]*big.Rat // the same before rounding
}

// row is one tax over all shares that bear it.
type row struct {
	kind    kind
	shares  []*share
	taxable int64
	tax     int64
}

// taxes works out BG-23, and what every item is without tax.
func (c *calculation) taxes() error {
	shares, rows, err := c.group()
	if err != nil {
		return tooLarge("lines", err)
	}
	c.shares = shares
	if c.doc.PricesIncludeTax {
		err = c.takeOut(shares, rows)
	}
	if err == nil {
		err = c.putOn(rows)
	}
	if err == nil {
		err = c.rows(rows)
	}
	if err == nil {
		err = c.tellNets(shares)
	}
	if err != nil {
		return tooLarge("lines", err)
	}
	return nil
}

// group finds the shares, and the rows in the order in which they depend on each other.
func (c *calculation) group() ([]*share, []*row, error) {
	groups := byMix(c.items)
	if c.doc.TaxRounding == PerLine {
		groups = nil
		for _, it := range c.items {
			groups = append(groups, group{it.mix, []item{it}})
		}
	}
	var shares []*share
	var rows []*row
	at := map[kind]*row{}
	for _, g := range groups {
		s := &share{group: g, factor: g.mix.factor(), tax: map[kind]int64{}, exact: map[kind]*big.Rat{}}
		amounts := make([]int64, len(g.items))
		for i, it := range g.items {
			amounts[i] = it.amount
		}
		var err error
		if s.net, err = money.Sum(amounts...); err != nil {
			return nil, nil, err
		}
		shares = append(shares, s)
		for _, k := range g.mix.kinds {
			r := at[k]
			if r == nil {
				r = &row{kind: k}
				at[k] = r
				rows = append(rows, r)
			}
			r.shares = append(r.shares, s)
		}
	}
	slices.SortFunc(rows, func(a, b *row) int { return a.kind.compare(b.kind) })
	return shares, rows, nil
}

// takeOut finds the tax that is in the prices, and so the nets.
func (c *calculation) takeOut(shares []*share, rows []*row) error {
	for _, s := range shares {
		net := new(big.Rat).SetInt64(s.net)
		net.Quo(net, s.factor)
		for _, k := range s.mix.kinds {
			if k.priced() {
				base := new(big.Rat).Set(net)
				if k.level > 0 {
					for l, e := range s.exact {
						if l.level < k.level {
							base.Add(base, e)
						}
					}
				}
				s.exact[k] = base.Mul(base, k.percent())
			}
		}
	}
	for _, r := range rows {
		if r.kind.priced() {
			if err := c.round(r); err != nil {
				return err
			}
		}
	}
	for _, s := range shares {
		for _, tax := range s.tax {
			s.net -= tax
		}
		if err := money.Check(s.net); err != nil {
			return err
		}
	}
	return nil
}

// putOn finds the taxes on the nets: all of them, or those that no price includes.
func (c *calculation) putOn(rows []*row) error {
	for _, r := range rows {
		taxables := make([]int64, len(r.shares))
		for i, s := range r.shares {
			taxables[i] = s.taxable(r.kind)
			if _, known := s.exact[r.kind]; !known {
				base := new(big.Rat).SetInt64(taxables[i])
				s.exact[r.kind] = base.Mul(base, r.kind.percent())
			}
		}
		var err error
		if r.taxable, err = money.Sum(taxables...); err != nil {
			return err
		}
		if c.doc.PricesIncludeTax && r.kind.priced() {
			continue
		}
		if err := c.round(r); err != nil {
			return err
		}
	}
	return nil
}

// taxable answers what a tax is on: the net, and for a compound one the taxes below it.
func (s *share) taxable(k kind) int64 {
	base := s.net
	if k.level > 0 {
		for l, tax := range s.tax {
			if l.priced() && l.level < k.level {
				base += tax
			}
		}
	}
	return base
}

// round makes a row's tax of the exact taxes of its shares, and gives it out to them.
func (c *calculation) round(r *row) error {
	if c.doc.TaxRounding == PerLine {
		taxes := make([]int64, len(r.shares))
		for i, s := range r.shares {
			tax, err := money.Round(s.exact[r.kind])
			if err != nil {
				return err
			}
			s.tax[r.kind], taxes[i] = tax, tax
		}
		var err error
		r.tax, err = money.Sum(taxes...)
		return err
	}
	sum := new(big.Rat)
	exact := make([]*big.Rat, len(r.shares))
	for i, s := range r.shares {
		exact[i] = s.exact[r.kind]
		sum.Add(sum, exact[i])
	}
	var err error
	if r.tax, err = money.Round(sum); err != nil {
		return err
	}
	parts, err := money.Apportion(r.tax, exact)
	if err != nil {
		return err
	}
	for i, s := range r.shares {
		s.tax[r.kind] = parts[i]
	}
	return nil
}

// rows writes the breakdown and its sums.
func (c *calculation) rows(rows []*row) error {
	r := &c.result
	r.Taxes = make([]TaxResult, 0, len(rows))
	var taxes, included, withheld []int64
	for _, w := range rows {
		k := w.kind
		r.Taxes = append(r.Taxes, TaxResult{Name: k.name, Category: k.category, Rate: k.rate, Taxable: w.taxable, Tax: w.tax,
			Withheld: k.withheld, Surcharge: k.surcharge, Compound: k.level > 0})
		switch {
		case k.withheld:
			withheld = append(withheld, w.tax)
		case c.doc.PricesIncludeTax && k.priced():
			included = append(included, w.tax)
			taxes = append(taxes, w.tax)
		default:
			taxes = append(taxes, w.tax)
		}
	}
	if err := c.sum("lines", &r.TaxTotal, taxes...); err != nil {
		return err
	}
	if err := c.sum("lines", &r.TaxIncluded, included...); err != nil {
		return err
	}
	return c.sum("lines", &r.Withheld, withheld...)
}

// tellNets tells every item what it is without tax. Where prices include it, a share's net is given out to its items
// so that they sum to it: the larger amount first among equal remainders, whatever the order of lines.
func (c *calculation) tellNets(shares []*share) error {
	if !c.doc.PricesIncludeTax {
		for _, it := range c.items {
			*it.net = it.sign * it.amount
		}
		return nil
	}
	for _, s := range shares {
		items := slices.Clone(s.items)
		slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(max(b.amount, -b.amount), max(a.amount, -a.amount)) })
		exact := make([]*big.Rat, len(items))
		for i, it := range items {
			exact[i] = new(big.Rat).SetInt64(it.amount)
			exact[i].Quo(exact[i], s.factor)
		}
		parts, err := money.Apportion(s.net, exact)
		if err != nil {
			return err
		}
		for i, it := range items {
			*it.net = it.sign * parts[i]
		}
	}
	return nil
}
