package printing

import (
	"strings"

	"onebook/internal/money"
	"onebook/internal/sale"
)

// units are the words for a quantity, one and many; the keys are those of the catalog and what people type most.
var units = map[string]map[string][2]string{
	"en": {
		"hour": {"hour", "hours"}, "day": {"day", "days"}, "week": {"week", "weeks"}, "month": {"month", "months"},
		"year": {"year", "years"}, "piece": {"piece", "pieces"}, "each": {}, "fixed": {},
	},
	"de": {
		"hour": {"Stunde", "Stunden"}, "day": {"Tag", "Tage"}, "week": {"Woche", "Wochen"}, "month": {"Monat", "Monate"},
		"year": {"Jahr", "Jahre"}, "piece": {"Stück", "Stück"}, "each": {"Stück", "Stück"}, "fixed": {"pauschal", "pauschal"},
	},
}

// unit is the word behind a quantity: "10 hours", "1 Stunde". What the catalog does not know stays as it was typed. Layout 1
// printed what was stored.
func unit(typed string, quantity money.Decimal, f *sale.Frozen) string {
	if f.Layout == 1 {
		return typed
	}
	locale := "en"
	if strings.HasPrefix(f.Locale, "de") {
		locale = "de"
	}
	words, ok := units[locale][typed]
	if !ok {
		return typed
	}
	if one, err := money.Int(1); err == nil && (quantity.Cmp(one) == 0) {
		return words[0]
	}
	return words[1]
}
