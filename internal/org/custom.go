package org

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/money"
)

// Kinds of custom field.
const (
	TextField   = "text"   // at most 500 characters
	NumberField = "number" // plain decimal notation, such as 12.5
	DateField   = "date"   // such as 2026-03-31
	ChoiceField = "choice" // one of Choices
	YesNoField  = "yesno"  // yes or no
)

// How much custom fields may be (product.md C15: few).
const (
	maxCustom       = 20
	maxChoices      = 50
	maxCustomLength = 500
)

// CustomField is one thing that this organisation wants to know of a contact beside what every organisation does. Values
// are kept with the contact under the key, as text that fits the kind.
type CustomField struct {
	Key      string   `json:"key"`
	Label    string   `json:"label"`
	Kind     string   `json:"kind"`
	Choices  []string `json:"choices,omitempty"`
	Required bool     `json:"required,omitempty"` // of whoever adds a contact by hand
}

// Check answers nil when a value fits the field, else a fault.Invalid for the person who typed it.
func (f CustomField) Check(value string) error {
	var ok bool
	var want string
	switch f.Kind {
	case TextField:
		ok, want = len([]rune(value)) <= maxCustomLength, fmt.Sprintf("has at most %d characters", maxCustomLength)
	case NumberField:
		_, err := money.ParseDecimal(value)
		ok, want = err == nil, "is a number such as 12.5"
	case DateField:
		_, err := civil.ParseDate(value)
		ok, want = err == nil, "is a date such as 2026-03-31"
	case ChoiceField:
		ok, want = slices.Contains(f.Choices, value), "is one of "+strings.Join(f.Choices, ", ")
	case YesNoField:
		ok, want = value == "yes" || value == "no", "is yes or no"
	}
	if !ok {
		return fault.Invalid.Errorf("%s %s", f.Label, want)
	}
	return nil
}

// Custom answers the definition of a custom field, and false when there is none.
func (s Settings) Custom(key string) (CustomField, bool) {
	n := slices.IndexFunc(s.CustomFields, func(f CustomField) bool { return f.Key == key })
	if n < 0 {
		return CustomField{}, false
	}
	return s.CustomFields[n], true
}

// customForm is kept short of its length, because a counted repetition is written out at every start.
var customForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// checkCustom notes what is wrong with the definitions. An order of fields is the organisation's own and stays.
func (s *Settings) checkCustom(f *fault.Fields) {
	if len(s.CustomFields) > maxCustom {
		f.Add("customFields", "too_many", "at most %d custom fields are possible, these are %d", maxCustom, len(s.CustomFields))
		return
	}
	keys := map[string]bool{}
	for n, c := range s.CustomFields {
		at := fmt.Sprintf("customFields[%d].", n)
		if len(c.Key) > 40 || !customForm.MatchString(c.Key) {
			f.Add(at+"key", "invalid", "a key begins with a letter, then letters, digits, dash and underscore, at most 40")
		} else if keys[c.Key] {
			f.Add(at+"key", "twice", "%s stands here twice", c.Key)
		}
		keys[c.Key] = true
		if !oneLine(c.Label, 100) {
			f.Add(at+"label", "invalid", "a label is one line of 1 to 100 characters")
		}
		c.checkChoices(at, f)
	}
}

func (f CustomField) checkChoices(at string, out *fault.Fields) {
	switch f.Kind {
	case ChoiceField:
		if len(f.Choices) == 0 || len(f.Choices) > maxChoices {
			out.Add(at+"choices", "invalid", "a choice has 1 to %d choices", maxChoices)
		}
	case TextField, NumberField, DateField, YesNoField:
		if len(f.Choices) > 0 {
			out.Add(at+"choices", "invalid", "only a field of the kind choice has choices")
		}
	default:
		out.Add(at+"kind", "invalid", "a custom field is a text, number, date, choice or yesno")
	}
	for n, c := range f.Choices {
		if !oneLine(c, 100) {
			out.Add(fmt.Sprintf("%schoices[%d]", at, n), "invalid", "a choice is one line of 1 to 100 characters")
		} else if slices.Contains(f.Choices[:n], c) {
			out.Add(fmt.Sprintf("%schoices[%d]", at, n), "twice", "%s stands here twice", c)
		}
	}
}

func oneLine(s string, most int) bool {
	n := len([]rune(s))
	return n > 0 && n <= most && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}
