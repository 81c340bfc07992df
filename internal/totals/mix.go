package totals

import (
	"cmp"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"onebook/internal/money"
)

// kind tells the rows of a tax breakdown apart. level is 0 for a tax on the net, and counts up for compound ones, so
// that a tax depends only on those of lower levels.
type kind struct {
	name, category      string
	rate                money.Decimal // trimmed
	withheld, surcharge bool
	level               int
}

// compare puts rows in the order they are shown in: what is withheld last, higher rates first.
func (k kind) compare(l kind) int {
	return cmp.Or(
		order(k.withheld, l.withheld),
		cmp.Compare(k.level, l.level),
		cmp.Compare(k.name, l.name),
		cmp.Compare(k.category, l.category),
		order(k.surcharge, l.surcharge),
		l.rate.Cmp(k.rate),
	)
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// percent answers the rate that tax is worked out with, as a fraction of 1.
func (k kind) percent() *big.Rat {
	if untaxed(k.category) {
		return new(big.Rat)
	}
	r := k.rate.Rat()
	return r.Quo(r, big.NewRat(100, 1))
}

// priced reports whether a price that includes tax includes this one.
func (k kind) priced() bool { return !k.withheld && !k.surcharge }

// mix is a combination of taxes on one amount.
type mix struct {
	kinds []kind // in the order of compare
	taxes []Tax  // the same as they were given, in one way of writing: names filled in, rates trimmed, in that order
	key   string
}

func mixOf(taxes []Tax) mix {
	type pair struct {
		kind kind
		tax  Tax
	}
	var m mix
	var own []pair
	level := 0
	for _, t := range taxes {
		t.Name, t.Rate = t.name(), t.rate().Trim()
		k := kind{name: t.Name, category: t.Category, rate: t.Rate, withheld: t.Withheld}
		if t.Compound {
			level++
			k.level = level
		}
		own = append(own, pair{k, t})
		m.kinds = append(m.kinds, k)
		if t.SurchargeRate.Sign() > 0 {
			k.rate, k.surcharge, k.level = t.SurchargeRate.Trim(), true, 0
			m.kinds = append(m.kinds, k)
		}
	}
	slices.SortFunc(m.kinds, kind.compare)
	slices.SortFunc(own, func(a, b pair) int { return a.kind.compare(b.kind) })
	for _, p := range own {
		m.taxes = append(m.taxes, p.tax)
	}
	var b strings.Builder
	for _, k := range m.kinds {
		b.WriteString(strconv.Quote(k.name) + " " + k.category + " " + k.rate.String() + " " + strconv.Itoa(k.level) + " " +
			strconv.FormatBool(k.withheld) + " " + strconv.FormatBool(k.surcharge) + "\n")
	}
	m.key = b.String()
	return m
}

// has reports whether all taxes of other are among m's.
func (m mix) has(other mix) bool {
	for _, k := range other.kinds {
		if !slices.Contains(m.kinds, k) {
			return false
		}
	}
	return true
}

// factor answers what a net of 1 comes to with the taxes that a price includes.
func (m mix) factor() *big.Rat {
	sum := big.NewRat(1, 1)
	below, level := big.NewRat(1, 1), 0 // what a tax of this level is on
	for _, k := range m.kinds {         // by level
		if !k.priced() {
			continue
		}
		if k.level != level {
			below.Set(sum)
			level = k.level
		}
		sum.Add(sum, new(big.Rat).Mul(below, k.percent()))
	}
	return sum
}

// group is all items with the same mix.
type group struct {
	mix   mix
	items []item
}

// byMix groups items, in an order that does not depend on theirs.
func byMix(items []item) []group {
	at := map[string]int{}
	var groups []group
	for _, it := range items {
		i, ok := at[it.mix.key]
		if !ok {
			i = len(groups)
			at[it.mix.key] = i
			groups = append(groups, group{mix: it.mix})
		}
		groups[i].items = append(groups[i].items, it)
	}
	slices.SortFunc(groups, func(a, b group) int { return strings.Compare(a.mix.key, b.mix.key) })
	return groups
}
