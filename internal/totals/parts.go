package totals

import (
	"slices"

	"onebook/internal/money"
)

// Part is what of a document falls on one combination of taxes, in minor units. The parts of a document sum to it: their
// nets to taxExclusive, their rows to its taxes, row by row.
type Part struct {
	Taxes []Tax       `json:"taxes"` // in one way of writing: names filled in, rates without zeros at the end
	Net   int64       `json:"net"`
	Rows  []TaxResult `json:"rows"`
}

// Gross answers the part with the taxes that are on it; withheld ones are paid to somebody else and lower no price.
func (p Part) Gross() (int64, error) {
	sums := []int64{p.Net}
	for _, r := range p.Rows {
		if !r.Withheld {
			sums = append(sums, r.Tax)
		}
	}
	return money.Sum(sums...)
}

// Priced answers the part as lines tell it: with the taxes that a price includes, where prices include any.
func (p Part) Priced(included bool) int64 {
	sum := p.Net
	for _, r := range p.Rows {
		if included && !r.Withheld && !r.Surcharge {
			sum += r.Tax
		}
	}
	return sum
}

// Negate answers the mirror of a part.
func (p Part) Negate() Part {
	p.Net, p.Rows = -p.Net, slices.Clone(p.Rows)
	for i := range p.Rows {
		p.Rows[i].Taxable, p.Rows[i].Tax = -p.Rows[i].Taxable, -p.Rows[i].Tax
	}
	return p
}

// Parts divides what a document comes to by the combinations of taxes in it, in an order that does not depend on that of
// the lines. Its errors are Calculate's.
func Parts(d Document) ([]Part, error) {
	c, err := work(d)
	if err != nil {
		return nil, err
	}
	var parts []Part
	for _, s := range c.shares {
		p := Part{Taxes: s.mix.taxes, Net: s.net}
		for _, k := range s.mix.kinds {
			p.Rows = append(p.Rows, TaxResult{Name: k.name, Category: k.category, Rate: k.rate, Taxable: s.taxable(k), Tax: s.tax[k],
				Withheld: k.withheld, Surcharge: k.surcharge, Compound: k.level > 0})
		}
		parts = append(parts, p)
	}
	return Merge(parts), nil
}

// Merge adds up parts that bear the same taxes; the first of each stands where it stood.
func Merge(parts []Part) []Part {
	var out []Part
	at := map[string]int{}
	for _, p := range parts {
		key := mixOf(p.Taxes).key
		i, ok := at[key]
		if !ok {
			at[key] = len(out)
			p.Rows = slices.Clone(p.Rows)
			out = append(out, p)
			continue
		}
		out[i].Net += p.Net
		out[i].Rows = AddRows(out[i].Rows, p.Rows)
	}
	return out
}

// AddRows adds rows to those of the same tax, in place; a tax that was not there comes last.
func AddRows(rows, more []TaxResult) []TaxResult {
	for _, m := range more {
		i := slices.IndexFunc(rows, m.same)
		if i < 0 {
			rows = append(rows, m)
			continue
		}
		rows[i].Taxable += m.Taxable
		rows[i].Tax += m.Tax
	}
	return rows
}

// same reports whether two rows tell of one tax.
func (r TaxResult) same(s TaxResult) bool {
	return r.Name == s.Name && r.Category == s.Category && r.Rate.Cmp(s.Rate) == 0 && r.Withheld == s.Withheld &&
		r.Surcharge == s.Surcharge && r.Compound == s.Compound
}
