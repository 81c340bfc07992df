package sale

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"onebook/internal/fault"
	"onebook/internal/totals"
)

// Counts reports whether the line is part of the sums: an optional line, and a line of a group, does once it is chosen; every
// other line always does. The net of a line that does not count is worked out all the same, so that a client sees its price.
func (l Line) Counts() bool { return l.Chosen || !l.Choice() }

// Choice reports whether the line is there to be chosen or left.
func (l Line) Choice() bool { return l.Optional || l.Group != "" }

// HasChoices reports whether anything is there to be chosen.
func (b Body) HasChoices() bool { return slices.ContainsFunc(b.Lines, Line.Choice) }

const maxGroup = 100 // characters

// checkChoices notes what is wrong with the optional lines and the groups as they are typed.
func checkChoices(lines []Line, f *fault.Fields) {
	size, chosen := map[string]int{}, map[string]int{}
	for _, l := range lines {
		size[l.Group]++
	}
	for n, l := range lines {
		at := fmt.Sprintf("lines[%d].", n)
		switch {
		case l.Optional && l.Group != "":
			f.Add(at+"optional", "invalid", "a line is optional, or one of a group, not both")
		case l.Chosen && !l.Choice():
			f.Add(at+"chosen", "invalid", "this line always counts; only an optional line, or one of a group, is chosen")
		case l.Group == "":
		case len([]rune(l.Group)) > maxGroup || strings.TrimSpace(l.Group) != l.Group:
			f.Add(at+"group", "invalid", "a group is named in 1 to %d characters", maxGroup)
		case size[l.Group] < 2:
			f.Add(at+"group", "invalid", "a group has two lines or more, of which one is chosen; %q has one", l.Group)
		}
		if l.Chosen && l.Group != "" {
			if chosen[l.Group]++; chosen[l.Group] > 1 {
				f.Add(at+"chosen", "invalid", "of the group %q one line is chosen, not several", l.Group)
			}
		}
	}
}

// Choose answers the body with exactly these lines chosen, by their ids, and what it comes to. fault.Invalid, in the field
// choices, when one is not there to be chosen, or when not exactly one of each group is.
func (b Body) Choose(ids []string) (Body, error) {
	var f fault.Fields
	b.Lines = slices.Clone(b.Lines)
	for n := range b.Lines {
		b.Lines[n].Chosen = false
	}
	for n, x := range ids {
		at := fmt.Sprintf("choices[%d]", n)
		i := slices.IndexFunc(b.Lines, func(l Line) bool { return l.ID == x })
		switch {
		case i < 0:
			f.Add(at, "not_found", "there is no line %q", x)
		case !b.Lines[i].Choice():
			f.Add(at, "invalid", "%s is not there to be chosen: it always counts", b.Lines[i].Name)
		case b.Lines[i].Chosen:
			f.Add(at, "twice", "%s is chosen twice", b.Lines[i].Name)
		default:
			b.Lines[i].Chosen = true
		}
	}
	if err := f.Err(); err != nil {
		return Body{}, err
	}
	if err := b.Decided(); err != nil {
		return Body{}, err
	}
	return b, b.compute()
}

// Decided answers nil when exactly one line of each group is chosen and something is left to be agreed; else a fault.Invalid
// in the field choices.
func (b Body) Decided() error {
	chosen, names := map[string]int{}, map[string][]string{}
	var groups []string
	counts := false
	for _, l := range b.Lines {
		counts = counts || l.Counts()
		if l.Group == "" {
			continue
		}
		if names[l.Group] == nil {
			groups = append(groups, l.Group)
		}
		names[l.Group] = append(names[l.Group], l.Name)
		if l.Chosen {
			chosen[l.Group]++
		}
	}
	var f fault.Fields
	for _, g := range groups {
		if chosen[g] != 1 {
			f.Add("choices", "one_of", "choose exactly one of %s: %s", g, strings.Join(names[g], ", "))
		}
	}
	if !counts {
		f.Add("choices", "required", "choose at least one line")
	}
	return f.Err()
}

// Chosen answers the body without what was not chosen, and with nothing left to choose: what an order holds. Its sums are
// those of b.
func (b Body) Chosen() Body {
	if !b.HasChoices() {
		return b
	}
	var lines []Line
	for _, l := range b.Lines {
		if !l.Counts() {
			continue
		}
		l.ID, l.Optional, l.Chosen, l.Group = "l"+strconv.Itoa(len(lines)+1), false, false, ""
		lines = append(lines, l)
	}
	b.Lines = lines
	return b
}

// NoChoices refuses lines that are there to be chosen, in what is not an offer.
func (in Input) NoChoices() error {
	var f fault.Fields
	for n, l := range in.Lines {
		if l.Optional || l.Chosen || l.Group != "" {
			f.Add(fmt.Sprintf("lines[%d].optional", n), "invalid", "only an estimate has lines to choose from")
		}
	}
	return f.Err()
}

// counted are the lines that the sums are worked out from.
func (b Body) counted() []Line {
	if !b.HasChoices() {
		return b.Lines
	}
	return slices.DeleteFunc(slices.Clone(b.Lines), func(l Line) bool { return !l.Counts() })
}

// priceAll fills the nets of all lines, those that do not count among them.
func (b *Body) priceAll() error {
	r, err := totals.Calculate(totals.Document{Currency: b.Currency, PricesIncludeTax: b.PricesIncludeTax, Lines: linesOf(b.Lines)})
	if err != nil {
		return err
	}
	for n := range b.Lines {
		b.Lines[n].Net = r.Lines[n].Net
	}
	return nil
}
